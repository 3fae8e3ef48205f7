//===- DeviceMemory.h - a device's memory for calls -------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What calls take of a device's memory, and where in it things begin.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_DEVICEMEMORY_H
#define MOEC_LIB_RUNTIME_DEVICEMEMORY_H

#include "LayerInterface.h"
#include "moec-c/Device.h"

#include <vector>

namespace moec {

/// Where things begin in the device's memory of a call.
class MemoryPlan {
public:
  /// Kernels count the bytes of one tensor or buffer with 32 bits.
  static constexpr int64_t maxBytes = int64_t(1) << 32;

  /// Takes room for `rows` x `rowBytes`; returns where it begins.
  int64_t take(int64_t rows, int64_t rowBytes) {
    constexpr int64_t alignment = 256;
    int64_t size = 0, begin = end;
    fails = fails || __builtin_mul_overflow(rows, rowBytes, &size) ||
            size > maxBytes ||
            __builtin_add_overflow(size, alignment - 1, &size) ||
            __builtin_add_overflow(end, size - size % alignment, &end);
    return begin;
  }
  /// Takes room for the buffers of a plan; returns where each begins.
  std::vector<int64_t> take(const ManifestPlan &plan, int64_t tokens);
  /// An error if something was too large.
  Status check(const ManifestLayer &layer, int64_t tokens) const;
  int64_t bytes() const { return end; }

private:
  int64_t end = 0;
  bool fails = false;
};

/// Memory on a device that only grows. Its contents do not survive growing.
class DeviceMemory {
public:
  DeviceMemory() = default;
  ~DeviceMemory();

  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  /// Makes at least `bytes` bytes available on `device`, always the same one.
  Status reserve(const moec_device &device, int64_t bytes);
  /// The same; new memory is filled with zeros, in the order of `stream`.
  Status reserveZeros(const moec_device &device, void *stream, int64_t bytes);
  char *data() const { return static_cast<char *>(memory); }

private:
  const moec_device *owner = nullptr;
  void *memory = nullptr;
  int64_t capacity = 0;
};

/// What the calls of one context use on a device, one after the other.
struct DeviceWorkspace {
  DeviceMemory memory;
  /// The counters of plans, which launches leave at zero.
  DeviceMemory counters;
  /// What the launches read of inputs that were left out.
  DeviceMemory zeros;
};

/// What a call takes besides its tensors in the device's memory.
struct DeviceNeed {
  int64_t memory = 0, counters = 0, zeros = 0; ///< bytes

  int64_t total() const { return memory + counters + zeros; }
};

/// The bytes of a plan's counters.
int64_t counterBytes(const ManifestPlan &plan);

/// Computes what a call of a layer with `tokens` tokens needs at most.
Status deviceNeed(const ManifestLayer &layer, const ManifestPlan &plan,
                  const LayerInterface &interface, int64_t tokens,
                  DeviceNeed &need);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_DEVICEMEMORY_H
