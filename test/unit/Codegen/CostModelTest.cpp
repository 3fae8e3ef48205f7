//===- CostModelTest.cpp --------------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What any sensible cost model does, on shapes of real layers.
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/CostModel.h"

#include <gtest/gtest.h>

using namespace moec;

static CpuTarget target() {
  CpuTarget target;
  target.l2Bytes = 1 << 20;
  target.multipliesPerCycle = 1;
  target.multiplyLatency = 6;
  target.readRate = 6;
  target.fetchRate = 5.6;
  target.l3Rate = 10;
  return target;
}

/// A panel of 64 columns of bf16 with `k` rows of weights.
static PanelWork panel(int64_t k) {
  return {.tileRows = 6,
          .vectors = 4,
          .steps = k / 2,
          .unroll = 4,
          .stepBytes = 256,
          .rowInstructions = 5};
}

/// A panel of 32 columns of int4 in groups of 32, for int8 rows.
static PanelWork int4Panel(int64_t k) {
  return {.tileRows = 6,
          .vectors = 2,
          .steps = k / 4,
          .unroll = 4,
          .stepBytes = 72,
          .rowInstructions = 3,
          .decodeInstructions = 3,
          .decodedBytes = 128,
          .scaledGroups = k / 32};
}

/// A panel of 64 columns of int8, for rows of bf16.
static PanelWork int8Panel(int64_t k) {
  return {.tileRows = 5,
          .vectors = 4,
          .steps = k / 2,
          .unroll = 4,
          .stepBytes = 128,
          .rowInstructions = 4,
          .decodeInstructions = 36,
          .decodedBytes = 256};
}

TEST(CostModel, FewRowsAreBoundByMemory) {
  PanelCost cost = panelCost(panel(2048), target(), 1, {});
  EXPECT_EQ(cost.total, cost.read);
  EXPECT_EQ(cost.read, 1024 * 256 / 6.0);
}

TEST(CostModel, ManyRowsAreBoundByMultiplications) {
  PanelCost cost = panelCost(panel(2048), target(), 64, {0, true});
  EXPECT_EQ(cost.total, cost.multiply);
  // 64 rows x 4 vectors x 1024 steps, and what 11 passes cost besides.
  EXPECT_NEAR(cost.multiply, 64 * 4 * 1024, 11 * 100);
}

TEST(CostModel, MoreRowsNeverCostLess) {
  for (RowLoops loops : candidateLoops(panel(14336)))
    for (int64_t rows = 1; rows < 200; ++rows)
      EXPECT_LE(panelCost(panel(14336), target(), rows, loops).total,
                panelCost(panel(14336), target(), rows + 1, loops).total)
          << rows << " rows, chunks of " << loops.chunk;
}

TEST(CostModel, NoCliffFromOneNumberOfRowsToTheNext) {
  for (int64_t k : {512, 768, 2048, 4096, 14336}) {
    std::vector<RangeChoice> choices = chooseRanges(panel(k), target());
    auto cost = [&](int64_t rows) {
      RowLoops loops;
      for (const RangeChoice &choice : choices)
        if (choice.from <= rows)
          loops = choice.loops;
      return panelCost(panel(k), target(), rows, loops).total;
    };
    for (int64_t rows = 1; rows < 128; ++rows)
      // The second pass of 7 rows has too little to multiply to hide behind.
      if (rows != 6)
        EXPECT_GE((rows + 1) / cost(rows + 1), 0.95 * rows / cost(rows))
            << rows << " rows, K of " << k;
  }
}

TEST(CostModel, OnePassStreamsAndSeveralLookAhead) {
  std::vector<RangeChoice> choices = chooseRanges(panel(2048), target());
  ASSERT_EQ(choices.size(), 2u);
  EXPECT_EQ(choices[0].loops, RowLoops());
  EXPECT_TRUE(choices[1].loops.ahead);
  EXPECT_GE(choices[1].from, 7);
}

TEST(CostModel, FewBytesAndManyInstructionsLookAheadInOnePass) {
  // Reads do not get far ahead of steps that take long for their bytes.
  PanelCost one = panelCost(int4Panel(2048), target(), 1, {});
  PanelCost six = panelCost(int4Panel(2048), target(), 6, {});
  EXPECT_GT(six.read, 1.5 * one.read);
  std::vector<RangeChoice> choices = chooseRanges(int4Panel(2048), target());
  ASSERT_GE(choices.size(), 2u);
  EXPECT_TRUE(choices[1].loops.ahead);
  EXPECT_LT(choices[1].from, 6);
}

TEST(CostModel, ManyRowsDecodeOnce) {
  std::vector<RangeChoice> choices = chooseRanges(int8Panel(2048), target());
  EXPECT_FALSE(choices.front().loops.decode);
  EXPECT_TRUE(choices.back().loops.decode);
  // All passes but the one that decodes run as if nothing were encoded.
  PanelCost cost = panelCost(int8Panel(2048), target(), 500, {0, true, true});
  EXPECT_NEAR(cost.multiply, 500 * 4 * 1024, 0.03 * 500 * 4 * 1024);
  // What decodes beside the multiplications does not pay.
  for (const RangeChoice &choice : chooseRanges(int4Panel(2048), target()))
    EXPECT_FALSE(choice.loops.decode) << choice.from;
}

TEST(CostModel, RangesBeginAtOneRowAndRise) {
  for (int64_t k : {64, 768, 2048, 14336, 100000}) {
    std::vector<RangeChoice> choices = chooseRanges(panel(k), target());
    EXPECT_EQ(choices.front().from, 1);
    for (size_t i = 1; i < choices.size(); ++i) {
      EXPECT_LT(choices[i - 1].from, choices[i].from);
      EXPECT_FALSE(choices[i - 1].loops == choices[i].loops);
    }
  }
}

TEST(CostModel, ChunksAreWholeIterationsAndFitTheSecondCache) {
  for (const RangeChoice &choice : chooseRanges(panel(14336), target())) {
    EXPECT_EQ(choice.loops.chunk % 4, 0);
    if (choice.from > 12)
      EXPECT_LE(2 * choice.loops.chunk * 256, target().l2Bytes);
  }
}
