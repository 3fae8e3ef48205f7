//===- DeviceTensors.h - a run's tensors on a device ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program whose activations are on the GPU already gives the run time tensors
// in the GPU's memory. This is how commands do the same.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_DEVICETENSORS_H
#define MOEC_LIB_DRIVER_DEVICETENSORS_H

#include "moec-c/Device.h"

#include "llvm/Support/Error.h"

#include <array>
#include <memory>
#include <vector>

namespace moec::driver {

/// Copies of contiguous tensors in a device's memory, which lasts as long as
/// this object.
class DeviceTensors {
public:
  explicit DeviceTensors(const moec_device &device) : device(device) {}
  ~DeviceTensors();

  DeviceTensors(const DeviceTensors &) = delete;
  DeviceTensors &operator=(const DeviceTensors &) = delete;

  /// Makes `tensor`, of at most 3 dimensions, one of the device with the same
  /// numbers. With `apart`, there is room between its rows.
  llvm::Error move(DLTensor &tensor, bool apart);

  /// Copies the numbers of all tensors back to the host's, which they are then
  /// again.
  llvm::Error moveBack();

private:
  struct Moved {
    DLTensor *tensor;
    DLTensor onHost;
    /// Bytes of a row, and from one to the next on the device.
    int64_t rows, rowBytes, stride;
    std::array<int64_t, 3> strides;
  };

  llvm::Error report(const char *message) const;

  const moec_device &device;
  std::vector<std::unique_ptr<Moved>> tensors;
};

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_DEVICETENSORS_H
