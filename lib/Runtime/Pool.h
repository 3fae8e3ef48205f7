//===- Pool.h - a team of threads -------------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The threads behind a context. The thread that calls run is number 0 of the
// team, so a team of one needs no thread at all.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_POOL_H
#define MOEC_LIB_RUNTIME_POOL_H

#include "Barrier.h"
#include "Signal.h"
#include "Status.h"
#include "TeamSize.h"

#include <memory>
#include <thread>
#include <vector>

namespace moec {

/// How to make a pool.
struct PoolOptions {
  int32_t threads = 1;               ///< team size, >= 1
  int64_t spinNanoseconds = 2000000; ///< time a thread waits awake
  bool pin = false;                  ///< tie each worker to one CPU
  bool yield = false; ///< run with fewer threads where others want CPUs
};

/// A team of threads that waits for work, spinning for a while and then asleep.
/// One thread at a time may call run.
class Pool {
public:
  /// What every thread of the team executes.
  using Body = void (*)(void *state, int32_t thread, int32_t threads);

  /// Starts the team. On failure no thread is left running.
  static Status create(const PoolOptions &options, std::unique_ptr<Pool> &pool);

  /// Stops the team. No run may be going on.
  ~Pool();

  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;

  int32_t threads() const { return options.threads; }

  /// Calls body(state, thread, count) on `count` threads of the team and
  /// returns when all have returned: on all of them, or fewer where the team
  /// yields. Allocates nothing.
  void run(Body body, void *state);

  /// A barrier for the threads inside run.
  Barrier &barrier() { return teamBarrier; }

private:
  explicit Pool(const PoolOptions &given);

  /// The life of worker `thread`, on CPU `cpu` unless that is negative.
  void work(int32_t thread, int cpu);

  /// Starts a run, or the end, of the first `count` threads of the team.
  void start(int32_t count);

  /// Runs the body as one of `count` threads.
  void takePart(int32_t thread, int32_t count);

  /// Of a run that ended `now`, what decides about the next ones.
  void remember(int64_t now);

  const PoolOptions options;
  TeamSize teamSize;
  Barrier teamBarrier;
  /// The number of the current run and, in the lower half, of its threads;
  /// changes to start one.
  alignas(kCacheLine) Signal started;
  Body body = nullptr; ///< null: the team is to end
  void *state = nullptr;
  /// Whether threads measure what they are without a CPU, from this moment.
  bool measures = false;
  int64_t startTime = 0, lastWall = 0;
  /// What `started` was for the last run all workers have finished.
  alignas(kCacheLine) Signal finished;
  alignas(kCacheLine) std::atomic<int32_t> working{0};
  /// Nanoseconds that threads of this run were without a CPU.
  std::atomic<int64_t> lost{0};
  std::vector<std::thread> workers;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_POOL_H
