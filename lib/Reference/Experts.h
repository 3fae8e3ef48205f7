//===- Experts.h - what the expert operations share -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weighted sum over a token's experts, which moe.combine is and which
// moe.grouped_matmul has as a slot; and checked reading of slots.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_REFERENCE_EXPERTS_H
#define MOEC_LIB_REFERENCE_EXPERTS_H

#include "Evaluator.h"

namespace moec::reference {

/// `result[t] = onto[t] + sum_j weights[t, j] * rows[i]` where `slots[i]` is
/// `t * k + j`, in f32; without `onto` the sum alone. Converted to `format`.
/// Fails if a slot is not one of the weights' or appears twice.
llvm::Expected<Tensor> combineRows(mlir::Operation *op, const Tensor &rows,
                                   const Tensor &weights, const Tensor &slots,
                                   const Tensor *onto, const Format &format);

/// The token of slot `slot`; an error at `op` if it is not below `tokens`.
llvm::Expected<int64_t> tokenOf(mlir::Operation *op, int64_t slot, int64_t topK,
                                int64_t tokens);

} // namespace moec::reference

#endif // MOEC_LIB_REFERENCE_EXPERTS_H
