//===- TeamSize.h - how many of a team run ----------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer of a millisecond has barriers, and a system gives a CPU to one
// program for milliseconds. So where another program wants a CPU, all threads
// wait whole turns of it for the one that shares it, and the layer takes longer
// than with that thread left out. Results do not depend on the number of
// threads, so it may change from run to run.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_TEAMSIZE_H
#define MOEC_LIB_RUNTIME_TEAMSIZE_H

#include <cstdint>

namespace moec {

/// Decides how many threads take part in a run, from how long those of the runs
/// before had to do without a CPU. Times are nanoseconds.
class TeamSize {
public:
  explicit TeamSize(int32_t most) : most(most), size(most) {}

  /// The number of threads for a run that begins `now`.
  int32_t choose(int64_t now);

  /// Tells of a run that ended `now` and took `wall`, in which the threads
  /// together were without a CPU for `lost`.
  void ran(int64_t wall, int64_t lost, int64_t now);

private:
  const int32_t most;
  int32_t size;
  /// What was lost lately beyond what is tolerated.
  int64_t debt = 0;
  /// How long the team stays smaller, and until when; then it is tried with one
  /// thread more.
  int64_t pause = kShortestPause, until = 0;
  bool trying = false;

  static constexpr int64_t kMillisecond = 1000000;
  /// A team loses a thread when this much has been lost; more than what one
  /// turn of another program takes, so that a passing one changes nothing.
  static constexpr int64_t kMostDebt = 5 * kMillisecond;
  /// The part of one CPU that may be lost all the time.
  static constexpr int64_t kTolerated = 4;
  /// Pauses double while trying one more thread fails. A failed try costs some
  /// milliseconds.
  static constexpr int64_t kShortestPause = 20 * kMillisecond,
                           kLongestPause = 320 * kMillisecond;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_TEAMSIZE_H
