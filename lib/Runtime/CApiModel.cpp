//===- CApiModel.cpp - exported functions on models and layers ------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opening a bundle and asking what is in it.
//
//===----------------------------------------------------------------------===//

#include "CApi.h"
#include "InQuotes.h"

#include <cstring>

using namespace moec;

static thread_local std::string lastError;

moec_status moec::reportFailure(const Status &status) noexcept {
  try {
    lastError = status.message();
  } catch (...) {
    lastError.clear();
  }
  return status.code();
}

Status moec::missingArgument(const char *function, const char *argument) {
  return makeError(MOEC_ERROR_ARGUMENT, "{}: {} is NULL", function, argument);
}

Status moec::checkLayerIndex(const Bundle &bundle, int32_t layer) {
  size_t count = bundle.manifest().layers.size();
  if (layer >= 0 && size_t(layer) < count)
    return Status::ok();
  return makeError(MOEC_ERROR_ARGUMENT,
                   "{}: there is no layer {}; the bundle has {} layers",
                   bundle.path(), layer, count);
}

/// Copies as much of `full` to the caller's structure as the caller knows.
template <typename Info>
static Status giveInfo(Info full, Info *info) {
  size_t size = info->struct_size;
  if (size < sizeof(Info))
    return makeError(MOEC_ERROR_ARGUMENT,
                     "struct_size is {}; expected at least {}: set it to the "
                     "size of the structure",
                     size, sizeof(Info));
  full.struct_size = size;
  std::memcpy(info, &full, sizeof(Info));
  return Status::ok();
}

const char *moec_last_error(void) { return lastError.c_str(); }

const char *moec_version(void) { return MOEC_VERSION; }

const char *moec_status_name(int status) {
  switch (status) {
  case MOEC_OK:
    return "ok";
  case MOEC_ERROR_ARGUMENT:
    return "argument";
  case MOEC_ERROR_BUNDLE:
    return "bundle";
  case MOEC_ERROR_CPU:
    return "cpu";
  case MOEC_ERROR_SYSTEM:
    return "system";
  case MOEC_ERROR_DEVICE:
    return "device";
  default:
    return "unknown";
  }
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

static Status checkOptions(const moec_options &options) {
  if (options.struct_size != sizeof(moec_options))
    return makeError(MOEC_ERROR_ARGUMENT,
                     "options.struct_size is {}; expected {}: begin with "
                     "MOEC_OPTIONS_INIT",
                     options.struct_size, sizeof(moec_options));
  uint64_t known = MOEC_OPEN_CHECK_WEIGHTS | MOEC_OPEN_PIN_THREADS |
                   MOEC_OPEN_COPY_WEIGHTS | MOEC_OPEN_DESCRIBE;
  if (options.flags & ~known)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "options.flags is {:#x}; this library knows {:#x}",
                     options.flags, known);
  if (options.threads < 0 || options.spin_us < 0)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "options.threads is {} and options.spin_us {}; neither "
                     "may be negative",
                     options.threads, options.spin_us);
  return Status::ok();
}

moec_status moec_open(const char *path, const moec_options *options,
                      moec_model **model) {
  return guarded([&] {
    if (!path || !model)
      return missingArgument("moec_open", path ? "model" : "path");
    *model = nullptr;
    auto opened = std::make_unique<moec_model>();
    opened->options = MOEC_OPTIONS_INIT;
    if (options) {
      if (Status status = checkOptions(*options); status.failed())
        return status;
      opened->options = *options;
    }
    WeightsPolicy policy;
    policy.check = opened->options.flags & MOEC_OPEN_CHECK_WEIGHTS;
    policy.copy = opened->options.flags & MOEC_OPEN_COPY_WEIGHTS;
    Status status = opened->options.flags & MOEC_OPEN_DESCRIBE
                        ? Bundle::describe(path, opened->bundle)
                        : Bundle::open(path, policy, opened->options.device,
                                       opened->bundle);
    if (!status.failed())
      *model = opened.release();
    return status;
  });
}

void moec_close(moec_model *model) { delete model; }

const moec_device *moec_model_device(const moec_model *model) {
  const DeviceCode *code = model ? model->bundle->deviceCode() : nullptr;
  return code ? &code->device() : nullptr;
}

