//===- StageClock.h - what the stages of a layer take -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Takes the place of a team's barrier, and looks at the clock before and after
// it: a kernel that is timed is the same code as one that is not.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_STAGECLOCK_H
#define MOEC_LIB_RUNTIME_STAGECLOCK_H

#include "Barrier.h"
#include "moec-c/Runtime.h"

#include <vector>

namespace moec {

/// Times the stages of one call after another.
class StageClock {
public:
  /// Of a team of at most `threads` that waits at `barrier`. Times go to
  /// times[0 .. count).
  StageClock(Barrier &barrier, int32_t threads, moec_stage_time *times,
             int32_t count);

  /// A call begins. As finish, for the thread that makes the call.
  void start();

  /// Thread `thread` has done its share of a stage, and waits at the barrier.
  void wait(int32_t thread);

  /// Thread `thread` has done its share of the last stage.
  void arrive(int32_t thread);

  /// All threads have done theirs.
  void finish();

private:
  /// All threads have done their share of the stage that `thread` was in.
  void leave(int32_t thread);

  struct alignas(kCacheLine) Progress {
    /// The stage that the thread is in, and when it had done its last share; 0
    /// if it takes no part in the call.
    int32_t stage = 0;
    int64_t arrived = 0;
  };

  Barrier &barrier;
  moec_stage_time *times;
  const int32_t count;
  std::vector<Progress> progress;
  /// Nanoseconds that threads waited at the end of each stage, added up.
  std::vector<std::atomic<int64_t>> waited;
  /// When the stage that thread 0 is in began.
  int64_t begun = 0;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_STAGECLOCK_H
