//===- EncodedRows.h - Rows of int8 numbers in memory -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row that a moe.encode makes is one piece of memory, so that one address
// serves a tile:
//
//   codes    K bytes, then zeros
//   starts   for each way in which weights are stored, one i32 a group: what
//            an accumulator begins with so that the sum of (stored - zero) *
//            code comes out of a sum of stored * code
//   scale    f32
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_ENCODEDROWS_H
#define MOEC_LIB_CODEGEN_CPU_ENCODEDROWS_H

#include "moec/Dialect/Moe/Moe.h"

namespace moec::cpu {

using namespace mlir;

/// How weights are stored, as far as rows have to know: numbers under one scale
/// (0: all of a row), and what is stored for zero; where every column has a
/// zero of its own, 1.
struct RowStarts {
  int64_t group = 0, zero = 0;

  static RowStarts of(Attribute weightEncoding);
  bool operator==(const RowStarts &) const = default;
};

class EncodedRows {
public:
  /// The layout of `rows` if it is encoded: its starts are those that the
  /// products of the same encoded tensor need.
  static std::optional<EncodedRows> of(Value rows);

  /// Bytes of the codes with the zeros behind them.
  int64_t codeBytes() const;
  int64_t groups(RowStarts starts) const;
  int64_t startOffset(RowStarts starts) const;
  int64_t scaleOffset() const;
  int64_t bytes() const { return scaleOffset() + int64_t(sizeof(float)); }
  ArrayRef<RowStarts> allStarts() const { return starts; }

private:
  int64_t k = 0;
  SmallVector<RowStarts, 2> starts;
};

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_ENCODEDROWS_H
