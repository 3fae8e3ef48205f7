//===- BenchSweep.cpp - Batch sizes against each other --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BenchSweep.h"
#include "BenchTiming.h"
#include "moec/Report/Charts.h"
#include "moec/Support/Text.h"

#include <chrono>

using namespace llvm;

namespace moec::driver {

namespace {

/// A batch size, its calls, and the seconds a call took in each round.
struct Batch {
  int64_t tokens;
  TimedCalls calls;
  std::vector<double> times;
};

/// One layer with a team, and its batches.
struct Sweep {
  Session session;
  SessionLayer info;
  std::vector<Batch> batches;
};

} // namespace

/// Different rows for each batch, as many as a round calls.
constexpr size_t callsOfRound = 3;

static Expected<Sweep> prepareSweep(BenchLayer &layer, int64_t threads,
                                    ArrayRef<int64_t> tokens) {
  Expected<Session> session = layer.open(int32_t(threads));
  if (!session)
    return session.takeError();
  Expected<SessionLayer> info = session->layer(layer.cost().name);
  if (!info)
    return info.takeError();
  Sweep sweep{std::move(*session), std::move(*info), {}};
  for (int64_t count : tokens) {
    auto calls = layer.calls(sweep.session, sweep.info, count, Routing::Random,
                             callsOfRound);
    if (!calls)
      return calls.takeError();
    sweep.batches.push_back({count, std::move(*calls), {}});
  }
  return sweep;
}

static Error timeInTurns(Session &session, MutableArrayRef<Batch> batches,
                         int64_t rounds) {
  using Clock = std::chrono::steady_clock;
  for (Batch &batch : batches)
    batch.times.clear();
  for (int64_t round = 0; round < rounds; ++round)
    for (Batch &batch : batches) {
      auto start = Clock::now();
      for (PreparedRun &run : batch.calls.runs)
        if (Error error = session.execute(run))
          return error;
      std::chrono::duration<double> time = Clock::now() - start;
      batch.times.push_back(time.count() / double(callsOfRound));
    }
  return Error::success();
}

/// The median over the rounds of the times for a token, against `base`.
static Comparison compareTokens(const Batch &batch, const Batch &base) {
  Comparison result = compareTimes(batch.times, base.times);
  result.ratio *= double(base.tokens) / double(batch.tokens);
  result.tokens = batch.tokens;
  result.base = fmt::format("T = {}", base.tokens);
  return result;
}

/// Compares all batches; then those that seem to make throughput fall once
/// more, with nothing between them and the one before: of a hundred medians
/// some are off by chance.
static Expected<std::vector<Comparison>> compareAll(Sweep &sweep,
                                                    int64_t rounds) {
  constexpr double doubtful = 1.02;
  MutableArrayRef<Batch> batches = sweep.batches;
  if (Error error = timeInTurns(sweep.session, batches, rounds))
    return std::move(error);
  std::vector<Comparison> results{compareTokens(batches[0], batches[0])};
  for (size_t i = 1; i < batches.size(); ++i)
    results.push_back(compareTokens(batches[i], batches[i - 1]));
  for (size_t i = 1; i < batches.size(); ++i) {
    if (results[i].ratio < doubtful)
      continue;
    if (Error error =
            timeInTurns(sweep.session, batches.slice(i - 1, 2), 2 * rounds))
      return std::move(error);
    results[i].ratio = compareTokens(batches[i], batches[i - 1]).ratio;
  }
  return results;
}

Expected<std::vector<Comparison>> compareBatches(const perf::LayerShape &shape,
                                                 const CompareOptions &options,
                                                 Progress &progress,
                                                 Console &console) {
  progress.setWhat("making " + shape.name);
  auto layer = BenchLayer::create(shape, options.format, console);
  if (!layer)
    return layer.takeError();
  (*layer)->dropCheckpoint();
  std::vector<Comparison> comparisons;
  for (int64_t threads : options.threads) {
    auto sweep = prepareSweep(**layer, threads, options.tokens);
    if (!sweep)
      return sweep.takeError();
    progress.setWhat(fmt::format("timing {}", shape.name));
    auto results = compareAll(*sweep, options.rounds);
    if (!results)
      return results.takeError();
    for (Comparison &result : *results) {
      result.layer = shape.name;
      result.format = options.format.name;
      result.threads = sweep->session.threads();
      comparisons.push_back(std::move(result));
    }
  }
  return comparisons;
}

std::string steepestFall(ArrayRef<Comparison> comparisons) {
  auto steepest = max_element(
      comparisons, [](auto &a, auto &b) { return a.ratio < b.ratio; });
  if (steepest->ratio <= 1)
    return "throughput never falls\n";
  return fmt::format("throughput falls most from {} to {}: by {:.1f} %\n",
                     steepest->base, steepest->tokens,
                     (1 - 1 / steepest->ratio) * 100);
}

std::string sweepPlot(ArrayRef<Comparison> comparisons) {
  double mostTokens = 1, mostRate = 1;
  report::Chart chart;
  chart.title = "Throughput";
  for (const Comparison &comparison : comparisons) {
    std::string name =
        fmt::format("{} {}, {}", comparison.layer, comparison.format,
                    plural(comparison.threads, "thread"));
    if (chart.series.empty() || chart.series.back().name != name)
      chart.series.push_back({name, {}, {}});
    double rate = double(comparison.tokens) / comparison.milliseconds * 1e3;
    chart.series.back().points.push_back({double(comparison.tokens), rate});
    mostTokens = std::max(mostTokens, double(comparison.tokens));
    mostRate = std::max(mostRate, rate);
  }
  chart.x = report::Axis::upTo("tokens in a batch", mostTokens);
  chart.y = report::Axis::upTo("tokens a second", mostRate);
  return report::drawChart(chart);
}

} // namespace moec::driver
