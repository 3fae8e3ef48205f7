//===- TestLayers.h - layers as text for tests ------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses modules, runs functions on literal values, and makes tensors.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_REFERENCE_TESTLAYERS_H
#define MOEC_TEST_UNIT_REFERENCE_TESTLAYERS_H

#include "moec/Reference/Compare.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <limits>
#include <map>

namespace moec::reference {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

using Ids = std::vector<int64_t>;

/// Exact floats.
Tensor floats(Shape shape, std::vector<double> values);
Tensor integers(Shape shape, std::vector<int64_t> values);

/// A context with the dialects of layers.
mlir::MLIRContext &context();

/// A verified module; null, and a failed test, if the text is not one.
mlir::OwningOpRef<mlir::ModuleOp> parseModule(llvm::StringRef text);

/// Weights that a test gives, by symbol.
class GivenWeights final : public WeightProvider {
public:
  llvm::Expected<Tensor> get(mlir::moe::WeightOp weight) override;

  std::map<std::string, Tensor> tensors;
};

/// Runs function @f of a module on unnamed inputs; fails the test on errors.
std::vector<Tensor> runFunction(llvm::StringRef text,
                                std::vector<Tensor> inputs,
                                std::vector<RowDecision> *decisions = nullptr);

/// The message of what running @f reports; empty if it runs.
std::string runMessage(llvm::StringRef text, std::vector<Tensor> inputs);

/// Expects values, NaN included, to within 1e-12 relative.
void expectValues(const Tensor &tensor, std::vector<double> values);

} // namespace moec::reference

#endif // MOEC_TEST_UNIT_REFERENCE_TESTLAYERS_H
