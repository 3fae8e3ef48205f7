//===- WgmmaEncoded.cpp - Tiles by wgmma of encoded weights ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes and scales come by cp.async, as do tokens. A warp's 16 of the 64 rows
// of its warpgroup are decoded in registers, those of the next step while the
// tensor cores multiply this one's. Lanes have the codes of 8 numbers of K that
// follow each other, where wgmma wants numbers of the whole step: so tokens lie
// transposed (Memory).
//
//===----------------------------------------------------------------------===//

#include "EncodedWeights.h"
#include "WgmmaTile.h"
#include "moec/Support/Fragments.h"

namespace moec::nvptx {

namespace {

/// What a loop over the stages hands on.
struct Progress {
  SmallVector<Value> sums;
  /// The fragments of the stage's first step.
  SmallVector<Value> fragments;
  Value stage, phases;

  SmallVector<Value> values() const;
  void set(ValueRange values);
};

class EncodedWgmmaTile : public WgmmaTile {
public:
  explicit EncodedWgmmaTile(ProductKernel &p)
      : WgmmaTile(p), weights(p, Swizzle::depth) {}

private:
  LogicalResult checkOperands() override;
  int64_t weightStageBytes() const override {
    return tile.getRows() / EncodedWeights::rows * weights.stageBytes();
  }
  int64_t weightArrivals() const override { return 0; }
  /// The one whose first step is decoded.
  int64_t stagesAhead() const override { return 1; }
  /// Several spans in a stage leave little: sums of one are added while the
  /// next one's are computed.
  int64_t copyRegisters() const override {
    return weights.scalesSpans() && weights.spans() > 1 ? 40 : 56;
  }
  void findWeights() override;
  void copyWeights(Value step, Value begin, Value barrier) override;
  void beginProducts() override;
  Accumulators multiply(const WgmmaAtom &atom, Value phases) override;

  Value codesOf(Value stage);
  Value nextStage(Value stage);
  SmallVector<Value> decode(Value stage, int64_t step);
  SmallVector<Value> waitAndDecode(Value stage, Value phases);
  void multiplyStep(const WgmmaAtom &atom, Value stage, int64_t step,
                    ValueRange fragments, MutableArrayRef<Value> sums,
                    bool adds);
  void multiplyStage(const WgmmaAtom &atom, Progress &progress, Value goesOn);
  void addScaled(Value stage, int64_t span, ValueRange products,
                 MutableArrayRef<Value> sums);
  void scaleRows(MutableArrayRef<Value> sums);

