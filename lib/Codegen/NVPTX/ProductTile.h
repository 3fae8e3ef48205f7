//===- ProductTile.h - One tile of a product --------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every way of multiplying a tile shares: the operands, which rows the
// block has, and the epilogue on an element's accumulators. Weights lie on the
// long side of a tile and tokens on the short one, so that an expert's last
// tile costs what it holds.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_PRODUCTTILE_H
#define MOEC_LIB_CODEGEN_NVPTX_PRODUCTTILE_H

#include "LayerLowering.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

/// Rows of one weight that lie together in packed weights: 8 rows of the first
/// weight, the 8 rows of the same features of the next, and so on. That is how
/// the fragments of a tensor core put an element's accumulators into one
/// thread.
inline constexpr int64_t rowRun = 8;
/// Elements of K in a step of a panel of encoded weights, of which a lane has 8
/// of each of its rows.
inline constexpr int64_t encodedDepth = 32;

/// Tokens of a tile, of which each block of its cluster has a part.
inline int64_t tokensOfCluster(moe::GpuTileAttr tile) {
  return tile.getTokens() * tile.getCluster();
}

/// A product of rows and packed weights.
struct Product {
  Operation *op = nullptr;
  moe::GpuTileAttr tile;
  /// Weights multiplied side by side, columns of the result, inner width.
  int64_t weights = 1, n = 0, k = 0, experts = 1;
  /// `[experts * packedRows, stride]`, zeros in the room behind a row. A packed
  /// row of encoded weights has a panel's bytes.
  moe::PanelsAttr panels;
  Buffer packed;
  int64_t packedRows = 0;
  Buffer rows;
  SmallVector<Buffer> columns;
  /// Rows `result[row]`, or of slots where `resultSlots` is given.
  Buffer result;
  std::optional<Buffer> table, gather, scale, resultSlots;
  /// Choices of a token; slot / choices is the token.
  int64_t choices = 1;
  Block *epilogue = nullptr;

  /// Whether accumulators are multiplied by a factor of their token.
  bool hasFactors() const { return scale || rows.scales; }
  bool isEncoded() const { return panels.getEncoding() != nullptr; }
  /// Rows of the tile that a packed row has; they belong to whole features.
  int64_t rowsOfPacked() const { return isEncoded() ? panels.getCols() : 1; }
  /// Rows of one weight that follow each other, and of all.
  int64_t run() const {
    return isEncoded() ? panels.getCols() / weights : rowRun;
  }
  int64_t packedStep() const { return run() * weights; }
  /// Features (columns of the result) of a tile.
  int64_t features() const { return tile.getRows() / weights; }
  /// Tiles side by side, over all columns of the result.
  int64_t tileColumns() const {
    return llvm::divideCeil(result.stride, features());
  }
  int64_t blockThreads() const { return tile.getWarps() * warpSize; }
  int64_t tileTokens() const { return tokensOfCluster(tile); }
};

/// Whether a product of `rows` and so many weights side by side decodes them.
/// Weights that are encoded in the checkpoint may also be decoded by the
/// packer.
bool decodesWeights(Type rows, RankedTensorType weights, int64_t numWeights);

/// Reports operands that tensor cores do not multiply.
LogicalResult checkMmaOperands(const Product &product);

/// An element of the result and the accumulators it is made of.
struct Element {
  /// In the tile.
  Value feature;
  /// One for each weight.
  SmallVector<Value, 2> accumulators;
};

/// What the results of a token of the tile need to know.
struct TokenPlace {
  /// The row of the result.
  Value row;
  /// What its accumulators are multiplied by; may be null.
  Value factor;
};

/// The function of one product, while it is being emitted.
class ProductKernel {
public:
  /// For block, or cluster, number `block` of those that have a tile of the
  /// product. If it `waitsForRows`, it begins while they may still be written,
  /// and all else is there.
  ProductKernel(LayerLowering &l, const Product &product, DeviceKernel &k,
                Value block, bool waitsForRows);

  DeviceKernel &k;
  const Product &product;
  /// The packed weights (of the tile's expert, once there is one), the input,
  /// the result.
  Memory packed, rows, result;
  /// The block's tile: expert, first sorted row, how many rows, first feature.
  /// Of a cluster's rows there may be none for some blocks.
  Value expert, firstRow, rowCount, firstFeature;
  /// Tiles of rows of that expert, which read the same weights.
  Value expertTiles;
  /// Tiles of rows, each for all columns, and blocks that have a tile.
  Value tiles, blocks;
  /// The number of this block, or cluster, among those that have a tile.
  const Value block;
  const bool waitsForRows;

