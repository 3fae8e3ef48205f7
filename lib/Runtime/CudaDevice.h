//===- CudaDevice.h - the CUDA driver's first GPU ---------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_CUDADEVICE_H
#define MOEC_LIB_RUNTIME_CUDADEVICE_H

#include "Status.h"
#include "moec-c/Device.h"

namespace moec {

/// Finds the first GPU by the CUDA driver, which is loaded when it is first
/// asked for. The device lives as long as the process. Fails where there is no
/// driver or no GPU.
Status cudaDevice(const moec_device *&device);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_CUDADEVICE_H
