//===- DeviceMemory.cpp - a device's memory for calls ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes are checked; a manifest may say anything.
//
//===----------------------------------------------------------------------===//

#include "DeviceMemory.h"

#include <algorithm>

namespace moec {

DeviceMemory::~DeviceMemory() {
  if (memory)
    owner->release(owner->state, memory);
}

Status DeviceMemory::reserve(const moec_device &device, int64_t bytes) {
  if (bytes <= capacity)
    return Status::ok();
  if (memory)
    device.release(device.state, memory);
  memory = nullptr;
  capacity = 0;
  owner = &device;
  if (const char *message = device.allocate(device.state, bytes, &memory))
    return makeError(MOEC_ERROR_DEVICE,
                     "cannot allocate {} bytes on the device: {}", bytes,
                     message);
  capacity = bytes;
  return Status::ok();
}

Status DeviceMemory::reserveZeros(const moec_device &device, void *stream,
                                  int64_t bytes) {
  if (bytes <= capacity)
    return Status::ok();
  if (Status status = reserve(device, bytes); status.failed())
    return status;
  std::vector<char> zeros(size_t(bytes), 0);
  if (const char *message =
          device.upload(device.state, stream, memory, zeros.data(), bytes))
    return makeError(MOEC_ERROR_DEVICE, "{}", message);
  return Status::ok();
}

std::vector<int64_t> MemoryPlan::take(const ManifestPlan &plan,
                                      int64_t tokens) {
  std::vector<int64_t> begins;
  for (const ManifestBuffer &buffer : plan.buffers) {
    int64_t rows = 0;
    fails = fails || __builtin_mul_overflow(buffer.perToken, tokens, &rows) ||
            __builtin_add_overflow(rows, buffer.fixed, &rows);
    // The counters have memory of their own, which survives the call.
    bool isCounters = int64_t(begins.size()) == plan.counters;
    begins.push_back(isCounters ? 0 : take(rows, buffer.rowBytes));
  }
  return begins;
}

Status MemoryPlan::check(const ManifestLayer &layer, int64_t tokens) const {
  if (!fails)
    return Status::ok();
  return makeError(MOEC_ERROR_ARGUMENT,
                   "{}: {} tokens need a buffer of more than {} bytes; split "
                   "the batch",
                   layer.name, tokens, maxBytes);
}

int64_t counterBytes(const ManifestPlan &plan) {
  if (plan.counters < 0)
    return 0;
  const ManifestBuffer &buffer = plan.buffers[size_t(plan.counters)];
  return buffer.fixed * buffer.rowBytes;
}

Status deviceNeed(const ManifestLayer &layer, const ManifestPlan &plan,
                  const LayerInterface &interface, int64_t tokens,
                  DeviceNeed &need) {
  MemoryPlan room, zeros;
  auto rowBytes = [](const TensorSpec &spec) {
    int64_t size = 0;
    for (moec_dtype type : spec.types)
      size = std::max(size, elementTypeSize(type));
    return spec.cols * size;
  };
  for (const TensorSpec &spec : interface.inputs) {
    (void)room.take(tokens, rowBytes(spec));
    if (spec.optional)
      (void)zeros.take(tokens, rowBytes(spec));
  }
  for (const TensorSpec &spec : interface.outputs)
    (void)room.take(tokens, rowBytes(spec));
  (void)room.take(plan, tokens);
  need = {room.bytes(), counterBytes(plan), zeros.bytes()};
  return room.check(layer, tokens);
}

} // namespace moec
