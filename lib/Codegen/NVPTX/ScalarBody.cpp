//===- ScalarBody.cpp - Regions on the numbers of a thread ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalarBody.h"

namespace moec::nvptx {

static Type itself(Type element) { return element; }

Value cloneOnElements(DeviceKernel &k, Operation &op, ValueRange elements) {
  return cloneElementwise(k.b, k.b.getLoc(), op, elements, itself);
}

Value cloneBody(DeviceKernel &k, Block &body, ValueRange elements) {
  return cloneElementwiseBody(k.b, k.b.getLoc(), body, elements, itself)[0];
}

} // namespace moec::nvptx
