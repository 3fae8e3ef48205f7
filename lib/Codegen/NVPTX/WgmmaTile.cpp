//===- WgmmaTile.cpp - The ring of stages and those who fill it -----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile begins at stage 0 and ends wherever its steps do; stages it did not
// use keep their phase. What cp.async wrote is announced one stage late, when
// it has surely landed, after a fence that shows it to wgmma: so those who
// multiply need none.
//
// Blocks of a cluster walk through the same tiles step by step. Each copies a
// part of the weights to the shared memory of all, so a stage is free when the
// warps of all have said so, and none may leave before the others.
//
//===----------------------------------------------------------------------===//

#include "WgmmaTile.h"
#include "moec/Codegen/NVPTX/Attributes.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

/// Warpgroups that multiply; one more copies.
static constexpr int64_t multiplyingGroups = 2;
/// Shared memory that a block of sm_90 may have.
static constexpr int64_t mostSharedBytes = 227 * 1024;
/// Bytes of a warpgroup's part of the result's tile: 256 tokens of 32 features.
static constexpr int64_t mostOutputBytes = 16 * 1024;

WgmmaTile::WgmmaTile(ProductKernel &p)
    : p(p), k(p.k), tile(p.product.tile), cluster(tile.getCluster()),
      blocks(tile.getRows() / (multiplyingGroups * WgmmaAtom::m)),
      groupFeatures(p.product.features() / multiplyingGroups),
      stages(tile.getStages()), steps(p.product.rows.stride / Swizzle::depth),
      rest(steps % stages),
      copyThreads(
          std::min(warpgroupSize, tile.getTokens() * Swizzle::rowChunks)),
      rowsAtOnce(copyThreads / Swizzle::rowChunks),
      tokenCounts(halvesOf(tile.getTokens(), leastWgmmaTokens)),
      outputRowBytes(groupFeatures * elementBytes(p.result.element)),
      outputRows(
          std::min(tile.getTokens(),
                   mostOutputBytes / std::max<int64_t>(outputRowBytes, 1))) {}

void WgmmaTile::layOut(int64_t number, int64_t products) {
  auto take = [&](int64_t bytes, int64_t alignment) {
    int64_t begin = llvm::alignTo(sharedEnd, alignment);
    sharedEnd = begin + bytes;
    return begin;
  };
  const Product &product = p.product;
  weightBytes = llvm::alignTo(weightStageBytes(), Swizzle::alignment);
  stageBytes = weightBytes + tile.getTokens() * Swizzle::rowBytes;
  outputBytes = isNarrow() ? outputRows * outputRowBytes : 0;
  int64_t placeBytes = multiplyingGroups * tile.getTokens() * 4;
  // Barriers are one product's, so that all begin in the same phase.
  int64_t barrierBytes = stages * SharedBarrier::bytes;
  fullBegin = number * 2 * barrierBytes;
  emptyBegin = fullBegin + barrierBytes;
  sharedEnd = products * 2 * barrierBytes;
  stagesBegin = take(stages * stageBytes, Swizzle::alignment);
  outputBegin = take(multiplyingGroups * outputBytes, Swizzle::alignment);
  rowsBegin = take(product.resultSlots ? placeBytes : 0, 16);
  factorsBegin = take(product.hasFactors() ? placeBytes : 0, 16);
}

LogicalResult WgmmaTile::check() {
  if (failed(checkOperands()))
    return failure();
  int64_t threads = (1 + multiplyingGroups) * warpgroupSize;
  bool fits = blocks > 0 &&
              blocks * multiplyingGroups * WgmmaAtom::m == tile.getRows() &&
              tile.getRows() <= 256 && p.product.weights <= 2 &&
              !tokenCounts.empty() && tile.getTokens() <= 256 &&
              tile.getDepth() == Swizzle::depth && stages <= 32 &&
              stages > 1 + stagesAhead() && k.threads == threads &&
              p.product.rows.stride % Swizzle::depth == 0 &&
              sharedEnd <= mostSharedBytes;
  if (fits)
    return success();
  return p.product.op->emitOpError("strategy ")
         << tile << " does not fit " << p.product.weights
         << " weights side by side, rows of " << p.product.rows.stride
         << " elements, " << threads << " threads and " << mostSharedBytes
         << " bytes of shared memory, of which it needs " << sharedEnd;
}

