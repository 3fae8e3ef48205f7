//===- TeamSizeTest.cpp - how many of a team run --------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs of a millisecond on a clock of the test's own.
//
//===----------------------------------------------------------------------===//

#include "TeamSize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace moec {
namespace {

constexpr int64_t kMillisecond = 1000000;

/// A team of four and the time.
struct Machine {
  TeamSize team{4};
  int64_t now = 0;

  /// The size of a run that takes a millisecond and loses `lost`.
  int32_t run(int64_t lost) {
    int32_t size = team.choose(now);
    now += kMillisecond;
    team.ran(kMillisecond, lost, now);
    return size;
  }

  /// The size after `milliseconds` in which each thread beyond `cpus` loses
  /// half of its time, and how many of the runs had more threads than CPUs.
  std::pair<int32_t, int> runOn(int32_t cpus, int milliseconds) {
    int32_t size = 0;
    int crowded = 0;
    for (int i = 0; i < milliseconds; ++i) {
      size = team.choose(now);
      crowded += size > cpus;
      run(std::max(size - cpus, 0) * kMillisecond / 2);
    }
    return {size, crowded};
  }
};

} // namespace

TEST(TeamSize, staysWholeWhereALittleIsLost) {
  Machine machine;
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(machine.run(kMillisecond / 5), 4);
}

TEST(TeamSize, staysWholeAfterOneTurnOfAnother) {
  Machine machine;
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(machine.run(i % 20 == 0 ? 4 * kMillisecond : 0), 4);
}

TEST(TeamSize, leavesCpusThatOthersWant) {
  Machine machine;
  EXPECT_LT(machine.runOn(3, 100).second, 60);
  // Ten pauses, and after each a try of ten runs.
  EXPECT_LT(machine.runOn(3, 3200).second, 150);
}

TEST(TeamSize, growsAgain) {
  Machine machine;
  EXPECT_LE(machine.runOn(1, 1000).first, 2);
  EXPECT_EQ(machine.runOn(4, 1000).first, 4);
  // Then another program is noticed as late, and forgotten as soon, as before.
  EXPECT_GE(machine.runOn(3, 100).second, 20);
  EXPECT_EQ(machine.runOn(4, 100).first, 4);
}

TEST(TeamSize, keepsOneThread) {
  Machine machine;
  for (int i = 0; i < 100; ++i)
    EXPECT_GE(machine.run(10 * kMillisecond), 1);
}

} // namespace moec
