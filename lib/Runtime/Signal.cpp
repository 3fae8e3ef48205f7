//===- Signal.cpp - wait for another thread, spinning first ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The spinning, and the futex underneath the sleep.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Clock.h"

#include <algorithm>
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace moec {

/// Looking at the clock again after this long means that somebody else had the
/// CPU meanwhile.
static constexpr int64_t kPreemptedNanoseconds = 100000;
/// How long a waiter spins on a CPU that others want: long enough for a running
/// partner to arrive.
static constexpr int64_t kContendedNanoseconds = 5000;
/// How many waits a sign of contention counts for.
static constexpr int32_t kContendedWaits = 256;
/// Looks at the word between two looks at the clock.
static constexpr int kLooksPerClock = 64;

static void relaxCpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

void Signal::publish(uint32_t value) {
  // Sequentially consistent with the loads and stores in sleepWhile: either the
  // sleeper sees the new value, or it is seen here.
  word.store(value, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) != 0)
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void Signal::waitWhile(uint32_t old, int64_t spinNanoseconds) {
  if (value() != old)
    return;
  int32_t contended = contendedWaits.load(std::memory_order_relaxed);
  if (contended > 0) {
    contendedWaits.store(contended - 1, std::memory_order_relaxed);
    spinNanoseconds = std::min(spinNanoseconds, kContendedNanoseconds);
  }
  int64_t start = spinNanoseconds > 0 ? nowNanoseconds() : 0;
  for (int64_t before = start; before - start < spinNanoseconds;) {
    for (int look = 0; look < kLooksPerClock; ++look) {
      if (value() != old)
        return;
      relaxCpu();
    }
    int64_t now = nowNanoseconds();
    if (now - before > kPreemptedNanoseconds) {
      contendedWaits.store(kContendedWaits, std::memory_order_relaxed);
      break;
    }
    before = now;
  }
  sleepWhile(old);
}

void Signal::sleepWhile(uint32_t old) {
  static_assert(sizeof(word) == sizeof(uint32_t) &&
                    std::atomic<uint32_t>::is_always_lock_free,
                "a futex is a plain 32-bit word");
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  // A futex may return without reason, so the word decides.
  while (word.load(std::memory_order_seq_cst) == old)
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
  sleepers.fetch_sub(1, std::memory_order_relaxed);
}

} // namespace moec
