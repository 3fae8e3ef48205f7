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

using nlohmann::ordered_json;

namespace moec {

static ordered_json toJson(const ManifestFile &file) {
  return {{"file", file.file}, {"bytes", file.bytes}, {"xxh3", file.xxh3}};
}

static ordered_json toJson(const ManifestImage &image) {
  ordered_json result = {{"kind", image.kind}};
  result.update(toJson(image.file));
  return result;
}

static ordered_json toJson(const ManifestBuffer &buffer) {
  return {{"per_token", buffer.perToken},
          {"fixed", buffer.fixed},
          {"row_bytes", buffer.rowBytes}};
}

static ordered_json toJson(const ManifestMap &map) {
  return {{"weight", map.weight},
          {"rows", map.rows},
          {"cols", map.cols},
          {"element_bytes", map.elementBytes},
          {"box_rows", map.boxRows}};
}

static ordered_json toJson(const ManifestLaunch &launch) {
  ordered_json arguments = ordered_json::array();
  for (const ManifestArgument &argument : launch.arguments)
    arguments.push_back(printArgument(argument));
  return {{"kernel", launch.kernel},      {"when", launchWhenName(launch.when)},
          {"from", launch.from},          {"below", launch.below},
          {"per_token", launch.perToken}, {"fixed", launch.fixed},
          {"per_block", launch.perBlock}, {"columns", launch.columns},
          {"threads", launch.threads},    {"shared", launch.shared},
          {"resident", launch.resident},  {"cluster", launch.cluster},
          {"overlaps", launch.overlaps},  {"arguments", arguments}};
}

static ordered_json toJson(const ManifestWeight &weight) {
  ordered_json result = {{"name", weight.name},     {"dtype", weight.dtype},
                         {"shape", weight.shape},   {"layout", weight.layout},
                         {"offset", weight.offset}, {"bytes", weight.bytes}};
  if (!weight.errors.empty())
    result["errors"] = weight.errors;
  return result;
}

static ordered_json toJson(const std::vector<ManifestTensor> &tensors,
                           bool isInput) {
  ordered_json list = ordered_json::array();
  for (const ManifestTensor &tensor : tensors) {
    ordered_json &entry =
        list.emplace_back(ordered_json{{"name", tensor.name},
                                       {"cols", tensor.cols},
                                       {"dtypes", tensor.dtypes}});
    if (isInput)
      entry["optional"] = tensor.optional;
  }
  return list;
}

template <typename T>
static ordered_json toJson(const std::vector<T> &elements) {
  ordered_json list = ordered_json::array();
  for (const T &element : elements)
    list.push_back(toJson(element));
  return list;
}

static ordered_json toJson(const ManifestKernel &kernel) {
  if (!kernel.plan) {
    ordered_json result = {{"symbol", kernel.symbol},
                           {"workspace_symbol", kernel.workspaceSymbol}};
    if (!kernel.stages.empty())
      result["stages"] = kernel.stages;
    return result;
  }
  return {{"symbol", kernel.symbol},
          {"plan",
           {{"buffers", toJson(kernel.plan->buffers)},
            {"maps", toJson(kernel.plan->maps)},
            {"counters", kernel.plan->counters},
            {"launches", toJson(kernel.plan->launches)}}}};
}

static ordered_json toJson(const ManifestCode &code) {
  ordered_json result = {{"cpu", code.cpu}, {"features", code.features}};
  result["kernel"] = toJson(code.kernel);
  if (!code.images.empty())
    result["images"] = toJson(code.images);
  result["kernels"] = toJson(code.kernels);
  return result;
}

static ordered_json toJson(const ManifestLayer &layer) {
  ordered_json result = {
      {"name", layer.name},
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

static ordered_json toJson(const Manifest &manifest) {
  // Its keys in order of the alphabet, as they are when it is read back.
  auto model = nlohmann::json::parse(manifest.model, nullptr,
                                     /*allow_exceptions=*/false);
  ordered_json root = {{"format", "moec-bundle"},
                       {"format_version", kBundleFormatVersion},
                       {"producer", manifest.producer}};
  root["model"] =
      model.is_object() ? ordered_json(model) : ordered_json::object();
  root["target"] = {{"triple", manifest.triple},
                    {"cpu", manifest.cpu},
                    {"features", manifest.features}};
  root["kernel"] = toJson(manifest.kernel);
  if (!manifest.images.empty())
    root["images"] = toJson(manifest.images);
  root["weights"] =
      manifest.weights ? toJson(*manifest.weights) : ordered_json();
  root["kernels"] = toJson(manifest.kernels);
  if (!manifest.variants.empty())
    root["variants"] = toJson(manifest.variants);
  root["layers"] = toJson(manifest.layers);
  return root;
}

/// Names come from model files; what is not UTF-8 there is replaced.
static std::string dump(const ordered_json &value, int indent) {
  return value.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

static std::string hashOf(const ordered_json &manifest) {
  std::string text = dump(manifest, /*indent=*/-1);
  return xxh3Hex(text.data(), text.size());
}

std::string manifestHash(const Manifest &manifest) {
  return hashOf(toJson(manifest));
}

std::string printManifest(const Manifest &manifest) {
  ordered_json root = toJson(manifest);
  root["xxh3"] = hashOf(root);
  return dump(root, /*indent=*/2) + "\n";
}

} // namespace moec
