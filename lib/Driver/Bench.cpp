//===- Bench.cpp - moec bench ---------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times random layers of given shapes, each against what the machine can do in
// the same moment.
//
//===----------------------------------------------------------------------===//

#include "BenchCompare.h"
#include "BenchReport.h"
#include "BenchRivals.h"
#include "BenchSweep.h"
#include "BenchTiming.h"
#include "Command.h"
#include "Output.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace moec::driver {
namespace {

class BenchCommand : public Command {
public:
  void declare(OptionTable &options) override;
  Expected<int> run(Console &console) override;

private:
  Error timeLayer(BenchLayer &layer, BenchCell cell);
  using TimeCalls = function_ref<Expected<perf::Timing>(
      const SessionLayer &, TimedCalls &, perf::MeasureOptions)>;
  Error timeCells(BenchLayer &layer, Session &session, BenchCell cell,
                  TimeCalls time);
  Error timeLayerOnGpu(BenchLayer &layer, BenchCell cell);
  /// What rivals are raced with: teams of threads, or the GPU.
  Expected<std::vector<int64_t>> teamSizes(const BenchLayer &layer) const;
  Error raceLayer(BenchLayer &layer, const BenchCell &cell);
  Error compareShapes(Console &console);
  Error timeShapes(Console &console);
  perf::MeasureOptions measureOptions(double seconds) const;
  bool comparesBatches() const { return comparison == "tokens"; }
  std::string table(const Console &console) const;
  std::string jsonText() const;
  Error report(Console &console) const;

  std::vector<perf::LayerShape> shapes;
  std::vector<BenchFormat> formats = {{"bf16"}};
  std::vector<int64_t> tokens = {1, 4, 16, 64, 512}, threads;
  std::vector<Routing> routings = {Routing::Random};
  std::optional<std::string> json, plot;
  bool quick = false, rivals = false;
  std::string comparison, device = "cpu";
  std::string python = "python3";
  /// Where the device is a GPU.
  std::unique_ptr<perf::GpuMeter> gpu;

  Progress *progress = nullptr;
  std::vector<BenchCell> cells;
  std::vector<RivalCell> rivalCells;
  std::vector<Comparison> comparisons;
};

} // namespace

/// Appends the values of a list with commas between, as `parse` reads them.
template <typename T, typename Parse>
static Error parseList(StringRef text, std::vector<T> &out, Parse parse) {
  out.clear();
  for (StringRef part : split(text, ',')) {
    Expected<T> value = parse(part.trim());
    if (!value)
      return value.takeError();
    out.push_back(std::move(*value));
  }
  return Error::success();
}

static Expected<Routing> parseRouting(StringRef text) {
  for (Routing routing : {Routing::Random, Routing::Zipf, Routing::OneHot})
    if (text == routingName(routing))
      return routing;
  return usageError("{} is not one of random, zipf, one-hot", quote(text));
}

void BenchCommand::declare(OptionTable &options) {
  options.custom("shape", "NAME|E,K,H,I",
                 "a model's layer (" + join(perf::shapeNames(), ", ") +
                     "), or experts, experts of a token, columns of a row and "
                     "columns inside an expert; may be repeated; qwen3-30b if "
                     "not given",
                 [this](StringRef text) -> Error {
                   Expected<perf::LayerShape> shape = perf::parseShape(text);
                   if (!shape)
                     return usageError("{}", toString(shape.takeError()));
                   shapes.push_back(std::move(*shape));
                   return Error::success();
                 });
  options.list("tokens",
               "batch sizes, and ranges like 1-128; 1,4,16,64,512 if not given",
               tokens, 1, int64_t(1) << 24);
  options.custom(
      "format", "LIST",
      "how weights are stored: f32, f16, bf16 (if not given), int8, "
      "int4, uint4 (int4 with zero points), mxfp4; int8:GROUP, "
      "int4:GROUP and uint4:GROUP have a scale for each GROUP numbers; "
      "with /int8 after it, rows are int8 too",
      [this](StringRef text) { return parseList(text, formats, parseFormat); });
  options.list("threads", "team sizes; one thread on each CPU if not given",
               threads, 1, 4096);
  options.custom("routing", "LIST",
                 "random (if not given): about as many tokens for each expert; "
                 "zipf: the n-th expert is 1/n as likely as the first; "
                 "one-hot: all tokens have the same experts",
                 [this](StringRef text) {
                   return parseList(text, routings, parseRouting);
                 });
  options.text("json", "FILE", "write the results as JSON; - for the screen",
               json);
  options.text("plot", "FILE",
               "draw the share over the tokens, as SVG; of --compare=tokens, "
               "tokens a second",
               plot);
  options.choice("compare",
                 "instead: sparse-dense, each layer against a dense one as "
                 "wide as a token's experts; experts, against the same layer "
                 "with fewer experts; tokens, each of the batch sizes against "
                 "the one before, by the time for a token",
                 {"sparse-dense", "experts", "tokens"}, comparison);
  options.flag("rivals",
               "race other engines that are installed, on the same weights and "
               "rows, in place of the calibrated timing",
               rivals);
  options.text("python", "PATH",
               "the Python that has the rivals' packages; python3 if not given",
               python);
  options.choice("device",
                 "what runs the layers: cpu (the default), or cuda, the "
                 "driver's first GPU",
                 {"cpu", "cuda"}, device);
  options.flag("quick", "a few calls each, whether the machine is quiet or not",
               quick);
}

