//===- TileEncoded.cpp - A tile of encoded weights ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp decodes 32 rows of weights in registers, and tensor cores multiply the
// codes with the rows; the sums of a group are scaled in f32 and added to the
// tile's. Which numbers of K meet in a step of the tensor core does not matter,
// so rows are read in the order of the codes.
//
// With few tokens warps have the same rows for their own steps of K, and wait
// for nobody; each lane loads the tokens' numbers that it multiplies, a stage
// ahead. Else warps have rows of their own, and the block copies tokens to
// shared memory for all of them.
//
//===----------------------------------------------------------------------===//

#include "EncodedWeights.h"
#include "TileSums.h"
#include "moec/Codegen/NVPTX/Attributes.h"
#include "moec/Support/Fragments.h"

namespace moec::nvptx {

namespace {

/// Registers of a token's numbers that a lane has in a step of the panels.
constexpr int64_t stepRegisters = Swizzle::chunkBytes / 4;
/// Lanes of a warp that have the same token.
constexpr int64_t tokenLanes = warpSize / MmaAtom::n;

class EncodedTile {
public:
  EncodedTile(ProductKernel &p, int64_t tokens);

  LogicalResult check();
  void emit();

private:
  void findRows();
  void copyStage(Value step, Value stage);
  void copyTokens(Value step, Value stage);
  SmallVector<Value> loadTokens(Value step);
  SmallVector<Value> tokensOf(Value stage, int64_t j, int64_t step);
  void multiply(Value stage, ValueRange tokenRegisters,
                MutableArrayRef<Value> sums);
  int64_t turnsAtOnce(int64_t steps) const;
  SmallVector<Value> accumulate();
  void scaleRows(MutableArrayRef<Value> sums);

  ProductKernel &p;
  DeviceKernel &k;
  const moe::GpuTileAttr tile;
  const MmaAtom atom;
  const int64_t tokens, tokenAtoms;
  /// Whether warps split K, and into how many.
  const bool isSplit;
  const int64_t teams;
  /// Elements of K in a stage, and steps of the panels.
  const int64_t depth, stageSteps;
  EncodedWeights weights;
  /// Whether numbers are decoded too large: then it costs less to take that off
  /// the sums.
  const bool lifted;
  /// Of a stage, the bytes of all codes and scales, and all bytes.
  const int64_t codeBytes, stageBytes;

  Memory arena;
  /// Where this thread's chunks of rows of tokens begin.
  SmallVector<Value> tokenChunks;
};

} // namespace

EncodedTile::EncodedTile(ProductKernel &p, int64_t tokens)
    : p(p), k(p.k), tile(p.product.tile), atom{p.product.rows.element},
      tokens(tokens), tokenAtoms(tokens / MmaAtom::n), isSplit(splitsK(tile)),
      teams(isSplit ? tile.getWarps() : 1), depth(stageDepth(tile)),
      stageSteps(depth / encodedDepth), weights(p, depth),
      lifted(isSplit && weights.decoder.lifts()),
      codeBytes((isSplit ? 1 : tile.getWarps()) * weights.stageBytes()),
      stageBytes(codeBytes + (isSplit ? 0 : tokens * depth * 2)) {}

LogicalResult EncodedTile::check() {
  Operation *op = p.product.op;
  if (!MmaAtom::takes(p.product.rows.element))
    return op->emitOpError("strategy ")
           << tile << " decodes weights for rows of bf16 or f16, these are "
           << p.product.rows.element;
  int64_t warpRows = tile.getRows() / (isSplit ? 1 : tile.getWarps());
  bool fits = warpRows == EncodedWeights::rows && tokenAtoms > 0 &&
              tokenAtoms * MmaAtom::n == tokens && tile.getStages() >= 2 &&
              depth % Swizzle::depth == 0 && weights.fits() &&
              (isSplit || (depth == Swizzle::depth &&
                           tokens * Swizzle::rowChunks % k.threads == 0)) &&
              p.product.rows.stride % Swizzle::depth == 0;
  if (fits)
    return success();
  return op->emitOpError("strategy ")
         << tile << " does not fit " << EncodedWeights::rows
         << " rows of encoded weights for a warp, two stages or more, and rows "
            "of "
         << p.product.rows.stride << " elements";
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void EncodedTile::findRows() {
  weights.find(isSplit ? k.i32(0) : k.mul(k.warp(), EncodedWeights::rows));
  tokenChunks.clear();
  int64_t rowBytes =
      p.product.rows.stride * elementBytes(p.product.rows.element);
  Memory rows{p.rows.pointer, k.b.getI8Type(), k.i64(rowBytes)};
  auto find = [&](Value row, Value chunk) {
    tokenChunks.push_back(
        k.address(rows, p.inputRow(row), k.mul(chunk, Swizzle::chunkBytes)));
  };
  if (isSplit) {
    Value row = k.div(k.lane(), tokenLanes),
          chunk = k.rem(k.lane(), tokenLanes);
    for (int64_t j = 0; j < tokenAtoms; ++j)
      find(k.add(row, j * MmaAtom::n), chunk);
    return;
  }
  Value chunk = k.rem(k.thread(), Swizzle::rowChunks);
  for (int64_t i = 0; i < tokens; i += k.threads / Swizzle::rowChunks)
    find(k.add(k.div(k.thread(), Swizzle::rowChunks), i), chunk);
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
    Value warp = isSplit ? k.i32(0) : k.mul(k.warp(), weights.stageBytes());
    weights.copy(arena, step, k.add(stage, warp));
    if (!isSplit)
      copyTokens(step, stage);
  });
  AsyncCopies::commit(k);
}

