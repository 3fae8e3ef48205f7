//===- StageRing.cpp - Stages of K on their way ---------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StageRing.h"
#include "TensorCore.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

Value Turn::advance(DeviceKernel &k, Value pointer, int64_t bytes) const {
  Memory memory{pointer, k.b.getI8Type(), k.i64(0)};
  if (rounds)
    memory.pointer = k.address(memory, 0, k.mul(rounds, bytes));
  return k.address(memory, 0, number * bytes);
}

StageRing::StageRing(DeviceKernel &k, int64_t steps, int64_t warps,
                     int64_t stages)
    : k(k), warps(warps), stages(stages), whole(steps / warps),
      rest(steps % warps), turns(llvm::divideCeil(steps, warps)) {}

Value StageRing::begin(int64_t stageBytes) {
  // What is computed from the number that a warp has in common is computed
  // anew in every turn.
  return k.mul(k.div(k.thread(), warpSize), stages * stageBytes);
}

std::optional<Turn> StageRing::after(const Turn &before) const {
  Turn next{before.rounds, before.number + 1, (before.stage + 1) % stages};
  return exists(next) ? std::optional(next) : std::nullopt;
}

Value StageRing::stepOf(const Turn &turn) {
  Value first = k.add(k.warp(), turn.number * warps);
  return turn.rounds ? k.add(first, k.mul(turn.rounds, warps)) : first;
}

Value StageRing::isMine() { return k.less(k.warp(), rest); }

/// Emits `body` where the warp has the turn.
void StageRing::where(const Turn &turn, function_ref<void()> body) {
  isWhole(turn) ? body() : k.when(isMine(), body);
}

/// Copies of a turn are a group, and one without any for warps that do not have
/// it: all have as many.
void StageRing::copyTo(const Turn &turn, Body copy) {
  if (!exists(turn))
    return;
  where(turn, [&] { copy(turn); });
  AsyncCopies::commit(k);
}

void StageRing::forFirst(Body body) {
  for (int64_t i = 0; i < std::min(stages - 1, turns); ++i)
    where(turn(i), [&] { body(turn(i)); });
}

void StageRing::fill(Body copy) {
  for (int64_t i = 0; i < stages - 1; ++i)
    copyTo(turn(i), copy);
}

SmallVector<Value> StageRing::run(
    ValueRange values, Body copy,
    function_ref<SmallVector<Value>(const Turn &, ValueRange)> multiply) {
  auto take = [&](const Turn &now, const Turn &last, int64_t underWay,
                  ValueRange before) -> SmallVector<Value> {
    AsyncCopies::wait(k, underWay);
    // All lanes' copies have landed, and all are done with the stage before,
    // which is filled anew.
    k.syncWarp();
    copyTo(last, copy);
    if (isWhole(now))
      return multiply(now, before);
    return k.choose(
        isMine(), TypeRange(before), [&] { return multiply(now, before); },
        [&] { return SmallVector<Value>(before); });
  };
  // In a round every turn still copies one that all warps have.
  int64_t ahead = stages - 1;
  int64_t rounds = std::max<int64_t>(whole - ahead, 0) / stages;
  SmallVector<Value> result(values);
  if (rounds > 1)
    result = k.rolledLoop(
        0, rounds * stages, stages, values,
        [&](Value round, ValueRange carried) {
          // Else every address of a copy becomes a register of the loop's.
          // There is little room in the instruction for a distance.
          Value now = k.anew(round), last = k.anew(k.add(round, ahead));
          SmallVector<Value> state(carried);
          for (int64_t i = 0; i < stages; ++i)
            state = take({now, i, i}, {last, i, (i + ahead) % stages},
                         ahead - 1, state);
          return state;
        });
  for (int64_t i = rounds > 1 ? rounds * stages : 0; i < turns; ++i)
    result =
        take(turn(i), turn(i + ahead), std::min(ahead, turns - i) - 1, result);
  return result;
}

} // namespace moec::nvptx