perf::MeasureOptions BenchCommand::measureOptions(double seconds) const {
  perf::MeasureOptions options;
  options.seconds = seconds;
  if (quick)
    options = {.seconds = 0.05, .calls = 3, .patience = 1};
  return options;
}

Error BenchCommand::timeCells(BenchLayer &layer, Session &session,
                              BenchCell cell, TimeCalls time) {
  const perf::LayerCost &cost = layer.cost();
  Expected<SessionLayer> info = session.layer(cost.name);
  if (!info)
    return info.takeError();
  for (int64_t count : tokens)
    for (Routing routing : routings) {
      cell.tokens = count;
      cell.routing = routing;
      progress->setWhat("timing " + cell.title());
      Expected<TimedCalls> calls =
          layer.calls(session, *info, count, routing, usualCalls(count));
      if (!calls)
        return calls.takeError();
      Expected<perf::Timing> timing =
          time(*info, *calls, measureOptions(/*seconds=*/1));
      if (!timing)
        return timing.takeError();
      cell.timing = *timing;
      cell.active = calls->active;
      cell.strategy = cost.mainProduct().strategyFor(calls->rowsOfExpert());
      cells.push_back(cell);
    }
  return Error::success();
}

Error BenchCommand::timeLayer(BenchLayer &layer, BenchCell cell) {
  for (int64_t wanted : threads) {
    Expected<Session> session = layer.open(int32_t(wanted));
    if (!session)
      return session.takeError();
    cell.threads = session->threads();
    auto calibration = perf::Calibration::create(cell.threads);
    if (!calibration)
      return calibration.takeError();
    if (Error error = timeCells(layer, *session, cell,
                                [&](const SessionLayer &info, TimedCalls &calls,
                                    perf::MeasureOptions options) {
                                  return timeCalls(*session, info, layer.cost(),
                                                   calls, **calibration,
                                                   options);
                                }))
      return error;
  }
  return Error::success();
}

Error BenchCommand::timeLayerOnGpu(BenchLayer &layer, BenchCell cell) {
  Expected<Session> session = layer.open(/*threads=*/1);
  if (!session)
    return session.takeError();
  cell.device = gpu->name();
  return timeCells(layer, *session, cell,
                   [&](const SessionLayer &, TimedCalls &calls,
                       perf::MeasureOptions options) {
                     return timeCallsOnGpu(*session, layer.cost(), calls, *gpu,
                                           options);
                   });
}

Expected<std::vector<int64_t>>
BenchCommand::teamSizes(const BenchLayer &layer) const {
  if (gpu)
    return std::vector<int64_t>{RivalOptions::onGpu};
  std::vector<int64_t> sizes;
  for (int64_t wanted : threads) {
    Expected<Session> session = layer.open(int32_t(wanted));
    if (!session)
      return session.takeError();
    sizes.push_back(session->threads());
  }
  return sizes;
}

Error BenchCommand::raceLayer(BenchLayer &layer, const BenchCell &cell) {
  Expected<std::vector<int64_t>> sizes = teamSizes(layer);
  if (!sizes)
    return sizes.takeError();
  RivalOptions options;
  options.python = python;
  options.tokens = tokens;
  options.threads = std::move(*sizes);
  if (quick)
    options.seconds = 0.2;
  progress->setWhat(fmt::format("racing on {} {}", cell.shape, cell.format));
  auto results = raceRivals(layer, cell.format, options);
  if (!results)
    return results.takeError();
  for (RivalCell &result : *results) {
    result.shape = cell.shape;
    rivalCells.push_back(std::move(result));
  }
  return Error::success();
}

