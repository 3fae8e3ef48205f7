//===- DeviceCall.cpp - one execution of a layer on a device --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors of the host go to the device and back; between lie only launches.
//
//===----------------------------------------------------------------------===//

#include "DeviceCode.h"
#include "ElementType.h"

namespace moec {

namespace {

/// Kernels count the bytes of one tensor or buffer with 32 bits.
constexpr int64_t kMaxBytes = int64_t(1) << 32;

/// Where things begin in the device's memory of a call.
class MemoryPlan {
public:
  /// Takes room for `rows` x `rowBytes`; returns where it begins.
  int64_t take(int64_t rows, int64_t rowBytes) {
    constexpr int64_t alignment = 256;
    int64_t size = 0, begin = end;
    fails = fails || __builtin_mul_overflow(rows, rowBytes, &size) ||
            size > kMaxBytes ||
            __builtin_add_overflow(size, alignment - 1, &size) ||
            __builtin_add_overflow(end, size - size % alignment, &end);
    return begin;
  }
  bool overflows() const { return fails; }
  int64_t bytes() const { return end; }

private:
  int64_t end = 0;
  bool fails = false;
};

/// One tensor of the call, with dense rows on the device.
struct DeviceTensor {
  const moec_tensor_arg *host = nullptr;
  int64_t rowBytes = 0, hostRowBytes = 0, offset = 0;

  DeviceTensor(const moec_tensor_arg &arg, const ManifestTensor &description)
      : host(&arg) {
    int64_t size = elementTypeSize(moec_dtype(arg.dtype));
    rowBytes = description.cols * size;
    hostRowBytes = arg.row_stride * size;
  }
};

class DeviceCall {
public:
  DeviceCall(const moec_device &device, void *module,
             const ManifestLayer &layer, const ManifestPlan &plan,
             const moec_kernel_call &call, char *weights)
      : device(device), module(module), layer(layer), plan(plan), call(call),
        weights(weights), given(call.flags & MOEC_CALL_GIVEN_ROUTING) {}

  Status run(DeviceWorkspace &workspace);

private:
  Status place(DeviceWorkspace &workspace);
  Status check(const char *message) const {
    if (!message)
      return Status::ok();
    return makeError(MOEC_ERROR_DEVICE, "{}: {}", layer.name, message);
  }
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
    const std::string &name = layer.outputs[output].name;
    return name == "topk_ids" || name == "topk_weights";
  }

  const moec_device &device;
  void *module;
  const ManifestLayer &layer;
  const ManifestPlan &plan;
  const moec_kernel_call &call;
  char *weights;
  const bool given;
  char *base = nullptr, *counters = nullptr;
  std::vector<DeviceTensor> inputs, outputs;
  std::vector<int64_t> buffers;
};

} // namespace

Status DeviceCall::place(DeviceWorkspace &workspace) {
  MemoryPlan room;
  auto placeAll = [&](const std::vector<ManifestTensor> &descriptions,
                      const moec_tensor_arg *args,
                      std::vector<DeviceTensor> &tensors) {
    for (size_t i = 0; i < descriptions.size(); ++i) {
      DeviceTensor &tensor = tensors.emplace_back(args[i], descriptions[i]);
      tensor.offset = room.take(call.tokens, tensor.rowBytes);
    }
  };
  placeAll(layer.inputs, call.inputs, inputs);
  placeAll(layer.outputs, call.outputs, outputs);
  bool overflows = false;
  for (const ManifestBuffer &buffer : plan.buffers) {
    int64_t rows = 0;
    overflows = overflows ||
                __builtin_mul_overflow(buffer.perToken, call.tokens, &rows) ||
                __builtin_add_overflow(rows, buffer.fixed, &rows);
    buffers.push_back(room.take(rows, buffer.rowBytes));
  }
  if (overflows || room.overflows())
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{}: {} tokens need a buffer of more than {} bytes; split "
                     "the batch",
                     layer.name, call.tokens, kMaxBytes);
  if (Status status = workspace.memory.reserve(device, room.bytes());
      status.failed())
    return status;
  if (plan.counters >= 0) {
    const ManifestBuffer &buffer = plan.buffers[size_t(plan.counters)];
    if (Status status = workspace.counters.reserveZeros(
            device, buffer.fixed * buffer.rowBytes);
        status.failed())
      return status;
  }
  base = workspace.memory.data();
  counters = workspace.counters.data();
  return Status::ok();
}

