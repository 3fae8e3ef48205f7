//===- WgmmaConsumer.cpp - The warpgroups that multiply -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loop over K is unrolled by the stages of the ring, so that barriers and
// operands are constants away from one address. There is one for every number
// of tokens that a tile may be computed for.
//
//===----------------------------------------------------------------------===//

#include "WgmmaTile.h"

namespace moec::nvptx {

void WgmmaTile::takeRegisters() {
  // What the warpgroup that copies leaves of 168 for each thread.
  constexpr int64_t afterFew = 224, afterMany = 200, manyTokens = 192;
  nvptx::takeRegisters(k,
                       tile.getTokens() <= manyTokens ? afterFew : afterMany);
}

void WgmmaTile::consume() {
  group = k.sub(k.div(k.warp(), warpsInGroup), 1);
  warpInGroup = k.rem(k.warp(), warpsInGroup);
  threadInGroup = k.rem(k.thread(), warpgroupSize);
  Value base = LLVM::PtrToIntOp::create(k.b, k.b.getI32Type(), arena.pointer);
  Value ring = k.add(base, stagesBegin);
  int64_t groupBytes = blocks * WgmmaAtom::m * Swizzle::rowBytes;
  weights = MatrixDescriptor::of(k, k.add(ring, k.mul(group, groupBytes)));
  tokens = MatrixDescriptor::of(k, k.add(ring, weightBytes));

  // The phases of the full barriers to wait for: of the stages that the last,
  // partial turn of a tile uses, and of the others.
  SmallVector<Value> parities(rest ? 2 : 1, k.i32(0));
  forTiles(parities, [&](ValueRange values) -> SmallVector<Value> {
    for (auto [i, count] : llvm::enumerate(tokenCounts)) {
      WgmmaAtom atom{p.product.packed.element, count};
      Value fits = k.truth(true);
      if (i > 0)
        fits = k.less(p.rowCount, count + 1);
      if (i + 1 < tokenCounts.size())
        fits = k.both(fits, k.less(tokenCounts[i + 1], p.rowCount));
      k.when(fits, [&] { multiplyTile(atom, values); });
    }
    int64_t turns = steps / stages;
    SmallVector<Value> next{k.bitXor(values[0], (turns + (rest != 0)) % 2)};
    if (rest)
      next.push_back(k.bitXor(values[1], turns % 2));
    return next;
  });
}

void WgmmaTile::multiplyTile(const WgmmaAtom &atom, ValueRange parities) {
  SmallVector<Value> state(blocks, atom.zeros(k));
  llvm::append_range(state, parities);
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
  finish(atom, sums);
}

/// Multiplies what is in a stage once it is full, and frees it.
void WgmmaTile::multiplyStage(const WgmmaAtom &atom, int64_t stage,
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
  k.when(k.equal(k.lane(), 0), [&] { SharedBarrier::arrive(k, empty(stage)); });
}

} // namespace moec::nvptx