Value WgmmaTile::shared(Number offset) { return k.address(arena, 0, offset); }

Value WgmmaTile::barrier(int64_t first, Number stage) {
  return shared(k.add(k.mul(stage, SharedBarrier::bytes), first));
}

/// Tiles of rows that are next to each other for each run of features, so that
/// those of one expert find weights in the cache. Where all weights of an
/// expert stay there anyway, the features of one tile follow each other, which
/// share their tokens.
int64_t WgmmaTile::rowTilesTogether() const {
  constexpr int64_t cachedBytes = 16 << 20, many = 8;
  const Product &product = p.product;
  int64_t expertBytes = product.packedRows * product.packed.stride *
                        elementBytes(product.packed.element);
  return expertBytes > cachedBytes ? many : 1;
}

SmallVector<Value>
WgmmaTile::forTiles(ValueRange carried,
                    function_ref<SmallVector<Value>(ValueRange)> body) {
  int64_t across = p.product.tileColumns(), together = rowTilesTogether();
  // A shuffle shows the assembler that a number is one for the whole warp.
  Value begin = k.shuffle(p.block, 0), end = k.shuffle(p.blocks, 0);
  Value stride = k.div(k.blocks(), cluster);
  return k.loopCarried(
      begin, end, stride, carried, [&](Value number, ValueRange values) {
        Value first = k.mul(k.div(number, together * across), together);
        Value inGroup = k.rem(number, together * across);
        Value rowTiles = k.min(k.sub(p.tiles, first), together);
        p.selectTile(k.add(first, k.rem(inGroup, rowTiles)),
                     k.div(inGroup, rowTiles));
        return body(values);
      });
}

void WgmmaTile::initializeBarriers() {
  k.when(k.equal(k.thread(), 0), [&] {
    for (int64_t stage = 0; stage < stages; ++stage) {
      SharedBarrier::initialize(k, full(stage),
                                weightArrivals() + copyThreads / warpSize);
      SharedBarrier::initialize(k, empty(stage),
                                cluster * multiplyingGroups * warpsInGroup);
    }
    SharedBarrier::fenceInitialized(k);
  });
}

