//===- TileEncoded.cpp - A tile of encoded weights ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With many tokens: warps have rows of weights of their own, and the block
// copies tokens to shared memory for all of them.
//
//===----------------------------------------------------------------------===//

#include "EncodedProducts.h"
#include "TileSums.h"
#include "moec/Codegen/NVPTX/Attributes.h"

namespace moec::nvptx {

namespace {

class EncodedTile : EncodedProducts {
public:
  EncodedTile(ProductKernel &p, int64_t tokens)
      : EncodedProducts(p, tokens, /*areFew=*/false),
        codeBytes(tile.getWarps() * weights.stageBytes()),
        stageBytes(codeBytes + tokens * depth * 2) {}

  LogicalResult check();
  void emit();

private:
  void findRows();
  void copyTokens(Value step, Value stage);
  void copyStage(Value step, Value stage);
  SmallVector<Value> tokensOf(Value stage, int64_t j, int64_t step);
  SmallVector<Value> accumulate();
  /// Where the warp's codes lie in a stage.
  Value codesOf(Value stage) {
    return k.add(stage, k.mul(k.warp(), weights.stageBytes()));
  }

  /// Of a stage, the bytes of all codes and scales, and all bytes.
  const int64_t codeBytes, stageBytes;
  Memory arena;
  /// Where this thread's chunks of rows of tokens begin.
  SmallVector<Value> tokenChunks;
};

} // namespace

LogicalResult EncodedTile::check() {
  return EncodedProducts::check(
      tile.getRows() / tile.getWarps(),
      depth == Swizzle::depth && tokens * Swizzle::rowChunks % k.threads == 0);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void EncodedTile::findRows() {
  weights.find(k.mul(k.warp(), EncodedWeights::rows));
  tokenChunks.clear();
  int64_t rowBytes =
      p.product.rows.stride * elementBytes(p.product.rows.element);
  Memory rows{p.rows.pointer, k.b.getI8Type(), k.i64(rowBytes)};
  Value row = k.div(k.thread(), Swizzle::rowChunks),
        chunk = k.rem(k.thread(), Swizzle::rowChunks);
  for (int64_t i = 0; i < tokens; i += k.threads / Swizzle::rowChunks)
    tokenChunks.push_back(k.address(rows, p.inputRow(k.add(row, i)),
                                    k.mul(chunk, Swizzle::chunkBytes)));
}

/// Where chunk `chunk` of a token's row lies. Eight lanes read the same four
/// chunks of two rows that follow each other: these are in different banks.
static Value tokenAt(DeviceKernel &k, Value row, Value chunk) {
  Value turn = k.bitOr(k.shiftLeft(k.bitAnd(row, 1), 2),
                       k.bitAnd(k.shiftRight(row, 1), 3));
  return k.add(k.mul(row, Swizzle::rowBytes),
               k.mul(k.bitXor(chunk, turn), Swizzle::chunkBytes));
}

void EncodedTile::copyTokens(Value step, Value stage) {
  // Panels may be longer than rows, which then are as if followed by zeros.
  Value all = k.i32(Swizzle::chunkBytes);
  int64_t rowSteps = p.product.rows.stride / depth;
  Value column = k.mul(k.min(step, rowSteps - 1), Swizzle::rowBytes);
  Value enabled = weights.stages() > rowSteps
                      ? k.select(k.less(step, rowSteps), all, 0)
                      : all;
  Value chunk = k.rem(k.thread(), Swizzle::rowChunks);
  for (auto [i, source] : llvm::enumerate(tokenChunks)) {
    Value row = k.add(k.div(k.thread(), Swizzle::rowChunks),
                      int64_t(i) * k.threads / Swizzle::rowChunks);
    Memory bytes{source, k.b.getI8Type(), k.i64(0)};
    AsyncCopies::copy(
        k,
        k.address(arena, 0,
                  k.add(stage, k.add(tokenAt(k, row, chunk), codeBytes))),
        k.address(bytes, 0, column), enabled);
  }
}

/// Starts to copy step `step` of K to the stage at byte `stage`; nothing past
/// the last one.
void EncodedTile::copyStage(Value step, Value stage) {
  k.when(k.less(step, weights.stages()), [&] {
    weights.copy(arena, weights.chunksOf(step), codesOf(stage));
    copyTokens(step, stage);
  });
  AsyncCopies::commit(k);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The fragments of token atom `j` for step `step` of the panels in the stage
/// of shared memory at `stage`.
SmallVector<Value> EncodedTile::tokensOf(Value stage, int64_t j, int64_t step) {
  Value row = k.div(k.lane(), tokenLanes);
  Value chunk = k.add(k.rem(k.lane(), tokenLanes), step * tokenLanes);
  Value at = k.add(tokenAt(k, row, chunk),
                   codeBytes + j * MmaAtom::n * Swizzle::rowBytes);
  return k.loadRun(
      {k.address(arena, 0, k.add(stage, at)), k.b.getI32Type(), k.i32(0)}, 0, 0,
      stepRegisters);
}

SmallVector<Value> EncodedTile::accumulate() {
  int64_t stages = tile.getStages();
  for (int64_t i = 0; i < stages - 1; ++i)
    copyStage(k.i32(i), k.i32(i * stageBytes));
  SmallVector<Value> carried = zeroSums();
  size_t count = carried.size();
  Value lastStage = k.i32((stages - 1) * stageBytes);
  // The stage to multiply, and the one to fill.
  carried.append({k.i32(0), lastStage});
  SmallVector<Value> result =
      k.loopCarried(0, weights.stages(), 1, carried,
                    [&](Value step, ValueRange values) -> SmallVector<Value> {
                      SmallVector<Value> sums(values.take_front(count));
                      Value stage = values[count], fill = values[count + 1];
                      AsyncCopies::wait(k, stages - 2);
                      // The whole block's copies have landed, and all are done
                      // with the stage before, which is filled anew.
                      k.syncBlock();
                      copyStage(k.add(step, stages - 1), fill);
                      multiply(
                          arena, codesOf(stage),
                          [&](int64_t j, int64_t panelStep) {
                            return tokensOf(stage, j, panelStep);
                          },
                          sums);
                      Value next = k.select(k.equal(stage, lastStage), 0,
                                            k.add(stage, stageBytes));
                      sums.append({next, stage});
                      return sums;
                    });
  result.truncate(count);
  return result;
}

void EncodedTile::emit() {
  TileSums tileSums(p, /*parts=*/1, tokens);
  arena = k.allocateShared(
      k.b.getI8Type(), 1,
      std::max(tile.getStages() * stageBytes, tileSums.bytes()),
      Swizzle::alignment);
  findRows();
  SmallVector<Value> sums = accumulate();
  scaleRows(sums);
  AsyncCopies::wait(k, 0);
  k.syncBlock();
  tileSums.put(arena.pointer, sums, /*part=*/k.i32(0),
               k.mul(k.warp(), EncodedWeights::rows));
  tileSums.finish();
}

LogicalResult emitEncodedTile(ProductKernel &p) {
  return emitBySize<EncodedTile>(
      p, halvesOf(p.product.tile.getTokens(), leastMmaTokens));
}

} // namespace moec::nvptx
