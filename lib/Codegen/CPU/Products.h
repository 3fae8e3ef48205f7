//===- Products.h - Products of rows and packed weights ---------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_PRODUCTS_H
#define MOEC_LIB_CODEGEN_CPU_PRODUCTS_H

#include "PackedProduct.h"

namespace moec::cpu {

/// Some rows: the first, how many, and which of how many runs they are.
struct Run {
  Value first, length, number, runs;
};

/// The fewest runs of at most `most` rows that `count` rows make.
Value countRuns(KernelEmitter &e, Value count, int64_t most);

/// Run `number` of `runs` that `count` rows are split into, as evenly as can
/// be.
Run evenRun(KernelEmitter &e, Value count, Value number, Value runs);

/// Splits `count` rows evenly into the fewest runs of at most `most`, and calls
/// `body` with each.
void forEvenRuns(KernelEmitter &e, Value count, int64_t most,
                 function_ref<void(const Run &)> body);

/// Calls `body` for every number of rows from 1 to `most`, in code that runs
/// when `length` is that number.
void switchRows(KernelEmitter &e, Value length, int64_t most,
                function_ref<void(int64_t rows)> body);

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_PRODUCTS_H
