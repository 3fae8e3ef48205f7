//===- DeviceTensors.cpp - a run's tensors on a device --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceTensors.h"

#include "moec/Support/Error.h"

#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace moec::driver {

/// What moec_run asks of rows that are apart.
static constexpr int64_t rowAlignment = 16;

DeviceTensors::~DeviceTensors() {
  for (const auto &moved : tensors)
    device.release(device.state, moved->tensor->data);
}

Error DeviceTensors::report(const char *message) const {
  return message ? inputError("{}", message) : Error::success();
}

Error DeviceTensors::move(DLTensor &tensor, bool apart) {
  auto moved = std::make_unique<Moved>();
  moved->onHost = tensor;
  moved->tensor = &tensor;
  int64_t cols = tensor.ndim > 1 ? tensor.shape[tensor.ndim - 1] : 1;
  int64_t size = tensor.dtype.bits / 8;
  moved->rows = 1;
  for (int32_t dim = 0; dim < std::max(tensor.ndim - 1, 1); ++dim)
    moved->rows *= tensor.shape[dim];
  moved->rowBytes = cols * size;
  moved->stride = moved->rowBytes;
  if (apart) {
    moved->stride =
        int64_t(alignTo(moved->rowBytes, rowAlignment)) + rowAlignment;
    int64_t step = moved->stride / size;
    moved->strides[tensor.ndim - 1] = 1;
    for (int32_t dim = tensor.ndim - 2; dim >= 0; --dim) {
      moved->strides[dim] = step;
      step *= tensor.shape[dim];
    }
    tensor.strides = moved->strides.data();
  }
  tensor.device = device.memory;
  int64_t bytes = std::max<int64_t>(moved->rows * moved->stride, 1);
  if (Error error = report(device.allocate(device.state, bytes, &tensor.data)))
    return error;
  tensors.push_back(std::move(moved));
  const Moved &made = *tensors.back();
  for (int64_t row = 0; row < made.rows; ++row)
    if (Error error = report(device.upload(
            device.state, nullptr,
            static_cast<char *>(tensor.data) + row * made.stride,
            static_cast<char *>(made.onHost.data) + row * made.rowBytes,
            made.rowBytes)))
      return error;
  return Error::success();
}

Error DeviceTensors::moveBack() {
  for (const auto &moved : tensors) {
    for (int64_t row = 0; row < moved->rows; ++row)
      if (Error error = report(device.download(
              device.state, nullptr,
              static_cast<char *>(moved->onHost.data) + row * moved->rowBytes,
              static_cast<char *>(moved->tensor->data) + row * moved->stride,
              moved->rowBytes)))
        return error;
    device.release(device.state, moved->tensor->data);
    *moved->tensor = moved->onHost;
  }
  tensors.clear();
  return Error::success();
}

} // namespace moec::driver
