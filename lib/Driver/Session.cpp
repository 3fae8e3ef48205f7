//===- Session.cpp - Running layers through the C interface ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls, and tensors as DLPack has them.
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "DeviceTensors.h"

#include "moec/Support/Error.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::driver {

static Error lastError() { return inputError(moec_last_error()); }

/// The element types that pass the interface.
static constexpr std::pair<DType, DLDataType> dtypes[] = {
    {DType::F32, {kDLFloat, 32, 1}},
    {DType::F16, {kDLFloat, 16, 1}},
    {DType::BF16, {kDLBfloat, 16, 1}},
    {DType::I32, {kDLInt, 32, 1}},
    {DType::I64, {kDLInt, 64, 1}}};

static Expected<DType> fromDLPack(DLDataType type) {
  for (auto [dtype, other] : dtypes)
    if (other.code == type.code && other.bits == type.bits)
      return dtype;
  return inputError("the bundle has a tensor of DLPack type {}, {} bits, which "
                    "this program does not know",
                    int(type.code), int(type.bits));
}

static Expected<DLTensor> view(StringRef name, HostTensor &tensor) {
  auto type = find_if(
      dtypes, [&](const auto &known) { return known.first == tensor.dtype; });
  if (type == std::end(dtypes))
    return inputError("{} is of type {}; a layer takes f32, f16, bf16, i32 and "
                      "i64",
                      name, dtypeName(tensor.dtype));
  return DLTensor{.data = tensor.bytes.data(),
                  .device = {kDLCPU, 0},
                  .ndim = static_cast<int32_t>(tensor.shape.size()),
                  .dtype = type->second,
                  .shape = tensor.shape.data(),
                  .strides = nullptr,
                  .byte_offset = 0};
}

Expected<Session> Session::open(StringRef path, int32_t threads, uint64_t flags,
                                std::unique_ptr<EmulatorDevice> device) {
  moec_options options = MOEC_OPTIONS_INIT;
  options.flags = flags;
  options.device = device ? device->get() : nullptr;
  Session session;
  session.device = std::move(device);
  moec_model *model = nullptr;
  if (moec_open(path.str().c_str(), &options, &model) != MOEC_OK)
    return lastError();
  session.model.reset(model);
  moec_context *context = nullptr;
  if (moec_context_create(model, threads, &context) != MOEC_OK)
    return lastError();
  session.context.reset(context);
  return session;
}

Expected<Session> Session::openInRunner(StringRef path, int32_t threads,
                                        StringRef command) {
  moec_options options = MOEC_OPTIONS_INIT;
  options.flags = MOEC_OPEN_DESCRIBE;
  Session session;
  moec_model *model = nullptr;
  if (moec_open(path.str().c_str(), &options, &model) != MOEC_OK)
    return lastError();
  session.model.reset(model);
  auto runner = Runner::start(command, path, threads);
  if (!runner)
    return runner.takeError();
  session.runner = std::move(*runner);
  return session;
}

Expected<SessionLayer> Session::describe(int32_t index) const {
  SessionLayer layer;
  layer.index = index;
  layer.info.struct_size = sizeof(layer.info);
  if (moec_layer_get_info(model.get(), index, &layer.info) != MOEC_OK)
    return lastError();
  layer.name = layer.info.name;
  auto read = [&](decltype(&moec_layer_get_input) get, int32_t count,
                  std::vector<LayerTensor> &out) -> Error {
    for (int32_t i = 0; i < count; ++i) {
      moec_tensor_info info = {};
      info.struct_size = sizeof(info);
      if (get(model.get(), index, i, &info) != MOEC_OK)
        return lastError();
      Expected<DType> dtype = fromDLPack(info.dtype);
      if (!dtype)
        return dtype.takeError();
      out.push_back({info.name, info.cols, *dtype, info.optional != 0});
    }
    return Error::success();
  };
  if (Error error =
          read(moec_layer_get_input, layer.info.num_inputs, layer.inputs))
    return std::move(error);
  if (Error error =
          read(moec_layer_get_output, layer.info.num_outputs, layer.outputs))
    return std::move(error);
  return layer;
}

Expected<SessionLayer> Session::layer(StringRef name) const {
  int32_t index = moec_layer_find(model.get(), name.str().c_str());
  if (index < 0)
    return lastError();
  return describe(index);
}

Expected<std::vector<SessionLayer>> Session::layers() const {
  std::vector<SessionLayer> result;
  for (int32_t i = 0; i < moec_layer_count(model.get()); ++i) {
    Expected<SessionLayer> layer = describe(i);
    if (!layer)
      return layer.takeError();
    result.push_back(std::move(*layer));
  }
  return result;
}

