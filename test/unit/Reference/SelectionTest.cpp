//===- SelectionTest.cpp - which scores win ---------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of scores, ties, how clear a choice is, and choices that are made
// to agree with another's where that is possible.
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Reference/Selection.h"
#include "TestLayers.h"

#include <gtest/gtest.h>

using namespace llvm;

namespace moec::reference {

using IdList = SmallVector<int64_t>;

static Selection best(std::vector<Number> scores, int64_t count,
                      IdList preferred = {}, bool isOrdered = true) {
  return selectBest(scores, count, isOrdered, preferred);
}

TEST(Selection, Order) {
  EXPECT_EQ(best({{1}, {3}, {2}}, 3).picks, (IdList{1, 2, 0}));
  EXPECT_EQ(best({{2}, {2}, {3}}, 2).picks, (IdList{2, 0}));
  EXPECT_EQ(best({{-0.0}, {0.0}, {0.0}}, 2).picks, (IdList{0, 1}));
  EXPECT_EQ(best({{nan}, {-infinity}, {nan}, {1}}, 4).picks,
            (IdList{3, 1, 0, 2}));
  EXPECT_EQ(best({{nan}, {nan}}, 1).picks, (IdList{0}));
}

TEST(Selection, Clearness) {
  Selection choice = best({{1, 0.1}, {3, 0.1}, {2.5, 0.2}}, 1);
  EXPECT_DOUBLE_EQ(choice.clearness.gap, 0.5);
  EXPECT_DOUBLE_EQ(choice.clearness.bound, 0.3);
  // The order of the two counts too, but not that of a set.
  choice = best({{3, 0.1}, {2.9, 0.1}, {1, 0}}, 2);
  EXPECT_LT(choice.clearness.gap, choice.clearness.bound);
  choice = best({{3, 0.1}, {2.9, 0.1}, {1, 0}}, 2, {}, /*isOrdered=*/false);
  EXPECT_GT(choice.clearness.gap, choice.clearness.bound);
  // A close score far down may be the one that could have come first.
  choice = best({{3, 0}, {2, 0}, {1, 5}}, 1);
  EXPECT_LT(choice.clearness.gap, choice.clearness.bound);
  // Exact ties are clear, the same score with another error is not.
  EXPECT_EQ(best({{1, 0.1}, {1, 0.1}}, 1).clearness.gap, infinity);
  choice = best({{1, 0.1}, {1, 0.2}}, 1);
  EXPECT_LT(choice.clearness.gap, choice.clearness.bound);
  EXPECT_EQ(best({{1, infinity}, {9, 0}}, 1).clearness.bound, infinity);
}

TEST(Selection, PrefersWhatMayBe) {
  // 2 may come before 1.
  EXPECT_EQ(best({{1, 0.1}, {3, 0.1}, {2.9, 0.1}}, 2).picks, (IdList{1, 2}));
  EXPECT_EQ(best({{1, 0.1}, {3, 0.1}, {2.9, 0.1}}, 2, {2, 1}).picks,
            (IdList{2, 1}));
  // 0 may not; what is possible is taken.
  EXPECT_EQ(best({{1, 0.1}, {3, 0.1}, {2.9, 0.1}}, 2, {0, 2}).picks,
            (IdList{2, 1}));
  // In an exact tie the lower index has to win.
  EXPECT_EQ(best({{1, 0.1}, {1, 0.1}}, 1, {1}).picks, (IdList{0}));
  EXPECT_EQ(best({{1, 0}, {1, 0}}, 1, {1, -1, 7}).picks, (IdList{0}));
}

} // namespace moec::reference
