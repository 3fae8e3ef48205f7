//===- RowProduct.h - A row times a small matrix ----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The gating product of a router for one token, and gates of shared experts:
// warps share the outputs, the lanes of a warp go along K.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_ROWPRODUCT_H
#define MOEC_LIB_CODEGEN_NVPTX_ROWPRODUCT_H

#include "DeviceKernel.h"

namespace moec::nvptx {

/// The outputs a warp does: `atOnce` from `first` on, then those `step`
/// further, below `end`.
struct OutputRange {
  Value first;
  int64_t end, step, atOnce = 1;
};

/// Sums of f32 numbers: row `row` of `x` times rows of `matrix`. Both have
/// zeros up to their stride, a multiple of 64. Lane 0 calls `store` with an
/// output's number and sum.
void emitRowProduct(DeviceKernel &k, const Memory &x, Value row,
                    const Memory &matrix, OutputRange outputs, int64_t stride,
                    function_ref<void(Value output, Value sum)> store);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_ROWPRODUCT_H