void WgmmaTile::allocate() {
  k.reuseShared();
  arena = k.allocateShared(k.b.getI8Type(), 1, sharedEnd, Swizzle::alignment);
  // A shuffle shows the assembler that the address is one for the whole warp.
  Value address =
      LLVM::PtrToIntOp::create(k.b, k.b.getI32Type(), arena.pointer);
  arena.pointer = LLVM::IntToPtrOp::create(k.b, arena.pointer.getType(),
                                           k.shuffle(address, 0));
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void WgmmaTile::releaseRegisters() {
  nvptx::releaseRegisters(k, copyRegisters());
}

void WgmmaTile::produce() {
  k.when(k.less(k.thread(), copyThreads), [&] { produceTiles(); });
}

void WgmmaTile::produceTiles() {
  const Product &product = p.product;
  int64_t rowBytes = product.rows.stride * elementBytes(product.rows.element);
  Value row = k.div(k.thread(), Swizzle::rowChunks);
  Value inRow =
      k.mul(k.rem(k.thread(), Swizzle::rowChunks), Swizzle::chunkBytes);
  // Phases of the empty barriers to wait for, a bit for each; at first, of the
  // phase before the first. Then the stage that is not announced yet.
  SmallVector<Value> state{k.i32(-1), k.i32(-1)};
  state = forTiles(state, [&](ValueRange values) -> SmallVector<Value> {
    findWeights();
    SmallVector<Value> offsets;
    for (int64_t i = 0; i < tile.getTokens(); i += rowsAtOnce)
      offsets.push_back(
          k.add(k.mul(p.inputRow(k.add(row, i)), rowBytes), inRow));
    SmallVector<Value> inits{k.i32(0), values[0], values[1]};
    auto result = k.rolledLoop(
        0, steps, 1, inits,
        [&](Value step, ValueRange ring) -> SmallVector<Value> {
          Value stage = ring[0], phases = ring[1], late = ring[2];
          Value parity = k.bitAnd(k.shiftRight(phases, stage), 1);
          Value begin = k.add(k.mul(stage, stageBytes), stagesBegin);
          SharedBarrier::wait(k, empty(stage), parity);
          copyWeights(step, begin, full(stage));
          copyTokens(k.mul(step, Swizzle::rowBytes), k.add(begin, weightBytes),
                     offsets);
          AsyncCopies::commit(k);
          k.when(k.compare(arith::CmpIPredicate::sge, late, 0),
                 [&] { announce(late, 1); });
          Value next = k.add(stage, 1);
          return {k.select(k.equal(next, stages), 0, next),
                  k.bitXor(phases, k.shiftLeft(k.i32(1), stage)), stage};
        });
    if (rest == 0 || rest > 1 + stagesAhead())
      return {result[1], result[2]};
    // The next tile begins with a stage that is not free before the one this
    // tile ends with is announced.
    announce(result[2], 0);
    return {result[1], k.i32(-1)};
  });
  k.when(k.compare(arith::CmpIPredicate::sge, state[1], 0),
         [&] { announce(state[1], 0); });
}

/// Starts to copy 64 elements from byte `column` of the tile's rows on.
void WgmmaTile::copyTokens(Value column, Value stage, ArrayRef<Value> offsets) {
  Value row = k.div(k.thread(), Swizzle::rowChunks),
        chunk = k.rem(k.thread(), Swizzle::rowChunks);
  // Rows that one thread copies are a multiple of 8 apart: one swizzle.
  Value to = k.add(stage, Swizzle::at(k, row, chunk));
  Memory bytes{p.rows.pointer, k.b.getI8Type(), k.i64(0)};
  bytes.pointer = k.address(bytes, 0, column);
  auto copyRows = [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i)
      AsyncCopies::copy(k,
                        shared(k.add(to, i * rowsAtOnce * Swizzle::rowBytes)),
                        k.address(bytes, 0, offsets[i]));
  };
  // Only as many as the products will read.
  int64_t done = 0;
  for (size_t i = tokenCounts.size(); i-- > 0;) {
    int64_t end = llvm::divideCeil(tokenCounts[i], rowsAtOnce);
    if (done == 0)
      copyRows(0, end);
    else if (end > done)
      k.when(k.less(tokenCounts[i + 1], p.rowCount),
             [&] { copyRows(done, end); });
    done = end;
  }
}

/// Tells that all of `stage` is there once at most `groups` groups of copies
/// are under way.
void WgmmaTile::announce(Value stage, int64_t groups) {
  AsyncCopies::wait(k, groups);
  fenceForProducts(k);
  k.syncWarp();
  k.when(k.equal(k.lane(), 0), [&] { SharedBarrier::arrive(k, full(stage)); });
}

LogicalResult
emitWgmmaTiles(LayerLowering &l,
               ArrayRef<std::unique_ptr<ProductKernel>> products) {
  DeviceKernel &k = products[0]->k;
  int64_t cluster = products[0]->product.tile.getCluster();
  SmallVector<std::unique_ptr<WgmmaTile>> tiles;
  for (const auto &p : products) {
    const Product &product = p->product;
    tiles.push_back(
        product.isEncoded()
            ? makeEncodedWgmmaTile(*p)
            : makePlainWgmmaTile(
                  *p, k.parameter(l.tensorMap(
                          product.packed, product.tile.getRows() / cluster))));
    tiles.back()->layOut(tiles.size() - 1, products.size());
    if (failed(tiles.back()->check()))
      return failure();
    tiles.back()->allocate();
    tiles.back()->initializeBarriers();
  }
  k.syncCluster(cluster);
  // A product's ring begins at stage 0, when all have left the one before.
  auto forProducts = [&](function_ref<void(WgmmaTile &)> body) {
    for (auto [i, tile] : llvm::enumerate(tiles)) {
      k.b.setLoc(products[i]->product.op->getLoc());
      if (i > 0)
        k.syncCluster(cluster);
      body(*tile);
    }
  };
  k.either(
      k.less(k.warp(), warpsInGroup),
      [&] {
        tiles[0]->releaseRegisters();
        forProducts([](WgmmaTile &tile) { tile.produce(); });
      },
      [&] {
        tiles[0]->takeRegisters();
        forProducts([](WgmmaTile &tile) { tile.consume(); });
      });
  // Others may still say that they need this block's memory no more.
  if (cluster > 1)
    k.syncCluster(cluster);
  return success();
}

} // namespace moec::nvptx
