//===- TileSplit.cpp - A tile of few tokens, K split among warps ----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With a few rows for each expert a product costs what its weights cost to
// read. Tiles are small, so that every multiprocessor has some at any time; a
// warp has all rows of the tile for its own steps of K, and a ring of stages
// that no other warp waits for. The warps' sums meet at the end, in the warps'
// order.
//
//===----------------------------------------------------------------------===//

#include "ProductTile.h"
#include "TensorCore.h"
#include "TileSums.h"

namespace moec::nvptx {

namespace {

/// Steps of the tensor core in a stage.
constexpr int64_t stageSteps = Swizzle::depth / MmaAtom::k;
/// Rows that the lanes of a warp copy at once.
constexpr int64_t rowsOfWarp = warpSize / Swizzle::rowChunks;

class SplitTile {
public:
  explicit SplitTile(ProductKernel &p)
      : p(p), k(p.k), tile(p.product.tile), rows(tile.getRows()),
        tokens(tile.getTokens()), rowAtoms(rows / MmaAtom::m),
        tokenAtoms(tokens / MmaAtom::n),
        steps(p.product.rows.stride / Swizzle::depth),
        stageBytes((rows + tokens) * Swizzle::rowBytes),
        atom{p.product.packed.element} {}

  LogicalResult check();
  void emit();

private:
  /// Where this lane's chunk of a row begins in global memory: so many bytes
  /// from a pointer.
  struct Chunk {
    Value pointer;
    int64_t offset = 0;
  };

  void findRows();
  /// Starts to copy step `step` of K of rows to byte `begin` of a stage.
  void copy(ArrayRef<Chunk> chunks, int64_t begin, Value step, Value stage);
  void copyWeights(Value step, Value stage);
  void copyTokens(Value step, Value stage);
  void copyStage(Value step, Value stage);
  void fillRing(Value ring);
  void multiply(Value stage, SmallVector<Value> &sums);
  SmallVector<Value> accumulate();
  Value shared(Number offset) { return k.address(arena, 0, offset); }

