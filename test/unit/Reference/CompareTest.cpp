//===- CompareTest.cpp - what is right and what is not ----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plain implementation is within the bounds on every case, and each of its
// mistakes is outside on some; what is too close to call is not held against
// it.
//
//===----------------------------------------------------------------------===//

#include "PlainMixtral.h"
#include "TestLayers.h"

#include "mlir/Parser/Parser.h"

using namespace llvm;

namespace moec::reference {

namespace {

class CompareTest : public testing::Test {
protected:
  void SetUp() override {
    module = mlir::parseSourceFile<mlir::ModuleOp>(
        MOEC_TEST_INPUTS "/mixtral.mlir", &context());
    ASSERT_TRUE(module);
    checkpoint = std::make_unique<Checkpoint>(
        cantFail(Checkpoint::open(MOEC_TEST_MODELS "/mixtral")));
    weights = std::make_unique<CheckpointWeights>(*checkpoint);
    plain = std::make_unique<PlainMixtral>(*module, *weights);
  }

  CompareReport judge(const Case &input, ArrayRef<NamedTensor> actual) {
    RunOptions options;
    options.ids = input.ids;
    options.weights = input.weights;
    return cantFail(compareLayer(*module, "layers.0",
                                 {{"hidden", input.hidden}}, *weights, actual,
                                 options));
  }
  CompareReport judge(const Case &input, Mistake mistake = Mistake::None) {
    return judge(input, plain->run(input, mistake));
  }
  CaseSize size(int64_t tokens) const {
    return {tokens, PlainMixtral::hidden, PlainMixtral::experts,
            PlainMixtral::topK};
  }

  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<CheckpointWeights> weights;
  std::unique_ptr<PlainMixtral> plain;
};

} // namespace

TEST_F(CompareTest, PlainImplementationIsWithinTheBounds) {
  for (int64_t tokens : {0, 1, 7, 33})
    for (const Case &input : adversarialCases(size(tokens), 11)) {
      CompareReport report = judge(input);
      EXPECT_TRUE(report.isGood())
          << tokens << " tokens, " << input.name << "\n"
          << formatReport(report);
      EXPECT_LE(report.tooClose, tokens / 2) << input.name;
    }
}

TEST_F(CompareTest, BoundsAreTight) {
  CompareReport report = judge(randomCase(size(64), 5));
  ASSERT_TRUE(report.isGood());
  EXPECT_EQ(report.tooClose, 0);
  EXPECT_EQ(report.outputs[0].unbounded, 0);
  // Errors of rounding add up like a walk, bounds add up straight.
  EXPECT_GT(report.outputs[0].worst.ratio(), 0.02);
  EXPECT_LT(report.outputs[0].worst.ratio(), 0.5);
}

TEST_F(CompareTest, MistakesAreOutside) {
  Case random = randomCase(size(32), 3);
  for (Mistake mistake :
       {Mistake::LastTermOfSums, Mistake::NoNormalize,
        Mistake::GateAndUpSwapped, Mistake::OtherExpert, Mistake::LastToken}) {
    CompareReport report = judge(random, mistake);
    EXPECT_FALSE(report.isGood()) << static_cast<int>(mistake);
  }
  CompareReport report = judge(random, Mistake::NoNormalize);
  EXPECT_EQ(report.outputs[1].name, "topk_weights");
  EXPECT_EQ(report.outputs[1].outside, 64);
  report = judge(random, Mistake::LastToken);
  EXPECT_EQ(report.outputs[0].worst.row, 31);
  EXPECT_TRUE(report.mismatches.empty());
}

TEST_F(CompareTest, TiesHaveOneRightAnswer) {
  for (const Case &input : adversarialCases(size(4), 2)) {
    if (input.name != "zero rows")
      continue;
    EXPECT_TRUE(judge(input).isGood());
    CompareReport report = judge(input, Mistake::TiesGoUp);
    EXPECT_EQ(report.mismatches.size(), 4u);
    EXPECT_EQ(report.tooClose, 0);
  }
}

TEST_F(CompareTest, ReportsByExpert) {
  Case input = randomCase(size(6), 9);
  addRandomRouting(input, size(6), 1);
  for (int64_t i = 0; i < 12; ++i)
    input.ids->ints[i] = i % 2 ? -1 : i / 4;
  std::vector<NamedTensor> actual = plain->run(input, Mistake::None);
  actual[0].tensor.value[64 * 5 + 7] += 1; // row 5 uses expert 2
  CompareReport report = judge(input, actual);
  ASSERT_EQ(report.experts.size(), 3u);
  EXPECT_EQ(report.experts[0].rows, 2);
  EXPECT_TRUE(report.experts[1].worst.isWithin());
  EXPECT_FALSE(report.experts[2].worst.isWithin());
  EXPECT_EQ(report.experts[2].worst.row, 5);
  EXPECT_EQ(report.experts[2].worst.column, 7);
  EXPECT_NE(formatReport(report).find("1 outside"), std::string::npos);
  EXPECT_EQ(formatReport(report, /*listExperts=*/false).find("expert "),
            std::string::npos);
}

TEST_F(CompareTest, Messages) {
  Case input = randomCase(size(2), 1);
  auto messageOf = [&](NamedTensor output) {
    return toString(compareLayer(*module, "layers.0",
                                 {{"hidden", input.hidden}}, *weights, {output})
                        .takeError());
  };
  EXPECT_EQ(messageOf({"hiden", floats({1}, {1})}),
            "layer 'layers.0' has no output 'hiden'");
  EXPECT_EQ(messageOf({"hidden", floats({1}, {1})}),
            "output 'hidden' of layer 'layers.0' has the shape [1], not "
            "[2, 64]");
  EXPECT_EQ(messageOf({"topk_ids", floats({2, 2}, {1, 1, 1, 1})}),
            "output 'topk_ids' of layer 'layers.0' does not hold integers");
}

TEST(Deviation, OfWhatIsNotFinite) {
  EXPECT_TRUE((Deviation{nan, nan, 0}.isWithin()));
  EXPECT_TRUE((Deviation{infinity, infinity, 0}.isWithin()));
  EXPECT_FALSE((Deviation{1, nan, 0}.isWithin()));
  EXPECT_FALSE((Deviation{nan, 1, 100}.isWithin()));
  EXPECT_FALSE((Deviation{infinity, -infinity, 0}.isWithin()));
  EXPECT_TRUE((Deviation{nan, 1, infinity}.isWithin()));
  EXPECT_FALSE((Deviation{1, 1.1, 0}.isWithin()));
  EXPECT_NEAR((Deviation{1, 1.1, 0.2}.ratio()), 0.5, 1e-9);
}

TEST(Compare, TooCloseToCall) {
  std::string text = R"(
    func.func @f(%x: tensor<?x2xf32> {moe.name = "hidden"})
        -> (tensor<?x1xi32> {moe.name = "topk_ids"},
            tensor<?x1xf32> {moe.name = "topk_weights"}) {
      %i, %w = moe.router rows(%x) params()
          : (tensor<?x2xf32>) -> (tensor<?x1xi32>, tensor<?x1xf32>) {
      ^row(%row: tensor<2xf32>):
        %s = moe.sigmoid %row : tensor<2xf32>
        %k = moe.top_k %s, 1 : tensor<2xf32> -> tensor<1xi32>
        %v = moe.take %row[%k] : tensor<2xf32>, tensor<1xi32>
        moe.yield %k, %v : tensor<1xi32>, tensor<1xf32>
      }
      return %i, %w : tensor<?x1xi32>, tensor<?x1xf32>
    })";
  auto module = parseModule(text);
  GivenWeights weights;
  // Sigmoids of 30 and 31 are 1 in f32: either may be chosen. Those of 0 and 1
  // are apart, those of 2 and 2 the same.
  Tensor x = floats({3, 2}, {30, 31, 1, 0, 2, 2});
  auto judge = [&](std::vector<int64_t> ids, std::vector<double> values) {
    return cantFail(
        compareLayer(*module, "f", {{"hidden", x}}, weights,
                     {{"topk_ids", integers({3, 1}, std::move(ids))},
                      {"topk_weights", floats({3, 1}, std::move(values))}}));
  };
  CompareReport report = judge({1, 0, 0}, {31, 1, 2});
  EXPECT_TRUE(report.isGood());
  EXPECT_EQ(report.tooClose, 0);
  report = judge({0, 0, 0}, {30, 1, 2});
  EXPECT_TRUE(report.isGood()) << formatReport(report);
  EXPECT_EQ(report.tooClose, 1);
  // The weight has to be that of the choice.
  EXPECT_FALSE(judge({0, 0, 0}, {31, 1, 2}).isGood());
  report = judge({0, 1, 1}, {30, 0, 2});
  EXPECT_EQ(report.mismatches.size(), 2u);
  EXPECT_EQ(report.mismatches[0].row, 1);
}

} // namespace moec::reference
