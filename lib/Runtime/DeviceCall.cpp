//===- DeviceCall.cpp - one execution of a layer on a device --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors of the host go to the device and back, those of the device stay where
// they are; between lie only launches.
//
//===----------------------------------------------------------------------===//

#include "DeviceCode.h"

namespace moec {

namespace {

/// One tensor of the call as kernels see it.
struct DeviceTensor {
  const TensorView *view;
  moec_dtype type;      ///< the preferred one if the tensor was left out
  int64_t stride;       ///< elements from row to row
  int64_t offset = 0;   ///< in the workspace, unless it is elsewhere
  bool isZeros = false; ///< an input that was left out

  bool isOnHost() const { return view->tokens >= 0 && !view->onDevice; }
};

class DeviceCall {
public:
  DeviceCall(const moec_device &device, void *module, char *weights,
             const DeviceRun &call)
      : device(device), module(module), weights(weights), call(call) {}

  /// Finds where everything is; what that takes is in `need`.
  Status place(DeviceNeed &need);
  Status run(const DeviceWorkspace &memory);

private:
  Status place(const std::vector<TensorSpec> &specs, const char *kind,
               std::span<const TensorView> views, MemoryPlan &room,
               MemoryPlan *zeros, std::vector<DeviceTensor> &tensors) const;
  Status check(const char *message) const {
    if (!message)
      return Status::ok();
    return makeError(MOEC_ERROR_DEVICE, "{}: {}", call.layer.name, message);
  }
  char *address(const DeviceTensor &tensor) const;
  Status copy(const DeviceTensor &tensor, bool toDevice) const;
  Status launch(const ManifestLaunch &launch) const;
  /// What a parameter of a kernel is read from.
  union alignas(MOEC_TENSOR_MAP_ALIGNMENT) Value {
    uint64_t number;
    char map[MOEC_TENSOR_MAP_BYTES];
  };
  /// Writes the value of an argument to `value`.
  Status set(const ManifestArgument &argument, Value &value) const;
  Status setMap(const ManifestMap &map, Value &value) const;
  bool isRouting(size_t output) const {
    return int(output) == call.interface.topkIds ||
           int(output) == call.interface.topkWeights;
  }