  ProductKernel &p;
  DeviceKernel &k;
  moe::GpuTileAttr tile;
  const int64_t rows, tokens, rowAtoms, tokenAtoms, steps, stageBytes;
  const MmaAtom atom;
  /// The rings of all warps.
  Memory arena;
  /// Of every `rowsOfWarp`-th row.
  SmallVector<Chunk> weightRows, tokenRows;
};

} // namespace

bool splitsK(moe::GpuTileAttr tile) {
  return tile.getWarps() > 1 &&
         tile.getDepth() % (Swizzle::depth * tile.getWarps()) == 0;
}

int64_t stageDepth(moe::GpuTileAttr tile) {
  return tile.getDepth() / (splitsK(tile) ? tile.getWarps() : 1);
}

LogicalResult SplitTile::check() {
  if (failed(checkMmaOperands(p.product)))
    return failure();
  if (stageDepth(tile) == Swizzle::depth && rows % MmaAtom::m == 0 &&
      tokens % MmaAtom::n == 0 && tile.getStages() >= 2 &&
      p.product.rows.stride % Swizzle::depth == 0)
    return success();
  return p.product.op->emitOpError("strategy ")
         << tile << " does not fit fragments of " << MmaAtom::m << " x "
         << MmaAtom::n << ", two stages or more, and rows of "
         << p.product.rows.stride << " elements";
}

void SplitTile::findRows() {
  Value row = k.div(k.lane(), Swizzle::rowChunks);
  Value inRow = k.mul(k.rem(k.lane(), Swizzle::rowChunks), Swizzle::chunkBytes);
  int64_t rowBytes =
      p.product.rows.stride * elementBytes(p.product.packed.element);
  auto find = [&](const Memory &source, Value number) {
    Memory bytes{source.pointer, k.b.getI8Type(), k.i64(rowBytes)};
    return k.address(bytes, number, inRow);
  };
  // Rows of weights follow each other, unless the tile is not full.
  bool isFull = p.product.packedRows % rows == 0;
  for (int64_t i = 0; i < rows; i += rowsOfWarp)
    if (isFull && i > 0)
      weightRows.push_back({weightRows[0].pointer, i * rowBytes});
    else
      weightRows.push_back({find(p.packed, p.packedRow(k.add(row, i)))});
  for (int64_t i = 0; i < tokens; i += rowsOfWarp)
    tokenRows.push_back({find(p.rows, p.inputRow(k.add(row, i)))});
}

void SplitTile::copy(ArrayRef<Chunk> chunks, int64_t begin, Value step,
                     Value stage) {
  Value column = k.mul(step, Swizzle::rowBytes),
        all = k.i32(Swizzle::chunkBytes);
  Value row = k.div(k.lane(), Swizzle::rowChunks),
        chunk = k.rem(k.lane(), Swizzle::rowChunks);
  for (auto [i, source] : llvm::enumerate(chunks)) {
    // Two rows of which one is 4 below the other: two swizzles.
    int64_t first = i * rowsOfWarp, above = first % Swizzle::rows;
    Value to = k.add(stage, Swizzle::at(k, k.add(row, above), chunk));
    Memory bytes{source.pointer, k.b.getI8Type(), k.i64(0)};
    bytes.pointer = k.address(bytes, 0, column);
    AsyncCopies::copy(
        k, shared(k.add(to, begin + (first - above) * Swizzle::rowBytes)),
        k.address(bytes, 0, source.offset), all);
  }
}

void SplitTile::copyWeights(Value step, Value stage) {
  copy(weightRows, 0, step, stage);
}

void SplitTile::copyTokens(Value step, Value stage) {
  copy(tokenRows, rows * Swizzle::rowBytes, step, stage);
}

/// Starts to copy step `step` of K to the stage at byte `stage`; nothing past
/// the last one.
void SplitTile::copyStage(Value step, Value stage) {
  k.when(k.less(step, steps), [&] {
    copyWeights(step, stage);
    copyTokens(step, stage);
  });
  AsyncCopies::commit(k);
}

/// Fills all stages but one. Where rows have to be waited for, weights are on
/// their way before.
void SplitTile::fillRing(Value ring) {
  auto forStages = [&](function_ref<void(Value, Value)> body) {
    for (int64_t i = 0; i < tile.getStages() - 1; ++i)
      body(k.add(k.warp(), i * tile.getWarps()), k.add(ring, i * stageBytes));
  };
  if (!p.waitsForRows)
    return forStages([&](Value step, Value stage) { copyStage(step, stage); });
  forStages([&](Value step, Value stage) {
    k.when(k.less(step, steps), [&] { copyWeights(step, stage); });
  });
  p.waitForRows();
  forStages([&](Value step, Value stage) {
    k.when(k.less(step, steps), [&] { copyTokens(step, stage); });
    AsyncCopies::commit(k);
  });
}

void SplitTile::multiply(Value stage, SmallVector<Value> &sums) {
  Value low = k.rem(k.lane(), 8), bit3 = k.rem(k.div(k.lane(), 8), 2),
        bit4 = k.div(k.lane(), 16);
  Value tokenStage = k.add(stage, rows * Swizzle::rowBytes);
  SmallVector<SmallVector<Value, 4>> tokenFragments(tokenAtoms);
  for (int64_t step = 0; step < stageSteps; ++step) {
    // Four matrices are the halves of two steps of an atom's tokens.
    if (step % 2 == 0)
      for (int64_t j = 0; j < tokenAtoms; ++j) {
        Value at = Swizzle::at(k, low, k.add(k.div(k.lane(), 8), 2 * step));
        tokenFragments[j] =
            loadMatrices(k, shared(k.add(k.add(tokenStage, at),
                                         j * MmaAtom::n * Swizzle::rowBytes)));
      }
    for (int64_t i = 0; i < rowAtoms; ++i) {
      // Of weights, rows 0 to 7 and 8 to 15 of the first half of K, then of the
      // second.
      Value at =
          Swizzle::at(k, k.add(low, k.mul(bit3, 8)), k.add(bit4, 2 * step));
      SmallVector<Value, 4> weights = loadMatrices(
          k,
          shared(k.add(k.add(stage, at), i * MmaAtom::m * Swizzle::rowBytes)));
      for (int64_t j = 0; j < tokenAtoms; ++j)
        atom.multiply(k, weights,
                      ArrayRef(tokenFragments[j])
                          .slice(step % 2 * MmaAtom::tokenRegisters,
                                 MmaAtom::tokenRegisters),
                      MutableArrayRef(sums).slice((i * tokenAtoms + j) *
                                                      MmaAtom::accumulators,
                                                  MmaAtom::accumulators));
    }
  }
}

SmallVector<Value> SplitTile::accumulate() {
  int64_t stages = tile.getStages(), warps = tile.getWarps();
  Value ring = k.mul(k.warp(), stages * stageBytes);
  fillRing(ring);
  SmallVector<Value> carried(rowAtoms * tokenAtoms * MmaAtom::accumulators,
                             k.f32(0.0));
  size_t count = carried.size();
  Value lastStage = k.add(ring, (stages - 1) * stageBytes);
  // The stage to multiply, and the one to fill.
  carried.append({ring, lastStage});
  SmallVector<Value> result =
      k.loopCarried(k.warp(), steps, warps, carried,
                    [&](Value step, ValueRange values) -> SmallVector<Value> {
                      SmallVector<Value> sums(values.take_front(count));
                      Value stage = values[count], fill = values[count + 1];
                      AsyncCopies::wait(k, stages - 2);
                      // All lanes' copies have landed, and all are done with
                      // the stage before, which is filled anew.
                      k.syncWarp();
                      copyStage(k.add(step, (stages - 1) * warps), fill);
                      multiply(stage, sums);
                      Value next = k.select(k.equal(stage, lastStage), ring,
                                            k.add(stage, stageBytes));
                      sums.append({next, stage});
                      return sums;
                    });
  result.truncate(count);
  return result;
}

void SplitTile::emit() {
  int64_t rings = tile.getWarps() * tile.getStages() * stageBytes;
  TileSums sums(p, tile.getWarps(), tokens);
  arena = k.allocateShared(k.b.getI8Type(), 1, std::max(rings, sums.bytes()),
                           Swizzle::alignment);
  p.forTile([&] {
    findRows();
    SmallVector<Value> accumulators = accumulate();
    // The warps' sums lie where the rings were.
    AsyncCopies::wait(k, 0);
    k.syncBlock();
    sums.put(arena.pointer, accumulators, k.warp(), k.i32(0));
    sums.finish();
  });
}

LogicalResult emitSplitTile(ProductKernel &p) {
  SplitTile tile(p);
  if (failed(tile.check()))
    return failure();
  tile.emit();
  return success();
}

} // namespace moec::nvptx
