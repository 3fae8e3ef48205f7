//===- Signal.cpp - wait for another thread, spinning first ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The three stages of waiting, and the futex underneath the last.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace moec {

/// How long a waiter spins without offering its CPU. Longer than it takes for a
/// running partner to arrive, shorter than a time slice by far.
static constexpr int64_t kEagerNanoseconds = 20000;
/// Looks at the word between two looks at the clock.
static constexpr int kLooksPerClock = 64;

static int64_t nowNanoseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t(time.tv_sec) * 1000000000 + time.tv_nsec;
}

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
  if (spinNanoseconds > 0) {
    int64_t start = nowNanoseconds();
    int64_t waited = 0;
    while (waited < spinNanoseconds) {
      for (int look = 0; look < kLooksPerClock; ++look) {
        if (value() != old)
          return;
        relaxCpu();
      }
      waited = nowNanoseconds() - start;
      if (waited > kEagerNanoseconds)
        sched_yield();
    }
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
