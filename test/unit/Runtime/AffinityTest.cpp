//===- AffinityTest.cpp - how many threads are worth having ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading of control group limits, and the count's sanity.
//
//===----------------------------------------------------------------------===//

#include "Affinity.h"

#include <gtest/gtest.h>

namespace moec {

TEST(AffinityTest, readsControlGroupQuota) {
  EXPECT_EQ(parseCpuQuota("max 100000\n"), 0);
  EXPECT_EQ(parseCpuQuota("200000 100000\n"), 2);
  EXPECT_EQ(parseCpuQuota("150000 100000"), 2);
  EXPECT_EQ(parseCpuQuota("1 100000"), 1);
  EXPECT_EQ(parseCpuQuota("9223372036854775807 1"), 8192);
  for (const char *bad : {"", "200000", "200000 ", "200000 0", "-5 100000",
                          "0 100000", "200000,100000"})
    EXPECT_EQ(parseCpuQuota(bad), 0) << bad;
}

TEST(AffinityTest, countsAtLeastOneCpuAndAtMostTheAllowed) {
  EXPECT_GE(usableCpuCount(), 1);
  EXPECT_LE(size_t(usableCpuCount()), allowedCpus().size());
}

} // namespace moec