  /// Steps of the panels in a stage.
  static constexpr int64_t stageSteps = Swizzle::depth / encodedDepth;
  EncodedWeights weights;
  /// Which 32 rows the warp has half of, and which half.
  Value pairOfWarps, second;
};

} // namespace

SmallVector<Value> Progress::values() const {
  SmallVector<Value> all(sums);
  llvm::append_range(all, fragments);
  all.append({stage, phases});
  return all;
}

void Progress::set(ValueRange values) {
  for (SmallVector<Value> *part : {&sums, &fragments}) {
    llvm::copy(values.take_front(part->size()), part->begin());
    values = values.drop_front(part->size());
  }
  stage = values[0];
  phases = values[1];
}

LogicalResult EncodedWgmmaTile::checkOperands() {
  constexpr int64_t copyingWarps = warpsInGroup;
  if (MmaAtom::takes(p.product.rows.element) && weights.fits() &&
      p.product.rows.transposed && blocks == 1 &&
      tile.getRows() == copyingWarps * EncodedWeights::rows &&
      tile.getTokens() * Swizzle::rowChunks >= warpgroupSize)
    return success();
  return p.product.op->emitOpError("strategy ")
         << tile << " decodes " << copyingWarps * EncodedWeights::rows
         << " rows of weights for tokens of bf16 or f16, at least "
         << warpgroupSize / Swizzle::rowChunks << ", these are of "
         << p.product.rows.element;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void EncodedWgmmaTile::findWeights() {
  weights.find(k.mul(k.warp(), EncodedWeights::rows));
}

void EncodedWgmmaTile::copyWeights(Value step, Value begin, Value) {
  weights.copy(arena, weights.chunksOf(step),
               k.add(begin, k.mul(k.warp(), weights.stageBytes())));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void EncodedWgmmaTile::beginProducts() {
  constexpr int64_t pairs = warpsInGroup / 2;
  pairOfWarps = k.add(k.mul(group, pairs), k.div(warpInGroup, 2));
  second = k.rem(warpInGroup, 2);
}

/// Where the codes of the warp's rows begin in a stage.
Value EncodedWgmmaTile::codesOf(Value stage) {
  Value begin = k.add(k.mul(stage, stageBytes), stagesBegin);
  return k.add(begin, k.mul(pairOfWarps, weights.stageBytes()));
}

Value EncodedWgmmaTile::nextStage(Value stage) {
  Value next = k.add(stage, 1);
  return k.select(k.equal(next, stages), 0, next);
}

SmallVector<Value> EncodedWgmmaTile::decode(Value stage, int64_t step) {
  Value codes = codesOf(stage);
  Scales scales =
      weights.loadHalfScales(arena, codes, step / weights.spanSteps(), second);
  return weights.halfFragments(arena, codes, step, scales, second);
}

/// Decodes the first step of a stage once it is full.
SmallVector<Value> EncodedWgmmaTile::waitAndDecode(Value stage, Value phases) {
  SharedBarrier::wait(k, full(stage), k.bitAnd(k.shiftRight(phases, stage), 1));
  return decode(stage, 0);
}

/// Starts the products of a step of the panels.
void EncodedWgmmaTile::multiplyStep(const WgmmaAtom &atom, Value stage,
                                    int64_t step, ValueRange fragments,
                                    MutableArrayRef<Value> sums, bool adds) {
  MatrixDescriptor ofStage{
      k.add(tokens.low, k.mul(stage, stageBytes / Swizzle::chunkBytes))};
  int64_t productBytes = WgmmaAtom::k * elementBytes(atom.element);
  constexpr int64_t products = encodedDepth / WgmmaAtom::k;
  WgmmaAtom::fence(k);
  for (int64_t i = 0; i < products; ++i)
    atom.multiply(
        k,
        fragments.slice(i * MmaAtom::weightRegisters, MmaAtom::weightRegisters),
        ofStage.at(k, (step * products + i) * productBytes), sums,
        adds || i > 0);
  WgmmaAtom::commit(k);
}

/// Adds the sums of a span, scaled.
void EncodedWgmmaTile::addScaled(Value stage, int64_t span, ValueRange products,
                                 MutableArrayRef<Value> sums) {
  WgmmaAtom::wait(k, 0);
  Scales scales = weights.loadHalfScales(arena, codesOf(stage), span, second);
  Value ofHalf[] = {weights.halfScale(scales, 0), weights.halfScale(scales, 1)};
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = math::FmaOp::create(k.b, ofHalf[i / 2 % 2], products[i], sum);
}

/// Multiplies a stage whose first step is decoded, and decodes the first step
/// of the next one, if the tile goes on.
void EncodedWgmmaTile::multiplyStage(const WgmmaAtom &atom, Progress &progress,
                                     Value goesOn) {
  Value stage = progress.stage, next = nextStage(stage);
  Value phases = k.bitXor(progress.phases, k.shiftLeft(k.i32(1), stage));
  bool scalesSpans = weights.scalesSpans();
  int64_t spanSteps = weights.spanSteps();
  SmallVector<Value> ofSpan(progress.sums.size());
  for (int64_t step = 0; step < stageSteps; ++step) {
    MutableArrayRef<Value> group = scalesSpans ? ofSpan : progress.sums;
    multiplyStep(atom, stage, step, progress.fragments, group,
                 /*adds=*/!scalesSpans || step % spanSteps != 0);
    // What the step before has multiplied is overwritten; the assembler does
    // not see that the tensor cores may still read it.
    if (step > 0)
      WgmmaAtom::wait(k, 1);
    if (step + 1 < stageSteps)
      progress.fragments = decode(stage, step + 1);
    else
      progress.fragments =
          k.valuesWhen(goesOn, TypeRange(ValueRange(progress.fragments)),
                       [&] { return waitAndDecode(next, phases); });
    if (scalesSpans && (step + 1) % spanSteps == 0)
      addScaled(stage, step / spanSteps, ofSpan, progress.sums);
  }
  if (!scalesSpans)
    WgmmaAtom::wait(k, 0);
  // All lanes have read their codes.
  k.syncWarp();
  release(stage);
  progress.stage = next;
  progress.phases = phases;
}

WgmmaTile::Accumulators EncodedWgmmaTile::multiply(const WgmmaAtom &atom,
                                                   Value phases) {
  weights.find(k.mul(pairOfWarps, EncodedWeights::rows));
  Value stage = k.i32(0);
  Progress progress{SmallVector<Value>(atom.n / 2, k.f32(0.0)),
                    waitAndDecode(stage, phases), stage, phases};
  progress.set(
      k.rolledLoop(0, steps, 1, progress.values(),
                   [&](Value step, ValueRange values) -> SmallVector<Value> {
                     Progress turn = progress;
                     turn.set(values);
                     multiplyStage(atom, turn, k.less(step, steps - 1));
                     return turn.values();
                   }));
  scaleRows(progress.sums);
  return {progress.sums};
}

/// Scales sums by what the numbers of whole rows have in common.
void EncodedWgmmaTile::scaleRows(MutableArrayRef<Value> sums) {
  Value ofHalf[2];
  if (weights.hasRowScales()) {
    Scales scales = weights.loadHalfRowScales(second);
    for (int64_t half = 0; half < 2; ++half)
      ofHalf[half] = weights.halfScale(scales, half);
  } else if (weights.decoder.scalesNumbers()) {
    ofHalf[0] = ofHalf[1] = k.f32(std::ldexp(1.0, kFp4SumExponent));
  } else {
    return;
  }
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = arith::MulFOp::create(k.b, sum, ofHalf[i / 2 % 2]);
}

std::unique_ptr<WgmmaTile> makeEncodedWgmmaTile(ProductKernel &p) {
  return std::make_unique<EncodedWgmmaTile>(p);
}

} // namespace moec::nvptx
