//===- ProductLoops.h - The loops around the tiles --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a product of a whole matrix of rows is cut up among the threads, and in
// what order a thread goes through its part.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_PRODUCTLOOPS_H
#define MOEC_LIB_CODEGEN_CPU_PRODUCTLOOPS_H

#include "Products.h"

namespace moec::cpu {

/// The operands of a product as buffers.
struct ProductOperands {
  Buffer rows, destination;
  std::optional<Buffer> offsets, gather, scale, combineWeights, combineSlots,
      onto;
  /// Choices of a token; slot / choices is the token.
  int64_t choices = 1;
};

/// Emits the stage of a product. `ranges`, if given, are the #moe.cpu_range to
/// follow; those that do not fit are reported on `op`. `name` is what the
/// product's functions are called after.
LogicalResult emitProduct(KernelLowering &k, Operation *op,
                          PackedProduct product,
                          const ProductOperands &operands, ArrayAttr ranges,
                          StringRef name);

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_PRODUCTLOOPS_H
