//===- StageTimesTest.cpp - what the stages of a layer take ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On a kernel whose stages take no less than a known time.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

#include <chrono>

namespace moec {

/// With teams of one thread and of two.
class StageTimesTest : public testing::TestWithParam<int32_t> {
protected:
  StageTimesTest() {
    bundle.manifest.kernels[0].symbol = "fake_slow";
    bundle.write();
    // A team that sleeps does not yield to others.
    moec_options options = MOEC_OPTIONS_INIT;
    options.spin_us = 0;
    moec_model *opened = nullptr;
    EXPECT_EQ(moec_open(bundle.path().c_str(), &options, &opened), MOEC_OK)
        << moec_last_error();
    model.reset(opened);
    context = makeContext(model, GetParam());
  }

  /// Runs the layer and returns what that took, in seconds.
  double run(const DLTensor &x, uint64_t flags = 0) {
    TestTensor<float> y({2, kHidden}, kF32);
    TestTensor<int32_t> ids({2, kTopK}, kI32);
    TestTensor<float> weights({2, kTopK}, kF32);
    const DLTensor *inputs[] = {&x};
    DLTensor *outputs[] = {&y.tensor, &ids.tensor, &weights.tensor};
    auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(moec_run(context.get(), 0, inputs, 1, outputs, 3, flags), MOEC_OK)
        << moec_last_error();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         begin)
        .count();
  }

  TestBundle bundle;
  ModelHandle model;
  ContextHandle context;
  TestTensor<float> x{{2, kHidden}, kF32};
};

TEST_P(StageTimesTest, everyStageIsTimed) {
  std::vector<moec_stage_time> times(5, {7, 7});
  ASSERT_EQ(moec_context_time_stages(context.get(), times.data(), 5), MOEC_OK);
  // The second call's times take the place of the first one's.
  run(x.tensor);
  double whole = run(x.tensor), sum = 0;
  for (int stage = 0; stage < 3; ++stage) {
    EXPECT_GE(times[stage].seconds, (stage + 1) * 1e-3);
    EXPECT_GE(times[stage].waiting, 0);
    EXPECT_LE(times[stage].waiting, times[stage].seconds);
    sum += times[stage].seconds;
  }
  EXPECT_LE(sum, whole);
  EXPECT_GE(sum, whole / 2);
  // A thread that has nothing to do waits.
  if (moec_context_threads(context.get()) > 1)
    EXPECT_GT(times[2].waiting, 1e-4);
  EXPECT_EQ(times[3].seconds, 0);
  EXPECT_EQ(times[4].waiting, 0);
}

TEST_P(StageTimesTest, conversionsBelongToTheStagesBesideThem) {
  std::vector<moec_stage_time> times(4, {7, 7});
  ASSERT_EQ(moec_context_time_stages(context.get(), times.data(), 4), MOEC_OK);
  TestTensor<uint16_t> half({2, kHidden}, kF16);
  run(half.tensor);
  EXPECT_GE(times[0].seconds, 1e-3);
  EXPECT_GE(times[2].seconds, 3e-3);
  EXPECT_EQ(times[3].seconds, 0);
}

TEST_P(StageTimesTest, noMoreThanAskedFor) {
  std::vector<moec_stage_time> times(2, {7, 7});
  ASSERT_EQ(moec_context_time_stages(context.get(), times.data(), 1), MOEC_OK);
  run(x.tensor);
  EXPECT_GE(times[0].seconds, 1e-3);
  EXPECT_LT(times[0].seconds, 7);
  EXPECT_EQ(times[1].seconds, 7);
}

TEST_P(StageTimesTest, otherCallsAreNotTimed) {
  moec_stage_time time = {7, 7};
  ASSERT_EQ(moec_context_time_stages(context.get(), &time, 1), MOEC_OK);
  run(x.tensor, MOEC_RUN_GIVEN_ROUTING);
  EXPECT_EQ(time.seconds, 7);
  ASSERT_EQ(moec_context_time_stages(context.get(), nullptr, 0), MOEC_OK);
  run(x.tensor);
  EXPECT_EQ(time.seconds, 7);
}

TEST_P(StageTimesTest, argumentsAreChecked) {
  moec_stage_time time;
  EXPECT_EQ(moec_context_time_stages(nullptr, &time, 1), MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "moec_context_time_stages: context is NULL");
  EXPECT_EQ(moec_context_time_stages(context.get(), &time, -1),
            MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "count is -1; expected 0 or more");
}

INSTANTIATE_TEST_SUITE_P(Teams, StageTimesTest, testing::Values(1, 2));

} // namespace moec
