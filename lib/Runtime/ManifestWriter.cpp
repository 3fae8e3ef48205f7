//===- ManifestWriter.cpp - write a manifest ------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Keys come in the order of the description in Manifest.h, so that a manifest
// reads from the general to the particular.
//
//===----------------------------------------------------------------------===//

#include "ManifestPlan.h"

#include "moec/Runtime/Hash.h"

#include <nlohmann/json.hpp>

using json = nlohmann::ordered_json;

namespace moec {

static json toJson(const ManifestFile &file) {
  return {{"file", file.file}, {"bytes", file.bytes}, {"xxh3", file.xxh3}};
}

static json toJson(const ManifestImage &image) {
  json result = {{"kind", image.kind}};
  result.update(toJson(image.file));
  return result;
}

static json toJson(const ManifestBuffer &buffer) {
  return {{"per_token", buffer.perToken},
          {"fixed", buffer.fixed},
          {"row_bytes", buffer.rowBytes}};
}

static json toJson(const ManifestLaunch &launch) {
  json arguments = json::array();
  for (const ManifestArgument &argument : launch.arguments)
    arguments.push_back(printArgument(argument));
  return {{"kernel", launch.kernel},      {"when", launchWhenName(launch.when)},
          {"per_token", launch.perToken}, {"fixed", launch.fixed},
          {"per_block", launch.perBlock}, {"columns", launch.columns},
          {"threads", launch.threads},    {"shared", launch.shared},
          {"arguments", arguments}};
}

static json toJson(const ManifestWeight &weight) {
  return {{"name", weight.name},     {"dtype", weight.dtype},
          {"shape", weight.shape},   {"layout", weight.layout},
          {"offset", weight.offset}, {"bytes", weight.bytes}};
}

static json toJson(const std::vector<ManifestTensor> &tensors, bool isInput) {
  json list = json::array();
  for (const ManifestTensor &tensor : tensors) {
    json &entry = list.emplace_back(json{{"name", tensor.name},
                                         {"cols", tensor.cols},
                                         {"dtypes", tensor.dtypes}});
    if (isInput)
      entry["optional"] = tensor.optional;
  }
  return list;
}

template <typename T>
static json toJson(const std::vector<T> &elements) {
  json list = json::array();
  for (const T &element : elements)
    list.push_back(toJson(element));
  return list;
}

static json toJson(const ManifestKernel &kernel) {
  if (!kernel.plan)
    return {{"symbol", kernel.symbol},
            {"workspace_symbol", kernel.workspaceSymbol}};
  return {{"symbol", kernel.symbol},
          {"plan",
           {{"buffers", toJson(kernel.plan->buffers)},
            {"launches", toJson(kernel.plan->launches)}}}};
}

static json toJson(const ManifestLayer &layer) {
  json result = {{"name", layer.name},
                 {"kernel", layer.kernel},
                 {"router", layer.router},
                 {"hidden", layer.hidden},
                 {"width", layer.width},
                 {"experts", layer.experts},
                 {"identity_experts", layer.identityExperts},
                 {"top_k", layer.topK},
                 {"weight_position", layer.weightBefore ? "before" : "after"},
                 {"needs_sequence", layer.needsSequence},
                 {"given_routing", layer.givenRouting}};
  result["inputs"] = toJson(layer.inputs, /*isInput=*/true);
  result["outputs"] = toJson(layer.outputs, /*isInput=*/false);
  result["weights"] = toJson(layer.weights);
  return result;
}

static json toJson(const Manifest &manifest) {
  // Its keys in order of the alphabet, as they are when it is read back.
  auto model = nlohmann::json::parse(manifest.model, nullptr,
                                     /*allow_exceptions=*/false);
  json root = {{"format", "moec-bundle"},
               {"format_version", kBundleFormatVersion},
               {"producer", manifest.producer}};
  root["model"] = model.is_object() ? json(model) : json::object();
  root["target"] = {{"triple", manifest.triple},
                    {"cpu", manifest.cpu},
                    {"features", manifest.features}};
  root["kernel"] = toJson(manifest.kernel);
  if (!manifest.images.empty())
    root["images"] = toJson(manifest.images);
  root["weights"] = manifest.weights ? toJson(*manifest.weights) : json();
  root["kernels"] = toJson(manifest.kernels);
  root["layers"] = toJson(manifest.layers);
  return root;
}

/// Names come from model files; what is not UTF-8 there is replaced.
static std::string dump(const json &value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

static std::string hashOf(const json &manifest) {
  std::string text = dump(manifest, /*indent=*/-1);
  return xxh3Hex(text.data(), text.size());
}

std::string manifestHash(const Manifest &manifest) {
  return hashOf(toJson(manifest));
}

std::string printManifest(const Manifest &manifest) {
  json root = toJson(manifest);
  root["xxh3"] = hashOf(root);
  return dump(root, /*indent=*/2) + "\n";
}

} // namespace moec