/// The tokens' numbers of step `step` of K that this lane multiplies where
/// warps split K, `[token atom][panel step][register]`.
SmallVector<Value> EncodedTile::loadTokens(Value step) {
  SmallVector<Value> registers;
  int64_t rowSteps = p.product.rows.stride / Swizzle::depth,
          parts = depth / Swizzle::depth;
  // Panels may be longer than rows, which then are as if followed by zeros.
  bool isLonger = weights.stages() * parts > rowSteps;
  for (Value row : tokenChunks)
    for (int64_t part = 0; part < parts; ++part) {
      Value number = k.add(k.mul(step, parts), part);
      Memory bytes{row, k.b.getI8Type(), k.i64(0)};
      Value from = k.address(
          bytes, 0, k.mul(k.min(number, rowSteps - 1), Swizzle::rowBytes));
      for (int64_t i = 0; i < Swizzle::depth / encodedDepth; ++i) {
        Memory words{from, k.b.getI32Type(), k.i64(0)};
        for (Value word :
             k.loadRun(words, 0, i * tokenLanes * stepRegisters, stepRegisters))
          registers.push_back(
              isLonger ? k.select(k.less(number, rowSteps), word, 0) : word);
      }
    }
  return registers;
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

void EncodedTile::multiply(Value stage, ValueRange tokenRegisters,
                           MutableArrayRef<Value> sums) {
  int64_t spanSteps = weights.spanSteps(), products = weights.spanProducts();
  constexpr int64_t rowAtoms = EncodedWeights::rowAtoms;
  Value warp = isSplit ? k.i32(0) : k.mul(k.warp(), weights.stageBytes());
  Value codes = k.add(stage, warp);
  auto add = [&](ArrayRef<Value> factors, ArrayRef<Value> rows, int64_t n,
                 MutableArrayRef<Value> to) {
    atom.multiply(
        k, factors,
        rows.slice(n * MmaAtom::tokenRegisters, MmaAtom::tokenRegisters), to);
  };
  for (int64_t s = 0; s < weights.spans(); ++s) {
    // Keeps the assembler from decoding several spans at once, which takes more
    // registers than there are with many tokens.
    if (s > 0 && !isSplit)
      k.syncWarp();
    SmallVector<Scales> scales = weights.loadScales(arena, codes, s);
    // Of a row atom, one product after the other along the span.
    SmallVector<SmallVector<Value>> factors(rowAtoms);
    for (int64_t step = 0; step < spanSteps; ++step) {
      SmallVector<Value> decoded =
          weights.fragments(arena, codes, s * spanSteps + step, scales, lifted);
      size_t share = decoded.size() / rowAtoms;
      for (int64_t i = 0; i < rowAtoms; ++i)
        llvm::append_range(factors[i],
                           ArrayRef(decoded).slice(i * share, share));
    }
    for (int64_t j = 0; j < tokenAtoms; ++j) {
      SmallVector<Value> rows;
      for (int64_t step = 0; step < spanSteps; ++step)
        if (isSplit)
          llvm::append_range(
              rows, tokenRegisters.slice(
                        (j * stageSteps + s * spanSteps + step) * stepRegisters,
                        stepRegisters));
        else
          llvm::append_range(rows, tokensOf(stage, j, s * spanSteps + step));
      for (int64_t i = 0; i < rowAtoms; ++i) {
        MutableArrayRef<Value> own =
            sums.slice((i * tokenAtoms + j) * MmaAtom::accumulators,
                       MmaAtom::accumulators);
        SmallVector<Value> fresh(MmaAtom::accumulators, k.f32(0.0));
        MutableArrayRef<Value> group =
            weights.scalesSpans() ? MutableArrayRef(fresh) : own;
        if (lifted)
          for (int64_t n = 0; n < products; ++n)
            add(weights.lift(i, scales), rows, n, group);
        for (int64_t n = 0; n < products; ++n)
          add(ArrayRef(factors[i])
                  .slice(n * MmaAtom::weightRegisters,
                         MmaAtom::weightRegisters),
              rows, n, group);
        if (!weights.scalesSpans())
          continue;
        for (auto [n, product] : llvm::enumerate(group))
          own[n] = math::FmaOp::create(k.b, weights.scale(scales, i, n / 2),
                                       product, own[n]);
      }
    }
  }
}

/// Scales sums by what the numbers of whole rows have in common.
void EncodedTile::scaleRows(MutableArrayRef<Value> sums) {
  SmallVector<Scales> scales;
  if (weights.hasRowScales())
    scales = weights.loadRowScales();
  else if (!weights.decoder.scalesNumbers())
    return;
  for (auto [n, sum] : llvm::enumerate(sums)) {
    int64_t number = n, of = number / MmaAtom::accumulators,
            half = number % MmaAtom::accumulators / 2;
    Value scale = weights.hasRowScales()
                      ? weights.scale(scales, of / tokenAtoms, half)
                      : k.f32(std::ldexp(1.0, kFp4SumExponent));
    sum = arith::MulFOp::create(k.b, sum, scale);
  }
}

SmallVector<Value> EncodedTile::accumulate() {
  int64_t stages = tile.getStages(), steps = weights.stages();
  Value team = isSplit ? k.warp() : k.i32(0);
  Value ring = k.mul(team, stages * stageBytes);
  for (int64_t i = 0; i < stages - 1; ++i)
    copyStage(k.add(team, i * teams), k.add(ring, i * stageBytes));

  SmallVector<Value> carried(EncodedWeights::rowAtoms * tokenAtoms *
                                 MmaAtom::accumulators,
                             k.f32(0.0));
  size_t count = carried.size();
  Value lastStage = k.add(ring, (stages - 1) * stageBytes);
  // The stage to multiply, the one to fill, and tokens.
  carried.append({ring, lastStage});
  if (isSplit)
    llvm::append_range(carried, loadTokens(team));
  auto turn = [&](Value step, ValueRange values) -> SmallVector<Value> {
    SmallVector<Value> sums(values.take_front(count));
    Value stage = values[count], fill = values[count + 1];
    AsyncCopies::wait(k, stages - 2);
    // The whole team's copies have landed, and all are done with the stage
    // before, which is filled anew.
    isSplit ? k.syncWarp() : k.syncBlock();
    copyStage(k.add(step, (stages - 1) * teams), fill);
    SmallVector<Value> following;
    if (isSplit)
      following = loadTokens(k.add(step, teams));
    multiply(stage, values.drop_front(count + 2), sums);
    Value next =
        k.select(k.equal(stage, lastStage), ring, k.add(stage, stageBytes));
    sums.append({next, stage});
    llvm::append_range(sums, following);
    return sums;
  };
  int64_t turns = turnsAtOnce(steps);
  SmallVector<Value> result =
      k.loopCarried(team, steps, teams * turns, carried,
                    [&](Value step, ValueRange values) -> SmallVector<Value> {
                      SmallVector<Value> state(values);
                      // After whole rounds the ring is where it was.
                      bool isRound = turns % stages == 0;
                      for (int64_t i = 0; i < turns; ++i) {
                        if (isRound) {
                          state[count] = k.add(ring, i % stages * stageBytes);
                          state[count + 1] = k.add(
                              ring, (i + stages - 1) % stages * stageBytes);
                        }
                        state = turn(k.add(step, i * teams), state);
                      }
                      if (isRound) {
                        state[count] = ring;
                        state[count + 1] = lastStage;
                      }
                      return state;
                    });
  result.truncate(count);
  return result;
}

/// Turns of a warp that the loop does at once, where all warps have as many: no
/// registers have to be moved then for what is loaded ahead.
int64_t EncodedTile::turnsAtOnce(int64_t steps) const {
  if (!isSplit || steps % teams != 0)
    return 1;
  for (int64_t turns : {4, 3, 2})
    if (steps / teams % turns == 0)
      return turns;
  return 1;
}

void EncodedTile::emit() {
  TileSums tileSums(p, teams, tokens);
  arena = k.allocateShared(
      k.b.getI8Type(), 1,
      std::max(teams * tile.getStages() * stageBytes, tileSums.bytes()),
      Swizzle::alignment);
  findRows();
  SmallVector<Value> sums = accumulate();
  scaleRows(sums);
  AsyncCopies::wait(k, 0);
  k.syncBlock();
  Value zero = k.i32(0);
  tileSums.put(arena.pointer, sums, isSplit ? k.warp() : zero,
               isSplit ? zero : k.mul(k.warp(), EncodedWeights::rows));
  tileSums.finish();
}

LogicalResult emitEncodedTile(ProductKernel &p) {
  moe::GpuTileAttr tile = p.product.tile;
  SmallVector<int64_t> sizes = halvesOf(
      tile.getTokens(), splitsK(tile) ? tile.getTokens() : leastMmaTokens);
  for (int64_t size : sizes)
    if (failed(EncodedTile(p, size).check()))
      return failure();
  p.forTile([&] {
    p.forSize(sizes, [&](int64_t size) { EncodedTile(p, size).emit(); });
  });
  return success();
}

} // namespace moec::nvptx
