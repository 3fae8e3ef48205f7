//===- BenchCompare.cpp - Layers against each other -----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BenchCompare.h"
#include "BenchReport.h"
#include "BenchTiming.h"
#include "Table.h"
#include "moec/Support/Text.h"

#include <nlohmann/json.hpp>

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

/// A layer of the simplest family with these sizes.
static perf::LayerShape plainShape(int64_t experts, int64_t topK,
                                   int64_t hidden, int64_t width) {
  return cantFail(perf::parseShape(
      fmt::format("{},{},{},{}", experts, topK, hidden, width)));
}

LayerGroup sparseAndDense(const perf::LayerShape &shape) {
  return {plainShape(1, 1, shape.hidden, shape.topK * shape.width), {shape}};
}

LayerGroup growingExperts(const perf::LayerShape &shape) {
  auto with = [&](int64_t experts) {
    return plainShape(experts, shape.topK, shape.hidden, shape.width);
  };
  constexpr int64_t most = 1024;
  int64_t experts = std::max<int64_t>(8, shape.topK);
  LayerGroup group{with(experts), {}};
  while (experts < most) {
    experts = experts * 4 > most ? most : experts * 4;
    group.layers.push_back(with(experts));
  }
  return group;
}

namespace {

/// A layer that takes part, with a team.
struct Contestant {
  const BenchLayer *layer;
  Session session;
  SessionLayer info;
  TimedCalls calls;
  std::vector<double> times;
};

} // namespace

static Expected<Contestant> enter(BenchLayer &layer, int64_t threads,
                                  int64_t tokens) {
  Expected<Session> session = layer.open(int32_t(threads));
  if (!session)
    return session.takeError();
  Expected<SessionLayer> info = session->layer(layer.cost().name);
  if (!info)
    return info.takeError();
  auto calls =
      layer.calls(*session, *info, tokens, Routing::Random, usualCalls(tokens));
  if (!calls)
    return calls.takeError();
  return Contestant{
      &layer, std::move(*session), std::move(*info), std::move(*calls), {}};
}

static Error race(std::vector<Contestant> &contestants,
                  const CompareOptions &options) {
  auto calibration =
      perf::Calibration::create(contestants.front().session.threads());
  if (!calibration)
    return calibration.takeError();
  for (int64_t round = 0; round < options.rounds; ++round)
    for (Contestant &contestant : contestants) {
      auto timing = timeCalls(contestant.session, contestant.info,
                              contestant.layer->cost(), contestant.calls,
                              **calibration, options.measure);
      if (!timing)
        return timing.takeError();
      contestant.times.push_back(timing->median);
    }
  return Error::success();
}

Comparison compareTimes(ArrayRef<double> times, ArrayRef<double> base) {
  Comparison comparison;
  std::vector<double> ratios;
  for (auto [time, baseTime] : zip_equal(times, base))
    ratios.push_back(time / baseTime);
  comparison.ratio = perf::quantile(ratios, 0.5);
  comparison.milliseconds = perf::quantile(times.vec(), 0.5) * 1e3;
  comparison.baseMilliseconds = perf::quantile(base.vec(), 0.5) * 1e3;
  return comparison;
}

static Expected<std::unique_ptr<BenchLayer>>
makeLayer(const perf::LayerShape &shape, const CompareOptions &options,
          Progress &progress, Console &console) {
  progress.setWhat("making " + shape.name);
  auto layer = BenchLayer::create(shape, options.format, console);
  if (layer)
    (*layer)->dropCheckpoint();
  return layer;
}

static Expected<Comparison> comparePair(BenchLayer &base, BenchLayer &layer,
                                        int64_t threads, int64_t tokens,
                                        const CompareOptions &options) {
  std::vector<Contestant> contestants;
  for (BenchLayer *one : {&base, &layer}) {
    Expected<Contestant> entered = enter(*one, threads, tokens);
    if (!entered)
      return entered.takeError();
    contestants.push_back(std::move(*entered));
  }
  if (Error error = race(contestants, options))
    return std::move(error);
  Comparison result = compareTimes(contestants[1].times, contestants[0].times);
  result.format = options.format.name;
  result.tokens = tokens;
  result.threads = contestants[1].session.threads();
  return result;
}

Expected<std::vector<Comparison>> compareLayers(const LayerGroup &group,
                                                const CompareOptions &options,
                                                Progress &progress,
                                                Console &console) {
  auto base = makeLayer(group.base, options, progress, console);
  if (!base)
    return base.takeError();
  std::vector<Comparison> comparisons;
  for (const perf::LayerShape &shape : group.layers) {
    auto layer = makeLayer(shape, options, progress, console);
    if (!layer)
      return layer.takeError();
    for (int64_t threads : options.threads)
      for (int64_t tokens : options.tokens) {
        progress.setWhat(fmt::format("comparing, T = {}", tokens));
        auto result = comparePair(**base, **layer, threads, tokens, options);
        if (!result)
          return result.takeError();
        result->layer = shape.name;
        result->base = group.base.name;
        comparisons.push_back(std::move(*result));
      }
  }
  return comparisons;
}

std::string compareTable(const Console &console,
                         ArrayRef<Comparison> comparisons) {
  Table table({"layer", "format", ">threads", ">T", ">median", "against",
               ">median", ">ratio"});
  for (const Comparison &comparison : comparisons)
    table.addRow({comparison.layer, comparison.format,
                  std::to_string(comparison.threads),
                  std::to_string(comparison.tokens),
                  threeDigits(comparison.milliseconds), comparison.base,
                  threeDigits(comparison.baseMilliseconds),
                  fmt::format("{:.2f}", comparison.ratio)});
  return table.str(console) + "\nmilliseconds a call; all took turns, and the "
                              "ratio is the median of the turns'\n";
}

std::string compareJson(ArrayRef<Comparison> comparisons) {
  json list = json::array();
  for (const Comparison &comparison : comparisons)
    list.push_back({{"shape", comparison.layer},
                    {"against", comparison.base},
                    {"format", comparison.format},
                    {"tokens", comparison.tokens},
                    {"threads", comparison.threads},
                    {"ms", comparison.milliseconds},
                    {"against_ms", comparison.baseMilliseconds},
                    {"ratio", comparison.ratio}});
  return list.dump(2) + "\n";
}

} // namespace moec::driver
