//===- StageRing.h - Stages of K on their way -------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Warps that take turns along K, each with a ring of stages that no other warp
// waits for: while a stage is multiplied, the others are on their way. How many
// turns there are is known when code is emitted. So the loop goes round the
// whole ring, where each stage has addresses of its own, and copies without
// conditions; the last turns, which have nothing left to copy, follow it.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_STAGERING_H
#define MOEC_LIB_CODEGEN_NVPTX_STAGERING_H

#include "DeviceKernel.h"

namespace moec::nvptx {

/// A turn of all warps along K.
struct Turn {
  /// The turns before it: of the loop's rounds, an i32 that is null outside of
  /// the loop, and of this round.
  Value rounds;
  int64_t number = 0;
  /// Its place in the ring.
  int64_t stage = 0;

  /// `pointer`, to a byte, after so many turns of `bytes` each.
  Value advance(DeviceKernel &k, Value pointer, int64_t bytes) const;
};

class StageRing {
public:
  using Body = function_ref<void(const Turn &)>;

  /// `warps` warps take turns, a step of K in each, until `steps` are done.
  StageRing(DeviceKernel &k, int64_t steps, int64_t warps, int64_t stages);

  /// The byte where this warp's ring begins, if all follow each other.
  Value begin(int64_t stageBytes);
  /// Emits `body` for the turns that fill all stages but one, where the warp
  /// has them.
  void forFirst(Body body);
  /// Starts to copy these; `copy` is for all copies to a turn's stage.
  void fill(Body copy);
  /// Emits all turns, which hand `values` on through `multiply`. Each waits for
  /// its stage, and starts to copy to the one that was multiplied before. At
  /// the end nothing is under way.
  SmallVector<Value>
  run(ValueRange values, Body copy,
      function_ref<SmallVector<Value>(const Turn &, ValueRange)> multiply);

  Turn first() const { return turn(0); }
  /// The turn after `turn`, if there may be one.
  std::optional<Turn> after(const Turn &turn) const;
  /// The step of K that this warp has in a turn.
  Value stepOf(const Turn &turn);
  /// Whether every warp has the turn.
  bool isWhole(const Turn &turn) const {
    return turn.rounds || turn.number < whole;
  }

private:
  Turn turn(int64_t number) const { return {{}, number, number % stages}; }
  bool exists(const Turn &turn) const {
    return turn.rounds || turn.number < turns;
  }
  Value isMine();
  void where(const Turn &turn, function_ref<void()> body);
  void copyTo(const Turn &turn, Body copy);

  DeviceKernel &k;
  const int64_t warps, stages;
  /// Turns that all warps have, the warps that have one more, and the most that
  /// a warp has.
  const int64_t whole, rest, turns;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_STAGERING_H