Error BenchCommand::compareShapes(Console &console) {
  for (const BenchFormat &format : formats)
    for (const perf::LayerShape &shape : shapes) {
      CompareOptions options;
      options.format = format;
      options.tokens = tokens;
      options.threads = threads;
      options.measure = measureOptions(/*seconds=*/0.3);
      if (comparesBatches())
        options.rounds = 15;
      if (quick)
        options.rounds = 1;
      auto results =
          comparesBatches()
              ? compareBatches(shape, options, *progress, console)
              : compareLayers(comparison == "experts" ? growingExperts(shape)
                                                      : sparseAndDense(shape),
                              options, *progress, console);
      if (!results)
        return results.takeError();
      append_range(comparisons, *results);
    }
  return Error::success();
}

Error BenchCommand::timeShapes(Console &console) {
  for (const perf::LayerShape &shape : shapes)
    for (const BenchFormat &format : formats) {
      progress->setWhat(
          fmt::format("making {} in {}", shape.name, format.name));
      auto layer =
          BenchLayer::create(shape, format, console, gpu ? gpu->chip() : "");
      if (!layer)
        return layer.takeError();
      BenchCell cell;
      cell.shape = shape.name;
      cell.format = format.name;
      if (!rivals)
        (*layer)->dropCheckpoint();
      if (Error error = rivals ? raceLayer(**layer, cell)
                        : gpu  ? timeLayerOnGpu(**layer, cell)
                               : timeLayer(**layer, cell))
        return error;
    }
  return Error::success();
}

std::string BenchCommand::table(const Console &console) const {
  return rivals               ? rivalTable(console, rivalCells)
         : comparison.empty() ? benchTable(console, cells)
         : !comparesBatches()
             ? compareTable(console, comparisons)
             : compareTable(console, comparisons) + steepestFall(comparisons);
}

std::string BenchCommand::jsonText() const {
  return rivals               ? rivalJson(rivalCells)
         : comparison.empty() ? benchJson(cells)
                              : compareJson(comparisons);
}

Error BenchCommand::report(Console &console) const {
  if (!json || *json != "-")
    console.print(table(console));
  if (json)
    if (Error error = writeOutput(console, *json, jsonText()))
      return error;
  if (plot)
    return writeOutput(console, *plot,
                       comparesBatches() ? sweepPlot(comparisons)
                                         : benchPlot(cells));
  return Error::success();
}

Expected<int> BenchCommand::run(Console &console) {
  if (rivals && !comparison.empty())
    return usageError("--rivals and --compare are two different things");
  if (plot && (rivals || (!comparison.empty() && !comparesBatches())))
    return usageError("--plot draws something over the tokens, for which "
                      "--rivals and --compare=sparse-dense and experts are "
                      "not there");
  if (device == "cuda") {
    if (!comparison.empty() || !threads.empty())
      return usageError(
          "--compare and --threads are for layers on a CPU; leave "
          "them out, or --device=cuda");
    auto meter = perf::GpuMeter::open();
    if (!meter)
      return meter.takeError();
    gpu = std::move(*meter);
  }
  if (shapes.empty())
    shapes.push_back(cantFail(perf::parseShape("qwen3-30b")));
  if (threads.empty())
    threads = {0};
  {
    Progress line(console, "making layers");
    progress = &line;
    if (Error error =
            comparison.empty() ? timeShapes(console) : compareShapes(console))
      return std::move(error);
  }
  if (Error error = report(console))
    return std::move(error);
  return 0;
}

const CommandInfo benchCommand = {
    "bench", "time layers against what the machine can do",
    "Makes random layers of the shapes of published models, compiles them, and "
    "times whole calls, router included, on rows that were not used in the "
    "call before. Beside every few calls it measures what the CPU can multiply "
    "and what it can read from memory: the share of this limit is what "
    "compares between machines and between moments. Calls during which other "
    "programs used the CPUs do not count.",
    "$ moec bench --shape=mixtral --tokens=1,512\n"
    "$ moec bench --shape=64,8,2048,1024 --threads=1,2 --json=results.json\n"
    "$ moec bench --device=cuda --shape=mixtral --format=bf16,int4",
    createCommand<BenchCommand>};

} // namespace moec::driver
