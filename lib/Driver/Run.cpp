//===- Run.cpp - moec run -------------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs one layer of a bundle on rows from a file.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Progress.h"
#include "Session.h"

#include <chrono>

using namespace llvm;

namespace moec::driver {
namespace {

class RunCommand : public Command {
public:
  void declare(OptionTable &options) override;
  Expected<int> run(Console &console) override;

private:
  Error check() const;
  Expected<RunRequest> makeRequest(const SessionLayer &layer) const;

  std::string bundle, layerName, input, output;
  std::string outputDtype, device = "cuda";
  std::optional<int64_t> threads, repeat;
};

void RunCommand::declare(OptionTable &options) {
  options.positional("BUNDLE", "what `moec compile` wrote", bundle);
  options.text("layer", "NAME", "the layer, as `moec inspect` calls it",
               layerName);
  options
      .text("input", "FILE",
            ".npy: the hidden rows, [T, H] or [B, S, H], f32 or f16. "
            ".safetensors: hidden (f32, f16, bf16), and what else the layer "
            "takes; topk_ids and topk_weights there are used instead of the "
            "router's choice",
            input)
      .withLetter('i');
  options
      .text("output", "FILE",
            ".npy: the hidden rows. .safetensors: hidden, router_logits, "
            "topk_ids, topk_weights, and what else the layer gives",
            output)
      .withLetter('o');
  options.choice("output-dtype",
                 "the type of the hidden rows written; as the input's if not "
                 "given",
                 {"f32", "f16", "bf16"}, outputDtype);
  options.number("threads", "N", "threads; one on each CPU if not given",
                 threads, 1, 4096);
  options.text("device", "NAME", deviceHelp, device);
  options.number("repeat", "N",
                 "run N times more and say how long it took: the median, and "
                 "the fastest and slowest run",
                 repeat, 1, 1000000);
}

Error RunCommand::check() const {
  if (layerName.empty())
    return usageError("--layer=NAME is missing; `moec inspect {}` lists the "
                      "layers",
                      printable(bundle));
  if (input.empty())
    return usageError("--input=FILE is missing");
  if (output.empty())
    return usageError("--output=FILE is missing");
  for (const std::string &path : {input, output})
    if (Error error = checkTensorPath(path))
      return usageError("{}", toString(std::move(error)));
  return Error::success();
}

Expected<RunRequest> RunCommand::makeRequest(const SessionLayer &layer) const {
  std::vector<std::string> wanted;
  wanted.reserve(layer.inputs.size() + 2);
  for (const LayerTensor &tensor : layer.inputs)
    wanted.push_back(tensor.name);
  wanted.push_back("topk_ids");
  wanted.push_back("topk_weights");
  Expected<NamedTensors> tensors = readTensors(input, wanted);
  if (!tensors)
    return tensors.takeError();
  RunRequest request;
  request.inputs = std::move(*tensors);
  bool ids = findTensor(request.inputs, "topk_ids");
  bool weights = findTensor(request.inputs, "topk_weights");
  if (ids != weights)
    return inputError("{} has {} but not {}; a given routing needs both",
                      printable(input), ids ? "topk_ids" : "topk_weights",
                      ids ? "topk_weights" : "topk_ids");
  for (const LayerTensor &tensor : layer.inputs)
    if (!tensor.optional && !findTensor(request.inputs, tensor.name))
      return inputError("{} has no tensor '{}', which {} takes: {} x [T, {}]",
                        printable(input), tensor.name, layer.name,
                        dtypeName(tensor.dtype), tensor.cols);
  request.givenRouting = ids;
  DType inputDtype = findTensor(request.inputs, "hidden")->dtype;
  request.hiddenDtype =
      outputDtype.empty() ? inputDtype : *parseDType(outputDtype);
  if (request.hiddenDtype == DType::BF16 && StringRef(output).ends_with(".npy"))
    return inputError("{}: NumPy has no bf16; write a .safetensors file, or "
                      "choose --output-dtype=f32",
                      printable(output));
  return request;
}

/// Runs again and says how long it takes, of a whole call of the run time.
static Expected<std::string> measure(Session &session,
                                     const SessionLayer &layer,
                                     RunRequest &request, int64_t count) {
  Expected<PreparedRun> run = session.prepare(layer, request);
  if (!run)
    return run.takeError();
  std::vector<double> micros;
  for (int64_t i = 0; i < count; ++i) {
    auto start = std::chrono::steady_clock::now();
    if (Error error = session.execute(*run))
      return std::move(error);
    std::chrono::duration<double, std::micro> time =
        std::chrono::steady_clock::now() - start;
    micros.push_back(time.count());
  }
  llvm::sort(micros);
  return fmt::format("; {:.0f} us a run, {:.0f} to {:.0f} in {}",
                     micros[micros.size() / 2], micros.front(), micros.back(),
                     plural(count, "run"));
}

Expected<int> RunCommand::run(Console &console) {
  if (Error error = check())
    return std::move(error);
  Expected<std::unique_ptr<EmulatorDevice>> chosen =
      makeDevice(device, /*seed=*/1);
  if (!chosen)
    return chosen.takeError();
  Progress progress(console, "opening " + bundle);
  Expected<Session> session = Session::open(
      bundle, int32_t(threads.value_or(0)), /*flags=*/0, std::move(*chosen));
  if (!session)
    return session.takeError();
  Expected<SessionLayer> layer = session->layer(layerName);
  if (!layer)
    return layer.takeError();
  Expected<RunRequest> request = makeRequest(*layer);
  if (!request)
    return request.takeError();
  progress.setWhat("running " + layerName);
  Expected<NamedTensors> results = session->run(*layer, *request);
  if (!results)
    return inputError("{}: {}", printable(input),
                      toString(results.takeError()));
  std::string timing;
  if (repeat) {
    Expected<std::string> measured =
        measure(*session, *layer, *request, *repeat);
    if (!measured)
      return measured.takeError();
    timing = *measured;
  }
  progress.finish();
  // A given routing is passed on, so that the output says what was applied.
  if (request->givenRouting)
    for (StringRef name : {"topk_ids", "topk_weights"})
      results->emplace_back(name, *findTensor(request->inputs, name));
  if (Error error = writeTensors(output, *results))
    return std::move(error);
  const Shape &shape = results->front().second.shape;
  int64_t tokens = numElements(ArrayRef(shape).drop_back()).value_or(0);
  console.info(fmt::format("{}: {} of {}{}\n", printable(output),
                           plural(tokens, "token"), printable(layerName),
                           timing));
  return 0;
}

} // namespace

const CommandInfo runCommand = {
    "run", "run one layer of a bundle on rows from a file",
    "Reads the layer's inputs, runs it, and writes its outputs: hidden, the "
    "rows in the shape of the input; router_logits [T, E]; topk_ids, i32 "
    "[T, k], where -1 is a choice that was dropped; topk_weights, f32 [T, k], "
    "as they were applied; router_state, f32 [T, r], where a layer hands it on "
    "to the next.",
    "$ moec run mixtral.moec --layer=layers.0 --input=x.npy --output=y.npy\n"
    "$ moec run mixtral.moec --layer=layers.0 -i x.safetensors -o "
    "y.safetensors",
    createCommand<RunCommand>};

} // namespace moec::driver
