//===- Mbarriers.h - mbarrier objects --------------------------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An mbarrier by its definition in the PTX ISA: pending arrivals and bytes of
// the running phase, and the clocks that a completed phase hands on. The state
// is kept beside shared memory, at the offset of the object.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_MBARRIERS_H
#define MOEC_LIB_EMULATOR_MBARRIERS_H

#include "VectorClock.h"

#include <cstdint>
#include <vector>

namespace moec::emulator {

class Launch;
struct Block;
struct Site;
struct Thread;

struct Mbarrier {
  /// Phases completed.
  uint64_t phase = 0;
  uint32_t expected = 0, pending = 0;
  int64_t pendingBytes = 0;
  /// What arrived threads knew, in the running phase and in the last one.
  VectorClock running, completed;
  std::vector<Thread *> waiting;
  /// In clocks: asynchronous copies that complete here write as this agent.
  uint32_t agent = 0;
  uint32_t time = 0;

  static constexpr uint32_t bytes = 8;
};

/// The mbarrier at an address in the block or its cluster. Reports what is none
/// and returns null.
Mbarrier *findMbarrier(Thread &thread, const Site &site, uint64_t address);

/// Arrivals, by a thread that knows `clock`.
void arrive(Thread &thread, const Site &site, Mbarrier &barrier, uint32_t count,
            const VectorClock &clock);

/// `bytes` bytes of a copy have landed, which `clock` comes after.
void completeBytes(Launch &launch, Mbarrier &barrier, uint64_t bytes,
                   const VectorClock &clock);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_MBARRIERS_H
