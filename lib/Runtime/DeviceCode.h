//===- DeviceCode.h - a bundle's code and weights on a device ---*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a bundle for a device has in place of functions to call, and how a layer
// runs there: its plan's launches one after the other, nothing in between.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_DEVICECODE_H
#define MOEC_LIB_RUNTIME_DEVICECODE_H

#include "Status.h"
#include "moec-c/Device.h"
#include "moec-c/Kernel.h"
#include "moec/Runtime/Manifest.h"

#include <memory>
#include <vector>

namespace moec {

/// Memory on a device that only grows. Its contents do not survive growing.
class DeviceMemory {
public:
  DeviceMemory() = default;
  ~DeviceMemory();

  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  /// Makes at least `bytes` bytes available on `device`, always the same one.
  Status reserve(const moec_device &device, int64_t bytes);
  /// The same; new memory is filled with zeros.
  Status reserveZeros(const moec_device &device, int64_t bytes);
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
};

class DeviceCode {
public:
  /// Loads the best form of the code that `device` takes. `device` has to
  /// outlive the result.
  static Status create(const moec_device &device, const Manifest &manifest,
                       const std::string &directory,
                       std::unique_ptr<DeviceCode> &code);
  ~DeviceCode();

  DeviceCode(const DeviceCode &) = delete;
  DeviceCode &operator=(const DeviceCode &) = delete;

  /// Copies the bundle's weights to the device.
  Status uploadWeights(const char *data, int64_t bytes);

  /// Runs `layer`. `call` is as for a kernel, its tensors in host memory; its
  /// weights, workspace and barrier are not used.
  Status run(const ManifestLayer &layer, const ManifestPlan &plan,
             const moec_kernel_call &call, DeviceWorkspace &workspace) const;

private:
  explicit DeviceCode(const moec_device &device) : device(device) {}

  const moec_device &device;
  void *module = nullptr;
  DeviceMemory weights;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_DEVICECODE_H