  /// The number of this block in its cluster.
  Value rank() { return k.rem(k.block(), product.tile.getCluster()); }
  /// Waits until rows are written, where that is to be done.
  void waitForRows();
  /// Emits the search for the block's tile and `body` for it.
  void forTile(function_ref<void()> body);
  /// Makes tile `rowTile` of rows and `featureTile` of features the block's.
  void selectTile(Value rowTile, Value featureTile);
  /// `token`, or the last row of the tile for those past its end.
  Value tokenInTile(Value token);
  /// The row of the input that row `token` of the tile stands for; rows past
  /// the end repeat the last one.
  Value inputRow(Value token);
  /// Emits `body` for the least of `sizes`, which fall, that holds the tile's
  /// tokens.
  void forSize(ArrayRef<int64_t> sizes, function_ref<void(int64_t)> body);
  /// The packed row number `row` of the tile; those past the end repeat the
  /// last one.
  Value packedRow(Value row);
  /// The row of the tile with weight `weight` of `feature`.
  Value rowOfFeature(Value feature, int64_t weight);
  /// What the results of row `token` of the tile, which exists, need.
  TokenPlace placeOf(Value token);
  /// Emits `body` for results of token `token` of the tile, if there is one.
  void forToken(Value token, function_ref<void(const TokenPlace &)> body);
  /// Runs the epilogue on an element and stores the result, unless the element
  /// lies outside of it.
  void finish(const TokenPlace &place, const Element &element);
  /// Runs the epilogue on the accumulators of `feature` (of the result, not of
  /// the tile), which has room in the result; `factor` may be null.
  Value valueOf(Value factor, Value feature, ValueRange accumulators);
  /// Emits `body` where `feature` has room in the result.
  void whereRoom(Value feature, function_ref<void()> body);

private:
  /// Leaves the block its part of its cluster's rows.
  void takePart();
  /// The row of the input for sorted row `row`.
  Value inputOf(Value row);
  Value slotRow(const Memory &slots, Value row) {
    return k.load(slots, row, 0);
  }

  const Memory allPacked;
  Value column;
  Memory table, gather, scale, rowScales, resultSlots;
  /// All rows, where there is no table.
  Value allRows;
  SmallVector<Memory> columns;
};

/// `most` and its halves, as far as they are multiples of `least`.
SmallVector<int64_t> halvesOf(int64_t most, int64_t least);

/// Emits the block's tile, of one size; of the least size that holds the
/// tokens, for what an expert has beyond full tiles.
template <typename Tile>
LogicalResult emitWhole(ProductKernel &p) {
  Tile tile(p);
  if (failed(tile.check()))
    return failure();
  tile.emit();
  return success();
}
template <typename Tile>
LogicalResult emitBySize(ProductKernel &p, ArrayRef<int64_t> sizes) {
  for (int64_t size : sizes)
    if (failed(Tile(p, size).check()))
      return failure();
  p.forTile(
      [&] { p.forSize(sizes, [&](int64_t size) { Tile(p, size).emit(); }); });
  return success();
}

/// Emits the block's tile by fused multiply-adds of f32 numbers; on tensor
/// cores; on tensor cores, with K split among the warps; the same two of
/// encoded weights.
LogicalResult emitFmaTile(ProductKernel &p);
LogicalResult emitMmaTile(ProductKernel &p);
LogicalResult emitSplitTile(ProductKernel &p);
LogicalResult emitEncodedTile(ProductKernel &p);
LogicalResult emitEncodedSplitTile(ProductKernel &p);
/// Whether the warps have the same rows and tokens and take turns along K: a
/// step is as deep as all of them have it then.
bool splitsK(moe::GpuTileAttr tile);
/// Elements of K that a warp multiplies in its turn.
int64_t stageDepth(moe::GpuTileAttr tile);
/// Emits all tiles of products with one strategy, which the blocks of the grid
/// share, on warpgroups of sm_90a.
LogicalResult emitWgmmaTiles(LayerLowering &l,
                             ArrayRef<std::unique_ptr<ProductKernel>> products);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_PRODUCTTILE_H
