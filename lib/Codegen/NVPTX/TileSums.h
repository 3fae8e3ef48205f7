//===- TileSums.h - Sums that warps exchange ------------------ -*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accumulators of mma.sync in shared memory, from where each feature of a token
// is finished by one thread: the sums of several warps, added up in their
// order, or those of one.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_TILESUMS_H
#define MOEC_LIB_CODEGEN_NVPTX_TILESUMS_H

#include "ProductTile.h"

namespace moec::nvptx {

class TileSums {
public:
  /// `parts` sums of every number of the product's tile for `tokens` tokens.
  TileSums(ProductKernel &p, int64_t parts, int64_t tokens)
      : p(p), k(p.k), parts(parts), tokens(tokens),
        rows(p.product.tile.getRows()) {}

  /// The shared memory they take.
  int64_t bytes() const;
  /// Puts a warp's accumulators, `[row atom][token atom][4]`, of rows from
  /// `firstRow` on, at `arena`, as part `part`. All threads of the block come
  /// here when nothing in the arena is in use.
  void put(Value arena, ValueRange sums, Value part, Value firstRow);
  /// Finishes all numbers of the tile.
  void finish();
  /// Both, where each warp has a part of all rows and is done with the arena.
  void finishWarps(Value arena, ValueRange sums);

private:
  ProductKernel &p;
  DeviceKernel &k;
  const int64_t parts, tokens, rows;
  /// `[part][token][row]`.
  Memory memory;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_TILESUMS_H
