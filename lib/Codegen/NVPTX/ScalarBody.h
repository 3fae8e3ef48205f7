//===- ScalarBody.h - Regions on the numbers of a thread --------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Epilogues and element-wise operations, whether written on scalars or on
// tensors, run on the scalars a thread has in registers.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_SCALARBODY_H
#define MOEC_LIB_CODEGEN_NVPTX_SCALARBODY_H

#include "DeviceKernel.h"
#include "moec/Codegen/Common/Elementwise.h"

namespace moec::nvptx {

/// Where such operations run, for messages.
inline constexpr llvm::StringLiteral oneThread = "the numbers of one thread";

/// A copy of an element-wise operation on one element of each operand.
Value cloneOnElements(DeviceKernel &k, Operation &op, ValueRange elements);

/// What the region yields, from one element for each argument.
Value cloneBody(DeviceKernel &k, Block &body, ValueRange elements);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_SCALARBODY_H
