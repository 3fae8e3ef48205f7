//===- Compare.h - judging outputs by the reference -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Outputs of compiled code against those of the reference. Ids have to agree
// row by row and in order; where a choice is within rounding of another, each
// is right, and the rest of the row is judged by the choice that was made.
// Floats have to be within their bounds, which the reference derives.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_REFERENCE_COMPARE_H
#define MOEC_REFERENCE_COMPARE_H

#include "moec/Reference/Interpreter.h"

namespace moec::reference {

/// A float next to what it should be.
struct Deviation {
  double actual = 0;
  double expected = 0;
  double bound = 0;
  int64_t row = 0, column = 0;

  /// |actual - expected|; infinite if one of them is not finite and they are
  /// not the same.
  double error() const;
  /// error() in units of the bound, 0 if there is no error.
  double ratio() const;
  bool isWithin() const { return ratio() <= 1; }
};

/// The judgement on one output of floats.
struct OutputReport {
  std::string name;
  /// The element with the largest ratio; meaningless if `elements` is 0.
  Deviation worst;
  int64_t elements = 0;
  /// Elements outside their bounds.
  int64_t outside = 0;
  /// Elements that may be anything, because of an overflow within rounding.
  int64_t unbounded = 0;
};

/// The judgement on the rows of "hidden" of which one expert is a part.
struct ExpertReport {
  int64_t expert = 0;
  int64_t rows = 0;
  Deviation worst;
};

/// A row whose ids are none that rounding explains.
struct IdMismatch {
  int64_t row = 0;
  std::vector<int64_t> expected, actual;
  /// How clear the choice is; no number if the router's choices are not known.
  double gap = 0, bound = 0;
};

/// The judgement on a run of a layer.
struct CompareReport {
  std::vector<OutputReport> outputs;
  /// Experts in use, by number.
  std::vector<ExpertReport> experts;
  std::vector<IdMismatch> mismatches;
  int64_t rows = 0;
  /// Rows with other ids than the reference's, that rounding explains.
  int64_t tooClose = 0;

  bool isGood() const;
};

/// Judges `actual`, the outputs of a layer that was run on `inputs`. Outputs
/// that are not there are not judged. `options` say how it was run (with a
/// given routing); preferred ids are set by this function. Fails as runLayer
/// does, and if an output has a name or shape the layer does not have.
llvm::Expected<CompareReport> compareLayer(mlir::ModuleOp module,
                                           llvm::StringRef name,
                                           llvm::ArrayRef<NamedTensor> inputs,
                                           WeightProvider &weights,
                                           llvm::ArrayRef<NamedTensor> actual,
                                           const RunOptions &options = {});

/// The report as a table; experts are listed if `listExperts`.
std::string formatReport(const CompareReport &report, bool listExperts = true);

} // namespace moec::reference

#endif // MOEC_REFERENCE_COMPARE_H
