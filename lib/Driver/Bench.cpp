//===- Bench.cpp - moec bench ---------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times random layers of given shapes, each against what the machine can do in
// the same moment.
//
//===----------------------------------------------------------------------===//

#include "BenchLayer.h"
#include "BenchReport.h"
#include "Command.h"
#include "Output.h"
#include "moec/Performance/Measure.h"

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
  Error timeCell(BenchLayer &layer, Session &session,
                 perf::Calibration &calibration, BenchCell cell);
  Error report(Console &console) const;

  std::vector<perf::LayerShape> shapes;
  std::vector<BenchFormat> formats = {{"bf16"}};
  std::vector<int64_t> tokens = {1, 4, 16, 64, 512}, threads;
  std::vector<Routing> routings = {Routing::Random};
  std::optional<std::string> json;
  bool quick = false;

  Progress *progress = nullptr;
  std::vector<BenchCell> cells;
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
  options.list("tokens", "batch sizes; 1,4,16,64,512 if not given", tokens, 1,
               int64_t(1) << 24);
  options.custom(
      "format", "LIST", "how weights are stored: f32, f16, bf16 (if not given)",
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
  options.flag("quick", "a few calls each, whether the machine is quiet or not",
               quick);
}

Error BenchCommand::timeCell(BenchLayer &layer, Session &session,
                             perf::Calibration &calibration, BenchCell cell) {
  Expected<SessionLayer> info = session.layer(layer.cost().name);
  if (!info)
    return info.takeError();
  // Enough inputs that experts are read from memory, not from a cache.
  size_t count = std::clamp<int64_t>(256 / cell.tokens, 2, 64);
  std::vector<RunRequest> requests(count);
  std::vector<PreparedRun> runs;
  std::vector<perf::Work> work;
  for (size_t i = 0; i < count; ++i) {
    RunRequest &request = requests[i];
    Expected<HostTensor> rows =
        layer.rows(session, cell.tokens, cell.routing, /*seed=*/100 + i);
    if (!rows)
      return rows.takeError();
    request.hiddenDtype = rows->dtype;
    request.inputs.emplace_back("hidden", std::move(*rows));
    Expected<perf::Load> load = routeRows(session, *info, request);
    if (!load)
      return load.takeError();
    work.push_back(layer.cost().work(*load));
    cell.addLoad(*load);
    request.hiddenOnly = true;
    Expected<PreparedRun> run = session.prepare(*info, request);
    if (!run)
      return run.takeError();
    runs.push_back(std::move(*run));
  }
  perf::MeasureOptions options;
  if (quick)
    options = {.seconds = 0.05, .calls = 3, .patience = 1};
  constexpr uint64_t cacheable = uint64_t(256) << 20;
  options.cold = layer.weightBytes() < cacheable;
  Expected<perf::Timing> timing = perf::measure(
      work, layer.cost().mainProduct().arithmetic, session.threads(),
      calibration, options, [&](size_t i) { return session.execute(runs[i]); });
  if (!timing)
    return timing.takeError();
  cell.timing = *timing;
  cell.strategy =
      layer.cost().mainProduct().variantFor(cell.rowsOfExpert()).text;
  cells.push_back(std::move(cell));
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
    for (int64_t count : tokens)
      for (Routing routing : routings) {
        cell.tokens = count;
        cell.routing = routing;
        progress->setWhat("timing " + cell.title());
        if (Error error = timeCell(layer, *session, **calibration, cell))
          return error;
      }
  }
  return Error::success();
}

Error BenchCommand::report(Console &console) const {
  if (!json || *json != "-")
    console.print(benchTable(console, cells));
  if (json)
    return writeOutput(console, *json, benchJson(cells));
  return Error::success();
}

Expected<int> BenchCommand::run(Console &console) {
  if (shapes.empty())
    shapes.push_back(cantFail(perf::parseShape("qwen3-30b")));
  if (threads.empty())
    threads = {0};
  {
    Progress line(console, "making layers");
    progress = &line;
    for (const perf::LayerShape &shape : shapes)
      for (const BenchFormat &format : formats) {
        line.setWhat(fmt::format("making {} in {}", shape.name, format.name));
        auto layer = BenchLayer::create(shape, format, console);
        if (!layer)
          return layer.takeError();
        BenchCell cell;
        cell.shape = shape.name;
        cell.format = format.name;
        if (Error error = timeLayer(**layer, cell))
          return std::move(error);
      }
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
    "$ moec bench --shape=64,8,2048,1024 --threads=1,2 --json=results.json",
    createCommand<BenchCommand>};

} // namespace moec::driver
