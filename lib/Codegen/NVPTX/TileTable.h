//===- TileTable.h - Which rows a block multiplies --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel that groups slots by expert also cuts each expert's rows into
// tiles, so that the blocks of a product find their work by their number.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_TILETABLE_H
#define MOEC_LIB_CODEGEN_NVPTX_TILETABLE_H

#include "LayerLowering.h"

namespace moec::nvptx {

/// Tiles of at most `tokens` sorted rows of one expert, in rising order:
/// `headerRows` rows of which the first begins with the number of tiles, then
/// a row for each tile.
struct TileTable {
  int64_t tokens = 0;
  Buffer buffer;

  static constexpr int64_t headerRows = 1, cols = 4;
  /// Columns: of the header, and of a tile.
  static constexpr int64_t tiles = 0, expert = 0, firstRow = 1, rows = 2,
                           expertTiles = 3;
};

/// The tables that the products grouped by `op` ask for by their strategies.
SmallVector<TileTable> makeTileTables(LayerLowering &l, moe::GroupOp op);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_TILETABLE_H
