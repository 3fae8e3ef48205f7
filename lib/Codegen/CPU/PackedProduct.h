//===- PackedProduct.h - A product and its packed weights -------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides how the weights of a product are packed for its strategy, and checks
// that strategy, rows and weights go together.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_PACKEDPRODUCT_H
#define MOEC_LIB_CODEGEN_CPU_PACKEDPRODUCT_H

#include "KernelLowering.h"
#include "Tile.h"

namespace moec::cpu {

/// A product whose weights are packed in panels: `memref<E x P x bytes x i8>`.
struct PackedProduct {
  TileShape shape;
  Value panels;
  SmallVector<Buffer> columns;
  /// What a stage that multiplies by them is called.
  std::string stage;

  /// The panel `panel` of expert `expert`.
  Value panel(KernelEmitter &e, Value expert, Value panel) const;
  /// Its address, and that of what follows its first `steps` steps.
  Value address(KernelEmitter &e, Value expert, Value panel) const;
  Value address(KernelEmitter &e, Value expert, Value panel, Value steps) const;
};

/// How weights of `type`, numbers `args` of a layer, are packed for `tile`.
moe::PanelsAttr panelsFor(moe::CpuTileAttr tile, ArrayRef<int64_t> args,
                          RankedTensorType type);

/// Packs `weights` (of rank 2, or 3 with experts) the way `strategy` says, for
/// `rows`, which are in `rowBuffer`, and results in `destination`. Reports on
/// `op` a strategy that does not fit.
FailureOr<PackedProduct> packProduct(KernelLowering &k, Operation *op,
                                     Attribute strategy, ValueRange weights,
                                     ValueRange columns, Value rows,
                                     Buffer rowBuffer, Buffer destination);

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_PACKEDPRODUCT_H
