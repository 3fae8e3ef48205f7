//===- EncodedWeights.cpp - A warp's rows of encoded weights --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EncodedWeights.h"

#include <numeric>

namespace moec::nvptx {

/// Of a panel, bytes of a step.
static constexpr int64_t stepBytes = warpSize * Swizzle::chunkBytes;

/// All numbers of a row have one scale in f32.
static bool scalesRows(moe::PanelsAttr panels, const CodeDecoder &decoder) {
  return panels.getGroups() == 1 && decoder.scaleBytes() == 4 &&
         decoder.hasOneLift();
}

EncodedWeights::EncodedWeights(ProductKernel &p, int64_t depth)
    : decoder(moe::NumberFormat::of(p.product.panels.getEncoding())->block,
              p.product.rows.element),
      p(p), k(p.k), panels(p.product.panels), depth(depth),
      span(scalesRows(panels, decoder) ? depth
                                       : std::gcd(panels.getGroup(), depth)),
      codeBytes(numPanels() * depth / encodedDepth * stepBytes),
      scaleBytes(
          hasRowScales() ? 0 : numPanels() * spans() * panels.getScaleBytes()) {
}

bool EncodedWeights::hasRowScales() const {
  return scalesRows(panels, decoder);
}

bool EncodedWeights::fits() const {
  return depth % encodedDepth == 0 &&
         panels.getSteps() * encodedDepth % depth == 0 &&
         numPanels() * spans() * scaleChunks() <= warpSize;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// Where a group's scales begin in a panel.
Value EncodedWeights::groupAt(Value group) {
  int64_t unit = panels.getUnitGroups();
  return k.add(k.mul(k.div(group, unit), panels.getUnitBytes()),
               k.mul(k.rem(group, unit), panels.getScaleBytes()));
}

/// Where the codes of a step begin in a panel.
Value EncodedWeights::codesAt(Value step) {
  int64_t unit = panels.getUnitSteps();
  return k.add(k.add(k.mul(k.div(step, unit), panels.getUnitBytes()),
                     panels.getCodeOffset(0)),
               k.mul(k.rem(step, unit), stepBytes));
}

void EncodedWeights::find(Value row) {
  decoder.begin(k);
  pointers.clear();
  codeChunks.clear();
  Value first = k.div(row, panels.getCols());
  Type byte = k.b.getI8Type();
  Value chunk = k.mul(k.lane(), Swizzle::chunkBytes);
  for (int64_t i = 0; i < numPanels(); ++i) {
    pointers.push_back(k.address(p.packed, p.packedRow(k.add(first, i)), 0));
    codeChunks.push_back(
        k.address({pointers.back(), byte, k.i64(0)}, 0, chunk));
  }
  scaleChunk = scaleBytes ? scalesOf(k.i32(0)) : Value();
}

/// Where this lane's chunk of the codes of step `step` of a stage is.
Value EncodedWeights::codesOf(Value chunk, Value stage, int64_t step) {
  Type byte = k.b.getI8Type();
  int64_t steps = depth / encodedDepth, unit = unitDepth();
  // Stages are whole units, or parts of one.
  if (depth % unit == 0)
    return k.address({chunk, byte, k.i64(depth / unit * panels.getUnitBytes())},
                     stage,
                     panels.getCodeOffset(step / panels.getGroupSteps()) +
                         step % panels.getGroupSteps() * stepBytes);
  Value first = k.mul(stage, steps);
  if (unit % depth == 0)
    return k.address(
        {k.address({chunk, byte, k.i64(0)}, 0, codesAt(first)), byte, k.i64(0)},
        0, step * stepBytes);
  return k.address({chunk, byte, k.i64(0)}, 0, codesAt(k.add(first, step)));
}

/// Where this lane's chunk of a stage's scales is.
Value EncodedWeights::scalesOf(Value stage) {
  int64_t spanChunks = scaleChunks(), panelChunks = spans() * spanChunks;
  Value number = k.div(k.rem(k.lane(), panelChunks), spanChunks),
        element = k.add(k.mul(stage, depth), k.mul(number, span));
  Value from = k.add(groupAt(k.div(element, panels.getGroup())),
                     k.mul(k.rem(k.lane(), spanChunks), Swizzle::chunkBytes));
  Value panel = pointers[0];
  for (int64_t i = 1; i < numPanels(); ++i)
    panel = arith::SelectOp::create(k.b, k.less(k.lane(), i * panelChunks),
                                    panel, pointers[i]);
  return k.address({panel, k.b.getI8Type(), k.i64(0)}, 0, from);
}

EncodedWeights::Chunks EncodedWeights::chunksOf(Value stage) {
  Chunks chunks;
  for (Value panel : codeChunks)
    for (int64_t step = 0; step < depth / encodedDepth; ++step)
      chunks.codes.push_back(codesOf(panel, stage, step));
  int64_t unit = unitDepth();
  if (scaleBytes)
    chunks.scales =
        depth % unit == 0
            ? k.address({scaleChunk, k.b.getI8Type(),
                         k.i64(depth / unit * panels.getUnitBytes())},
                        stage, 0)
            : scalesOf(stage);
  return chunks;
}

std::optional<EncodedWeights::Distance>
EncodedWeights::distance(int64_t stages) const {
  int64_t elements = stages * depth, unit = unitDepth();
  if (panels.getGroups() == 1)
    return Distance{elements / encodedDepth * stepBytes, 0};
  if (elements % unit)
    return std::nullopt;
  int64_t bytes = elements / unit * panels.getUnitBytes();
  return Distance{bytes, bytes};
}

void EncodedWeights::copy(const Memory &arena, const Chunks &chunks, Value to) {
  Value place = k.add(to, k.mul(k.lane(), Swizzle::chunkBytes));
  for (auto [i, chunk] : llvm::enumerate(chunks.codes))
    AsyncCopies::copy(
        k, k.address(arena, 0, k.add(place, int64_t(i) * stepBytes)), chunk);
  if (!chunks.scales)
    return;
  k.when(k.less(k.lane(), scaleBytes / Swizzle::chunkBytes), [&] {
    AsyncCopies::copy(k, k.address(arena, 0, k.add(place, codeBytes)),
                      chunks.scales);
  });
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

Scales EncodedWeights::loadWords(Value pointer, int64_t bytes) {
  int64_t count = bytes / 4;
  return Scales(k.loadRun({pointer, k.b.getI32Type(), k.i32(0)}, 0, 0, count));
}

SmallVector<Scales> EncodedWeights::loadScales(const Memory &arena, Value from,
                                               int64_t span) {
  SmallVector<Scales> scales(numPanels());
  if (hasRowScales())
    return scales;
  Value lane = k.mul(k.div(k.lane(), 4), laneScaleBytes());
  for (int64_t i = 0; i < numPanels(); ++i)
    scales[i] =
        loadWords(k.address(arena, 0,
                            k.add(k.add(from, lane),
                                  codeBytes + (i * spans() + span) *
                                                  panels.getScaleBytes())),
                  laneScaleBytes());
  return scales;
}

SmallVector<Scales> EncodedWeights::loadRowScales() {
  Value lane = k.mul(k.div(k.lane(), 4), laneScaleBytes());
  return llvm::map_to_vector(pointers, [&](Value panel) {
    Memory words{panel, k.b.getI8Type(), k.i64(0)};
    words.pointer = k.address(words, 0, lane);
    words.element = k.b.getI32Type();
    return Scales(k.loadRun(words, 0, 0, laneScaleBytes() / 4));
  });
}

/// The fragments of two of a lane's rows, the lower and the upper of an atom.
SmallVector<Value> EncodedWeights::decodeRows(const Scales &codes,
                                              const Scales &scales, int64_t low,
                                              int64_t high, bool lifted) {
  int64_t words = decoder.words();
  auto numbers = [&](int64_t row) {
    return decoder.decode(k, ArrayRef<Value>(codes).slice(row * words, words),
                          scales, row, lifted);
  };
  auto lower = numbers(low), upper = numbers(high);
  SmallVector<Value> result;
  for (auto [lowerPair, upperPair] : llvm::zip_equal(lower, upper))
    result.append({lowerPair, upperPair});
  return result;
}

SmallVector<Value> EncodedWeights::fragments(const Memory &arena, Value from,
                                             int64_t step,
                                             ArrayRef<Scales> scales,
                                             bool lifted) {
  Value lane = k.add(from, k.mul(k.lane(), Swizzle::chunkBytes));
  int64_t steps = depth / encodedDepth;
  SmallVector<Value> result;
  for (int64_t i = 0; i < numPanels(); ++i) {
    Scales codes = loadWords(
        k.address(arena, 0, k.add(lane, (i * steps + step) * stepBytes)),
        Swizzle::chunkBytes);
    for (int64_t row = 0; row < decoder.laneRows(); row += 2)
      llvm::append_range(result,
                         decodeRows(codes, scales[i], row, row + 1, lifted));
  }
  return result;
}

SmallVector<Value> EncodedWeights::lift(int64_t rowAtom,
                                        ArrayRef<Scales> scales) {
  const Scales &own = scales[rowAtom / panelAtoms()];
  int64_t row = rowAtom % panelAtoms() * 2;
  Value low = decoder.lift(k, own, row), high = decoder.lift(k, own, row + 1);
  return {low, high, low, high};
}

Value EncodedWeights::scale(ArrayRef<Scales> scales, int64_t rowAtom,
                            int64_t half) {
  return decoder.scale(k, scales[rowAtom / panelAtoms()],
                       rowAtom % panelAtoms() * 2 + half);
}

//===----------------------------------------------------------------------===//
// Half of the rows
//===----------------------------------------------------------------------===//

/// Where the warp's panel is, if panels of `panelBytes` follow each other and
/// each of two warps has one.
Value EncodedWeights::halfAt(Value second, int64_t panelBytes) {
  return panelAtoms() == 1 ? k.mul(second, panelBytes) : k.i32(0);
}

/// Of a lane's rows of a panel of two warps, `bits` each, those of the warp in
/// the place of the first warp's.
Scales EncodedWeights::halfOf(const Scales &words, int64_t bits, Value second) {
  if (panelAtoms() == 1)
    return words;
  // The rows of a lane: those that are next to each other are the warp's, or
  // every other one.
  int64_t distance = (upperRow() == 1 ? 2 : 1) * bits;
  Scales result = words;
  for (size_t i = 0; i + distance / 32 < words.size(); ++i) {
    size_t from = i + distance / 32;
    Value own = words[from];
    if (int64_t by = distance % 32) {
      Value above = from + 1 < words.size() ? words[from + 1] : k.i32(0);
      own = LLVM::FshrOp::create(k.b, above, own, k.i32(by));
    }
    result[i] = k.select(k.equal(second, 0), words[i], own);
  }
  return result;
}

Scales EncodedWeights::loadHalfScales(const Memory &arena, Value from,
                                      int64_t span, Value second) {
  if (hasRowScales())
    return {};
  Value lane = k.mul(k.div(k.lane(), 4), laneScaleBytes());
  Value panel = halfAt(second, spans() * panels.getScaleBytes());
  Scales words =
      loadWords(k.address(arena, 0,
                          k.add(k.add(k.add(from, lane), panel),
                                codeBytes + span * panels.getScaleBytes())),
                laneScaleBytes());
  return halfOf(words, decoder.scaleBytes() * 8, second);
}

SmallVector<Value> EncodedWeights::halfFragments(const Memory &arena,
                                                 Value from, int64_t step,
                                                 const Scales &scales,
                                                 Value second) {
  Value lane = k.add(from, k.mul(k.lane(), Swizzle::chunkBytes));
  Value panel = halfAt(second, depth / encodedDepth * stepBytes);
  Scales codes = loadWords(
      k.address(arena, 0, k.add(k.add(lane, panel), step * stepBytes)),
      Swizzle::chunkBytes);
  return decodeRows(halfOf(codes, decoder.words() * 32, second), scales, 0,
                    upperRow(), /*lifted=*/false);
}

Scales EncodedWeights::loadHalfRowScales(Value second) {
  SmallVector<Scales> all = loadRowScales();
  Scales own = halfOf(all[0], decoder.scaleBytes() * 8, second);
  if (panelAtoms() == 1)
    for (auto [word, other] : llvm::zip_equal(own, all[1]))
      word = k.select(k.equal(second, 0), word, other);
  return own;
}

} // namespace moec::nvptx
