//===- Import.cpp - moec import -------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a checkpoint's layers as a module, for reading, editing and moe-opt.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "ModelInput.h"
#include "Output.h"

#include "moec/Pipelines/Pipelines.h"

using namespace llvm;

namespace moec::driver {
namespace {

class ImportCommand : public Command {
public:
  void declare(OptionTable &options) override {
    options.positional("MODEL", "a checkpoint directory", model.path);
    options
        .text("output", "FILE", "where the module goes; - for the screen",
              output)
        .withLetter('o');
    model.declareLayers(options);
    model.declareFamilyFile(options);
  }

  Expected<int> run(Console &console) override {
    if (output.empty())
      return usageError("-o FILE is missing: where the module goes");
    Expected<ModuleInput> input =
        readModule(model, std::nullopt, /*needWeights=*/false, console);
    if (!input)
      return input.takeError();
    if (Error error = writeOutput(console, output, moduleText(*input->module)))
      return std::move(error);
    return 0;
  }

private:
  ModelOptions model;
  std::string output;
};

} // namespace

const CommandInfo importCommand = {
    "import", "write a model's MoE layers as MLIR text",
    "Reads config.json and the names and shapes of the tensors, and writes "
    "each MoE layer as a function in the moe dialect. Weights are named, not "
    "copied; the module's attribute moe.checkpoint says where they are. The "
    "result can be edited and given to `moec compile` or `moe-opt`.",
    "$ moec import models/mixtral -o mixtral.mlir --layers=0\n"
    "$ moe-opt --moe-schedule mixtral.mlir",
    createCommand<ImportCommand>};

} // namespace moec::driver
