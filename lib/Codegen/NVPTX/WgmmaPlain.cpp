//===- WgmmaPlain.cpp - Tiles by wgmma of plain weights -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One thread starts TMA for boxes of weights. The loop over K is unrolled by
// the stages of the ring, so that barriers and operands are constants away from
// one address.
//
//===----------------------------------------------------------------------===//

#include "WgmmaTile.h"

namespace moec::nvptx {

namespace {

class PlainTile : public WgmmaTile {
public:
  PlainTile(ProductKernel &p, Value map)
      : WgmmaTile(p), boxRows(tile.getRows() / cluster), map(map) {}

private:
  LogicalResult checkOperands() override { return checkMmaOperands(p.product); }
  int64_t weightStageBytes() const override {
    return tile.getRows() * Swizzle::rowBytes;
  }
  /// The thread that starts TMA.
  int64_t weightArrivals() const override { return 1; }
  int64_t stagesAhead() const override { return 0; }
  /// Offsets of up to 12 rows fit into the lower number.
  int64_t copyRegisters() const override {
    return tile.getTokens() / rowsAtOnce <= 12 ? 56 : 104;
  }
  void findWeights() override;
  void copyWeights(Value step, Value begin, Value barrier) override;
  void beginProducts() override;
  Accumulators multiply(const WgmmaAtom &atom, Value phases) override;
  void multiplyStage(const WgmmaAtom &atom, int64_t stage, Value parity,
                     MutableArrayRef<Value> accumulators);

  /// Weight rows that a block copies.
  const int64_t boxRows;
  const Value map;
  /// Of a tile, the row of the map, and what becomes of it in the cache.
  Value weightRow, hint;
  MatrixDescriptor weights;
};

} // namespace

void PlainTile::findWeights() {
  weightRow = k.add(k.mul(p.expert, p.product.packedRows),
                    k.mul(p.firstFeature, p.product.weights));
  weightRow = k.add(weightRow, k.mul(p.rank(), boxRows));
  // Weights that no other tile reads make room for those that some will.
  hint = readHint(k, k.equal(p.expertTiles, 1));
}

void PlainTile::copyWeights(Value step, Value begin, Value barrier) {
  k.when(k.equal(k.thread(), 0), [&] {
    SharedBarrier::arriveExpecting(k, barrier, weightStageBytes());
    Value to = k.add(begin, k.mul(p.rank(), boxRows * Swizzle::rowBytes));
    copyBox(k, shared(to), map, barrier, weightRow, k.mul(step, Swizzle::depth),
            hint, cluster);
  });
}

void PlainTile::beginProducts() {
  int64_t groupBytes = blocks * WgmmaAtom::m * Swizzle::rowBytes;
  weights = MatrixDescriptor::of(k, k.add(ring, k.mul(group, groupBytes)));
}

WgmmaTile::Accumulators PlainTile::multiply(const WgmmaAtom &atom,
                                            Value phases) {
  SmallVector<Value> state(blocks, atom.zeros(k));
  // Of the stages that the last, partial turn uses, and of the others.
  state.push_back(k.bitAnd(phases, 1));
  if (rest)
    state.push_back(k.bitAnd(k.shiftRight(phases, stages - 1), 1));
  auto multiplyStages = [&](MutableArrayRef<Value> state, int64_t count) {
    for (int64_t stage = 0; stage < count; ++stage)
      multiplyStage(atom, stage, stage < rest ? state[blocks] : state.back(),
                    state.take_front(blocks));
  };
  if (steps >= stages)
    state = k.rolledLoop(0, steps / stages, 1, state,
                         [&](Value, ValueRange values) -> SmallVector<Value> {
                           SmallVector<Value> next(values);
                           multiplyStages(next, stages);
                           for (Value &parity :
                                MutableArrayRef(next).drop_front(blocks))
                             parity = k.bitXor(parity, 1);
                           return next;
                         });
  multiplyStages(state, rest);
  Accumulators sums;
  for (Value block : ArrayRef(state).take_front(blocks))
    sums.push_back(atom.unpack(k, block));
  return sums;
}

/// Multiplies what is in a stage once it is full, and frees it.
void PlainTile::multiplyStage(const WgmmaAtom &atom, int64_t stage,
                              Value parity,
                              MutableArrayRef<Value> accumulators) {
  SharedBarrier::wait(k, full(stage), parity);
  WgmmaAtom::fence(k);
  int64_t stepBytes = WgmmaAtom::k * elementBytes(atom.element);
  for (int64_t i = 0; i < Swizzle::rowBytes; i += stepBytes) {
    int64_t offset = stage * stageBytes + i;
    Value tokenOperand = tokens.at(k, offset);
    for (auto [block, sum] : llvm::enumerate(accumulators)) {
      int64_t blockBytes = block * WgmmaAtom::m * Swizzle::rowBytes;
      sum = atom.multiply(k, weights.at(k, offset + blockBytes), tokenOperand,
                          sum);
    }
  }
  WgmmaAtom::commit(k);
  WgmmaAtom::wait(k, 0);
  release(stage);
}

std::unique_ptr<WgmmaTile> makePlainWgmmaTile(ProductKernel &p, Value map) {
  return std::make_unique<PlainTile>(p, map);
}

} // namespace moec::nvptx
