//===- Convert.h - rows between f32 and narrow types ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels compute on f32 activations; callers often have f16 or bf16.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_CONVERT_H
#define MOEC_LIB_RUNTIME_CONVERT_H

#include "Tensor.h"

namespace moec {

/// Writes rows [begin, end) of `source`, which is f16 or bf16, to `target` as
/// f32. Row i begins at target[i * source.cols]. Exact.
void widenRows(const TensorView &source, float *target, int64_t begin,
               int64_t end);

/// Writes rows [begin, end) of `source` to `target`, which is f16 or bf16. Row
/// i begins at source[i * target.cols]. Rounds to nearest, ties to even; what
/// is too large becomes infinite, NaN stays NaN.
void narrowRows(const float *source, const TensorView &target, int64_t begin,
                int64_t end);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_CONVERT_H
