//===- StageClock.cpp - what the stages of a layer take -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StageClock.h"
#include "Clock.h"

#include <algorithm>

namespace moec {

StageClock::StageClock(Barrier &barrier, int32_t threads,
                       moec_stage_time *times, int32_t count)
    : barrier(barrier), times(times), count(count), progress(threads),
      waited(count) {}

void StageClock::start() {
  std::fill_n(times, count, moec_stage_time{});
  std::fill(progress.begin(), progress.end(), Progress());
  for (std::atomic<int64_t> &nanoseconds : waited)
    nanoseconds.store(0, std::memory_order_relaxed);
  begun = nowNanoseconds();
}

void StageClock::wait(int32_t thread) {
  arrive(thread);
  barrier.wait();
  leave(thread);
}

void StageClock::arrive(int32_t thread) {
  progress[thread].arrived = nowNanoseconds();
}

void StageClock::leave(int32_t thread) {
  Progress &own = progress[thread];
  int32_t stage = own.stage++;
  if (stage >= count)
    return;
  int64_t now = nowNanoseconds();
  waited[stage].fetch_add(now - own.arrived, std::memory_order_relaxed);
  // Thread 0 takes part in every call.
  if (thread != 0)
    return;
  times[stage].seconds = double(now - begun) * 1e-9;
  begun = now;
}

void StageClock::finish() {
  int32_t team = 0;
  for (; team < int32_t(progress.size()) && progress[team].arrived; ++team)
    leave(team);
  for (int32_t stage = 0; stage < count; ++stage)
    times[stage].waiting = double(waited[stage]) * 1e-9 / team;
}

} // namespace moec
