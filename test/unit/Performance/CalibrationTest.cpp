//===- CalibrationTest.cpp - Rates and how calls are counted --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How fast this machine is nobody knows: only what holds everywhere is tested.
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/Measure.h"
#include "moec/Performance/Shapes.h"
#include "moec/Support/Error.h"

#include <gtest/gtest.h>

using namespace moec::perf;

TEST(Calibration, measuresAllArithmetics) {
  auto calibration = Calibration::create(1);
  ASSERT_TRUE(bool(calibration));
  EXPECT_EQ((*calibration)->threads(), 1);
  for (Arithmetic arithmetic :
       {Arithmetic::F32, Arithmetic::Bf16, Arithmetic::Int8}) {
    Rates rates = (*calibration)->measure(arithmetic);
    EXPECT_GT(rates.peak, 0) << arithmeticName(arithmetic).str();
    EXPECT_GT(rates.read, 0);
  }
}

TEST(Measure, takesInputsInTurnAndStopsAtErrors) {
  auto calibration = Calibration::create(1);
  ASSERT_TRUE(bool(calibration));
  std::vector<Work> inputs(3, Work{1e3, 1e3});
  MeasureOptions options;
  options.seconds = 0;
  options.calls = 7;
  options.patience = 1;
  std::vector<size_t> taken;
  auto timing = measure(inputs, Arithmetic::F32, 1, **calibration, options,
                        [&](size_t i) {
                          taken.push_back(i);
                          return llvm::Error::success();
                        });
  ASSERT_TRUE(bool(timing));
  EXPECT_GE(timing->calls, 7);
  EXPECT_LE(timing->best, timing->median);
  // One call comes before those that count.
  ASSERT_GE(taken.size(), 8u);
  for (size_t i = 1; i < taken.size(); ++i)
    EXPECT_EQ(taken[i], (i - 1) % 3);
  auto failed = measure(inputs, Arithmetic::F32, 1, **calibration, options,
                        [&](size_t) { return moec::inputError("no"); });
  EXPECT_EQ(llvm::toString(failed.takeError()), "no");
}

TEST(Shapes, areNamesOrFourSizes) {
  auto named = parseShape("mixtral");
  ASSERT_TRUE(bool(named));
  EXPECT_EQ(named->width, 14336);
  auto sizes = parseShape("8,2,64,32");
  ASSERT_TRUE(bool(sizes));
  EXPECT_EQ(sizes->experts, 8);
  EXPECT_EQ(sizes->topK, 2);
  EXPECT_EQ(sizes->hidden, 64);
  EXPECT_EQ(sizes->width, 32);
  for (const char *wrong : {"8,2,64", "8,2,64,", "8,2,64,0", "x", ""})
    EXPECT_NE(llvm::toString(parseShape(wrong).takeError()), "") << wrong;
}
