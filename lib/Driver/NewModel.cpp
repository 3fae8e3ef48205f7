//===- NewModel.cpp - moec new-model --------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a random checkpoint of a family.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/NewModel.h"
#include "Command.h"
#include "ModelInput.h"
#include "Progress.h"

#include <fmt/ranges.h>

using namespace llvm;

namespace moec::driver {
namespace {

class NewModelCommand : public Command {
public:
  void declare(OptionTable &options) override;
  Expected<int> run(Console &console) override;

private:
  std::string family, output, dtype = "bf16";
  std::optional<std::string> familyFile;
  std::optional<int64_t> seed;
  bool noWeights = false;
  hf::NewModelOptions model;
};

void NewModelCommand::declare(OptionTable &options) {
  constexpr int64_t maxSize = int64_t(1) << 31;
  options.text("family", "NAME", "a family, or a model_type of one", family);
  options
      .text("output", "DIR",
            "the checkpoint to write; an existing checkpoint "
            "is replaced",
            output)
      .withLetter('o');
  options.number("hidden", "H", "columns of a layer's rows", model.hidden, 1,
                 maxSize);
  options.number("experts", "E", "experts of a layer", model.experts, 1,
                 maxSize);
  options.number("top-k", "K", "experts chosen for a token", model.topK, 1,
                 maxSize);
  options.number("width", "I", "columns inside an expert", model.width, 1,
                 maxSize);
  options.number("layers", "N", "layers", model.layers, 1, 1 << 16);
  options.custom("set", "KEY=VALUE",
                 "a key of config.json with its value in JSON; may be repeated",
                 [this](StringRef text) -> Error {
                   auto [key, value] = text.split('=');
                   if (key.empty() || value.empty())
                     return usageError("{} is not of the form KEY=VALUE",
                                       quote(text));
                   model.keys.emplace_back(key.str(), value.str());
                   return Error::success();
                 });
  options.flag("class-defaults",
               "sizes not given are those of the family's configuration class "
               "instead of small ones",
               model.classDefaults);
  options.choice("dtype", "how weights are stored; bf16 if not given",
                 {"f32", "f16", "bf16", "fp8", "mxfp4"}, dtype);
  options.flag("no-weights", "write config.json only", noWeights);
  options.number("seed", "N", "another seed gives other weights", seed, 0);
  options.text("family-file", "FILE", "a family description of your own",
               familyFile);
}

Expected<int> NewModelCommand::run(Console &console) {
  if (output.empty())
    return usageError("-o DIR is missing: where the checkpoint goes");
  auto registry = createRegistry(familyFile);
  if (!registry)
    return registry.takeError();
  if (family.empty())
    return usageError("--family=NAME is missing; the families are {}",
                      fmt::join((*registry)->names(), ", "));
  model.dtype = dtype == "mxfp4" ? DType::F4E2M1 : *parseDType(dtype);
  model.seed = seed.value_or(0);
  model.weights = !noWeights;
  Progress progress(console, "writing " + output);
  model.progress = [&](uint64_t done, uint64_t total) {
    progress.update(done, total);
  };
  if (Error error = hf::writeNewModel(**registry, family, output, model))
    return std::move(error);
  progress.finish();
  console.info(fmt::format("{}: a {} checkpoint{}\n", printable(output),
                           printable(family),
                           noWeights ? " without weights" : ""));
  return 0;
}

} // namespace

const CommandInfo newModelCommand = {
    "new-model", "write a random checkpoint of a family, of any size",
    "Writes config.json and the tensors of the MoE layers in the family's own "
    "layout on disk, with random weights whose sizes are like those of a "
    "trained model. The weights are streamed: memory does not grow with the "
    "model.",
    "$ moec new-model --family=mixtral -o tiny\n"
    "$ moec new-model --family=qwen3_moe --hidden=2048 --experts=128 \\\n"
    "      --top-k=8 --width=768 --layers=1 -o qwen3-layer",
    createCommand<NewModelCommand>};

} // namespace moec::driver
