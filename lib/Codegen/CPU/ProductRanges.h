//===- ProductRanges.h - What a product does by its rows --------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The #moe.cpu_range of a product, checked, and what a kernel reads of them.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_PRODUCTRANGES_H
#define MOEC_LIB_CODEGEN_CPU_PRODUCTRANGES_H

#include "KernelEmitter.h"
#include "Tile.h"

namespace moec::cpu {

class ProductRanges {
public:
  /// Reports ranges that cannot be followed on `op`. Without any, all rows are
  /// taken in the simplest way.
  static FailureOr<ProductRanges> read(Operation *op, ArrayAttr ranges,
                                       const TileShape &shape);

  /// Whether one of them takes K in chunks.
  bool isChunked() const { return chunked; }
  /// The most steps that one of them decodes at a time; 0 if none does.
  int64_t decodedSteps() const { return mostDecoded; }

  /// What the range of `count` rows says, as an index.
  Value chunk(KernelEmitter &e, Value count) const;
  Value ahead(KernelEmitter &e, Value count) const;
  Value decode(KernelEmitter &e, Value count) const;

private:
  template <typename Field>
  Value pick(KernelEmitter &e, Value count, Field field) const;

  SmallVector<moe::CpuRangeAttr> ranges;
  bool chunked = false;
  int64_t mostDecoded = 0;
};

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_PRODUCTRANGES_H
