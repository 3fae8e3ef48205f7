//===- RowProduct.h - A row times a small matrix ----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The gating product of a router, and gates of shared experts: one block does
// a row, its warps the outputs, the lanes of a warp go along K.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_ROWPRODUCT_H
#define MOEC_LIB_CODEGEN_NVPTX_ROWPRODUCT_H

#include "DeviceKernel.h"

namespace moec::nvptx {

/// `outputs` sums of f32 numbers: row `row` of `x` times each row of `matrix`.
/// Both have zeros up to their stride, a multiple of 64. Lane 0 of some warp
/// calls `store` with an output's number and sum.
void emitRowProduct(DeviceKernel &k, const Memory &x, Value row,
                    const Memory &matrix, int64_t outputs, int64_t stride,
                    function_ref<void(Value output, Value sum)> store);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_ROWPRODUCT_H
