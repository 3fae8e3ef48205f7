//===- VectorBody.cpp - Scalar regions on vectors -------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorBody.h"

namespace moec::cpu {

Value cloneOnVectors(KernelEmitter &e, Operation &op, ValueRange operands,
                     int64_t width) {
  return cloneElementwise(
      e.b, e.b.getLoc(), op, operands,
      [&](Type element) -> Type { return e.vector(element, width); });
}

SmallVector<Value> cloneBodyOnVectors(KernelEmitter &e, Block &body,
                                      ValueRange arguments, int64_t width) {
  return cloneElementwiseBody(
      e.b, e.b.getLoc(), body, arguments,
      [&](Type element) -> Type { return e.vector(element, width); });
}

} // namespace moec::cpu
