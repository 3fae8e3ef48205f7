//===- MixtralTest.cpp - a layer against its family's own code --*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small Mixtral checkpoint comes with what the modelling code of the
// transformers library computes from it, in float64 too.
//
//===----------------------------------------------------------------------===//

#include "TestLayers.h"

#include "moec/Dialect/Moe/Passes.h"
#include "moec/Import/Safetensors/SafetensorsFile.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

using namespace llvm;

namespace moec::reference {

namespace {

class MixtralTest : public testing::Test {
protected:
  void SetUp() override {
    module = mlir::parseSourceFile<mlir::ModuleOp>(
        MOEC_TEST_INPUTS "/mixtral.mlir", &context());
    ASSERT_TRUE(module);
    checkpoint = std::make_unique<Checkpoint>(
        cantFail(Checkpoint::open(MOEC_TEST_MODELS "/mixtral")));
    weights = std::make_unique<CheckpointWeights>(*checkpoint);
    expected = std::make_unique<SafetensorsFile>(cantFail(SafetensorsFile::open(
        MOEC_TEST_MODELS "/mixtral/expected.safetensors")));
  }

  Tensor read(StringRef name) {
    return cantFail(fromHost(cantFail(readTensor(*expected, name))));
  }
  std::vector<NamedTensor> probe() {
    return {{"hidden", read("probe.hidden_in")}};
  }
  RunResult run(const RunOptions &options = {}) {
    Expected<RunResult> result =
        runLayer(*module, layer, probe(), *weights, options);
    if (!result) {
      ADD_FAILURE() << toString(result.takeError());
      return {};
    }
    return std::move(*result);
  }
  CompareReport compare(ArrayRef<NamedTensor> actual,
                        const RunOptions &options = {}) {
    Expected<CompareReport> report =
        compareLayer(*module, layer, probe(), *weights, actual, options);
    if (!report) {
      ADD_FAILURE() << toString(report.takeError());
      return {};
    }
    return std::move(*report);
  }
  std::vector<NamedTensor> theirOutputs() {
    return {{"hidden", read("probe.hidden_out")},
            {"topk_ids", read("probe.topk_ids")},
            {"topk_weights", read("probe.topk_weights")},
            {"router_logits", read("probe.router_logits")}};
  }
  void applyPass(std::unique_ptr<mlir::Pass> pass) {
    mlir::PassManager manager(&context());
    manager.addPass(std::move(pass));
    ASSERT_TRUE(succeeded(manager.run(*module)));
  }

  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<CheckpointWeights> weights;
  std::unique_ptr<SafetensorsFile> expected;
  std::string layer = "layers.0";
};

} // namespace

TEST_F(MixtralTest, AgreesWithFloat64) {
  RunResult result = run();
  Tensor theirs = read("probe.hidden_out_f64");
  const Tensor &ours = *result.find("hidden");
  ASSERT_EQ(ours.shape, theirs.shape);
  for (int64_t row = 0; row < 20; ++row) {
    if (row == 18) // zero: every expert ties, and so does every output
      continue;
    double largest = 0;
    for (int64_t h = 0; h < 64; ++h)
      largest = std::max(largest, std::abs(theirs.value[row * 64 + h]));
    for (int64_t h = 0; h < 64; ++h)
      EXPECT_NEAR(ours.value[row * 64 + h], theirs.value[row * 64 + h],
                  1e-9 * largest)
          << row << ", " << h;
  }
}

TEST_F(MixtralTest, Float32IsWithinItsBounds) {
  // Row 18 is zero: all experts tie, and the library takes any of them.
  std::vector<NamedTensor> actual = theirOutputs();
  actual[1].tensor.ints[18 * 2] = 0;
  actual[1].tensor.ints[18 * 2 + 1] = 1;
  CompareReport report = compare(actual);
  EXPECT_TRUE(report.isGood()) << formatReport(report);
  ASSERT_EQ(report.outputs.size(), 3u);
  for (const OutputReport &output : report.outputs)
    EXPECT_EQ(output.unbounded, 0);
}

TEST_F(MixtralTest, TiesAreNotTooCloseToCall) {
  CompareReport report = compare(theirOutputs());
  ASSERT_EQ(report.mismatches.size(), 1u);
  EXPECT_EQ(report.mismatches[0].row, 18);
  EXPECT_EQ(report.mismatches[0].expected, (std::vector<int64_t>{0, 1}));
  EXPECT_NE(formatReport(report).find("of equal scores the lower index"),
            std::string::npos);
}

TEST_F(MixtralTest, BoundsAreOfUse) {
  // A wrong weight, a transposed choice, an expert too many: all outside.
  std::vector<NamedTensor> actual = theirOutputs();
  actual[2].tensor.value[0] *= 1.001;
  actual[0].tensor.value[5] *= 1.2;
  actual[3].tensor.value[7] += 1e-4;
  CompareReport report = compare(actual);
  EXPECT_FALSE(report.isGood());
  for (const OutputReport &output : report.outputs)
    EXPECT_EQ(output.outside, 1) << output.name;
}

TEST_F(MixtralTest, FusedFormsAgree) {
  RunResult plain = run();
  applyPass(mlir::moe::createMoeFuseRouterPass());
  applyPass(mlir::moe::createMoeFuseGatherPass());
  applyPass(mlir::moe::createMoeFuseEpiloguePass());
  applyPass(mlir::moe::createMoeFuseCombinePass());
  RunResult fused = run();
  applyPass(mlir::moe::createMoeShareKernelsPass());
  RunResult shared = run();
  ASSERT_EQ(plain.outputs.size(), fused.outputs.size());
  for (auto [a, b, c] :
       zip_equal(plain.outputs, fused.outputs, shared.outputs)) {
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.tensor.ints, b.tensor.ints);
    EXPECT_EQ(b.tensor.ints, c.tensor.ints);
    EXPECT_EQ(b.tensor.value, c.tensor.value);
    for (int64_t i = 0; i < a.tensor.size() && a.tensor.ints.empty(); ++i)
      EXPECT_NEAR(a.tensor.value[i], b.tensor.value[i],
                  1e-12 * (1 + std::abs(a.tensor.value[i])));
  }
}

TEST_F(MixtralTest, GivenRoutingIsTaken) {
  RunOptions options;
  options.ids = read("probe.topk_ids");
  options.weights = read("probe.topk_weights");
  for (int64_t i = 0; i < 6; ++i)
    options.ids->ints[i] = -1;
  RunResult result = run(options);
  EXPECT_EQ(result.find("topk_ids")->ints, options.ids->ints);
  for (int64_t i = 0; i < 3 * 64; ++i)
    EXPECT_EQ(result.find("hidden")->at(i).value, 0);
  EXPECT_NE(result.find("hidden")->value[3 * 64], 0);
}

TEST_F(MixtralTest, NoTokens) {
  Expected<RunResult> result =
      runLayer(*module, layer, {{"hidden", Tensor::floats({0, 64})}}, *weights);
  ASSERT_TRUE(bool(result)) << toString(result.takeError());
  EXPECT_EQ(result->find("hidden")->shape, (Shape{0, 64}));
  EXPECT_EQ(result->find("topk_ids")->shape, (Shape{0, 2}));
}

} // namespace moec::reference
