//===- Calibration.cpp - What this machine can do, just now ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops run on a team like the one that runs layers.
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/Calibration.h"
#include "PeakLoops.h"
#include "Runtime/Affinity.h"
#include "Runtime/Pool.h"
#include "moec/Support/Error.h"

#include <chrono>
#include <cstring>
#include <sys/mman.h>

using namespace llvm;

namespace moec::perf {

/// Several times what a last-level cache holds.
constexpr int64_t bufferBytes = int64_t(256) << 20;
/// About a millisecond of multiplications.
constexpr int64_t peakIterations = 300000;

struct Calibration::Team {
  std::unique_ptr<Pool> pool;
  char *buffer = nullptr;
  ReadLoop readLoop = widestReadLoop();
  const PeakLoop *peakLoop = nullptr;

  ~Team() {
    if (buffer)
      munmap(buffer, bufferBytes);
  }

  /// The part of the buffer that a thread reads.
  void readPart(int32_t thread, int32_t threads) const {
    int64_t part = bufferBytes / threads / 1024 * 1024;
    readLoop(buffer + thread * part, part);
  }

  /// The shortest of `count` runs on the team, in seconds.
  double shortest(int count, Pool::Body body) {
    double best = 1e300;
    for (int i = 0; i < count; ++i) {
      auto start = std::chrono::steady_clock::now();
      pool->run(body, this);
      std::chrono::duration<double> time =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, time.count());
    }
    return best;
  }
};

Calibration::Calibration() : team(std::make_unique<Team>()) {}
Calibration::~Calibration() = default;

Expected<std::unique_ptr<Calibration>> Calibration::create(int32_t threads) {
  std::unique_ptr<Calibration> calibration(new Calibration);
  Team &team = *calibration->team;
  PoolOptions options;
  options.threads = threads ? threads : usableCpuCount();
  if (Status status = Pool::create(options, team.pool); status.failed())
    return inputError(status.message());
  void *buffer = mmap(nullptr, bufferBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer == MAP_FAILED)
    return inputError("no {} of memory to measure the read rate with",
                      formatBytes(bufferBytes));
  team.buffer = static_cast<char *>(buffer);
  madvise(buffer, bufferBytes, MADV_HUGEPAGE);
  std::memset(buffer, 1, bufferBytes);
  return calibration;
}

int32_t Calibration::threads() const { return team->pool->threads(); }

Rates Calibration::measure(Arithmetic arithmetic) {
  team->peakLoop = &fastestLoop(arithmetic);
  double peakTime = team->shortest(4, [](void *state, int32_t, int32_t) {
    static_cast<Team *>(state)->peakLoop->run(peakIterations);
  });
  double readTime =
      team->shortest(2, [](void *state, int32_t thread, int32_t threads) {
        static_cast<Team *>(state)->readPart(thread, threads);
      });
  int32_t threads = team->pool->threads();
  return {team->peakLoop->operations * double(peakIterations) * threads /
              peakTime,
          double(bufferBytes) / readTime};
}

void Calibration::sweepCaches() { team->readPart(0, 2); }

} // namespace moec::perf
