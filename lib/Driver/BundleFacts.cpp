//===- BundleFacts.cpp - The facts of a bundle ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Read from the manifest alone: no code of the bundle is run, so that one for
// another CPU can be inspected.
//
//===----------------------------------------------------------------------===//

#include "Facts.h"

#include "moec/Support/InputFile.h"
#include "moec/Support/Json.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

Expected<Manifest> readManifest(StringRef path) {
  constexpr uint64_t maxManifest = 16 << 20;
  SmallString<128> file(path);
  sys::path::append(file, kManifestFileName);
  Expected<std::string> text = readTextFile(file, maxManifest);
  if (!text)
    return text.takeError();
  Manifest manifest;
  std::string problem;
  if (!parseManifest(*text, file.str().str(), manifest, problem))
    return inputError(problem);
  return manifest;
}

/// The string under `key` of a manifest's "model", which may hold anything.
static std::string stringAt(const json &object, const char *key) {
  auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

static uint64_t numberAt(const json &object, const char *key) {
  auto it = object.find(key);
  return it != object.end() && it->is_number_unsigned() ? it->get<uint64_t>()
                                                        : 0;
}

/// What a token reads of weights that compiling encoded: of those of experts
/// the share of the chosen ones. 0 if they are as the checkpoint has them.
static uint64_t encodedActiveBytes(const ManifestLayer &layer) {
  bool encoded = false;
  double bytes = 0;
  for (const ManifestWeight &weight : layer.weights) {
    bool routed = weight.shape.size() == 3 && weight.shape[0] == layer.experts;
    double share = routed ? double(layer.topK) / double(layer.experts) : 1;
    bytes += double(weight.bytes) * std::min(share, 1.0);
    encoded |= any_of(weight.errors, [](double error) { return error > 0; });
  }
  return encoded ? uint64_t(bytes) : 0;
}

static LayerFacts layerFacts(const ManifestLayer &layer) {
  LayerFacts facts;
  facts.name = layer.name;
  facts.moe = true;
  facts.experts = layer.experts;
  facts.identityExperts = layer.identityExperts;
  facts.topK = layer.topK;
  facts.hidden = layer.hidden;
  facts.width = layer.width;
  facts.weightBefore = layer.weightBefore;
  for (const ManifestWeight &weight : layer.weights) {
    facts.bytes += weight.bytes;
    if (weight.shape.size() == 3)
      facts.storage = weight.dtype;
  }
  facts.activeBytes = encodedActiveBytes(layer);
  return facts;
}

std::vector<TensorError> encodingErrors(const Manifest &manifest) {
  std::vector<TensorError> errors;
  for (const ManifestLayer &layer : manifest.layers)
    for (const ManifestWeight &weight : layer.weights) {
      SmallVector<StringRef> names;
      StringRef(weight.name).split(names, '+');
      for (auto [name, error] : zip(names, weight.errors))
        if (error > 0)
          errors.push_back({name.str(), error});
    }
  return errors;
}

/// What only the checkpoint told: dense layers and costs for a token.
static void addCheckpointFacts(const json &model, ModelFacts &facts) {
  auto layers = model.find("layers");
  if (layers == model.end() || !layers->is_array())
    return;
  StringMap<LayerFacts> compiled;
  for (LayerFacts &layer : facts.layers)
    compiled[layer.name] = std::move(layer);
  facts.layers.clear();
  for (const json &entry : *layers) {
    if (!entry.is_object())
      continue;
    std::string name = stringAt(entry, "name");
    auto it = compiled.find(name);
    if (it == compiled.end()) {
      if (stringAt(entry, "kind") != "dense")
        continue; // not selected when the bundle was made
      LayerFacts dense;
      dense.name = name;
      facts.layers.push_back(std::move(dense));
      continue;
    }
    LayerFacts layer = std::move(it->second);
    compiled.erase(it);
    if (!layer.activeBytes)
      layer.activeBytes = numberAt(entry, "active_bytes_per_token");
    layer.flops = numberAt(entry, "flops_per_token");
    facts.layers.push_back(std::move(layer));
  }
  for (auto &rest : compiled)
    facts.layers.push_back(std::move(rest.second));
}

Expected<ModelFacts> bundleFacts(StringRef path) {
  Expected<Manifest> manifest = readManifest(path);
  if (!manifest)
    return manifest.takeError();
  Expected<json> model = parseJson(manifest->model, "the manifest's \"model\"");
  if (!model)
    return model.takeError();
  ModelFacts facts;
  facts.kind = "bundle";
  facts.path = path.str();
  facts.name = stringAt(*model, "name");
  facts.family = stringAt(*model, "family");
  facts.modelType = stringAt(*model, "model_type");
  facts.router = stringAt(*model, "router");
  facts.source = stringAt(*model, "source");
  facts.cpu = join(chipsOf(*manifest), ", ");
  facts.features = manifest->features;
  facts.kernels = manifest->kernels.size();
  facts.codeBytes = manifest->kernel.bytes;
  for (const ManifestCode &code : manifest->variants)
    facts.codeBytes += code.kernel.bytes;
  facts.hasWeights = manifest->weights.has_value();
  facts.errors = encodingErrors(*manifest);
  if (manifest->weights)
    facts.fileBytes = manifest->weights->bytes;
  for (const ManifestLayer &layer : manifest->layers)
    facts.layers.push_back(layerFacts(layer));
  addCheckpointFacts(*model, facts);
  return facts;
}

} // namespace moec::driver
