//===- ModelInput.cpp - A checkpoint directory ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opens a checkpoint directory and resolves it by its family's description.
//
//===----------------------------------------------------------------------===//

#include "ModelInput.h"

#include "moec/Import/HuggingFace/Import.h"
#include "moec/Support/InputFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace moec::driver {

/// Family descriptions are a page or two.
constexpr uint64_t maxFamilyFile = 1 << 20;

void ModelOptions::declareFamilyFile(OptionTable &options) {
  options.text("family-file", "FILE",
               "a family description of your own, which goes before those "
               "built in (docs/families.md)",
               familyFile);
}

void ModelOptions::declareLayers(OptionTable &options) {
  options.custom("layers", "LIST",
                 "only these layers: numbers, ranges and names, as in "
                 "0,3-5,encoder.layers.1",
                 [this](StringRef text) -> Error {
                   Expected<LayerSelection> parsed =
                       LayerSelection::parse(text);
                   if (!parsed)
                     return parsed.takeError();
                   layers = std::move(*parsed);
                   return Error::success();
                 });
}

bool hasFile(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  // A link that leads nowhere is there; whoever opens it says what is wrong.
  sys::fs::file_status status;
  return !sys::fs::status(path, status, /*follow=*/false);
}

/// Whether a directory has anything that Checkpoint::open would read.
static bool hasWeights(StringRef directory) {
  std::error_code code;
  for (sys::fs::directory_iterator it(directory, code), end; it != end && !code;
       it.increment(code)) {
    StringRef name = sys::path::filename(it->path());
    if (name.ends_with(".safetensors") ||
        name.ends_with(".safetensors.index.json"))
      return true;
  }
  return false;
}

Expected<std::unique_ptr<hf::FamilyRegistry>>
createRegistry(const std::optional<std::string> &familyFile) {
  auto registry = hf::FamilyRegistry::create();
  if (!registry || !familyFile)
    return registry;
  Expected<std::string> text = readTextFile(*familyFile, maxFamilyFile);
  if (!text)
    return text.takeError();
  if (Error error = (*registry)->add(*familyFile, *text))
    return std::move(error);
  return registry;
}

/// Fails unless `path` is a directory with a config.json.
static Error checkDirectory(StringRef path) {
  if (!sys::fs::exists(path))
    return fileError("open", path, ENOENT);
  if (!sys::fs::is_directory(path))
    return inputError("{} is a file; a model is a directory with config.json "
                      "and *.safetensors, or a file that ends in .mlir",
                      printable(path));
  if (hasFile(path, "config.json"))
    return Error::success();
  if (hasFile(path, "manifest.json"))
    return inputError("{} is a bundle, which is compiled already; a model is a "
                      "directory with config.json and *.safetensors",
                      printable(path));
  return inputError("{} has no config.json; a model is a directory with "
                    "config.json and *.safetensors",
                    printable(path));
}

Expected<ImportedModel> readModel(const ModelOptions &options, bool needWeights,
                                  Console &console) {
  if (Error error = checkDirectory(options.path))
    return std::move(error);
  ImportedModel result;
  auto registry = createRegistry(options.familyFile);
  if (!registry)
    return registry.takeError();
  result.registry = std::move(*registry);
  if (needWeights || hasWeights(options.path)) {
    Expected<Checkpoint> checkpoint = Checkpoint::open(options.path);
    if (!checkpoint)
      return checkpoint.takeError();
    result.checkpoint = std::make_unique<Checkpoint>(std::move(*checkpoint));
  }
  Expected<hf::ResolvedModel> model =
      hf::importModel(*result.registry, options.path, result.checkpoint.get());
  if (!model)
    return model.takeError();
  result.model = std::move(*model);
  for (const std::string &warning : result.model.warnings)
    console.warning(warning);
  return result;
}

} // namespace moec::driver
