//===- Explain.cpp - moec explain -----------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Says what a bundle's layers have to do, how they do it, and what that takes
// at least.
//
//===----------------------------------------------------------------------===//

#include "BenchTiming.h"
#include "Command.h"
#include "Explanation.h"
#include "Facts.h"
#include "Loads.h"
#include "ModelInput.h"
#include "Output.h"
#include "Progress.h"
#include "moec/Runtime/CpuFeatures.h"
#include "moec/Target/TargetCpu.h"

using namespace llvm;

namespace moec::driver {
namespace {

class ExplainCommand : public Command {
public:
  void declare(OptionTable &options) override;
  Expected<int> run(Console &console) override;

private:
  Error addLayers(const Manifest &manifest);
  Error explain(ExplainedLayer &layer);
  Error measure(ExplainedLayer &layer, Session &session);
  Error addGivenBatch(ExplainedLayer &layer) const;
  Error report(Console &console) const;

  ModelOptions model;
  std::vector<int64_t> tokens = {1, 4, 16, 64, 512}, rates;
  std::optional<int64_t> threads;
  std::optional<std::string> routing, json, html;
  bool measures = false;
  std::unique_ptr<perf::Calibration> calibration;
  Explanation explanation;
};

} // namespace

void ExplainCommand::declare(OptionTable &options) {
  options.positional("BUNDLE", "what `moec compile` wrote", model.path);
  model.declareLayers(options);
  options.list("tokens", "batch sizes; 1,4,16,64,512 if not given", tokens, 1,
               int64_t(1) << 24);
  options.text("routing", "FILE",
               "a .safetensors file with topk_ids, as `moec run` writes it: "
               "where tokens go, in place of equally likely experts",
               routing);
  options.flag("measure",
               "time the layers and their operations as well, on random "
               "rows",
               measures);
  options.number("threads", "N", "threads; one on each CPU if not given",
                 threads, 1, 4096);
  options.list(
      "rates",
      "what the machine does in a second, in place of what "
      "this one does: 10^9 flops of the layer's arithmetic, on all its "
      "cores, and 10^9 bytes from memory, as in 900,80",
      rates, 1, int64_t(1) << 24);
  options.text("json", "FILE", "write all of it as JSON; - for the screen",
               json);
  options.text("html", "FILE", "write a page with figures", html);
}

Error ExplainCommand::addGivenBatch(ExplainedLayer &layer) const {
  Expected<perf::Load> load = readLoad(*routing, layer.cost);
  if (!load)
    return load.takeError();
  addBatch(layer, explanation.target, std::move(*load));
  return Error::success();
}

Error ExplainCommand::measure(ExplainedLayer &layer, Session &session) {
  Expected<SessionLayer> info = session.layer(layer.cost.name);
  if (!info)
    return info.takeError();
  DType type = layer.cost.mainProduct().arithmetic == perf::Arithmetic::F32
                   ? DType::F32
                   : DType::BF16;
  for (ExplainedBatch &batch : layer.batches) {
    int64_t hidden = layer.cost.hidden, count = batch.load.tokens;
    auto rows = [&](uint64_t seed) -> Expected<HostTensor> {
      return toTensor(randomRows(count, hidden, seed), hidden, type);
    };
    Expected<TimedCalls> calls = prepareCalls(session, *info, layer.cost, count,
                                              usualCalls(count), rows);
    if (!calls)
      return calls.takeError();
    perf::MeasureOptions options;
    options.seconds = 0.5;
    std::vector<moec_stage_time> times(layer.stages.size());
    std::vector<std::vector<moec_stage_time>> timesOfCalls;
    if (Error error = session.timeStages(times))
      return error;
    auto timing = timeCalls(session, *info, layer.cost, *calls, *calibration,
                            options, [&] { timesOfCalls.push_back(times); });
    if (Error error = session.timeStages({}))
      return joinErrors(std::move(error), timing.takeError());
    if (!timing)
      return timing.takeError();
    batch.measured = *timing;
    addMeasured(batch, timesOfCalls);
  }
  return Error::success();
}

Error ExplainCommand::explain(ExplainedLayer &layer) {
  if (!rates.empty())
    layer.rates = perf::Rates{double(rates[0]) * 1e9, double(rates[1]) * 1e9};
  else if (calibration)
    layer.rates = calibration->measure(layer.cost.mainProduct().arithmetic);
  if (routing)
    return addGivenBatch(layer);
  for (int64_t count : tokens)
    addBatch(layer, explanation.target, randomLoad(layer.cost, count));
  return Error::success();
}

Error ExplainCommand::addLayers(const Manifest &manifest) {
  auto costs = readCosts(model.path);
  if (!costs)
    return costs.takeError();
  std::vector<std::string> names;
  for (const perf::LayerCost &cost : *costs)
    names.push_back(cost.name);
  if (Error error = model.layers.check(names, {}, printable(model.path)))
    return error;
  // Layers of one kernel cost the same; the first stands for all.
  std::vector<std::vector<std::string>> sharers(manifest.kernels.size());
  for (auto [cost, layer] : zip(*costs, manifest.layers)) {
    if (!model.layers.contains(cost.name))
      continue;
    if (sharers[layer.kernel].empty())
      explanation.layers.push_back(
          {"", cost, manifest.kernels[layer.kernel].stages, {}, {}});
    sharers[layer.kernel].push_back(cost.name);
  }
  for (ExplainedLayer &layer : explanation.layers)
    for (const std::vector<std::string> &group : sharers)
      if (!group.empty() && group.front() == layer.cost.name)
        layer.names = foldLayerNames(group);
  return Error::success();
}

/// Whether this machine is one that the bundle was compiled for.
static bool runsHere(const Manifest &manifest) {
  StringRef architecture = StringRef(manifest.triple).split('-').first;
  return architecture == StringRef(hostArchitecture()) &&
         all_of(manifest.features, hostHasCpuFeature);
}

Error ExplainCommand::report(Console &console) const {
  if (!json || *json != "-")
    console.print(explainText(console, explanation));
  if (json)
    if (Error error = writeOutput(console, *json, explainJson(explanation)))
      return error;
  if (html)
    return writeOutput(console, *html, explainPage(explanation));
  return Error::success();
}

Expected<int> ExplainCommand::run(Console &console) {
  if (measures && routing)
    return usageError("--measure times random rows; it does not go with "
                      "--routing");
  if (!rates.empty() && (rates.size() != 2 || measures || threads))
    return usageError("--rates takes two numbers, 10^9 flops and 10^9 bytes a "
                      "second, in place of --measure and --threads");
  Expected<Manifest> manifest = readManifest(model.path);
  if (!manifest)
    return manifest.takeError();
  if (StringRef(manifest->triple).starts_with("nvptx"))
    return inputError("{}: compiled for a GPU; `moec gpu-report` tells how its "
                      "kernels work and what they cost",
                      printable(model.path));
  explanation.bundle = printable(model.path);
  Expected<CpuTarget> target = resolveCpu(manifest->cpu, manifest->triple);
  if (!target)
    return target.takeError();
  explanation.target = *target;
  explanation.routing = routing ? "tokens as in " + printable(*routing)
                                : "all experts equally likely";
  if (Error error = addLayers(*manifest))
    return std::move(error);
  {
    Progress progress(console, "measuring");
    std::optional<Session> session;
    int32_t wanted = int32_t(threads.value_or(0));
    if (rates.empty() && (measures || runsHere(*manifest))) {
      auto created = perf::Calibration::create(wanted);
      if (!created)
        return created.takeError();
      calibration = std::move(*created);
      explanation.threads = calibration->threads();
    }
    if (measures) {
      // Weights lie as bench has them.
      Expected<Session> opened =
          Session::open(model.path, wanted, MOEC_OPEN_COPY_WEIGHTS);
      if (!opened)
        return opened.takeError();
      session = std::move(*opened);
    }
    for (ExplainedLayer &layer : explanation.layers) {
      if (Error error = explain(layer))
        return std::move(error);
      if (session)
        if (Error error = measure(layer, *session))
          return std::move(error);
    }
  }
  if (Error error = report(console))
    return std::move(error);
  return 0;
}

const CommandInfo explainCommand = {
    "explain", "say what a bundle's layers have to do, and how they do it",
    "Lists the products of each layer with their strategies, as the compiler "
    "left them in the bundle, and for each batch size what has to be "
    "multiplied and read, and the time that this machine needs for that at "
    "least. With --measure, also the time that it takes.",
    "$ moec explain mixtral.moec\n"
    "$ moec explain mixtral.moec --measure --html=mixtral.html",
    createCommand<ExplainCommand>};

} // namespace moec::driver
