//===- TileEncodedSplit.cpp - Encoded weights, K split among warps --------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile of few tokens: warps have the same rows of weights for their own turns
// along K, and wait for nobody; each lane loads the tokens' numbers that it
// multiplies, a turn ahead.
//
//===----------------------------------------------------------------------===//

#include "EncodedProducts.h"
#include "StageRing.h"
#include "TileSums.h"

namespace moec::nvptx {

namespace {

class EncodedSplitTile : EncodedProducts {
public:
  explicit EncodedSplitTile(ProductKernel &p)
      : EncodedProducts(p, p.product.tile.getTokens(), /*areFew=*/true),
        warps(tile.getWarps()), parts(depth / Swizzle::depth),
        ring(k, weights.stages(), warps, tile.getStages()) {}

  LogicalResult check() {
    return EncodedProducts::check(tile.getRows(), /*fits=*/true);
  }
  void emit();

private:
  void findRows();
  void copy(const Turn &turn);
  SmallVector<Value> loadTokens(const Turn &turn);
  SmallVector<Value> accumulate();
  Value stageAt(const Turn &turn) {
    return k.i32(turn.stage * weights.stageBytes());
  }

  /// Runs of 64 elements of K in a stage.
  const int64_t warps, parts;
  StageRing ring;
  /// The warp's ring.
  Memory own;
  /// Where this lane's chunks of the warp's first turn are, of weights and of
  /// each token atom.
  EncodedWeights::Chunks weightChunks;
  SmallVector<Value> tokenChunks;
};

} // namespace

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void EncodedSplitTile::findRows() {
  weights.find(/*row=*/k.i32(0));
  weightChunks = weights.chunksOf(k.warp());
  int64_t rowBytes =
      p.product.rows.stride * elementBytes(p.product.rows.element);
  Memory rows{p.rows.pointer, k.b.getI8Type(), k.i64(rowBytes)};
  Value row = k.div(k.lane(), tokenLanes);
  Value inRow = k.add(k.mul(k.rem(k.lane(), tokenLanes), Swizzle::chunkBytes),
                      k.mul(k.warp(), parts * Swizzle::rowBytes));
  for (int64_t j = 0; j < tokenAtoms; ++j)
    tokenChunks.push_back(
        k.address(rows, p.inputRow(k.add(row, j * MmaAtom::n)), inRow));
}

void EncodedSplitTile::copy(const Turn &turn) {
  auto distance = weights.distance(warps);
  if (!distance)
    return weights.copy(own, weights.chunksOf(ring.stepOf(turn)),
                        stageAt(turn));
  EncodedWeights::Chunks chunks;
  for (Value codes : weightChunks.codes)
    chunks.codes.push_back(turn.advance(k, codes, distance->codes));
  if (weightChunks.scales)
    chunks.scales = turn.advance(k, weightChunks.scales, distance->scales);
  weights.copy(own, chunks, stageAt(turn));
}

/// The tokens' numbers of a turn that this lane multiplies, `[token atom][panel
/// step][register]`.
SmallVector<Value> EncodedSplitTile::loadTokens(const Turn &turn) {
  int64_t rowSteps = p.product.rows.stride / Swizzle::depth,
          steps = weights.stages() * parts;
  auto load = [&](Value from) {
    SmallVector<Value> registers;
    for (int64_t i = 0; i < Swizzle::depth / encodedDepth; ++i)
      llvm::append_range(
          registers, k.loadRun({from, k.b.getI32Type(), k.i64(0)}, 0,
                               i * tokenLanes * stepRegisters, stepRegisters));
    return registers;
  };
  constexpr int64_t partRegisters =
      Swizzle::depth / encodedDepth * stepRegisters;
  SmallVector<Type> types(partRegisters, k.b.getI32Type());
  auto zeros = [&] { return SmallVector<Value>(partRegisters, k.i32(0)); };
  SmallVector<Value> registers;
  for (Value chunk : tokenChunks)
    for (int64_t part = 0; part < parts; ++part) {
      Memory bytes{turn.advance(k, chunk, warps * parts * Swizzle::rowBytes),
                   k.b.getI8Type(), k.i64(0)};
      auto loadPart = [&] {
        return load(k.address(bytes, 0, part * Swizzle::rowBytes));
      };
      // Panels may be longer than rows, which then are as if followed by zeros.
      if (ring.isWhole(turn) && steps == rowSteps) {
        llvm::append_range(registers, loadPart());
        continue;
      }
      Value number = k.add(k.mul(ring.stepOf(turn), parts), part);
      llvm::append_range(registers, k.choose(k.less(number, rowSteps), types,
                                             loadPart, zeros));
    }
  return registers;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

SmallVector<Value> EncodedSplitTile::accumulate() {
  auto copyTurn = [&](const Turn &turn) { copy(turn); };
  ring.fill(copyTurn);
  SmallVector<Value> values = zeroSums();
  size_t count = values.size();
  llvm::append_range(values, loadTokens(ring.first()));
  values = ring.run(values, copyTurn, [&](const Turn &turn, ValueRange before) {
    SmallVector<Value> sums(before.take_front(count)),
        current(before.drop_front(count)), following = current;
    if (std::optional<Turn> next = ring.after(turn))
      following = loadTokens(*next);
    multiply(
        own, stageAt(turn),
        [&](int64_t j, int64_t step) {
          auto first =
              current.begin() + (j * stageSteps + step) * stepRegisters;
          return SmallVector<Value>(first, first + stepRegisters);
        },
        sums);
    llvm::append_range(sums, following);
    return sums;
  });
  values.truncate(count);
  return values;
}

void EncodedSplitTile::emit() {
  TileSums sums(p, warps, tokens);
  int64_t rings = warps * tile.getStages() * weights.stageBytes();
  Memory arena = k.allocateShared(
      k.b.getI8Type(), 1, std::max(rings, sums.bytes()), Swizzle::alignment);
  own = arena;
  own.pointer = k.address(arena, 0, ring.begin(weights.stageBytes()));
  p.forTile([&] {
    findRows();
    SmallVector<Value> accumulators = accumulate();
    scaleRows(accumulators);
    // The warps' sums lie where the rings were.
    sums.finishWarps(arena.pointer, accumulators);
  });
}

LogicalResult emitEncodedSplitTile(ProductKernel &p) {
  return emitWhole<EncodedSplitTile>(p);
}

} // namespace moec::nvptx
