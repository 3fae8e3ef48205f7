//===- Barrier.h - a team of threads waits for its last ---------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The barrier kernels call between their phases.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_BARRIER_H
#define MOEC_LIB_RUNTIME_BARRIER_H

#include "Signal.h"

namespace moec {

/// A reusable barrier: a counter of those who
/// came, and a round number that the last to come moves on.
class Barrier {
public:
  Barrier(int32_t threads, int64_t spinNanoseconds)
      : threads(threads), spinNanoseconds(spinNanoseconds) {}

  /// Changes how many threads it is for while none is in it.
  void resize(int32_t count) { threads = count; }

  /// Returns when all threads have called it. What each wrote before is then
  /// visible to all.
  void wait() {
    if (threads == 1)
      return;
    // The round is read before arriving: afterwards it may already have moved.
    uint32_t current = round.value();
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      arrived.store(0, std::memory_order_relaxed);
      round.publish(current + 1);
      return;
    }
    round.waitWhile(current, spinNanoseconds);
  }

private:
  int32_t threads;
  const int64_t spinNanoseconds;
  alignas(kCacheLine) std::atomic<int32_t> arrived{0};
  alignas(kCacheLine) Signal round;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_BARRIER_H
