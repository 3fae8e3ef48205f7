//===- HostTensor.h - a tensor in memory ------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dense array that file readers return and file writers take, for tensors
// small enough to be held whole: a layer's input and outputs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_HOSTTENSOR_H
#define MOEC_SUPPORT_HOSTTENSOR_H

#include "moec/Support/DType.h"

#include <cstdint>
#include <vector>

namespace moec {

/// A dense tensor in row-major order: tensorBytes(shape, dtype) bytes.
struct HostTensor {
  DType dtype = DType::F32;
  Shape shape;
  std::vector<uint8_t> bytes;
};

} // namespace moec

#endif // MOEC_SUPPORT_HOSTTENSOR_H
