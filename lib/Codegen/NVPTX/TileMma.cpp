//===- TileMma.cpp - A tile on tensor cores, sm_80 ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async into two stages, ldmatrix, mma.sync. The loop over K has no control
// flow and one barrier: fragments of a step are loaded before the products of
// the step before, across stages too, and the copies of the next stage are
// issued between products. What a thread copies it finds by offsets that wait
// in shared memory; in registers they would spill.
//
//===----------------------------------------------------------------------===//

#include "ProductTile.h"
#include "TensorCore.h"
#include "moec/Codegen/NVPTX/Attributes.h"

namespace moec::nvptx {

namespace {

/// Steps of the tensor core in a stage.
constexpr int64_t steps = Swizzle::depth / MmaAtom::k;

class MmaTile {
public:
  /// A tile of the product with `size` tokens.
  MmaTile(ProductKernel &p, int64_t size)
      : size(size), p(p), k(p.k), tile(p.product.tile), warps(tile.getWarps()),
        // Warps side by side along the weights first.
        tokenWarps(size >= 64 ? 2 : 1), rowWarps(warps / tokenWarps),
        rowAtoms(tile.getRows() / rowWarps / MmaAtom::m),
        tokenAtoms(size / tokenWarps / MmaAtom::n),
        rowsAtOnce(k.threads / Swizzle::rowChunks),
        atom{p.product.packed.element} {}

  LogicalResult check();
  void emit();

  const int64_t size;

private:
  struct Operand {
    Memory source;
    /// Rows of the tile, where its stages begin, and bytes of one.
    int64_t rows = 0, begin = 0, stageBytes = 0;
    /// Byte offset of each row of the tile in `source`, as the threads that
    /// copy it read them: `[row % rowsAtOnce][row / rowsAtOnce]`.
    Memory offsets;
    /// Where this lane's rows of the fragments of a step begin, in a stage.
    SmallVector<Value, steps> fragments;
  };
  /// The registers of all fragments of a step.
  using Fragments = SmallVector<Value>;

  void findRows(Operand &operand, function_ref<Value(Value)> rowOf);
  void copyStage(const Operand &operand, Value column, Value stage,
                 Value enabled);
  Fragments loadFragments(Value weightStage, Value tokenStage, int64_t step);
  void multiply(const Fragments &fragments,
                MutableArrayRef<Value> accumulators);
  SmallVector<Value> accumulate();
  void finish(ArrayRef<Value> accumulators);

  Value shared(Number offset);

