//===- Inspect.cpp - moec inspect -----------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Says what a checkpoint or a bundle holds.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Facts.h"

using namespace llvm;

namespace moec::driver {
namespace {

class InspectCommand : public Command {
public:
  void declare(OptionTable &options) override {
    options.positional("MODEL", "a checkpoint directory, or a bundle",
                       model.path);
    options.flag("json", "print JSON (docs/cli.md says what is in it)", json);
    model.declareFamilyFile(options);
  }

  Expected<int> run(Console &console) override {
    Expected<ModelFacts> facts = gather(console);
    if (!facts)
      return facts.takeError();
    if (json)
      console.print(
          toJson(*facts).dump(2, ' ', false,
                              nlohmann::json::error_handler_t::replace) +
          "\n");
    else
      console.print(formatFacts(console, *facts));
    return 0;
  }

private:
  Expected<ModelFacts> gather(Console &console) {
    if (hasFile(model.path, kManifestFileName))
      return bundleFacts(model.path);
    Expected<ImportedModel> imported =
        readModel(model, /*needWeights=*/false, console);
    if (!imported)
      return imported.takeError();
    return modelFacts(*imported, model.path);
  }

  ModelOptions model;
  bool json = false;
};

} // namespace

const CommandInfo inspectCommand = {
    "inspect", "say what a checkpoint or a bundle holds",
    "Prints which model it is, its router in words, which layers are MoE and "
    "which dense, their sizes, and what one token costs. Of a checkpoint, "
    "config.json and the names and shapes of the tensors are read and checked "
    "against each other; of a bundle, its manifest.",
    "$ moec inspect models/mixtral\n"
    "$ moec inspect mixtral.moec --json",
    createCommand<InspectCommand>};

} // namespace moec::driver
