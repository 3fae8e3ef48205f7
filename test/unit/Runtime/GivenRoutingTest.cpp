//===- GivenRoutingTest.cpp - running with ids and weights of the caller --===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MOEC_RUN_GIVEN_ROUTING: what is computed, and which routings are refused.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

namespace moec {

class GivenRoutingTest : public testing::Test {
protected:
  TestBundle bundle;
  ModelHandle model = openModel(bundle.path());
  ContextHandle context = makeContext(model);
  TestTensor<float> x{{2, kHidden}, kF32, 1.0f}, y{{2, kHidden}, kF32, -7.0f};
  TestTensor<int32_t> ids{{2, kTopK}, kI32, 0};
  TestTensor<float> weights{{2, kTopK}, kF32, 1.0f};

  moec_status run(std::vector<DLTensor *> outputs) {
    const DLTensor *inputs[] = {&x.tensor};
    return moec_run(context.get(), 0, inputs, 1, outputs.data(),
                    int32_t(outputs.size()), MOEC_RUN_GIVEN_ROUTING);
  }
  moec_status run() { return run({&y.tensor, &ids.tensor, &weights.tensor}); }
};

TEST_F(GivenRoutingTest, appliesIdsAndWeights) {
  // Experts, an identity expert (4), none (-1), and one expert twice.
  ids.values = {3, 4, -1, 1, 1, 0};
  weights.values = {1.0f, 10.0f, 100.0f, 1.0f, 0.5f, -2.0f};
  auto idsBefore = ids.values;
  auto weightsBefore = weights.values;
  ASSERT_EQ(run(), MOEC_OK) << moec_last_error();
  EXPECT_EQ(y.values[0], 7.0f + 10.0f);
  EXPECT_EQ(y.values[kHidden], 3.0f + 1.5f - 4.0f);
  EXPECT_EQ(ids.values, idsBefore);
  EXPECT_EQ(weights.values, weightsBefore);
}

TEST_F(GivenRoutingTest, paddingTokensYieldZeroRows) {
  ids.values = {-1, -1, -1, -1, -1, -1};
  ASSERT_EQ(run(), MOEC_OK) << moec_last_error();
  EXPECT_EQ(y.values, std::vector<float>(2 * kHidden, 0.0f));
}

TEST_F(GivenRoutingTest, idsOutOfRangeAreNamed) {
  for (int32_t id : {-2, 5, INT32_MAX, INT32_MIN}) {
    ids.values = {0, 1, 2, 3, id, 0};
    EXPECT_EQ(run(), MOEC_ERROR_ARGUMENT);
    EXPECT_EQ(moec_last_error(), "layer: topk_ids[1, 1] is " +
                                     std::to_string(id) +
                                     "; expected an expert in [0, 5) or -1 for "
                                     "none");
  }
  EXPECT_EQ(y.values, std::vector<float>(2 * kHidden, -7.0f));
}

TEST_F(GivenRoutingTest, bothTensorsAreNeeded) {
  EXPECT_EQ(run({&y.tensor, &ids.tensor}), MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "layer: output 'topk_weights' is missing; "
                                  "with given routing it is read");
  EXPECT_EQ(run({&y.tensor, nullptr, &weights.tensor}), MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "layer: output 'topk_ids' is missing; with "
                                  "given routing it is read");
}

TEST_F(GivenRoutingTest, otherOutputsAreNotComputed) {
  TestTensor<float> logits({2, kExperts + 1}, kF32);
  EXPECT_EQ(run({&y.tensor, &ids.tensor, &weights.tensor, &logits.tensor}),
            MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "layer: output 'router_logits' is not "
                                  "computed with given routing; give NULL");
}

TEST_F(GivenRoutingTest, notEveryLayerTakesIt) {
  bundle.manifest.layers[0].givenRouting = false;
  bundle.write();
  model = openModel(bundle.path());
  context = makeContext(model);
  EXPECT_EQ(run(), MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(),
               "layer: this layer cannot run with given routing");
}

TEST_F(GivenRoutingTest, noTokens) {
  TestTensor<float> none({0, kHidden}, kF32), noWeights({0, kTopK}, kF32);
  TestTensor<int32_t> noIds({0, kTopK}, kI32);
  const DLTensor *inputs[] = {&none.tensor};
  DLTensor *outputs[] = {nullptr, &noIds.tensor, &noWeights.tensor};
  EXPECT_EQ(
      moec_run(context.get(), 0, inputs, 1, outputs, 3, MOEC_RUN_GIVEN_ROUTING),
      MOEC_OK)
      << moec_last_error();
}

} // namespace moec
