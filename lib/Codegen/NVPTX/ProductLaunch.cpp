//===- ProductLaunch.cpp - Products that share a launch -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks take the tiles of one product after the other, the columns of a tile
// of rows side by side. How many tiles there are the device knows alone, so the
// grid has as many blocks as there may be.
//
//===----------------------------------------------------------------------===//

#include "ProductTile.h"
#include "moec/Codegen/NVPTX/Attributes.h"

namespace moec::nvptx {

/// The most blocks that have tiles of a product, as a number of rows of which
/// each block has `perBlock`.
static Count mostBlocks(const Product &product, bool isFew, int64_t perBlock) {
  const Count &rows = product.gather ? product.gather->rows : product.rows.rows;
  int64_t columns = product.tileColumns(), tokens = product.tile.getTokens(),
          cluster = product.tile.getCluster();
  // A tile has at least a row; an expert has one tile at most that is not full.
  if (isFew)
    return {columns * perBlock * rows.perToken,
            columns * perBlock * rows.fixed};
  int64_t partial = (product.table ? product.experts : 1) * cluster;
  return {columns * (perBlock / tokens) * rows.perToken,
          columns * ((perBlock / tokens) * rows.fixed + perBlock * partial)};
}

static bool isWgmma(const Product &product) {
  return product.tile.getMma() == moe::MmaKind::Wgmma;
}

static LogicalResult emitTile(ProductKernel &p) {
  moe::GpuTileAttr tile = p.product.tile;
  if (tile.getMma() == moe::MmaKind::Fma)
    return emitFmaTile(p);
  if (p.product.isEncoded())
    return splitsK(tile) ? emitEncodedSplitTile(p) : emitEncodedTile(p);
  return splitsK(tile) ? emitSplitTile(p) : emitMmaTile(p);
}

/// Products by wgmma share registers, and stages that lie in the same places.
static bool areAlike(const Product &first, const Product &second) {
  if (isWgmma(first) || isWgmma(second))
    return first.tile == second.tile;
  return first.blockThreads() == second.blockThreads();
}

/// Blocks of tiles of encoded weights for which threads have the registers they
/// need, where the assembler, left alone, spills some of these for one block
/// more; else 0.
static int64_t decodingBlocks(const Product &product) {
  if (!product.isEncoded() || splitsK(product.tile) ||
      product.tile.getMma() != moe::MmaKind::M16N8K16)
    return 0;
  Attribute encoding = product.panels.getEncoding();
  return isa<moe::Int4Attr, moe::UInt4Attr>(encoding) ? 0 : 3;
}

/// Whether a tile asks for weights before it asks for rows.
static bool beginsWithWeights(const Product &product) {
  return product.tile.getMma() == moe::MmaKind::M16N8K16 &&
         !product.isEncoded() && splitsK(product.tile);
}

/// Whether that is worth a launch that begins early. Blocks of long rows live
/// long, and lie where the launch before left room, not where they share
/// multiprocessors best.
static bool hasShortRows(const Product &product) {
  constexpr int64_t mostColumns = 4096;
  return product.k <= mostColumns;
}

/// Products whose blocks are alike; the others are left.
static SmallVector<std::shared_ptr<const Product>>
takeAlike(SmallVector<std::shared_ptr<const Product>> &products) {
  SmallVector<std::shared_ptr<const Product>> alike, rest;
  for (auto &product : products)
    (areAlike(*products[0], *product) ? alike : rest).push_back(product);
  products = std::move(rest);
  return alike;
}

/// Resident blocks, or clusters, have the tiles of all products in turns: where
/// those of the products before end, the next product's begin.
static Value blockInTurn(DeviceKernel &k, int64_t cluster, Value tilesBefore) {
  Value own = k.div(k.block(), cluster), all = k.div(k.blocks(), cluster);
  Value first = k.rem(tilesBefore, all), turn = k.sub(own, first);
  return k.select(k.less(own, first), k.add(turn, all), turn);
}

LogicalResult
LayerLowering::launchProducts(ArrayRef<std::shared_ptr<const Product>> products,
                              ArrayRef<RowStage> rows) {
  SmallVector<std::shared_ptr<const Product>> rest(products);
  while (!rest.empty()) {
    auto alike = takeAlike(rest);
    // Where the launch before, of products too, is all that is waited for.
    bool begins = kernel->hasAttr(overlapName) &&
                  llvm::all_of(alike, [](const auto &product) {
                    return beginsWithWeights(*product);
                  });
    bool waitsForRows =
        begins && letsNextBegin && llvm::all_of(alike, [](const auto &product) {
          return hasShortRows(*product);
        });
    DeviceKernel k =
        begin(alike[0]->op->getLoc(), "product", alike[0]->blockThreads());
    if (begins && !waitsForRows)
      k.letNextBegin();
    if (int64_t blocks = decodingBlocks(*alike[0]))
      k.aimForBlocks(blocks);
    // A block of wgmma has all the shared memory of a multiprocessor.
    Grid grid;
    grid.resident = isWgmma(*alike[0]);
    grid.cluster = alike[0]->tile.getCluster();
    for (const auto &product : alike)
      grid.perBlock = std::lcm(grid.perBlock, product->tile.getTokens());
    Value block = k.block(), tiles = k.i32(0), blocks = tiles;
    SmallVector<std::unique_ptr<ProductKernel>> kernels;
    for (const auto &product : alike) {
      k.b.setLoc(product->op->getLoc());
      k.reuseShared();
      ProductKernel &p = *kernels.emplace_back(std::make_unique<ProductKernel>(
          *this, *product, k,
          grid.resident ? blockInTurn(k, grid.cluster, blocks)
                        : k.sub(block, blocks),
          waitsForRows));
      if (!grid.resident && failed(emitTile(p)))
        return failure();
      tiles = k.add(tiles, p.tiles);
      blocks = k.add(blocks, p.blocks);
      Count most = mostBlocks(*product, isFew(), grid.perBlock);
      grid.rows.perToken += most.perToken;
      grid.rows.fixed += most.fixed;
    }
    if (grid.resident && failed(emitWgmmaTiles(*this, kernels)))
      return failure();
    // Blocks without a tile wait too: the launch ends after the one before.
    if (waitsForRows)
      k.waitForLaunchBefore();
    if (!rows.empty() && failed(sumColumns(k, *alike[0], tiles, rows)))
      return failure();
    grid.overlaps = waitsForRows;
    launch(k, grid);
    letsNextBegin = begins && !waitsForRows;
  }
  return success();
}

/// Emits `rows` for the columns of the block's tile, by the last block that has
/// a tile of them. Without any tile there still is a block for each column.
LogicalResult LayerLowering::sumColumns(DeviceKernel &k, const Product &product,
                                        Value tiles, ArrayRef<RowStage> rows) {
  int64_t columns = product.tileColumns(), features = product.features();
  k.reuseShared();
  Value arrivals = arith::MaxSIOp::create(k.b, tiles, k.i32(1));
  Value column = k.rem(k.block(), columns);
  Memory counters = useCounters(k, columns);
  LogicalResult result = success();
  k.when(k.less(k.block(), k.mul(arrivals, columns)), [&] {
    whenLast(k, k.address(counters, 0, column), arrivals, [&] {
      Value first = k.add(k.mul(column, features), k.rem(k.thread(), features));
      k.loop(k.div(k.thread(), features), k.tokens(), k.threads / features,
             [&](Value row) {
               for (const RowStage &stage : rows) {
                 k.b.setLoc(stage.loc);
                 if (succeeded(result))
                   result = stage.work(k, {row, first});
               }
             });
    });
  });
  return result;
}

} // namespace moec::nvptx
