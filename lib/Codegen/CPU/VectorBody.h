//===- VectorBody.h - Scalar regions on vectors -----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_VECTORBODY_H
#define MOEC_LIB_CODEGEN_CPU_VECTORBODY_H

#include "KernelEmitter.h"
#include "moec/Codegen/Common/Elementwise.h"

namespace moec::cpu {

/// Clones `op` with operands `operands`, each result a vector of `width`.
Value cloneOnVectors(KernelEmitter &e, Operation &op, ValueRange operands,
                     int64_t width);

/// Clones a block of scalar element-wise operations onto vectors of `width`.
/// `arguments` are the vectors of the block's arguments; returns the vectors of
/// what its terminator yields.
SmallVector<Value> cloneBodyOnVectors(KernelEmitter &e, Block &body,
                                      ValueRange arguments, int64_t width);

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_VECTORBODY_H
