//===- TileEncoded.cpp - A tile of encoded weights ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes come to shared memory as they are packed: a lane finds those of its
// fragments in 8 bytes. It decodes them in registers, each code of the block
// once, and tensor cores multiply them with the rows; the sums of a group are
// scaled in f32 and added to the tile's. Which numbers of K meet in a step of
// the tensor core does not matter, so rows are read in the order of the codes.
//
// A team fills and empties a ring of stages together: with few tokens a warp,
// which has all rows of the tile for its own steps of K; else the block, whose
// warps have rows of their own.
//
//===----------------------------------------------------------------------===//

#include "Decode.h"
#include "TensorCore.h"
#include "TileSums.h"
#include "moec/Codegen/NVPTX/Attributes.h"

#include <numeric>

namespace moec::nvptx {

namespace {

/// Rows of a panel, elements of K in a step of it, and such steps in a stage.
constexpr int64_t panelRows = encodedCols, stepDepth = encodedDepth,
                  stageDepths = Swizzle::depth / stepDepth;
/// Bytes and registers of a step's codes that a lane has for one row, or two
/// rows if codes have four bits.
constexpr int64_t laneBytes = 8, laneRegisters = 2;

class EncodedTile {
public:
  EncodedTile(ProductKernel &p, int64_t tokens);

  LogicalResult check();
  void emit();

private:
  Value member() { return isSplit ? k.lane() : k.thread(); }
  void syncTeam() { isSplit ? k.syncWarp() : k.syncBlock(); }
  Value panel(Value number);
  void findRows();
  Value codesAt(Value step);
  void copyStage(Value step, Value stage);
  SmallVector<Value> loadScales(Value step);
  SmallVector<Value> loadTokens(Value stage, int64_t j, int64_t step);
  SmallVector<Value> decode(Value stage, int64_t atom, int64_t step,
                            ValueRange scales);
  void multiply(Value stage, ValueRange scales, MutableArrayRef<Value> sums);
  SmallVector<Value> accumulate();

  Value shared(Number offset) { return k.address(arena, 0, offset); }
  /// Elements of type `type` in shared memory, `count` from byte `offset` on.
  SmallVector<Value> loadShared(Value offset, int64_t count) {
    return k.loadRun({shared(offset), k.b.getI32Type(), k.i32(0)}, 0, 0, count);
  }

  ProductKernel &p;
  DeviceKernel &k;
  const moe::GpuTileAttr tile;
  const moe::PanelsAttr panels;
  const CodeDecoder decoder;
  const MmaAtom atom;
  const int64_t tokens;
  /// Whether warps split K.
  const bool isSplit;
  const int64_t teams, teamThreads;
  /// Panels of the tile, of a warp, and atoms of tokens.
  const int64_t tilePanels, rowAtoms, tokenAtoms;
  /// Stages along K; of a stage, the bytes of codes and all bytes.
  const int64_t steps, codeBytes, stageBytes;
  /// Elements of K that are multiplied before their sums are scaled, and how
  /// often that is in a stage.
  const int64_t span, spans;

