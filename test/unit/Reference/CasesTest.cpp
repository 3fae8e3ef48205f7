//===- CasesTest.cpp - inputs that find mistakes ----------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cases are the same each time, keep to their sizes, and hold what they say.
//
//===----------------------------------------------------------------------===//

#include "moec/Reference/Cases.h"

#include <gtest/gtest.h>

#include <set>

using namespace llvm;

namespace moec::reference {

static bool areSame(const std::vector<double> &a,
                    const std::vector<double> &b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) {
                      return x == y || (std::isnan(x) && std::isnan(y));
                    });
}

TEST(Cases, AreTheSameEachTime) {
  CaseSize size{5, 16, 8, 3};
  std::vector<Case> first = adversarialCases(size, 1);
  std::vector<Case> second = adversarialCases(size, 1);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].name, second[i].name);
    EXPECT_TRUE(areSame(first[i].hidden.value, second[i].hidden.value));
    if (first[i].ids)
      EXPECT_EQ(first[i].ids->ints, second[i].ids->ints);
  }
  EXPECT_NE(randomCase(size, 1).hidden.value, randomCase(size, 2).hidden.value);
  // The generator is the same on every machine.
  EXPECT_EQ(randomCase({1, 3, 1, 1}, 1).hidden.value,
            (std::vector<double>{-0x1.cep-6, -0x1.d2p-3, 0x1.a6p-4}));
}

TEST(Cases, KeepToTheirSizes) {
  for (CaseSize size : {CaseSize{0, 4, 2, 1}, CaseSize{1, 4, 1, 1},
                        CaseSize{7, 4, 8, 8}, CaseSize{5, 4, 6, 3, 2}}) {
    std::set<std::string> names;
    for (const Case &input : adversarialCases(size, 3)) {
      EXPECT_TRUE(names.insert(input.name).second) << input.name;
      EXPECT_EQ(input.hidden.shape, (Shape{size.tokens, size.hidden}));
      for (double value : input.hidden.value)
        EXPECT_TRUE(isExact(value, bf16Format)) << input.name;
      EXPECT_EQ(input.ids.has_value(), input.weights.has_value());
      if (!input.ids)
        continue;
      EXPECT_EQ(input.ids->shape, (Shape{size.tokens, size.topK}));
      for (int64_t id : input.ids->ints) {
        EXPECT_GE(id, -1);
        EXPECT_LT(id, size.experts + size.identityExperts);
      }
      for (double weight : input.weights->value)
        EXPECT_TRUE(isExact(weight, f32Format));
    }
  }
  EXPECT_EQ(adversarialCases({0, 4, 2, 1}, 3).front().name, "no tokens");
}

TEST(Cases, RandomRoutingHasDistinctIds) {
  CaseSize size{50, 4, 6, 6};
  Case input = randomCase(size, 1);
  addRandomRouting(input, size, 2);
  for (int64_t row = 0; row < 50; ++row) {
    std::set<int64_t> ids;
    double total = 0;
    for (int64_t j = 0; j < 6; ++j) {
      ids.insert(input.ids->ints[row * 6 + j]);
      total += input.weights->value[row * 6 + j];
    }
    EXPECT_EQ(ids.size(), 6u);
    EXPECT_NEAR(total, 1, 1e-6);
  }
}

} // namespace moec::reference