Status DeviceCall::copy(const DeviceTensor &tensor, bool toDevice) const {
  char *onHost = static_cast<char *>(tensor.host->data);
  char *onDevice = base + tensor.offset;
  if (!onHost)
    return Status::ok();
  auto move = [&](int64_t row, int64_t bytes) {
    char *there = onDevice + row * tensor.rowBytes;
    char *here = onHost + row * tensor.hostRowBytes;
    return toDevice ? device.upload(device.state, there, here, bytes)
                    : device.download(device.state, here, there, bytes);
  };
  if (tensor.rowBytes == tensor.hostRowBytes)
    return check(move(0, call.tokens * tensor.rowBytes));
  for (int64_t row = 0; row < call.tokens; ++row)
    if (const char *message = move(row, tensor.rowBytes))
      return check(message);
  return Status::ok();
}

Status DeviceCall::setMap(const ManifestMap &map, Value &value) const {
  moec_matrix matrix = {weights + layer.weights[size_t(map.weight)].offset,
                        map.rows, map.cols, int32_t(map.elementBytes),
                        int32_t(map.boxRows)};
  return check(device.make_tensor_map(device.state, &matrix, value.map));
}

Status DeviceCall::set(const ManifestArgument &argument, Value &slot) const {
  size_t number = size_t(argument.number);
  uint64_t &value = slot.number;
  auto address = [&](int64_t offset) { return uint64_t(base + offset); };
  switch (argument.kind) {
  // The low half of the value is the 32-bit number.
  case ArgumentKind::Tokens:
    value = uint32_t(call.tokens);
    break;
  case ArgumentKind::Sequence:
    value = uint32_t(call.sequence);
    break;
  case ArgumentKind::Input:
    value = address(inputs[number].offset);
    break;
  case ArgumentKind::Output:
    value = address(outputs[number].offset);
    break;
  case ArgumentKind::InputType:
    value = uint32_t(inputs[number].host->dtype);
    break;
  case ArgumentKind::OutputType:
    value = uint32_t(outputs[number].host->dtype);
    break;
  case ArgumentKind::InputStride:
    value = uint64_t(layer.inputs[number].cols);
    break;
  case ArgumentKind::OutputStride:
    value = uint64_t(layer.outputs[number].cols);
    break;
  case ArgumentKind::Weight:
    value = uint64_t(weights + layer.weights[number].offset);
    break;
  case ArgumentKind::Buffer:
    value = argument.number == plan.counters ? uint64_t(counters)
                                             : address(buffers[number]);
    break;
  case ArgumentKind::TensorMap:
    return setMap(plan.maps[number], slot);
  }
  return Status::ok();
}

Status DeviceCall::launch(const ManifestLaunch &launch) const {
  if (launch.when == (given ? LaunchWhen::Routed : LaunchWhen::Given) ||
      call.tokens < launch.from || call.tokens >= launch.below)
    return Status::ok();
  // Factors have 31 bits each.
  int64_t rows = launch.perToken * call.tokens + launch.fixed;
  int64_t blocks = (rows + launch.perBlock - 1) / launch.perBlock;
  if (blocks > INT32_MAX)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{}: {} tokens need {} blocks of {}, more than a launch "
                     "has; split the batch",
                     layer.name, call.tokens, blocks, launch.kernel);
  if (blocks == 0)
    return Status::ok();
  if (launch.resident)
    blocks = std::min(blocks, launch.resident * device.multiprocessors);
  std::vector<Value> values(launch.arguments.size());
  std::vector<void *> arguments;
  for (size_t i = 0; i < values.size(); ++i) {
    if (Status status = set(launch.arguments[i], values[i]); status.failed())
      return status;
    arguments.push_back(&values[i]);
  }
  moec_launch request = {launch.kernel.c_str(),
                         {int32_t(blocks), int32_t(launch.columns)},
                         int32_t(launch.threads),
                         int32_t(launch.shared),
                         arguments.data()};
  return check(device.launch(device.state, module, &request));
}

Status DeviceCall::run(DeviceWorkspace &workspace) {
  Status status = place(workspace);
  for (size_t i = 0; !status.failed() && i < inputs.size(); ++i)
    status = copy(inputs[i], /*toDevice=*/true);
  for (size_t i = 0; given && !status.failed() && i < outputs.size(); ++i)
    if (isRouting(i))
      status = copy(outputs[i], /*toDevice=*/true);
  for (size_t i = 0; !status.failed() && i < plan.launches.size(); ++i)
    status = launch(plan.launches[i]);
  for (size_t i = 0; !status.failed() && i < outputs.size(); ++i)
    if (!given || layer.outputs[i].name == "hidden")
      status = copy(outputs[i], /*toDevice=*/false);
  return status;
}

Status DeviceCode::run(const ManifestLayer &layer, const ManifestPlan &plan,
                       const moec_kernel_call &call,
                       DeviceWorkspace &workspace) const {
  return DeviceCall(device, module, layer, plan, call, weights.data())
      .run(workspace);
}

} // namespace moec
