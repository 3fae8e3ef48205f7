//===- Clock.h - time on the wall and on a CPU ------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What waiting and the team's size are decided by, in nanoseconds.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_CLOCK_H
#define MOEC_LIB_RUNTIME_CLOCK_H

#include <cstdint>
#include <ctime>

namespace moec {

inline int64_t readClock(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return int64_t(time.tv_sec) * 1000000000 + time.tv_nsec;
}

/// Time since some moment.
inline int64_t nowNanoseconds() { return readClock(CLOCK_MONOTONIC); }

/// Time that the calling thread has had a CPU.
inline int64_t ownCpuNanoseconds() {
  return readClock(CLOCK_THREAD_CPUTIME_ID);
}

} // namespace moec

#endif // MOEC_LIB_RUNTIME_CLOCK_H
