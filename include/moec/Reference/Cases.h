//===- Cases.h - inputs that find mistakes ----------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs for layers: random rows, and those where implementations go wrong:
// ties, overflow, NaN, empty and crowded experts, dropped choices. The same
// arguments give the same inputs on every machine.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_REFERENCE_CASES_H
#define MOEC_REFERENCE_CASES_H

#include "moec/Reference/Tensor.h"

#include <optional>
#include <string>

namespace moec::reference {

/// The layer and batch that cases are for.
struct CaseSize {
  int64_t tokens = 0;
  int64_t hidden = 0;
  int64_t experts = 0;
  int64_t topK = 0;
  /// Experts past `experts` that return their input.
  int64_t identityExperts = 0;
};

/// An input, and a routing if it is not the router's.
struct Case {
  std::string name;
  /// [tokens, hidden], exact in f32 and, where finite, in bf16.
  Tensor hidden;
  /// [tokens, topK], ids in [-1, experts + identityExperts).
  std::optional<Tensor> ids, weights;
};

/// Rows from a normal distribution.
Case randomCase(const CaseSize &size, uint64_t seed);

/// One case of each kind, all of `size`; kinds that the size does not allow are
/// left out. With 0 tokens, a single case.
std::vector<Case> adversarialCases(const CaseSize &size, uint64_t seed);

/// Gives `testCase` a routing: ids [tokens, topK], those of a row distinct, and
/// weights that sum to 1. Takes topK up to all experts.
void addRandomRouting(Case &testCase, const CaseSize &size, uint64_t seed);

} // namespace moec::reference

#endif // MOEC_REFERENCE_CASES_H
