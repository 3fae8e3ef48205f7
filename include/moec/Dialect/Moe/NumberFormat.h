//===- NumberFormat.h - Encodings as codes and scales -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the encodings that kernels decode have in common: whoever stores, loads
// or quantises numbers asks here instead of listing encodings.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_DIALECT_MOE_NUMBERFORMAT_H
#define MOEC_DIALECT_MOE_NUMBERFORMAT_H

#include "moec/Support/Quantize.h"

#include "mlir/IR/Attributes.h"

#include <optional>

namespace mlir::moe {

struct NumberFormat {
  moec::BlockFormat block;
  /// Numbers of a row under one scale; 0 if all are.
  int64_t group = 0;

  /// The format of an encoding, if it is one of codes and scales.
  static std::optional<NumberFormat> of(Attribute encoding);

  /// "int8", "int4", "mxfp4" or "fp8".
  llvm::StringRef name() const;
  /// Numbers of a row of `k` under one scale.
  int64_t groupOf(int64_t k) const { return group ? group : k; }
};

} // namespace mlir::moe

#endif // MOEC_DIALECT_MOE_NUMBERFORMAT_H
