//===- Verify.cpp - moec verify -------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Judges the compiled code of a bundle by the reference.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Facts.h"
#include "Progress.h"
#include "Table.h"
#include "VerifyLayer.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace moec::driver {

using reference::Case;
using reference::CompareReport;

namespace {

/// What a layer's runs came to.
struct LayerResult {
  std::vector<reference::OutputReport> outputs;
  size_t runs = 0, failed = 0;
  int64_t rows = 0, wrongRows = 0, tooClose = 0;
  std::optional<RelativeError> accuracy;

  void add(const Judgement &judgement);
};

class VerifyCommand : public Command {
public:
  void declare(OptionTable &options) override;
  Expected<int> run(Console &console) override;

private:
  Expected<ModuleInput> readReference(Console &console, StringRef source);
  Expected<std::vector<Case>> makeCases(const LayerVerifier &verifier,
                                        int64_t count);
  Expected<std::vector<Case>> readCase(const LayerVerifier &verifier);
  Error verifyLayer(LayerVerifier &verifier, Console &console,
                    Progress &progress, LayerResult &result);
  int report(Console &console,
             ArrayRef<std::pair<std::string, LayerResult>> results) const;

  std::string bundle, routing = "router", device = "cuda", tensors = "host";
  std::optional<std::string> checkpoint, runner;
  ModelOptions layers;
  std::vector<int64_t> tokens = {1, 7, 64};
  std::optional<int64_t> seed, threads;
  /// What a file gives beside hidden rows and a routing.
  NamedTensors given;
};

} // namespace

