//===- Measure.cpp - Timing a layer fairly --------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/Measure.h"
#include "CpuUsage.h"

#include "llvm/ADT/STLExtras.h"

#include <chrono>
#include <cmath>
#include <thread>

using namespace llvm;

namespace moec::perf {

/// The least time of a chunk, in seconds: the system counts CPU time in
/// hundredths.
constexpr double chunkSeconds = 0.15;
constexpr double tickSeconds = 0.01;
/// What others may take of a CPU in a chunk that counts, if the team has all
/// CPUs, and if it leaves one free.
constexpr double othersBeside = 0.12, othersElsewhere = 0.5;

double quantile(std::vector<double> values, double fraction) {
  llvm::sort(values);
  return values[size_t(std::lround(fraction * double(values.size() - 1)))];
}

namespace {

struct Call {
  size_t input;
  double seconds;
  /// Of the roofline, and what bounds: known when the rates of the chunk are.
  double ratio = 0;
  bool computeBound = false;
};

struct Chunk {
  std::vector<Call> calls;
  Rates rates;
  bool quiet = false;
  /// From its beginning to its end, sweeps included.
  double seconds = 0;
};

/// The calls of one cell.
class Meter {
public:
  Meter(ArrayRef<Work> inputs, llvm::function_ref<Error(size_t)> call,
        bool cold, Calibration &calibration)
      : inputs(inputs), call(call), cold(cold), calibration(calibration) {}

  /// Calls once or more, for at least `atLeast` seconds.
  Expected<Chunk> chunk(double atLeast, double othersAllowed);

private:
  ArrayRef<Work> inputs;
  llvm::function_ref<Error(size_t)> call;
  bool cold;
  Calibration &calibration;
  size_t next = 0;
};

} // namespace

Expected<Chunk> Meter::chunk(double atLeast, double othersAllowed) {
  using Clock = std::chrono::steady_clock;
  auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  Chunk chunk;
  CpuUsage usage;
  auto begin = Clock::now();
  do {
    if (cold)
      calibration.sweepCaches();
    size_t input = next++ % inputs.size();
    auto start = Clock::now();
    if (Error error = call(input))
      return std::move(error);
    chunk.calls.push_back({input, since(start)});
    chunk.seconds = since(begin);
  } while (chunk.seconds < atLeast);
  chunk.quiet = usage.othersSince() <
                othersAllowed + tickSeconds / std::max(chunk.seconds, 1e-9);
  return chunk;
}

/// Puts the rates of a chunk's two calibrations beside its calls.
static void rate(Chunk &chunk, ArrayRef<Work> inputs, const Rates &rates) {
  chunk.rates = rates;
  for (Call &call : chunk.calls) {
    const Work &work = inputs[call.input];
    call.ratio = work.roofline(rates) / call.seconds;
    call.computeBound = work.computeBound(rates);
  }
}

static Timing summarize(ArrayRef<Chunk> chunks, bool quietOnly) {
  Timing timing;
  timing.quiet = quietOnly;
  std::vector<double> times, ratios, peaks, reads;
  int64_t computeBound = 0;
  for (const Chunk &chunk : chunks) {
    if (quietOnly && !chunk.quiet)
      continue;
    peaks.push_back(chunk.rates.peak);
    reads.push_back(chunk.rates.read);
    for (const Call &call : chunk.calls) {
      times.push_back(call.seconds);
      ratios.push_back(call.ratio);
      computeBound += call.computeBound;
    }
  }
  timing.median = quantile(times, 0.5);
  timing.best = quantile(times, 0);
  timing.low = quantile(times, 0.1);
  timing.high = quantile(times, 0.9);
  timing.rooflineRatio = quantile(ratios, 0.5);
  timing.calls = int64_t(times.size());
  timing.computeBound = 2 * computeBound > timing.calls;
  timing.rates = {quantile(peaks, 0.5), quantile(reads, 0.5)};
  return timing;
}

Expected<Timing> measure(ArrayRef<Work> inputs, Arithmetic arithmetic,
                         int32_t threads, Calibration &calibration,
                         const MeasureOptions &options,
                         llvm::function_ref<Error(size_t)> call) {
  bool spare = threads < int32_t(std::thread::hardware_concurrency());
  double allowed = spare ? othersElsewhere : othersBeside;
  double chunkTime = std::min(chunkSeconds, options.seconds);
  Meter meter(inputs, call, options.cold, calibration);
  // The first call touches memory for the first time.
  if (Error error = call(inputs.size() - 1))
    return std::move(error);
  std::vector<Chunk> chunks;
  double all = 0, quietSeconds = 0;
  int64_t quietCalls = 0, allCalls = 0;
  Rates before = calibration.measure(arithmetic);
  do {
    Expected<Chunk> chunk = meter.chunk(chunkTime, allowed);
    if (!chunk)
      return chunk.takeError();
    Rates after = calibration.measure(arithmetic);
    rate(*chunk, inputs, before.best(after));
    before = after;
    all += chunk->seconds;
    allCalls += int64_t(chunk->calls.size());
    if (chunk->quiet) {
      quietSeconds += chunk->seconds;
      quietCalls += int64_t(chunk->calls.size());
    }
    chunks.push_back(std::move(*chunk));
    if (quietSeconds >= options.seconds && quietCalls >= options.calls)
      break;
  } while (all < options.seconds * options.patience ||
           allCalls < options.calls);
  return summarize(chunks, quietCalls >= options.calls);
}

} // namespace moec::perf
