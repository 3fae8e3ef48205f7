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
#include "StageRing.h"
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
        atom{p.product.packed.element},
        ring(k, steps, tile.getWarps(), tile.getStages()) {}

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
  void findStages();
  /// Starts to copy a turn's step of K of rows to byte `begin` of its stage.
  void copy(ArrayRef<Chunk> chunks, int64_t begin, const Turn &turn);
  void copyWeights(const Turn &turn);
  void copyTokens(const Turn &turn);
  void copyStage(const Turn &turn);
  void multiply(const Turn &turn, SmallVector<Value> &sums);
  SmallVector<Value> accumulate();
  /// Byte `offset` behind `place` of a turn's stage.
  Value shared(Value place, const Turn &turn, int64_t offset);

  ProductKernel &p;
  DeviceKernel &k;
  moe::GpuTileAttr tile;
  const int64_t rows, tokens, rowAtoms, tokenAtoms, steps, stageBytes;
  const MmaAtom atom;
  StageRing ring;
  /// The rings of all warps.
  Memory arena;
  /// Of every `rowsOfWarp`-th row, for the warp's first step of K.
  SmallVector<Chunk> weightRows, tokenRows;
  /// Of the ring's first stage: where this lane's chunk of rows 0 and 4 goes,
  /// and where the matrices of fragments lie that this lane names: of weights
  /// for each step of the tensor core, of tokens for two.
  SmallVector<Value> chunkPlaces, weightPlaces, tokenPlaces;
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
  Value inRow =
      k.add(k.mul(k.rem(k.lane(), Swizzle::rowChunks), Swizzle::chunkBytes),
            k.mul(k.warp(), Swizzle::rowBytes));
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

/// The swizzle depends on rows and chunks, but not on the stage or the eighth
/// of rows, which are far apart.
void SplitTile::findStages() {
  Value first = ring.begin(stageBytes);
  auto place = [&](Value row, Value chunk) {
    return k.address(arena, 0, k.add(first, Swizzle::at(k, row, chunk)));
  };
  Value row = k.div(k.lane(), Swizzle::rowChunks),
        chunk = k.rem(k.lane(), Swizzle::rowChunks);
  for (int64_t above = 0; above < Swizzle::rows; above += rowsOfWarp)
    chunkPlaces.push_back(place(k.add(row, above), chunk));
  // Of weights, rows 0 to 7 and 8 to 15 of the first half of K, then of the
  // second. Of tokens, the halves of two steps.
  Value low = k.rem(k.lane(), 8), bit3 = k.rem(k.div(k.lane(), 8), 2),
        bit4 = k.div(k.lane(), 16);
  for (int64_t step = 0; step < stageSteps; ++step)
    weightPlaces.push_back(
        place(k.add(low, k.mul(bit3, 8)), k.add(bit4, 2 * step)));
  for (int64_t step = 0; step < stageSteps; step += 2)
    tokenPlaces.push_back(place(low, k.add(k.div(k.lane(), 8), 2 * step)));
}

Value SplitTile::shared(Value place, const Turn &turn, int64_t offset) {
  return k.address({place, k.b.getI8Type(), k.i32(0)}, 0,
                   turn.stage * stageBytes + offset);
}

void SplitTile::copy(ArrayRef<Chunk> chunks, int64_t begin, const Turn &turn) {
  for (auto [i, source] : llvm::enumerate(chunks)) {
    int64_t first = i * rowsOfWarp, above = first % Swizzle::rows;
    Memory bytes{
        turn.advance(k, source.pointer, tile.getWarps() * Swizzle::rowBytes),
        k.b.getI8Type(), k.i64(0)};
    AsyncCopies::copy(k,
                      shared(chunkPlaces[above / rowsOfWarp], turn,
                             begin + (first - above) * Swizzle::rowBytes),
                      k.address(bytes, 0, source.offset));
  }
}

void SplitTile::copyWeights(const Turn &turn) { copy(weightRows, 0, turn); }

void SplitTile::copyTokens(const Turn &turn) {
  copy(tokenRows, rows * Swizzle::rowBytes, turn);
}

void SplitTile::copyStage(const Turn &turn) {
  copyWeights(turn);
  copyTokens(turn);
}

void SplitTile::multiply(const Turn &turn, SmallVector<Value> &sums) {
  SmallVector<SmallVector<Value, 4>> tokenFragments(tokenAtoms);
  for (int64_t step = 0; step < stageSteps; ++step) {
    if (step % 2 == 0)
      for (int64_t j = 0; j < tokenAtoms; ++j)
        tokenFragments[j] = loadMatrices(
            k, shared(tokenPlaces[step / 2], turn,
                      (rows + j * MmaAtom::n) * Swizzle::rowBytes));
    for (int64_t i = 0; i < rowAtoms; ++i) {
      SmallVector<Value, 4> weights =
          loadMatrices(k, shared(weightPlaces[step], turn,
                                 i * MmaAtom::m * Swizzle::rowBytes));
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
  if (p.waitsForRows) {
    // Weights are on their way before the rows are there.
    ring.forFirst([&](const Turn &turn) { copyWeights(turn); });
    p.waitForRows();
    ring.fill([&](const Turn &turn) { copyTokens(turn); });
  } else {
    ring.fill([&](const Turn &turn) { copyStage(turn); });
  }
  SmallVector<Value> sums(rowAtoms * tokenAtoms * MmaAtom::accumulators,
                          k.f32(0.0));
  return ring.run(
      sums, [&](const Turn &turn) { copyStage(turn); },
      [&](const Turn &turn, ValueRange before) {
        SmallVector<Value> after(before);
        multiply(turn, after);
        return after;
      });
}

void SplitTile::emit() {
  int64_t rings = tile.getWarps() * tile.getStages() * stageBytes;
  TileSums sums(p, tile.getWarps(), tokens);
  arena = k.allocateShared(k.b.getI8Type(), 1, std::max(rings, sums.bytes()),
                           Swizzle::alignment);
  p.forTile([&] {
    findRows();
    findStages();
    SmallVector<Value> accumulators = accumulate();
    // The warps' sums lie where the rings were.
    sums.finishWarps(arena.pointer, accumulators);
  });
}

LogicalResult emitSplitTile(ProductKernel &p) {
  return emitWhole<SplitTile>(p);
}

} // namespace moec::nvptx
