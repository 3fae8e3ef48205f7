//===- Signal.h - wait for another thread, spinning first -------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A word that one thread changes and others wait on. A waiter spins before it
// sleeps in the kernel: a layer takes about a millisecond and waking a sleeper
// 50 to 90 us, so spinning through the gap between two layers is worth it. But
// a waiter that notices others wanting its CPU sleeps at once, the next times
// too: spinning would take time from the very thread it waits for, and while a
// sleeper is run as soon as it wakes, a spinner that was preempted waits for
// its turn, which takes milliseconds.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_SIGNAL_H
#define MOEC_LIB_RUNTIME_SIGNAL_H

#include <atomic>
#include <cstdint>

namespace moec {

/// A cache line; twice 64 bytes, since neighbouring lines are prefetched in
/// pairs.
inline constexpr size_t kCacheLine = 128;

/// A 32-bit value with waiters. Changes are published with release, and seen
/// with acquire, order.
class Signal {
public:
  uint32_t value() const { return word.load(std::memory_order_acquire); }

  /// Sets the value and wakes every waiter. One thread publishes at a time.
  void publish(uint32_t value);

  /// Returns once the value differs from `old`. Spins for up to
  /// `spinNanoseconds` before it sleeps.
  void waitWhile(uint32_t old, int64_t spinNanoseconds);

private:
  void sleepWhile(uint32_t old);

  std::atomic<uint32_t> word{0};
  std::atomic<uint32_t> sleepers{0};
  /// How many of the next waits do without spinning.
  std::atomic<int32_t> contendedWaits{0};
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_SIGNAL_H
