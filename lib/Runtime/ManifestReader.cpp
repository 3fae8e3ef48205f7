//===- ManifestReader.cpp - read and check a manifest ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every rule of Manifest.h is checked here, so that the rest of the run time
// indexes, adds and multiplies without looking again.
//
//===----------------------------------------------------------------------===//

#include "InQuotes.h"
#include "JsonReader.h"
#include "ManifestPlan.h"
#include "moec/Runtime/Manifest.h"

#include <algorithm>
#include <map>
#include <set>

using nlohmann::json;

namespace moec {

static constexpr size_t kMaxManifestBytes = size_t(16) << 20;
static constexpr size_t kMaxFeatures = 1024;
static constexpr size_t kMaxImages = 64, kMaxVariants = 64;
static constexpr size_t kMaxKernels = 1 << 16;
static constexpr size_t kMaxLayers = 1 << 16;
static constexpr size_t kMaxTensors = 64;
static constexpr size_t kMaxWeights = 4096;
static constexpr size_t kMaxRank = 16;
static constexpr size_t kMaxName = 1024, kMaxStages = 4096;
/// Sizes of layers; expert ids are 32-bit.
static constexpr int64_t kMaxSize = INT32_MAX;
static constexpr const char *kDTypes[] = {"f32", "f16", "bf16", "i32", "i64"};

static bool isPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

/// Whether `name`, which is at `path`, may stand in messages and in C: not
/// empty, no control characters, not endless.
static bool checkName(JsonErrors &errors, const std::string &path,
                      const std::string &name) {
  bool fits = !name.empty() && name.size() <= kMaxName && isPrintable(name);
  return fits || errors.report(path,
                               "is {}; expected 1 to {} characters, none a "
                               "control character",
                               inQuotes(name), kMaxName);
}

static bool getName(JsonObject &object, const char *key, std::string &name) {
  return object.getString(key, name) &&
         checkName(object.errors(), object.pathOf(key), name);
}

static bool getStages(JsonObject &kernel, std::vector<std::string> &stages) {
  if (kernel.has("stages") && !kernel.getStrings("stages", kMaxStages, stages))
    return false;
  return std::all_of(stages.begin(), stages.end(), [&](const auto &stage) {
    return checkName(kernel.errors(), kernel.pathOf("stages"), stage);
  });
}

static bool getFileOf(JsonObject &file, ManifestFile &result) {
  if (!getName(file, "file", result.file) ||
      !file.getInteger("bytes", 0, INT64_MAX, result.bytes) ||
      !file.getString("xxh3", result.xxh3))
    return false;
  // A bundle names only its own files.
  if (result.file.find('/') != std::string::npos || result.file == "." ||
      result.file == "..")
    return file.errors().report(
        file.pathOf("file"), "is {}; expected the name of a file in the bundle",
        inQuotes(result.file));
  if (result.xxh3.size() != 16 ||
      result.xxh3.find_first_not_of("0123456789abcdef") != std::string::npos)
    return file.errors().report(
        file.pathOf("xxh3"), "is {}; expected 16 lower-case hexadecimal digits",
        inQuotes(result.xxh3));
  return true;
}

static bool getFile(JsonObject &object, const char *key, ManifestFile &result) {
  std::optional<JsonObject> file;
  return object.getObject(key, file) && getFileOf(*file, result);
}

static bool getHeader(JsonObject &root, Manifest &manifest) {
  std::string format;
  if (!root.getString("format", format))
    return false;
  if (format != "moec-bundle")
    return root.errors().report("format", "is {}; expected 'moec-bundle'",
                                inQuotes(format));
  int64_t version = 0;
  if (!root.getInteger("format_version", INT64_MIN, INT64_MAX, version))
    return false;
  if (version != kBundleFormatVersion)
    return root.errors().report("format_version",
                                "is {}; this library reads version {} only",
                                version, kBundleFormatVersion);
  std::optional<JsonObject> model, target;
  if (!root.getString("producer", manifest.producer) ||
      !root.getObject("model", model) || !root.getObject("target", target) ||
      !getName(*target, "triple", manifest.triple) ||
      !getName(*target, "cpu", manifest.cpu) ||
      !target->getStrings("features", kMaxFeatures, manifest.features))
    return false;
  manifest.model = root.get("model")->dump();
  return true;
}

static bool getKernels(JsonObject &root, bool forDevice, ManifestCode &code) {
  std::vector<JsonObject> kernels;
  if (!root.getObjects("kernels", kMaxKernels, kernels))
    return false;
  for (JsonObject &object : kernels) {
    ManifestKernel &kernel = code.kernels.emplace_back();
    if (!getName(object, "symbol", kernel.symbol))
      return false;
    if (forDevice
            ? !getPlan(object, kernel.plan.emplace())
            : !getName(object, "workspace_symbol", kernel.workspaceSymbol) ||
                  !getStages(object, kernel.stages))
      return false;
  }
  return true;
}

static bool getImages(JsonObject &root, ManifestCode &code) {
  std::vector<JsonObject> images;
  if (!root.has("images"))
    return true;
  if (!root.getObjects("images", kMaxImages, images))
    return false;
  for (JsonObject &object : images) {
    ManifestImage &image = code.images.emplace_back();
    if (!getName(object, "kind", image.kind) || !getFileOf(object, image.file))
      return false;
  }
  return true;
}

static bool getVariants(JsonObject &root, Manifest &manifest) {
  std::vector<JsonObject> variants;
  if (!root.has("variants"))
    return true;
  if (!root.getObjects("variants", kMaxVariants, variants))
    return false;
  if (!isForDevice(manifest))
    return root.errors().report("variants", "are for devices, not for {}",
                                inQuotes(manifest.triple));
  for (JsonObject &object : variants) {
    ManifestCode &code = manifest.variants.emplace_back();
    if (!getName(object, "cpu", code.cpu) ||
        !object.getStrings("features", kMaxFeatures, code.features) ||
        !getFile(object, "kernel", code.kernel) || !getImages(object, code) ||
        !getKernels(object, /*forDevice=*/true, code))
      return false;
    if (code.kernels.size() != manifest.kernels.size())
      return object.errors().report(
          object.pathOf("kernels"), "has {} kernels; the manifest has {}",
          code.kernels.size(), manifest.kernels.size());
  }
  return true;
}

/// Reads "inputs" or "outputs", whose "hidden" tensor has `hidden` columns.
static bool getTensors(JsonObject &layer, const char *key, int64_t hidden,
                       std::vector<ManifestTensor> &result) {
  bool isInput = std::string_view(key) == "inputs";
  JsonErrors &errors = layer.errors();
  std::vector<JsonObject> tensors;
  if (!layer.getObjects(key, kMaxTensors, tensors))
    return false;
  std::set<std::string> names, known(std::begin(kDTypes), std::end(kDTypes));
  for (JsonObject &object : tensors) {
    ManifestTensor &tensor = result.emplace_back();
    if (!getName(object, "name", tensor.name) ||
        !object.getInteger("cols", 1, kMaxSize, tensor.cols) ||
        !object.getStrings("dtypes", known.size(), tensor.dtypes) ||
        (isInput && !object.getBool("optional", tensor.optional)))
      return false;
    if (!names.insert(tensor.name).second)
      return errors.report(object.pathOf("name"), "is {} for the second time",
                           inQuotes(tensor.name));
    if (tensor.dtypes.empty())
      return errors.report(object.pathOf("dtypes"), "is empty");
    bool isHidden = tensor.name == "hidden";
    for (const std::string &dtype : tensor.dtypes)
      if (!known.count(dtype) || (isHidden && dtype[0] == 'i'))
        return errors.report(
            object.pathOf("dtypes"), "names {}; expected {}", inQuotes(dtype),
            isHidden ? "f32, f16 or bf16" : "f32, f16, bf16, i32 or i64");
    if (isHidden && tensor.cols != hidden)
      return errors.report(object.pathOf("cols"),
                           "is {}; the layer's \"hidden\" is {}", tensor.cols,
                           hidden);
    if (isHidden && tensor.optional)
      return errors.report(object.pathOf("optional"), "is true for 'hidden'");
  }
  if (!names.count("hidden"))
    return errors.report(layer.pathOf(key), "has no tensor called 'hidden'");
  return true;
}

/// The routing tensors are checked and handed in by the run time itself, so
/// their form is fixed.
static bool checkRouting(JsonObject &object, const ManifestLayer &layer) {
  int found = 0;
  for (const ManifestTensor &tensor : layer.outputs) {
    bool isIds = tensor.name == "topk_ids";
    if (!isIds && tensor.name != "topk_weights")
      continue;
    ++found;
    const char *dtype = isIds ? "i32" : "f32";
    if (tensor.cols != layer.topK || tensor.dtypes.size() != 1 ||
        tensor.dtypes[0] != dtype)
      return object.errors().report(
          object.pathOf("outputs"),
          "has {} with {} columns of {}; expected top_k = {} columns of {}",
          inQuotes(tensor.name), tensor.cols, fmt::join(tensor.dtypes, ", "),
          layer.topK, dtype);
  }
  if (layer.givenRouting && found != 2)
    return object.errors().report(
        object.pathOf("given_routing"),
        "is true without outputs 'topk_ids' and 'topk_weights'");
  return true;
}

static bool getWeights(JsonObject &layer, const Manifest &manifest,
                       std::vector<ManifestWeight> &result) {
  JsonErrors &errors = layer.errors();
  std::vector<JsonObject> weights;
  if (!layer.getObjects("weights", kMaxWeights, weights))
    return false;
  int64_t limit = manifest.weights ? manifest.weights->bytes : INT64_MAX;
  for (JsonObject &object : weights) {
    ManifestWeight &weight = result.emplace_back();
    if (!getName(object, "name", weight.name) ||
        !getName(object, "dtype", weight.dtype) ||
        !object.getIntegers("shape", kMaxRank, 0, INT64_MAX, weight.shape) ||
        !object.getString("layout", weight.layout) ||
        !object.getInteger("offset", 0, INT64_MAX, weight.offset) ||
        !object.getInteger("bytes", 0, INT64_MAX, weight.bytes) ||
        (object.has("errors") &&
         !object.getNumbers("errors", kMaxWeights, weight.errors)))
      return false;
    if (weight.offset % kWeightAlignment != 0)
      return errors.report(object.pathOf("offset"),
                           "is {}, which is not a multiple of {}",
                           weight.offset, kWeightAlignment);
    if (weight.offset > limit || weight.bytes > limit - weight.offset)
      return errors.report(
          object.pathOf("offset"),
          "is {} and \"bytes\" {}, past the {} bytes of the weights file",
          weight.offset, weight.bytes, limit);
  }
  return true;
}

/// The plans of every chip fit the layer.
static bool checkPlans(JsonObject &object, const Manifest &manifest,
                       const ManifestLayer &layer) {
  auto fits = [&](const ManifestCode &code) {
    const std::optional<ManifestPlan> &plan = code.kernels[layer.kernel].plan;
    return !plan || checkPlan(object, *plan, layer);
  };
  return fits(manifest) &&
         std::all_of(manifest.variants.begin(), manifest.variants.end(), fits);
}

static bool getLayer(JsonObject &object, const Manifest &manifest,
                     ManifestLayer &layer) {
  std::string position;
  if (!getName(object, "name", layer.name) ||
      !object.getString("router", layer.router) ||
      !object.getInteger("kernel", 0, INT64_MAX, layer.kernel) ||
      !object.getInteger("hidden", 1, kMaxSize, layer.hidden) ||
      !object.getInteger("width", 0, kMaxSize, layer.width) ||
      !object.getInteger("experts", 1, kMaxSize, layer.experts) ||
      !object.getInteger("identity_experts", 0, kMaxSize - layer.experts,
                         layer.identityExperts) ||
      !object.getInteger("top_k", 1, layer.experts + layer.identityExperts,
                         layer.topK) ||
      !object.getString("weight_position", position) ||
      !object.getBool("needs_sequence", layer.needsSequence) ||
      !object.getBool("given_routing", layer.givenRouting))
    return false;
  if (size_t(layer.kernel) >= manifest.kernels.size())
    return object.errors().report(object.pathOf("kernel"),
                                  "is {}; the manifest has {} kernels",
                                  layer.kernel, manifest.kernels.size());
  if (position != "before" && position != "after")
    return object.errors().report(object.pathOf("weight_position"),
                                  "is {}; expected 'before' or 'after'",
                                  inQuotes(position));
  layer.weightBefore = position == "before";
  return getTensors(object, "inputs", layer.hidden, layer.inputs) &&
         getTensors(object, "outputs", layer.hidden, layer.outputs) &&
         checkRouting(object, layer) &&
         getWeights(object, manifest, layer.weights) &&
         checkPlans(object, manifest, layer);
}

static bool getLayers(JsonObject &root, Manifest &manifest) {
  std::vector<JsonObject> layers;
  if (!root.getObjects("layers", kMaxLayers, layers))
    return false;
  std::map<std::string, size_t> names;
  for (JsonObject &object : layers) {
    ManifestLayer &layer = manifest.layers.emplace_back();
    if (!getLayer(object, manifest, layer))
      return false;
    auto [first, isNew] = names.emplace(layer.name, names.size());
    if (!isNew)
      return root.errors().report(object.pathOf("name"),
                                  "is {}, as is layers[{}].name",
                                  inQuotes(layer.name), first->second);
  }
  return true;
}

static bool checkHash(JsonObject &root, const Manifest &manifest) {
  std::string said, found = manifestHash(manifest);
  if (!root.getString("xxh3", said))
    return false;
  return said == found ||
         root.errors().report("xxh3",
                              "is {}, but what it says has the hash {}; the "
                              "file is damaged or was changed by hand",
                              inQuotes(said), found);
}

static bool getManifest(JsonObject &root, Manifest &manifest) {
  if (root.errors().any() || !getHeader(root, manifest) ||
      !getFile(root, "kernel", manifest.kernel))
    return false;
  const json *weights = root.get("weights");
  if (!weights || (!weights->is_null() &&
                   !getFile(root, "weights", manifest.weights.emplace())))
    return false;
  return getImages(root, manifest) &&
         getKernels(root, isForDevice(manifest), manifest) &&
         getVariants(root, manifest) && getLayers(root, manifest) &&
         checkHash(root, manifest);
}

std::vector<std::string> chipsOf(const Manifest &manifest) {
  std::vector<std::string> chips = {manifest.cpu};
  for (const ManifestCode &code : manifest.variants)
    chips.push_back(code.cpu);
  return chips;
}

bool chooseChip(Manifest &manifest, std::string_view chip) {
  for (ManifestCode &code : manifest.variants)
    if (code.cpu == chip && manifest.cpu != chip)
      std::swap(static_cast<ManifestCode &>(manifest), code);
  return manifest.cpu == chip;
}

static bool readManifest(std::string_view text, const std::string &file,
                         Manifest &manifest, std::string &error) {
  manifest = Manifest();
  json value;
  JsonErrors errors(file);
  if (text.size() > kMaxManifestBytes)
    errors.report("the file", "has {} bytes; expected at most {}", text.size(),
                  kMaxManifestBytes);
  else if (!parseJson(text, file, value, error))
    return false;
  else {
    JsonObject root(errors, value, "");
    if (getManifest(root, manifest))
      return true;
  }
  error = errors.first();
  return false;
}

bool parseManifest(std::string_view text, const std::string &file,
                   Manifest &manifest, std::string &error) {
  if (readManifest(text, file, manifest, error))
    return true;
  error += "; compile the model again with this version of moec";
  return false;
}

bool checkManifest(const Manifest &manifest, std::string &error) {
  Manifest back;
  return readManifest(printManifest(manifest), kManifestFileName, back, error);
}

} // namespace moec