  const moec_device &device;
  void *module;
  char *weights;
  const DeviceRun &call;
  const DeviceWorkspace *workspace = nullptr;
  std::vector<DeviceTensor> inputs, outputs;
  std::vector<int64_t> buffers;
};

} // namespace

Status DeviceCode::reserve(const DeviceNeed &need, void *stream,
                           DeviceWorkspace &workspace) const {
  Status status = workspace.memory.reserve(owner, need.memory);
  if (!status.failed())
    status = workspace.counters.reserveZeros(owner, stream, need.counters);
  if (!status.failed())
    status = workspace.zeros.reserveZeros(owner, stream, need.zeros);
  return status;
}

Status DeviceCall::place(const std::vector<TensorSpec> &specs, const char *kind,
                         std::span<const TensorView> views, MemoryPlan &room,
                         MemoryPlan *zeros,
                         std::vector<DeviceTensor> &tensors) const {
  for (size_t i = 0; i < specs.size(); ++i) {
    const TensorSpec &spec = specs[i];
    const TensorView &view = views[i];
    bool given = view.tokens >= 0;
    DeviceTensor tensor = {&view, given ? view.type : spec.types.front(),
                           spec.cols};
    // The run time converts for CPUs only.
    if (!spec.takes(tensor.type))
      return makeError(
          MOEC_ERROR_ARGUMENT, "{} is of type {}; on a device it has to be {}",
          TensorPlace{call.layer.name, kind, spec.name}.describe(),
          elementTypeName(tensor.type), elementTypeName(spec.types.front()));
    tensor.isZeros = !given && zeros;
    int64_t rowBytes = spec.cols * elementTypeSize(tensor.type);
    if (view.onDevice)
      tensor.stride = view.rowStride;
    else
      tensor.offset =
          (tensor.isZeros ? *zeros : room).take(call.tokens, rowBytes);
    tensors.push_back(tensor);
  }
  return Status::ok();
}

Status DeviceCall::place(DeviceNeed &need) {
  MemoryPlan room, zeros;
  Status status =
      place(call.interface.inputs, "input", call.inputs, room, &zeros, inputs);
  if (!status.failed())
    status = place(call.interface.outputs, "output", call.outputs, room,
                   nullptr, outputs);
  if (status.failed())
    return status;
  buffers = room.take(call.plan, call.tokens);
  need = {room.bytes(), counterBytes(call.plan), zeros.bytes()};
  status = zeros.check(call.layer, call.tokens);
  return status.failed() ? status : room.check(call.layer, call.tokens);
}

//===----------------------------------------------------------------------===//
// Tensors and arguments
//===----------------------------------------------------------------------===//

char *DeviceCall::address(const DeviceTensor &tensor) const {
  if (tensor.view->onDevice)
    return static_cast<char *>(tensor.view->data);
  const DeviceMemory &memory =
      tensor.isZeros ? workspace->zeros : workspace->memory;
  return memory.data() + tensor.offset;
}

/// Moves a tensor of the host; there its rows may be apart.
Status DeviceCall::copy(const DeviceTensor &tensor, bool toDevice) const {
  if (!tensor.isOnHost())
    return Status::ok();
  const TensorView &view = *tensor.view;
  int64_t size = elementTypeSize(view.type);
  auto move = [&](int64_t row, int64_t rows) {
    char *there = address(tensor) + row * view.cols * size;
    char *here = static_cast<char *>(view.data) + row * view.rowStride * size;
    int64_t bytes = rows * view.cols * size;
    return toDevice
               ? device.upload(device.state, call.stream, there, here, bytes)
               : device.download(device.state, call.stream, here, there, bytes);
  };
  if (view.rowStride == view.cols)
    return check(move(0, call.tokens));
  for (int64_t row = 0; row < call.tokens; ++row)
    if (const char *message = move(row, 1))
      return check(message);
  return Status::ok();
}

Status DeviceCall::setMap(const ManifestMap &map, Value &value) const {
  moec_matrix matrix = {weights + call.layer.weights[size_t(map.weight)].offset,
                        map.rows, map.cols, int32_t(map.elementBytes),
                        int32_t(map.boxRows)};
  return check(device.make_tensor_map(device.state, &matrix, value.map));
}

Status DeviceCall::set(const ManifestArgument &argument, Value &slot) const {
  size_t number = size_t(argument.number);
  uint64_t &value = slot.number;
  auto pointer = [](char *data) { return reinterpret_cast<uint64_t>(data); };
  switch (argument.kind) {
  // The low half of the value is the 32-bit number.
  case ArgumentKind::Tokens:
    value = uint32_t(call.tokens);
    break;
  case ArgumentKind::Sequence:
    value = uint32_t(call.sequence);
    break;
  case ArgumentKind::Input:
    value = pointer(address(inputs[number]));
    break;
  case ArgumentKind::Output:
    value = pointer(address(outputs[number]));
    break;
  case ArgumentKind::InputType:
    value = uint32_t(inputs[number].type);
    break;
  case ArgumentKind::OutputType:
    value = uint32_t(outputs[number].type);
    break;
  case ArgumentKind::InputStride:
    value = uint64_t(inputs[number].stride);
    break;
  case ArgumentKind::OutputStride:
    value = uint64_t(outputs[number].stride);
    break;
  case ArgumentKind::Weight:
    value = pointer(weights + call.layer.weights[number].offset);
    break;
  case ArgumentKind::Buffer:
    value = pointer(argument.number == call.plan.counters
                        ? workspace->counters.data()
                        : workspace->memory.data() + buffers[number]);
    break;
  case ArgumentKind::TensorMap:
    return setMap(call.plan.maps[number], slot);
  }
  return Status::ok();
}

Status DeviceCall::launch(const ManifestLaunch &launch) const {
  if (launch.when ==
          (call.givenRouting ? LaunchWhen::Routed : LaunchWhen::Given) ||
      call.tokens < launch.from || call.tokens >= launch.below)
    return Status::ok();
  // Factors have 31 bits each.
  int64_t rows = launch.perToken * call.tokens + launch.fixed;
  int64_t blocks = (rows + launch.perBlock - 1) / launch.perBlock;
  int64_t cluster = launch.cluster;
  blocks = (blocks + cluster - 1) / cluster * cluster;
  if (blocks > INT32_MAX)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{}: {} tokens need {} blocks of {}, more than a launch "
                     "has; split the batch",
                     call.layer.name, call.tokens, blocks, launch.kernel);
  if (blocks == 0)
    return Status::ok();
  if (launch.resident) {
    int64_t most = std::max(launch.resident * device.multiprocessors, cluster);
    blocks = std::min(blocks, most / cluster * cluster);
  }
  std::vector<Value> values(launch.arguments.size());
  std::vector<void *> arguments;
  for (size_t i = 0; i < values.size(); ++i) {
    if (Status status = set(launch.arguments[i], values[i]); status.failed())
      return status;
    arguments.push_back(&values[i]);
  }
  moec_launch request = {
      launch.kernel.c_str(),   {int32_t(blocks), int32_t(launch.columns)},
      int32_t(launch.threads), int32_t(launch.shared),
      arguments.data(),        call.stream,
      int32_t(cluster),        launch.overlaps};
  return check(device.launch(device.state, module, &request));
}

Status DeviceCall::run(const DeviceWorkspace &memory) {
  workspace = &memory;
  Status status = Status::ok();
  bool given = call.givenRouting;
  for (size_t i = 0; !status.failed() && i < inputs.size(); ++i)
    status = copy(inputs[i], /*toDevice=*/true);
  for (size_t i = 0; given && !status.failed() && i < outputs.size(); ++i)
    if (isRouting(i))
      status = copy(outputs[i], /*toDevice=*/true);
  for (size_t i = 0; !status.failed() && i < call.plan.launches.size(); ++i)
    status = launch(call.plan.launches[i]);
  for (size_t i = 0; !status.failed() && i < outputs.size(); ++i)
    if (!given || call.interface.outputs[i].isHidden)
      status = copy(outputs[i], /*toDevice=*/false);
  if (!status.failed() && !call.stream)
    status = check(device.wait(device.state, nullptr));
  return status;
}

Status DeviceCode::run(const DeviceRun &run, DeviceWorkspace &workspace) const {
  DeviceCall call(owner, module, weights.data(), run);
  DeviceNeed need;
  Status status = call.place(need);
  if (!status.failed())
    status = reserve(need, run.stream, workspace);
  return status.failed() ? status : call.run(workspace);
}

} // namespace moec
