//===- PlainMixtral.h - a plain f32 implementation --------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mixtral's layer written as one would without a compiler, in f32 with bf16
// operands, and with mistakes to choose from: what the comparison has to tell
// apart.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_REFERENCE_PLAINMIXTRAL_H
#define MOEC_TEST_UNIT_REFERENCE_PLAINMIXTRAL_H

#include "moec/Reference/Cases.h"
#include "moec/Reference/Compare.h"

namespace moec::reference {

/// What the implementation gets wrong.
enum class Mistake {
  None,
  LastTermOfSums,   ///< the last product of a dot product is left out
  NoNormalize,      ///< weights do not sum to 1
  GateAndUpSwapped, ///< silu of the wrong half
  OtherExpert,      ///< a token's second expert is the next one
  TiesGoUp,         ///< of equal scores the higher index wins
  LastToken,        ///< the last token of an expert gets nothing
};

/// Matrices as the reference reads them, as floats.
struct PlainMixtral {
  static constexpr int64_t hidden = 64, width = 32, experts = 8, topK = 2;

  /// Reads the weights of `layers.0` in `module`.
  PlainMixtral(mlir::ModuleOp module, WeightProvider &weights);

  /// Runs a case; its routing is taken if it has one.
  std::vector<NamedTensor> run(const Case &input, Mistake mistake) const;

  std::vector<float> gate, w1, w3, w2;
};

} // namespace moec::reference

#endif // MOEC_TEST_UNIT_REFERENCE_PLAINMIXTRAL_H