/// An output for `hidden` rows of the given shape; [T, cols] but for "hidden",
/// which is shaped like the input.
static Expected<HostTensor> makeOutput(const LayerTensor &output,
                                       const Shape &hiddenShape,
                                       DType hiddenDtype) {
  HostTensor tensor;
  if (output.name == "hidden") {
    tensor.dtype = hiddenDtype;
    tensor.shape = hiddenShape;
    tensor.shape.back() = output.cols;
  } else {
    tensor.dtype = output.dtype;
    ArrayRef<int64_t> batch = ArrayRef(hiddenShape).drop_back();
    tensor.shape = {numElements(batch).value_or(0), output.cols};
  }
  std::optional<uint64_t> bytes = tensorBytes(tensor.shape, tensor.dtype);
  if (!bytes)
    return inputError("the output {} of shape {} is too large", output.name,
                      formatShape(tensor.shape));
  tensor.bytes.resize(*bytes);
  return tensor;
}

Expected<PreparedRun> Session::prepare(const SessionLayer &layer,
                                       RunRequest &request) const {
  PreparedRun run;
  run.layer = layer.index;
  run.flags = request.givenRouting ? MOEC_RUN_GIVEN_ROUTING : 0;
  run.results.reserve(layer.outputs.size());
  run.views.reserve(layer.inputs.size() + layer.outputs.size());
  auto addView = [&](StringRef name,
                     HostTensor *tensor) -> Expected<DLTensor *> {
    if (!tensor)
      return nullptr;
    Expected<DLTensor> tensorView = view(name, *tensor);
    if (!tensorView)
      return tensorView.takeError();
    return &run.views.emplace_back(*tensorView);
  };
  for (const LayerTensor &input : layer.inputs) {
    auto added = addView(input.name, findTensor(request.inputs, input.name));
    if (!added)
      return added.takeError();
    run.inputs.push_back(*added);
  }
  const HostTensor *hidden = findTensor(request.inputs, "hidden");
  if (!hidden || hidden->shape.empty())
    return inputError("the input has no tensor 'hidden' of shape [T, {}]",
                      layer.info.hidden);
  for (const LayerTensor &output : layer.outputs) {
    HostTensor *tensor = nullptr;
    bool isHidden = output.name == "hidden";
    if (isHidden || !(request.givenRouting || request.hiddenOnly)) {
      Expected<HostTensor> made =
          makeOutput(output, hidden->shape, request.hiddenDtype);
      if (!made)
        return made.takeError();
      tensor = &run.results.emplace_back(output.name, std::move(*made)).second;
    } else if (request.givenRouting &&
               (output.name == "topk_ids" || output.name == "topk_weights")) {
      tensor = findTensor(request.inputs, output.name);
    }
    auto added = addView(output.name, tensor);
    if (!added)
      return added.takeError();
    run.outputs.push_back(*added);
  }
  return run;
}

Error Session::execute(PreparedRun &run) {
  if (runner)
    return runner->run(run.layer, run.inputs, run.outputs, run.flags);
  if (moec_run(context.get(), run.layer, run.inputs.data(),
               static_cast<int32_t>(run.inputs.size()), run.outputs.data(),
               static_cast<int32_t>(run.outputs.size()), run.flags) != MOEC_OK)
    return lastError();
  return Error::success();
}

Error Session::setStream(void *stream) {
  if (moec_context_set_stream(context.get(), stream) != MOEC_OK)
    return lastError();
  return Error::success();
}

Error Session::timeStages(MutableArrayRef<moec_stage_time> times) {
  if (moec_context_time_stages(context.get(),
                               times.empty() ? nullptr : times.data(),
                               int32_t(times.size())) != MOEC_OK)
    return lastError();
  return Error::success();
}

Error Session::useDeviceMemory() {
  inDeviceMemory = deviceOfModel() != nullptr;
  if (inDeviceMemory)
    return Error::success();
  return inputError("--tensors=device: the bundle is for a CPU, whose tensors "
                    "are in the host's memory");
}

Error Session::executeInDeviceMemory(const SessionLayer &layer,
                                     PreparedRun &run) {
  DeviceTensors tensors(*deviceOfModel());
  auto move = [&](const DLTensor *tensor, StringRef name) {
    return tensor ? tensors.move(const_cast<DLTensor &>(*tensor),
                                 /*apart=*/name == "hidden")
                  : Error::success();
  };
  for (auto [tensor, described] : zip(run.inputs, layer.inputs))
    if (Error error = move(tensor, described.name))
      return error;
  for (auto [tensor, described] : zip(run.outputs, layer.outputs))
    if (Error error = move(tensor, described.name))
      return error;
  if (Error error = execute(run))
    return error;
  return tensors.moveBack();
}

Expected<NamedTensors> Session::run(const SessionLayer &layer,
                                    RunRequest &request) {
  Expected<PreparedRun> run = prepare(layer, request);
  if (!run)
    return run.takeError();
  if (Error error =
          inDeviceMemory ? executeInDeviceMemory(layer, *run) : execute(*run))
    return std::move(error);
  return std::move(run->results);
}

} // namespace moec::driver