  ProductKernel &p;
  DeviceKernel &k;
  moe::GpuTileAttr tile;
  const int64_t warps, tokenWarps, rowWarps, rowAtoms, tokenAtoms, rowsAtOnce;
  const MmaAtom atom;
  Operand weights, tokens;
  Memory arena;
  Value warpRow, warpToken;
};

} // namespace

LogicalResult MmaTile::check() {
  if (failed(checkMmaOperands(p.product)))
    return failure();
  bool fits = rowAtoms > 0 && tokenAtoms > 0 && tokenAtoms % 2 == 0 &&
              rowAtoms * MmaAtom::m * rowWarps == tile.getRows() &&
              tokenAtoms * MmaAtom::n * tokenWarps == size &&
              rowAtoms * 2 % p.product.weights == 0 &&
              tile.getRows() % rowsAtOnce == 0 && size % rowsAtOnce == 0 &&
              tile.getDepth() == Swizzle::depth && tile.getStages() == 2 &&
              p.product.rows.stride % Swizzle::depth == 0;
  if (fits)
    return success();
  return p.product.op->emitOpError("strategy ")
         << tile << " does not fit " << warps << " warps, fragments of "
         << MmaAtom::m << " x " << MmaAtom::n << " x " << MmaAtom::k
         << " and rows of " << p.product.rows.stride << " elements";
}

Value MmaTile::shared(Number offset) { return k.address(arena, 0, offset); }

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void MmaTile::findRows(Operand &operand, function_ref<Value(Value)> rowOf) {
  int64_t rowBytes =
      p.product.rows.stride * elementBytes(p.product.rows.element);
  k.loop(k.thread(), operand.rows, k.threads, [&](Value row) {
    k.store(k.mul(rowOf(row), rowBytes), operand.offsets,
            k.rem(row, rowsAtOnce), k.div(row, rowsAtOnce));
  });
}

/// Starts to copy the 64 elements from byte `column` of every row on.
void MmaTile::copyStage(const Operand &operand, Value column, Value stage,
                        Value enabled) {
  Value row = k.div(k.thread(), Swizzle::rowChunks),
        chunk = k.rem(k.thread(), Swizzle::rowChunks);
  // Rows that one thread copies are a multiple of 8 apart: one swizzle.
  Value to = k.add(stage, Swizzle::at(k, row, chunk));
  Memory bytes{operand.source.pointer, k.b.getI8Type(), k.i64(0)};
  Value inRow = k.add(column, k.mul(chunk, Swizzle::chunkBytes));
  int64_t count = operand.rows / rowsAtOnce;
  int64_t run = std::min<int64_t>(count, 4);
  for (int64_t first = 0; first < count; first += run)
    for (auto [j, offset] :
         llvm::enumerate(k.loadRun(operand.offsets, row, first, run))) {
      Value from = k.address(bytes, 0, k.add(k.widen(offset), k.widen(inRow)));
      int64_t below = (first + j) * rowsAtOnce * Swizzle::rowBytes;
      AsyncCopies::copy(k, shared(k.add(to, below)), from, enabled);
    }
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

MmaTile::Fragments MmaTile::loadFragments(Value weightStage, Value tokenStage,
                                          int64_t step) {
  Fragments fragments;
  auto load = [&](const Operand &operand, Value stage, int64_t count) {
    Value base = k.add(stage, operand.fragments[step]);
    for (int64_t i = 0; i < count; ++i)
      llvm::append_range(
          fragments,
          loadMatrices(
              k, shared(k.add(base, i * MmaAtom::m * Swizzle::rowBytes))));
  };
  load(weights, weightStage, rowAtoms);
  // Four matrices are two atoms' tokens.
  load(tokens, tokenStage, tokenAtoms / 2);
  return fragments;
}

void MmaTile::multiply(const Fragments &fragments,
                       MutableArrayRef<Value> accumulators) {
  auto weightFragments =
      ArrayRef(fragments).take_front(rowAtoms * MmaAtom::weightRegisters);
  auto tokenFragments = ArrayRef(fragments).drop_front(weightFragments.size());
  for (int64_t i = 0; i < rowAtoms; ++i)
    for (int64_t step = 0; step < tokenAtoms; ++step) {
      // Back and forth: the last fragment used is the next one's.
      int64_t j = i % 2 == 0 ? step : tokenAtoms - 1 - step;
      atom.multiply(
          k,
          weightFragments.slice(i * MmaAtom::weightRegisters,
                                MmaAtom::weightRegisters),
          tokenFragments.slice(j * MmaAtom::tokenRegisters,
                               MmaAtom::tokenRegisters),
          accumulators.slice((i * tokenAtoms + j) * MmaAtom::accumulators,
                             MmaAtom::accumulators));
    }
}

SmallVector<Value> MmaTile::accumulate() {
  int64_t stages = p.product.rows.stride / Swizzle::depth;
  Value yes = k.i32(Swizzle::chunkBytes), zero = k.i32(0);
  Value weightStage = k.i32(weights.begin), tokenStage = k.i32(tokens.begin);
  copyStage(weights, zero, weightStage, yes);
  copyStage(tokens, zero, tokenStage, yes);
  AsyncCopies::commit(k);
  AsyncCopies::wait(k, 0);
  k.syncBlock();

  size_t sums = rowAtoms * tokenAtoms * MmaAtom::accumulators;
  SmallVector<Value> carried(sums, k.f32(0.0));
  llvm::append_range(carried, loadFragments(weightStage, tokenStage, 0));
  size_t registers = carried.size() - sums;
  carried.append({weightStage, tokenStage});
  SmallVector<Value> result = k.loopCarried(
      0, stages, 1, carried,
      [&](Value stage, ValueRange values) -> SmallVector<Value> {
        SmallVector<Value> accumulators(values.take_front(sums));
        Fragments fragments(values.slice(sums, registers));
        Value weightStage = values[sums + registers];
        Value tokenStage = values[sums + registers + 1];
        auto other = [&](const Operand &operand, Value stage) {
          return k.sub(2 * operand.begin + operand.stageBytes, stage);
        };
        Value nextWeights = other(weights, weightStage);
        Value nextTokens = other(tokens, tokenStage);
        Value next = k.add(stage, 1);
        Value enabled = k.select(k.less(next, stages), yes, zero);
        // Past the end nothing is read, wherever it would be.
        Value column = k.mul(k.min(next, stages - 1), Swizzle::rowBytes);
        for (int64_t step = 0; step < steps; ++step) {
          bool last = step == steps - 1;
          Fragments following =
              loadFragments(last ? nextWeights : weightStage,
                            last ? nextTokens : tokenStage, (step + 1) % steps);
          if (step == 0)
            copyStage(weights, column, nextWeights, enabled);
          if (step == 1)
            copyStage(tokens, column, nextTokens, enabled);
          multiply(fragments, accumulators);
          // The next stage has to be there before its first fragments, and
          // everybody done with it before it is overwritten again.
          if (step == steps - 2) {
            AsyncCopies::commit(k);
            AsyncCopies::wait(k, 0);
            k.syncBlock();
          }
          fragments = std::move(following);
        }
        llvm::append_range(accumulators, fragments);
        accumulators.append({nextWeights, nextTokens});
        return accumulators;
      });
  result.truncate(sums);
  return result;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void MmaTile::finish(ArrayRef<Value> accumulators) {
  // A run is 8 rows of one weight: half the rows of an atom.
  int64_t numWeights = p.product.weights, runs = 2 * rowAtoms;
  Value rowInRun = k.div(k.lane(), 4);
  Value firstFeature = k.add(k.div(warpRow, numWeights), rowInRun);
  for (int64_t j = 0; j < tokenAtoms; ++j)
    for (int64_t q = 0; q < 2; ++q) {
      Value inAtom = k.add(k.mul(k.rem(k.lane(), 4), 2), q);
      Value token = k.add(k.add(warpToken, j * MmaAtom::n), inAtom);
      p.forToken(token, [&](const TokenPlace &place) {
        for (int64_t run = 0; run < runs; run += numWeights) {
          Element element;
          element.feature = k.add(firstFeature, run / numWeights * rowRun);
          for (int64_t w = 0; w < numWeights; ++w) {
            int64_t i = (run + w) / 2, half = (run + w) % 2;
            element.accumulators.push_back(
                accumulators[(i * tokenAtoms + j) * MmaAtom::accumulators +
                             2 * half + q]);
          }
          p.finish(place, element);
        }
      });
    }
}

void MmaTile::emit() {
  int64_t weightStage = tile.getRows() * Swizzle::rowBytes,
          tokenStage = size * Swizzle::rowBytes;
  arena = k.allocateShared(k.b.getI8Type(), 1, 2 * (weightStage + tokenStage),
                           Swizzle::alignment);
  auto prepare = [&](int64_t rows, int64_t begin) {
    Memory offsets =
        k.allocateShared(k.b.getI32Type(), rowsAtOnce, rows / rowsAtOnce);
    return Operand{{}, rows, begin, rows * Swizzle::rowBytes, offsets, {}};
  };
  weights = prepare(tile.getRows(), 0);
  tokens = prepare(size, 2 * weightStage);

  Value warp = k.warp();
  warpRow = k.mul(k.rem(warp, rowWarps), tile.getRows() / rowWarps);
  warpToken = k.mul(k.div(warp, rowWarps), size / tokenWarps);
  // Of four matrices, two are rows 0 to 7 and 8 to 15 of the first half of K;
  // of tokens, two are the halves of K of rows 0 to 7.
  Value low = k.rem(k.lane(), 8), bit3 = k.rem(k.div(k.lane(), 8), 2),
        bit4 = k.div(k.lane(), 16);
  Value weightRow = k.add(k.add(warpRow, low), k.mul(bit3, 8));
  Value tokenRow = k.add(k.add(warpToken, low), k.mul(bit4, 8));
  for (int64_t step = 0; step < steps; ++step) {
    weights.fragments.push_back(
        Swizzle::at(k, weightRow, k.add(bit4, 2 * step)));
    tokens.fragments.push_back(Swizzle::at(k, tokenRow, k.add(bit3, 2 * step)));
  }
  weights.source = p.packed;
  tokens.source = p.rows;
  findRows(weights, [&](Value row) { return p.packedRow(row); });
  findRows(tokens, [&](Value row) { return p.inputRow(row); });
  k.syncBlock();
  finish(accumulate());
}

LogicalResult emitMmaTile(ProductKernel &p) {
  return emitBySize<MmaTile>(
      p, halvesOf(p.product.tile.getTokens(), leastMmaTokens));
}

} // namespace moec::nvptx
