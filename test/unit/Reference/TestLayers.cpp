//===- TestLayers.cpp - layers as text for tests ----------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See TestLayers.h.
//
//===----------------------------------------------------------------------===//

#include "TestLayers.h"

#include "moec/Support/Error.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Parser/Parser.h"

using namespace llvm;

namespace moec::reference {

Tensor floats(Shape shape, std::vector<double> values) {
  Tensor tensor;
  tensor.shape = std::move(shape);
  tensor.value = std::move(values);
  EXPECT_EQ(numElements(tensor.shape), tensor.size());
  return tensor;
}

Tensor integers(Shape shape, std::vector<int64_t> values) {
  Tensor tensor;
  tensor.shape = std::move(shape);
  tensor.kind = Kind::Int;
  tensor.ints = std::move(values);
  EXPECT_EQ(numElements(tensor.shape), tensor.size());
  return tensor;
}

mlir::MLIRContext &context() {
  static mlir::MLIRContext context;
  static bool isLoaded = [] {
    context.loadDialect<mlir::moe::MoeDialect, mlir::func::FuncDialect,
                        mlir::arith::ArithDialect, mlir::math::MathDialect,
                        mlir::tensor::TensorDialect,
                        mlir::linalg::LinalgDialect>();
    return true;
  }();
  (void)isLoaded;
  return context;
}

mlir::OwningOpRef<mlir::ModuleOp> parseModule(StringRef text) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context());
  EXPECT_TRUE(module) << text.str();
  return module;
}

Expected<Tensor> GivenWeights::get(mlir::moe::WeightOp weight) {
  auto it = tensors.find(weight.getSymName().str());
  if (it == tensors.end())
    return inputError("no weight '{}'", weight.getSymName());
  return it->second;
}

static Expected<RunResult> runText(StringRef text, std::vector<Tensor> inputs) {
  auto module = parseModule(text);
  if (!module)
    return inputError("the module does not parse");
  std::vector<NamedTensor> unnamed;
  for (Tensor &input : inputs)
    unnamed.push_back({"", std::move(input)});
  GivenWeights weights;
  return runLayer(*module, "f", unnamed, weights);
}

std::vector<Tensor> runFunction(StringRef text, std::vector<Tensor> inputs,
                                std::vector<RowDecision> *decisions) {
  Expected<RunResult> result = runText(text, std::move(inputs));
  if (!result) {
    ADD_FAILURE() << toString(result.takeError());
    return {};
  }
  if (decisions)
    *decisions = result->decisions;
  std::vector<Tensor> outputs;
  for (NamedTensor &output : result->outputs)
    outputs.push_back(std::move(output.tensor));
  return outputs;
}

std::string runMessage(StringRef text, std::vector<Tensor> inputs) {
  Expected<RunResult> result = runText(text, std::move(inputs));
  return result ? "" : toString(result.takeError());
}

void expectValues(const Tensor &tensor, std::vector<double> values) {
  ASSERT_EQ(tensor.kind, Kind::Float);
  ASSERT_EQ(tensor.value.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i]))
      EXPECT_TRUE(std::isnan(tensor.value[i])) << "element " << i;
    else if (std::isinf(values[i]))
      EXPECT_EQ(tensor.value[i], values[i]) << "element " << i;
    else
      EXPECT_NEAR(tensor.value[i], values[i], 1e-12 * std::abs(values[i]))
          << "element " << i;
  }
}

} // namespace moec::reference