const char *moec_model_json(const moec_model *model) {
  return model ? model->bundle->manifest().model.c_str() : "{}";
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

int32_t moec_layer_count(const moec_model *model) {
  return model ? int32_t(model->bundle->manifest().layers.size()) : 0;
}

int32_t moec_layer_find(const moec_model *model, const char *name) {
  int32_t found = -1;
  guarded([&] {
    if (!model || !name)
      return missingArgument("moec_layer_find", model ? "name" : "model");
    const std::vector<ManifestLayer> &layers = model->bundle->manifest().layers;
    for (size_t index = 0; index < layers.size(); ++index)
      if (layers[index].name == name)
        found = int32_t(index);
    if (found >= 0)
      return Status::ok();
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{}: there is no layer {}; the bundle has {} layers{}",
                     model->bundle->path(), inQuotes(name), layers.size(),
                     layers.empty()
                         ? ""
                         : fmt::format(", '{}' to '{}'", layers.front().name,
                                       layers.back().name));
  });
  return found;
}

moec_status moec_layer_get_info(const moec_model *model, int32_t index,
                                moec_layer_info *info) {
  return guarded([&] {
    if (!model || !info)
      return missingArgument("moec_layer_get_info", model ? "info" : "model");
    if (Status status = checkLayerIndex(*model->bundle, index); status.failed())
      return status;
    const ManifestLayer &layer = model->bundle->manifest().layers[index];
    moec_layer_info full = {};
    full.name = layer.name.c_str();
    full.router = layer.router.c_str();
    full.hidden = layer.hidden;
    full.width = layer.width;
    full.experts = layer.experts;
    full.identity_experts = layer.identityExperts;
    full.top_k = layer.topK;
    for (const ManifestWeight &weight : layer.weights)
      full.weights_bytes += weight.bytes;
    full.num_inputs = int32_t(layer.inputs.size());
    full.num_outputs = int32_t(layer.outputs.size());
    full.needs_sequence = layer.needsSequence;
    full.can_give_routing = layer.givenRouting;
    full.weight_before = layer.weightBefore;
    return giveInfo(full, info);
  });
}

/// The inputs or outputs of a layer.
using Side = std::vector<TensorSpec> LayerInterface::*;

static moec_status getTensor(const moec_model *model, int32_t layer, Side side,
                             int32_t index, moec_tensor_info *info) {
  return guarded([&] {
    if (!model || !info)
      return missingArgument("moec_layer_get_input or _output",
                             model ? "info" : "model");
    if (Status status = checkLayerIndex(*model->bundle, layer); status.failed())
      return status;
    const auto &specs = model->bundle->interfaceOf(layer).*side;
    if (index < 0 || size_t(index) >= specs.size())
      return makeError(MOEC_ERROR_ARGUMENT,
                       "there is no tensor {}; the layer has {} of this kind",
                       index, specs.size());
    const TensorSpec &spec = specs[index];
    moec_tensor_info full = {};
    full.name = spec.name.c_str();
    full.cols = spec.cols;
    full.dtype = elementTypeToDLPack(spec.types.front());
    full.optional = spec.optional;
    return giveInfo(full, info);
  });
}

static int32_t findTensorOf(const moec_model *model, int32_t layer, Side side,
                            const char *name) {
  int32_t found = -1;
  guarded([&] {
    if (!model || !name)
      return missingArgument("moec_layer_find_input or _output",
                             model ? "name" : "model");
    if (Status status = checkLayerIndex(*model->bundle, layer); status.failed())
      return status;
    const auto &specs = model->bundle->interfaceOf(layer).*side;
    found = findTensor(specs, name);
    if (found >= 0)
      return Status::ok();
    std::vector<std::string_view> names;
    for (const TensorSpec &spec : specs)
      names.push_back(spec.name);
    return makeError(MOEC_ERROR_ARGUMENT,
                     "there is no tensor {}; the layer has: {}", inQuotes(name),
                     fmt::join(names, ", "));
  });
  return found;
}

moec_status moec_layer_get_input(const moec_model *model, int32_t layer,
                                 int32_t index, moec_tensor_info *info) {
  return getTensor(model, layer, &LayerInterface::inputs, index, info);
}

moec_status moec_layer_get_output(const moec_model *model, int32_t layer,
                                  int32_t index, moec_tensor_info *info) {
  return getTensor(model, layer, &LayerInterface::outputs, index, info);
}

int32_t moec_layer_find_input(const moec_model *model, int32_t layer,
                              const char *name) {
  return findTensorOf(model, layer, &LayerInterface::inputs, name);
}

int32_t moec_layer_find_output(const moec_model *model, int32_t layer,
                               const char *name) {
  return findTensorOf(model, layer, &LayerInterface::outputs, name);
}
