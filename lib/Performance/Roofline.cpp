//===- Roofline.cpp - The least time that work takes ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/Roofline.h"

#include <algorithm>

using namespace llvm;

namespace moec::perf {

StringRef arithmeticName(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::F32    ? "f32"
         : arithmetic == Arithmetic::Bf16 ? "bf16"
                                          : "int8";
}

int64_t productsOfLane(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::F32    ? 1
         : arithmetic == Arithmetic::Bf16 ? 2
                                          : 4;
}

Rates Rates::best(const Rates &other) const {
  return {std::max(peak, other.peak), std::max(read, other.read)};
}

double Work::roofline(const Rates &rates) const {
  return std::max(flops / rates.peak, bytes / rates.read);
}

bool Work::computeBound(const Rates &rates) const {
  return flops / rates.peak > bytes / rates.read;
}

} // namespace moec::perf
