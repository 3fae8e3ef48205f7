//===- PoolTest.cpp - teams of threads and their barrier ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every thread runs once a run, barriers keep phases apart, sleepers wake, and
// more threads than CPUs still get on.
//
//===----------------------------------------------------------------------===//

#include "Pool.h"
#include "Affinity.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <chrono>

namespace moec {

static std::unique_ptr<Pool>
makePool(int32_t threads, int64_t spinNanoseconds = 2000000, bool pin = false) {
  std::unique_ptr<Pool> pool;
  Status status = Pool::create({threads, spinNanoseconds, pin}, pool);
  EXPECT_FALSE(status.failed()) << status.message();
  return pool;
}

/// Counts runs per thread without atomics: run itself must order them.
struct Counts {
  int64_t perThread[64] = {};
  static void body(void *state, int32_t thread, int32_t threads) {
    ++static_cast<Counts *>(state)->perThread[thread];
  }
};

class PoolTest : public testing::TestWithParam<int64_t> {};

TEST_P(PoolTest, eachThreadRunsOnceEveryRun) {
  for (int32_t threads : {1, 2, 3, 8}) {
    std::unique_ptr<Pool> pool = makePool(threads, GetParam());
    Counts counts;
    for (int run = 1; run <= 300; ++run) {
      pool->run(Counts::body, &counts);
      for (int32_t thread = 0; thread < 64; ++thread)
        ASSERT_EQ(counts.perThread[thread], thread < threads ? run : 0);
    }
  }
}

/// In each phase every thread writes its cell and reads all others'.
struct Phases {
  static constexpr int count = 200;
  Pool *pool;
  int64_t cells[64] = {};
  std::atomic<int64_t> wrong{0};
  static void body(void *state, int32_t thread, int32_t threads) {
    Phases &self = *static_cast<Phases *>(state);
    for (int phase = 1; phase <= count; ++phase) {
      self.cells[thread] = phase;
      self.pool->barrier().wait();
      for (int32_t other = 0; other < threads; ++other)
        if (self.cells[other] != phase)
          ++self.wrong;
      self.pool->barrier().wait();
    }
  }
};

TEST_P(PoolTest, barrierSeparatesPhases) {
  for (int32_t threads : {1, 2, 3, 8}) {
    std::unique_ptr<Pool> pool = makePool(threads, GetParam());
    Phases phases;
    phases.pool = pool.get();
    for (int run = 0; run < 5; ++run)
      pool->run(Phases::body, &phases);
    EXPECT_EQ(phases.wrong, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Spin, PoolTest,
                         testing::Values(0, 1000, 100000, 2000000));

TEST(PoolTest, sleepersWakeAfterALongPause) {
  std::unique_ptr<Pool> pool = makePool(4, /*spinNanoseconds=*/1000);
  Counts counts;
  for (int run = 0; run < 5; ++run) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pool->run(Counts::body, &counts);
  }
  for (int32_t thread = 0; thread < 4; ++thread)
    EXPECT_EQ(counts.perThread[thread], 5);
}

TEST(PoolTest, oversubscriptionMakesProgress) {
  // Four threads a CPU, in two teams at once: each barrier needs threads that
  // are not running. Spinning through whole time slices would take minutes.
  int32_t threads = std::min(4 * usableCpuCount(), 32);
  auto start = std::chrono::steady_clock::now();
  auto work = [&] {
    std::unique_ptr<Pool> pool = makePool(threads);
    Phases phases;
    phases.pool = pool.get();
    pool->run(Phases::body, &phases);
    EXPECT_EQ(phases.wrong, 0);
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(PoolTest, pinnedWorkersRun) {
  std::unique_ptr<Pool> pool = makePool(3, 1000, /*pin=*/true);
  Counts counts;
  pool->run(Counts::body, &counts);
  EXPECT_EQ(counts.perThread[2], 1);
}

/// All but the first thread sleep, which is time without a CPU.
struct Sleepers {
  int32_t counts[64] = {};
  static void body(void *state, int32_t thread, int32_t threads) {
    static_cast<Sleepers *>(state)->counts[thread] = threads;
    if (thread > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
};

TEST(PoolTest, yieldsCpusThatItDoesNotGet) {
  if (usableCpuCount() < 2)
    GTEST_SKIP() << "a team of two would not spin";
  std::unique_ptr<Pool> pool;
  ASSERT_FALSE(Pool::create({.threads = 2, .yield = true}, pool).failed());
  Sleepers sleepers;
  for (int run = 0; run < 20 && sleepers.counts[0] != 1; ++run)
    pool->run(Sleepers::body, &sleepers);
  EXPECT_EQ(sleepers.counts[0], 1);
  EXPECT_EQ(sleepers.counts[1], 2) << "it did not take part in the last run";
  // One that nobody waits for comes back when it is wanted.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  Phases phases;
  phases.pool = pool.get();
  for (int run = 0; run < 50; ++run)
    pool->run(Phases::body, &phases);
  EXPECT_EQ(phases.wrong, 0);
  EXPECT_GT(phases.cells[1], 0);
}

TEST(PoolTest, poolsAreIndependent) {
  std::vector<std::thread> hosts;
  for (int host = 0; host < 4; ++host)
    hosts.emplace_back([] {
      std::unique_ptr<Pool> pool = makePool(2, 20000);
      Counts counts;
      for (int run = 0; run < 200; ++run)
        pool->run(Counts::body, &counts);
      EXPECT_EQ(counts.perThread[0], 200);
      EXPECT_EQ(counts.perThread[1], 200);
    });
  for (std::thread &host : hosts)
    host.join();
}

TEST(PoolTest, roundingModeOfTheCallerDoesNotMatterAndIsKept) {
  std::unique_ptr<Pool> pool = makePool(2);
  int modes[2] = {-1, -1};
  ASSERT_EQ(std::fesetround(FE_UPWARD), 0);
  pool->run(
      [](void *state, int32_t thread, int32_t threads) {
        static_cast<int *>(state)[thread] = std::fegetround();
      },
      modes);
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(modes[0], FE_TONEAREST);
  EXPECT_EQ(modes[1], FE_TONEAREST);
}

#if defined(__x86_64__)
TEST(PoolTest, flushToZeroOfTheCallerDoesNotMatter) {
  std::unique_ptr<Pool> pool = makePool(1);
  unsigned saved = __builtin_ia32_stmxcsr(), inside = 0;
  constexpr unsigned flushModes = 0x8040;
  __builtin_ia32_ldmxcsr(saved | flushModes);
  pool->run(
      [](void *state, int32_t thread, int32_t threads) {
        *static_cast<unsigned *>(state) = __builtin_ia32_stmxcsr();
      },
      &inside);
  EXPECT_EQ(__builtin_ia32_stmxcsr() & flushModes, flushModes);
  __builtin_ia32_ldmxcsr(saved);
  EXPECT_EQ(inside & flushModes, 0u);
}
#endif

} // namespace moec