  Memory arena;
  /// Of this thread: where its chunks of codes begin in step 0, which step of a
  /// stage they are of, and where its chunk of each row of tokens is.
  SmallVector<Value> codeChunks, codeSteps, tokenChunks;
  /// The panels of this lane's warp.
  SmallVector<Value> warpPanels;
};

} // namespace

EncodedTile::EncodedTile(ProductKernel &p, int64_t tokens)
    : p(p), k(p.k), tile(p.product.tile), panels(p.product.panels),
      decoder(moe::NumberFormat::of(panels.getEncoding())->block,
              p.product.rows.element),
      atom{p.product.rows.element}, tokens(tokens), isSplit(splitsK(tile)),
      teams(isSplit ? tile.getWarps() : 1), teamThreads(k.threads / teams),
      tilePanels(tile.getRows() / panelRows),
      rowAtoms(isSplit ? tilePanels : tilePanels / tile.getWarps()),
      tokenAtoms(tokens / MmaAtom::n), steps(panels.getSteps() / stageDepths),
      codeBytes(tilePanels * stageDepths * panels.getStepBytes()),
      stageBytes(codeBytes + tokens * Swizzle::rowBytes),
      span(std::gcd(panels.getGroup(), Swizzle::depth)),
      spans(Swizzle::depth / span) {}

LogicalResult EncodedTile::check() {
  Operation *op = p.product.op;
  if (!MmaAtom::takes(p.product.rows.element))
    return op->emitOpError("strategy ")
           << tile << " decodes weights for rows of bf16 or f16, these are "
           << p.product.rows.element;
  int64_t chunks = teamThreads * Swizzle::chunkBytes;
  bool fits = rowAtoms > 0 && tokenAtoms > 0 &&
              rowAtoms * MmaAtom::m * (isSplit ? 1 : tile.getWarps()) ==
                  tile.getRows() &&
              tokenAtoms * MmaAtom::n == tokens && tile.getStages() >= 2 &&
              codeBytes % chunks == 0 &&
              tokens * Swizzle::rowBytes % chunks == 0 &&
              tile.getDepth() == teams * Swizzle::depth &&
              p.product.rows.stride % Swizzle::depth == 0;
  if (fits)
    return success();
  return op->emitOpError("strategy ")
         << tile << " does not fit panels of " << panelRows
         << " rows of encoded weights, two stages or more, and rows of "
         << p.product.rows.stride << " elements";
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// Where panel `number` of the tile begins.
Value EncodedTile::panel(Value number) {
  return k.address(p.packed, p.packedRow(number), 0);
}

/// Where the codes of a step of a panel begin.
Value EncodedTile::codesAt(Value step) {
  int64_t unitSteps = panels.getUnitSteps(), first = panels.getCodeOffset(0);
  Value unit = k.div(step, unitSteps), inUnit = k.rem(step, unitSteps);
  return k.add(k.add(k.mul(unit, panels.getUnitBytes()), first),
               k.mul(inUnit, panels.getStepBytes()));
}

void EncodedTile::findRows() {
  codeChunks.clear();
  codeSteps.clear();
  tokenChunks.clear();
  warpPanels.clear();
  Type byte = k.b.getI8Type();
  int64_t stepChunks = panels.getStepBytes() / Swizzle::chunkBytes,
          panelChunks = stageDepths * stepChunks;
  for (int64_t i = 0; i < codeBytes / Swizzle::chunkBytes; i += teamThreads) {
    Value chunk = k.add(member(), i), inPanel = k.rem(chunk, panelChunks);
    codeSteps.push_back(k.div(inPanel, stepChunks));
    Value offset = k.mul(k.rem(inPanel, stepChunks), Swizzle::chunkBytes);
    Memory bytes{panel(k.div(chunk, panelChunks)), byte, k.i64(0)};
    codeChunks.push_back(k.address(bytes, 0, offset));
  }
  int64_t rowBytes =
      p.product.rows.stride * elementBytes(p.product.rows.element);
  Memory rows{p.rows.pointer, byte, k.i64(rowBytes)};
  Value chunk = k.rem(member(), Swizzle::rowChunks);
  for (int64_t i = 0; i < tokens; i += teamThreads / Swizzle::rowChunks) {
    Value row = k.add(k.div(member(), Swizzle::rowChunks), i);
    tokenChunks.push_back(
        k.address(rows, p.inputRow(row), k.mul(chunk, Swizzle::chunkBytes)));
  }
  Value first = isSplit ? k.i32(0) : k.mul(k.warp(), rowAtoms);
  for (int64_t i = 0; i < rowAtoms; ++i)
    warpPanels.push_back(panel(k.add(first, i)));
}

/// Where chunk `chunk` of a token's row lies. Eight lanes read the same four
/// chunks of two rows that follow each other: these are in different banks.
static Value tokenAt(DeviceKernel &k, Value row, Value chunk) {
  Value turn = k.bitOr(k.shiftLeft(k.bitAnd(row, 1), 2),
                       k.bitAnd(k.shiftRight(row, 1), 3));
  return k.add(k.mul(row, Swizzle::rowBytes),
               k.mul(k.bitXor(chunk, turn), Swizzle::chunkBytes));
}

/// Starts to copy step `step` of K to the stage at byte `stage`; nothing past
/// the last one.
void EncodedTile::copyStage(Value step, Value stage) {
  k.when(k.less(step, steps), [&] {
    auto copy = [&](Value to, Value from, Value offset, Value enabled) {
      Memory bytes{from, k.b.getI8Type(), k.i64(0)};
      AsyncCopies::copy(k, shared(to), k.address(bytes, 0, offset), enabled);
    };
    Value all = k.i32(Swizzle::chunkBytes);
    for (auto [i, chunk] : llvm::enumerate(codeChunks)) {
      Value number = k.add(member(), int64_t(i) * teamThreads);
      copy(k.add(stage, k.mul(number, Swizzle::chunkBytes)), chunk,
           codesAt(k.add(k.mul(step, stageDepths), codeSteps[i])), all);
    }
    // Panels may be longer than rows, which then are as if followed by zeros.
    int64_t rowSteps = p.product.rows.stride / Swizzle::depth;
    Value column = k.mul(k.min(step, rowSteps - 1), Swizzle::rowBytes);
    Value enabled =
        steps > rowSteps ? k.select(k.less(step, rowSteps), all, 0) : all;
    Value chunk = k.rem(member(), Swizzle::rowChunks);
    for (auto [i, source] : llvm::enumerate(tokenChunks)) {
      Value row = k.add(k.div(member(), Swizzle::rowChunks),
                        int64_t(i) * teamThreads / Swizzle::rowChunks);
      copy(k.add(stage, k.add(tokenAt(k, row, chunk), codeBytes)), source,
           column, enabled);
    }
  });
  AsyncCopies::commit(k);
}

/// The scales of this lane's rows, `[span][row atom][2]`, in step `step`, as
/// they are stored.
SmallVector<Value> EncodedTile::loadScales(Value step) {
  int64_t unitGroups = panels.getUnitGroups();
  Value row = k.mul(k.div(k.lane(), 4), decoder.scaleBytes());
  SmallVector<Value> scales;
  for (int64_t i = 0; i < spans; ++i) {
    Value group =
        k.div(k.add(k.mul(step, Swizzle::depth), i * span), panels.getGroup());
    Value offset = k.add(
        k.mul(k.div(group, unitGroups), panels.getUnitBytes()),
        k.add(k.mul(k.rem(group, unitGroups), panels.getScaleBytes()), row));
    for (Value panel : warpPanels)
      for (int64_t half = 0; half < 2; ++half) {
        Memory bytes{panel, k.b.getI8Type(), k.i64(0)};
        bytes.pointer = k.address(bytes, 0, offset);
        int64_t below = half * panelRows / 2 * decoder.scaleBytes();
        scales.push_back(decoder.loadScale(k, k.address(bytes, 0, below)));
      }
  }
  return scales;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The fragments of token atom `j` for step `step` of a stage, `[mma][2]`.
SmallVector<Value> EncodedTile::loadTokens(Value stage, int64_t j,
                                           int64_t step) {
  Value row = k.div(k.lane(), 4);
  Value chunk = k.add(k.rem(k.lane(), 4), step * (Swizzle::rowChunks / 2));
  Value at = k.add(tokenAt(k, row, chunk),
                   codeBytes + j * MmaAtom::n * Swizzle::rowBytes);
  SmallVector<Value> four =
      loadShared(k.add(stage, at), laneRegisters * MmaAtom::tokenRegisters);
  // Codes of a pair are two bytes apart, so numbers are too.
  SmallVector<Value> fragments;
  for (int64_t i = 0; i < laneRegisters; ++i)
    for (int32_t number : {0, 1}) {
      auto halves = VectorType::get({2}, k.b.getI16Type());
      Value first = LLVM::BitcastOp::create(k.b, halves, four[2 * i]),
            second = LLVM::BitcastOp::create(k.b, halves, four[2 * i + 1]);
      Value pair = LLVM::ShuffleVectorOp::create(
          k.b, first, second, ArrayRef<int32_t>{number, number + 2});
      fragments.push_back(LLVM::BitcastOp::create(k.b, k.b.getI32Type(), pair));
    }
  return fragments;
}

/// The fragments of weights of row atom `atom`, whose two rows have `scales`,
/// for step `step` of a stage, `[mma][4]`.
SmallVector<Value> EncodedTile::decode(Value stage, int64_t atom, int64_t step,
                                       ValueRange scales) {
  Value first = isSplit ? k.i32(0) : k.mul(k.warp(), rowAtoms);
  int64_t stepBytes = panels.getStepBytes();
  Value at = k.add(k.mul(k.add(first, atom), stageDepths * stepBytes),
                   k.add(k.mul(k.lane(), laneBytes), step * stepBytes));
  SmallVector<Value> low = loadShared(k.add(stage, at), laneRegisters);
  bool halves = decoder.codeBits() == 4;
  SmallVector<Value> high =
      halves
          ? low
          : loadShared(k.add(k.add(stage, at), stepBytes / 2), laneRegisters);
  Value zeros[] = {decoder.zero(k, scales[0]), decoder.zero(k, scales[1])};
  SmallVector<Value> fragments;
  for (int64_t i = 0; i < laneRegisters; ++i)
    for (int64_t byte : {0, 8}) {
      fragments.push_back(decoder.pair(k, low[i], byte, zeros[0]));
      fragments.push_back(
          decoder.pair(k, high[i], byte + (halves ? 4 : 0), zeros[1]));
    }
  return fragments;
}

void EncodedTile::multiply(Value stage, ValueRange scales,
                           MutableArrayRef<Value> sums) {
  int64_t spanSteps = span / stepDepth, products = spanSteps * laneRegisters;
  auto scalesOf = [&](int64_t s, int64_t i) {
    return scales.slice((s * rowAtoms + i) * 2, 2);
  };
  for (int64_t s = 0; s < spans; ++s) {
    // Keeps the assembler from decoding several spans at once, which takes more
    // registers than there are.
    if (s > 0)
      k.syncWarp();
    // Of a row atom and of a token atom, one after the other along the span.
    SmallVector<SmallVector<Value>> weights(rowAtoms);
    for (int64_t i = 0; i < rowAtoms; ++i)
      for (int64_t step = 0; step < spanSteps; ++step)
        llvm::append_range(
            weights[i], decode(stage, i, s * spanSteps + step, scalesOf(s, i)));
    for (int64_t j = 0; j < tokenAtoms; ++j) {
      SmallVector<Value> rows;
      for (int64_t step = 0; step < spanSteps; ++step)
        llvm::append_range(rows, loadTokens(stage, j, s * spanSteps + step));
      for (int64_t i = 0; i < rowAtoms; ++i) {
        SmallVector<Value> group(MmaAtom::accumulators, k.f32(0.0));
        for (int64_t n = 0; n < products; ++n)
          atom.multiply(k,
                        ArrayRef(weights[i])
                            .slice(n * MmaAtom::weightRegisters,
                                   MmaAtom::weightRegisters),
                        ArrayRef(rows).slice(n * MmaAtom::tokenRegisters,
                                             MmaAtom::tokenRegisters),
                        group);
        for (auto [n, product] : llvm::enumerate(group)) {
          Value scale = decoder.scale(k, scalesOf(s, i)[n / 2]);
          Value &sum = sums[(i * tokenAtoms + j) * MmaAtom::accumulators + n];
          sum = math::FmaOp::create(k.b, scale, product, sum);
        }
      }
    }
  }
}

SmallVector<Value> EncodedTile::accumulate() {
  int64_t stages = tile.getStages();
  Value team = isSplit ? k.warp() : k.i32(0);
  Value ring = k.mul(team, stages * stageBytes);
  for (int64_t i = 0; i < stages - 1; ++i)
    copyStage(k.add(team, i * teams), k.add(ring, i * stageBytes));

  SmallVector<Value> carried(rowAtoms * tokenAtoms * MmaAtom::accumulators,
                             k.f32(0.0));
  size_t count = carried.size();
  Value lastStage = k.add(ring, (stages - 1) * stageBytes);
  // The stage to multiply, the one to fill, and scales.
  carried.append({ring, lastStage});
  llvm::append_range(carried, loadScales(k.min(team, steps - 1)));
  SmallVector<Value> result =
      k.loopCarried(team, steps, teams, carried,
                    [&](Value step, ValueRange values) -> SmallVector<Value> {
                      SmallVector<Value> sums(values.take_front(count));
                      Value stage = values[count], fill = values[count + 1];
                      AsyncCopies::wait(k, stages - 2);
                      // The whole team's copies have landed, and all are done
                      // with the stage before, which is filled anew.
                      syncTeam();
                      copyStage(k.add(step, (stages - 1) * teams), fill);
                      SmallVector<Value> following =
                          loadScales(k.min(k.add(step, teams), steps - 1));
                      multiply(stage, values.drop_front(count + 2), sums);
                      Value next = k.select(k.equal(stage, lastStage), ring,
                                            k.add(stage, stageBytes));
                      sums.append({next, stage});
                      llvm::append_range(sums, following);
                      return sums;
                    });
  result.truncate(count);
  return result;
}

void EncodedTile::emit() {
  TileSums tileSums(p, teams, tokens);
  arena = k.allocateShared(
      k.b.getI8Type(), 1,
      std::max(teams * tile.getStages() * stageBytes, tileSums.bytes()),
      Swizzle::alignment);
  findRows();
  SmallVector<Value> sums = accumulate();
  AsyncCopies::wait(k, 0);
  k.syncBlock();
  Value zero = k.i32(0);
  tileSums.put(arena.pointer, sums, isSplit ? k.warp() : zero,
               isSplit ? zero : k.mul(k.warp(), rowAtoms * MmaAtom::m));
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
