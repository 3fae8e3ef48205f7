//===- RooflineTest.cpp - The least time of work, and loads ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/LayerCost.h"
#include "moec/Performance/Measure.h"

#include <gtest/gtest.h>

using namespace moec::perf;

TEST(Roofline, takesTheLongerOfComputingAndReading) {
  Rates rates{/*peak=*/100, /*read=*/10};
  EXPECT_EQ(Work({1000, 50}).roofline(rates), 10);
  EXPECT_TRUE(Work({1000, 50}).computeBound(rates));
  EXPECT_EQ(Work({1000, 200}).roofline(rates), 20);
  EXPECT_FALSE(Work({1000, 200}).computeBound(rates));
}

TEST(Roofline, keepsTheFasterOfTwoRates) {
  Rates rates = Rates{100, 10}.best({90, 12});
  EXPECT_EQ(rates.peak, 100);
  EXPECT_EQ(rates.read, 12);
}

TEST(Load, countsWhatIsAnExpert) {
  Load load = Load::of({0, 3, 3, -1, 4, 3}, /*tokens=*/3, /*experts=*/4);
  EXPECT_EQ(load.rows, (std::vector<int64_t>{1, 0, 0, 3}));
  EXPECT_EQ(load.routed(), 4);
  EXPECT_EQ(load.active(), 2);
}

TEST(Product, readsActiveExpertsAndMultipliesRoutedRows) {
  Load load{3, {1, 0, 0, 3}};
  Product product;
  product.n = 5;
  product.k = 7;
  product.experts = 4;
  product.expertBytes = 100;
  product.routed = true;
  EXPECT_EQ(product.work(load).flops, 2 * 4 * 5 * 7);
  EXPECT_EQ(product.work(load).bytes, 200);
  product.routed = false;
  product.experts = 1;
  EXPECT_EQ(product.work(load).flops, 2 * 3 * 5 * 7);
  EXPECT_EQ(product.work(load).bytes, 100);
}

TEST(Product, predictsByTheRangeOfEachExpert) {
  Product product;
  product.tile = "6 x 64";
  product.panels = 10;
  product.panel = {6, 4, 1024, 4, 256};
  product.ranges = {{1, {0, false}}, {4, {0, true}}, {64, {512, true}}};
  product.routed = true;
  EXPECT_EQ(product.strategyFor(3), "tiles of 6 x 64, K whole");
  EXPECT_EQ(product.strategyFor(4), "tiles of 6 x 64, K whole, looking ahead");
  EXPECT_EQ(product.strategyFor(1000),
            "tiles of 6 x 64, chunks of 512, looking ahead");
  moec::CpuTarget target;
  auto panel = [&](int64_t rows, const moec::RowLoops &loops) {
    return moec::panelCost(product.panel, target, rows, loops).total;
  };
  EXPECT_DOUBLE_EQ(product.predictCycles({3, {1, 0, 5}}, target),
                   10 * (panel(1, {0, false}) + panel(5, {0, true})));
}

TEST(Quantile, picksFromTheSortedValues) {
  EXPECT_EQ(quantile({3, 1, 2}, 0), 1);
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({3, 1, 2}, 1), 3);
  EXPECT_EQ(quantile({5}, 0.9), 5);
}