void LayerResult::add(const Judgement &judgement) {
  const CompareReport &report = judgement.report;
  if (judgement.accuracy) {
    if (!accuracy)
      accuracy = RelativeError();
    accuracy->add(*judgement.accuracy);
  }
  ++runs;
  failed += !report.isGood();
  rows += report.rows;
  wrongRows += report.mismatches.size();
  tooClose += report.tooClose;
  for (const reference::OutputReport &output : report.outputs) {
    auto known = find_if(
        outputs, [&](const auto &other) { return other.name == output.name; });
    if (known == outputs.end()) {
      outputs.push_back(output);
      continue;
    }
    if (known->elements == 0 || output.worst.ratio() > known->worst.ratio())
      known->worst = output.worst;
    known->elements += output.elements;
    known->outside += output.outside;
    known->unbounded += output.unbounded;
  }
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

void VerifyCommand::declare(OptionTable &options) {
  options.positional("BUNDLE", "what `moec compile` wrote", bundle);
  layers.declareLayers(options);
  options.text("routing", "router|random|adversarial|FILE",
               "router (the default): random rows, which the layer routes. "
               "random: random rows and a random routing. adversarial: ties, "
               "overflow, NaN, empty and crowded experts, dropped choices. "
               "FILE: a .safetensors or .npy file with hidden and, if wanted, "
               "topk_ids and topk_weights",
               routing);
  options.list("tokens", "batch sizes, 1,7,64 if not given; 0 is one too",
               tokens, 0, int64_t(1) << 24);
  options.number("seed", "N", "another seed makes other inputs", seed, 0);
  options.text("model", "DIR",
               "the checkpoint the bundle was made from, should it have moved",
               checkpoint);
  options.number("threads", "N", "threads; one on each CPU if not given",
                 threads, 1, 4096);
  options.text("device", "NAME", deviceHelp, device);
  options.text(
      "tensors", "host|device",
      "where a GPU's inputs and outputs are: in the host's memory (the "
      "default), or in the GPU's, with rows that are apart",
      tensors);
  options.text("runner", "COMMAND", runnerHelp, runner);
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

/// The layers as imported and their checkpoint.
Expected<ModuleInput> VerifyCommand::readReference(Console &console,
                                                   StringRef source) {
  std::string directory = checkpoint.value_or(source.str());
  if (directory.empty())
    return inputError("{} does not say which checkpoint it was made from; name "
                      "it with --model=DIR",
                      printable(bundle));
  if (!sys::fs::is_directory(directory))
    return inputError("{}: the checkpoint {} it was made from is not there; "
                      "name its place with --model=DIR",
                      printable(bundle), quote(directory));
  ModelOptions options;
  SmallString<128> path(bundle);
  sys::path::append(path, "model.mlir");
  options.path = path.str().str();
  if (sys::fs::is_directory(path))
    return inputError("{} is a directory, not the layers as imported; compile "
                      "the model again",
                      printable(path));
  return readModule(options, directory, /*needWeights=*/true, console);
}

Expected<std::vector<Case>>
VerifyCommand::readCase(const LayerVerifier &verifier) {
  std::vector<std::string> wanted = {"topk_ids", "topk_weights"};
  wanted.reserve(wanted.size() + verifier.description().inputs.size());
  for (const LayerTensor &input : verifier.description().inputs)
    wanted.push_back(input.name);
  Expected<NamedTensors> tensors = readTensors(routing, wanted);
  if (!tensors)
    return tensors.takeError();
  given = std::move(*tensors);
  HostTensor *hidden = findTensor(given, "hidden");
  int64_t cols = verifier.description().info.hidden;
  if (hidden->shape.empty() || hidden->shape.back() != cols)
    return inputError("{}: hidden has shape {}; {} takes rows of {}",
                      printable(routing), formatShape(hidden->shape),
                      printable(verifier.description().name), cols);
  hidden->shape = {*numElements(ArrayRef(hidden->shape).drop_back()), cols};
  Case result;
  result.name = routing;
  auto read = [&](StringRef name, auto &&target) -> Error {
    const HostTensor *tensor = findTensor(given, name);
    if (!tensor)
      return Error::success();
    Expected<reference::Tensor> value = reference::fromHost(*tensor);
    if (!value)
      return value.takeError();
    target = std::move(*value);
    return Error::success();
  };
  if (Error error = read("hidden", result.hidden))
    return std::move(error);
  if (Error error = read("topk_ids", result.ids))
    return std::move(error);
  if (Error error = read("topk_weights", result.weights))
    return std::move(error);
  if (result.ids.has_value() != result.weights.has_value())
    return inputError(
        "{} has one of topk_ids and topk_weights; a given routing "
        "needs both",
        printable(routing));
  return std::vector<Case>{std::move(result)};
}

Expected<std::vector<Case>>
VerifyCommand::makeCases(const LayerVerifier &verifier, int64_t count) {
  reference::CaseSize size = verifier.size(count);
  uint64_t number = seed.value_or(0);
  if (routing == "adversarial")
    return reference::adversarialCases(size, number);
  Case single = reference::randomCase(size, number);
  if (routing == "random")
    reference::addRandomRouting(single, size, number);
  return std::vector<Case>{std::move(single)};
}

//===----------------------------------------------------------------------===//
// Judging
//===----------------------------------------------------------------------===//

Error VerifyCommand::verifyLayer(LayerVerifier &verifier, Console &console,
                                 Progress &progress, LayerResult &result) {
  bool fromFile =
      routing != "router" && routing != "random" && routing != "adversarial";
  std::string name = printable(verifier.description().name);
  for (int64_t count : fromFile ? std::vector<int64_t>{0} : tokens) {
    Expected<std::vector<Case>> cases =
        fromFile ? readCase(verifier) : makeCases(verifier, count);
    if (!cases)
      return cases.takeError();
    for (const Case &testCase : *cases) {
      if (testCase.ids && !verifier.takesRouting()) {
        if (fromFile || routing == "random")
          return inputError("{} cannot be given a routing", name);
        continue;
      }
      std::string what =
          fmt::format("{}, {}, {}", name,
                      plural(testCase.hidden.shape[0], "token"), testCase.name);
      progress.setWhat("verifying " + what);
      Expected<Judgement> judgement = verifier.judge(testCase, given);
      if (!judgement)
        return judgement.takeError();
      result.add(*judgement);
      if (console.verbose || !judgement->report.isGood())
        console.print(fmt::format(
            "{}\n{}\n", console.styled(Style::Bold, what),
            reference::formatReport(judgement->report, console.verbose)));
    }
  }
  return Error::success();
}

static void addRows(Table &table, const Console &console, StringRef name,
                    const LayerResult &result) {
  std::string first = printable(name);
  auto verdict = [&](bool good, const std::string &bad) {
    return good ? console.styled(Style::Green, "ok")
                : console.styled(Style::Red, bad);
  };
  for (const reference::OutputReport &output : result.outputs) {
    table.addRow({first, output.name, std::to_string(output.elements),
                  fmt::format("{:.2e}", output.worst.error()),
                  fmt::format("{:.2e}", output.worst.bound),
                  fmt::format("{:.0f} %", 100 * output.worst.ratio()),
                  verdict(output.outside == 0,
                          fmt::format("{} outside", output.outside))});
    first.clear();
  }
  std::string wrong = fmt::format("{} wrong", plural(result.wrongRows, "row"));
  std::string ids = verdict(result.wrongRows == 0, wrong);
  if (result.tooClose > 0)
    ids += fmt::format(", {} too close to call", result.tooClose);
  table.addRow(
      {first, "topk_ids", std::to_string(result.rows), "", "", "", ids});
}

int VerifyCommand::report(
    Console &console,
    ArrayRef<std::pair<std::string, LayerResult>> results) const {
  Table table({"layer", "output", ">elements", ">max error", ">its bound",
               ">of bound", "verdict"});
  size_t runs = 0, failed = 0;
  for (const auto &[name, result] : results) {
    addRows(table, console, name, result);
    runs += result.runs;
    failed += result.failed;
  }
  if (!console.quiet || failed)
    console.print(table.str(console) + "\n");
  for (const auto &[name, result] : results)
    if (result.accuracy)
      console.info(
          fmt::format("{}: hidden rows are {:.2g} % from those of "
                      "unencoded weights and rows (root mean square)\n",
                      printable(name), 100 * result.accuracy->value()));
  std::string done = fmt::format("{} in {}: ", plural(results.size(), "layer"),
                                 plural(runs, "run"));
  if (failed == 0) {
    console.info(console.styled(Style::Green,
                                done + "all within the reference's bounds") +
                 "\n");
    return 0;
  }
  console.print(console.styled(Style::Red, fmt::format("{}{} outside the "
                                                       "reference's bounds",
                                                       done, failed)) +
                "\n");
  return 1;
}

Expected<int> VerifyCommand::run(Console &console) {
  Expected<std::unique_ptr<EmulatorDevice>> chosen =
      makeDevice(device, seed.value_or(1));
  if (!chosen)
    return chosen.takeError();
  if (runner && *chosen)
    return usageError("--runner runs a bundle for a CPU; it does not go with "
                      "--device={}",
                      device);
  if (tensors != "host" && tensors != "device")
    return usageError("--tensors={}: tensors are in the memory of host or "
                      "device",
                      tensors);
  Progress progress(console, "opening " + bundle);
  Expected<ModelFacts> facts = bundleFacts(bundle);
  if (!facts)
    return facts.takeError();
  std::vector<std::string> names, dense;
  for (const LayerFacts &layer : facts->layers)
    (layer.moe ? names : dense).push_back(layer.name);
  if (Error error = layers.layers.check(names, dense, printable(bundle)))
    return std::move(error);
  Expected<ModuleInput> input = readReference(console, facts->source);
  if (!input)
    return input.takeError();
  int32_t team = int32_t(threads.value_or(0));
  Expected<Session> session =
      runner ? Session::openInRunner(bundle, team, *runner)
             : Session::open(bundle, team, MOEC_OPEN_CHECK_WEIGHTS,
                             std::move(*chosen));
  if (!session)
    return session.takeError();
  if (tensors == "device")
    if (Error error = session->useDeviceMemory())
      return error;
  Expected<std::vector<SessionLayer>> all = session->layers();
  if (!all)
    return all.takeError();

  reference::CheckpointWeights weights(*input->checkpoint);
  mlir::OwningOpRef<mlir::ModuleOp> unencoded =
      withoutEncodings(*input->module);
  std::vector<std::pair<std::string, LayerResult>> results;
  for (SessionLayer &layer : *all) {
    if (!layers.layers.contains(layer.name))
      continue;
    LayerVerifier verifier(*session, *input->module, unencoded.get(), weights,
                           layer, seed.value_or(0));
    results.emplace_back(layer.name, LayerResult());
    if (Error error =
            verifyLayer(verifier, console, progress, results.back().second))
      return std::move(error);
  }
  progress.finish();
  return report(console, results);
}

const CommandInfo verifyCommand = {
    "verify", "judge a bundle's code by the reference",
    "Runs every layer on made-up inputs, once as compiled and once by the "
    "reference, which evaluates the imported layer (model.mlir) on the "
    "checkpoint's weights in double precision and derives for every number how "
    "far from it a correct implementation may be (docs/numerics.md). Prints "
    "the "
    "largest error beside its bound, with -v for each run and expert. The exit "
    "code is 1 if anything is outside.",
    "$ moec verify mixtral.moec\n"
    "$ moec verify mixtral.moec --layers=0 --routing=adversarial -v",
    createCommand<VerifyCommand>};

} // namespace moec::driver
