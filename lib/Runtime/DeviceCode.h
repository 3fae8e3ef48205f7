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

#include "DeviceMemory.h"
#include "LayerInterface.h"

#include <memory>
#include <span>

namespace moec {

/// One call of a layer. Tensors that were left out have -1 tokens.
struct DeviceRun {
  const ManifestLayer &layer;
  const ManifestPlan &plan;
  const LayerInterface &interface;
  int64_t tokens, sequence;
  bool givenRouting;
  std::span<const TensorView> inputs, outputs;
  /// Null: the device's own, and the call waits for it.
  void *stream;
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

  const moec_device &device() const { return owner; }

  /// Grows the workspace to `need`, in the order of `stream`.
  Status reserve(const DeviceNeed &need, void *stream,
                 DeviceWorkspace &workspace) const;

  /// Runs a layer. With a stream and all tensors in the device's memory, it
  /// only enqueues launches, if the workspace is as large as needed.
  Status run(const DeviceRun &run, DeviceWorkspace &workspace) const;

private:
  explicit DeviceCode(const moec_device &device) : owner(device) {}

  const moec_device &owner;
  void *module = nullptr;
  DeviceMemory weights;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_DEVICECODE_H
