//===- RunErrorsTest.cpp - calls that are refused -------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every rule of moec_run, with its message; and that nothing was written.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

#include <thread>

namespace moec {

class RunErrorsTest : public testing::Test {
protected:
  TestBundle bundle;
  ModelHandle model = openModel(bundle.path());
  ContextHandle context = makeContext(model);
  TestTensor<float> x{{3, kHidden}, kF32, 1.0f}, y{{3, kHidden}, kF32, -7.0f};
  TestTensor<int32_t> ids{{3, kTopK}, kI32, -7};

  /// The message of a call that must fail with `expected`.
  std::string error(std::vector<const DLTensor *> inputs,
                    std::vector<DLTensor *> outputs, int32_t layer = 0,
                    uint64_t flags = 0,
                    moec_status expected = MOEC_ERROR_ARGUMENT) {
    EXPECT_EQ(moec_run(context.get(), layer, inputs.data(),
                       int32_t(inputs.size()), outputs.data(),
                       int32_t(outputs.size()), flags),
              expected);
    EXPECT_EQ(y.values, std::vector<float>(y.values.size(), -7.0f));
    EXPECT_EQ(ids.values, std::vector<int32_t>(ids.values.size(), -7));
    return moec_last_error();
  }
};

TEST_F(RunErrorsTest, missingAndSurplusTensors) {
  EXPECT_EQ(error({}, {&y.tensor}),
            "layer: input 'hidden' is missing; give it as inputs[0]");
  EXPECT_EQ(error({nullptr}, {&y.tensor}),
            "layer: input 'hidden' is missing; give it as inputs[0]");
  EXPECT_EQ(error({&x.tensor, nullptr, nullptr}, {&y.tensor}),
            "layer: 3 inputs were given; it has 2");
  EXPECT_EQ(error({&x.tensor}, {&y.tensor, nullptr, nullptr, nullptr, nullptr}),
            "layer: 5 outputs were given; it has 4");
  EXPECT_EQ(moec_run(context.get(), 0, nullptr, 1, nullptr, 0, 0),
            MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(),
               "layer: 1 inputs at NULL were given; it has 2");
  const DLTensor *inputs[] = {&x.tensor};
  EXPECT_EQ(moec_run(context.get(), 0, inputs, 1, nullptr, -1, 0),
            MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(),
               "layer: -1 outputs at NULL were given; it has 4");
}

TEST_F(RunErrorsTest, shapesAndTypes) {
  TestTensor<float> narrow({3, 5}, kF32);
  EXPECT_EQ(error({&narrow.tensor}, {&y.tensor}),
            "layer: input 'hidden' has shape [3, 5]; expected [T, 6] or "
            "[B, S, 6]");
  TestTensor<int32_t> integers({3, kHidden}, kI32);
  EXPECT_EQ(error({&integers.tensor}, {&y.tensor}),
            "layer: input 'hidden' is of type i32; expected f32, f16 or bf16");
  TestTensor<int64_t> wideIds({3, kTopK}, kI64);
  EXPECT_EQ(error({&x.tensor}, {&y.tensor, &wideIds.tensor}),
            "layer: output 'topk_ids' is of type i64; expected i32");
}

TEST_F(RunErrorsTest, tokenCountsMustAgree) {
  TestTensor<int32_t> more({4, kTopK}, kI32);
  EXPECT_EQ(error({&x.tensor}, {&y.tensor, &more.tensor}),
            "layer: output 'topk_ids' has 4 tokens; input 'hidden' has 3");
  TestTensor<int32_t> tokenIds({2}, kI32);
  EXPECT_EQ(error({&x.tensor, &tokenIds.tensor}, {&y.tensor}),
            "layer: input 'token_ids' has 2 tokens; input 'hidden' has 3");
}

TEST_F(RunErrorsTest, tooManyTokens) {
  // Never touched: the check comes first.
  TestTensor<float> huge({1, kHidden}, kF32);
  huge.shape[0] = INT32_MAX / kTopK + 1;
  EXPECT_EQ(error({&huge.tensor}, {}),
            "layer: 715827883 tokens with 3 choices each are more than "
            "2147483647 pairs; split the batch");
}

TEST_F(RunErrorsTest, overlappingMemory) {
  EXPECT_EQ(error({&x.tensor}, {&x.tensor}),
            "layer: output 'hidden' overlaps input 'hidden' in memory; give it "
            "memory of its own");
  DLTensor logits = y.tensor;
  int64_t shape[] = {3, kExperts + 1};
  logits.shape = shape;
  EXPECT_EQ(error({&x.tensor}, {&y.tensor, nullptr, nullptr, &logits}),
            "layer: output 'router_logits' overlaps output 'hidden' in memory; "
            "give it memory of its own");
}

TEST_F(RunErrorsTest, layersFlagsAndHandles) {
  EXPECT_EQ(error({&x.tensor}, {&y.tensor}, 4),
            bundle.path() + ": there is no layer 4; the bundle has 4 layers");
  EXPECT_EQ(error({&x.tensor}, {&y.tensor}, -1),
            bundle.path() + ": there is no layer -1; the bundle has 4 layers");
  EXPECT_EQ(error({&x.tensor}, {&y.tensor}, 0, 6),
            "flags is 0x6; this library knows 0x1");
  EXPECT_EQ(moec_run(nullptr, 0, nullptr, 0, nullptr, 0, 0),
            MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "moec_run: context is NULL");
}

TEST_F(RunErrorsTest, kernelsThatAskForNonsense) {
  int threads = moec_context_threads(context.get());
  EXPECT_EQ(error({&x.tensor}, {&y.tensor}, 1, 0, MOEC_ERROR_BUNDLE),
            "negative: the kernel asks for " + std::to_string(-3 - threads) +
                " bytes of workspace for 3 tokens; compile the model again");
  EXPECT_EQ(error({&x.tensor}, {&y.tensor}, 2),
            "endless: 3 tokens need more workspace than 64 bits count; split "
            "the batch");
  TestTensor<float> one({1, kHidden}, kF32);
  std::string message = error({&one.tensor}, {}, 2, 0, MOEC_ERROR_SYSTEM);
  EXPECT_EQ(message.rfind("cannot allocate 46116860184273", 0), 0u) << message;
}

TEST_F(RunErrorsTest, theMessageBelongsToTheThread) {
  error({&x.tensor}, {&y.tensor}, -1);
  std::string other = "unset";
  std::thread([&] { other = moec_last_error(); }).join();
  EXPECT_EQ(other, "");
  // And success does not clear it.
  EXPECT_EQ(moec_reserve(context.get(), 0), MOEC_OK);
  EXPECT_NE(std::string(moec_last_error()), "");
}

} // namespace moec
