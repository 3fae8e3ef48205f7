//===- WgmmaConsumer.cpp - The warpgroups that multiply -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// There is a loop over K for every number of tokens that a tile may be computed
// for.
//
//===----------------------------------------------------------------------===//

#include "WgmmaTile.h"

namespace moec::nvptx {

void WgmmaTile::takeRegisters() {
  // What the warpgroup that copies leaves of 168 for each thread.
  constexpr int64_t all = 3 * 168;
  nvptx::takeRegisters(k, (all - copyRegisters()) / 2);
}

void WgmmaTile::consume() {
  group = k.sub(k.div(k.warp(), warpsInGroup), 1);
  warpInGroup = k.rem(k.warp(), warpsInGroup);
  Value base = LLVM::PtrToIntOp::create(k.b, k.b.getI32Type(), arena.pointer);
  ring = k.add(base, stagesBegin);
  tokens = MatrixDescriptor::of(k, k.add(ring, weightBytes));
  beginProducts();

  // The phases of the full barriers to wait for. A tile turns those of stages
  // that it uses an odd number of times.
  int64_t turned = 0;
  for (int64_t stage = 0; stage < stages; ++stage)
    turned |= (steps / stages + (stage < rest)) % 2 << stage;
  forTiles(k.i32(0), [&](ValueRange phases) -> SmallVector<Value> {
    for (auto [i, count] : llvm::enumerate(tokenCounts)) {
      WgmmaAtom atom{p.product.rows.element, count};
      Value fits = k.truth(true);
      if (i > 0)
        fits = k.less(p.rowCount, count + 1);
      if (i + 1 < tokenCounts.size())
        fits = k.both(fits, k.less(tokenCounts[i + 1], p.rowCount));
      k.when(fits, [&] { finish(atom, multiply(atom, phases[0])); });
    }
    return {k.bitXor(phases[0], turned)};
  });
}

void WgmmaTile::release(Number stage) {
  if (cluster == 1)
    return k.when(k.equal(k.lane(), 0),
                  [&] { SharedBarrier::arrive(k, empty(stage)); });
  // A lane for each block; where others compute an address too, it is one.
  Value rank = k.rem(k.lane(), cluster);
  k.when(k.less(k.lane(), cluster),
         [&] { SharedBarrier::arriveAt(k, empty(stage), rank); });
}

} // namespace moec::nvptx
