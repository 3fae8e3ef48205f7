//===- Selection.h - choosing the best of some scores -----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of scores that moe.top_k and moe.group_limit share, and how clear a
// choice among them is.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_REFERENCE_SELECTION_H
#define MOEC_LIB_REFERENCE_SELECTION_H

#include "moec/Reference/ErrorModel.h"

namespace moec::reference {

/// The difference of two scores and the sum of their bounds.
struct Clearness {
  double gap = infinity;
  double bound = 0;

  /// Whether this is less clear than `other`.
  bool operator<(const Clearness &other) const {
    return gap - bound < other.gap - other.bound;
  }
};

/// What was chosen, best first, and the least clear comparison that made it so.
struct Selection {
  llvm::SmallVector<int64_t> picks;
  Clearness clearness;
};

/// The `count` best of `scores`: numbers fall, NaN is below all of them, and of
/// equals the lower index comes first. Where the scores' errors leave a choice,
/// the first of `preferred` that may be chosen is. If not `isOrdered`, only the
/// set matters for how clear it is.
Selection selectBest(llvm::ArrayRef<Number> scores, int64_t count,
                     bool isOrdered, llvm::ArrayRef<int64_t> preferred = {});

} // namespace moec::reference

#endif // MOEC_LIB_REFERENCE_SELECTION_H
