//===- RunTest.cpp - running layers ---------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Results through the whole run time, for every form of input and output.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"
#include "moec-c/Kernel.h"

#include <atomic>
#include <thread>

namespace moec {

class RunTest : public testing::Test {
protected:
  TestBundle bundle;
  ModelHandle model = openModel(bundle.path());
  ContextHandle context = makeContext(model);

  moec_status run(std::vector<const DLTensor *> inputs,
                  std::vector<DLTensor *> outputs, const char *layer = "layer",
                  uint64_t flags = 0) {
    return moec_run(context.get(), moec_layer_find(model.get(), layer),
                    inputs.data(), int32_t(inputs.size()), outputs.data(),
                    int32_t(outputs.size()), flags);
  }
};

/// x[row][col] = row + col / 8, exact in bf16 and f16 for small rows.
static float inputAt(int64_t row, int64_t col) {
  return float(row) + float(col) / 8;
}

static void fillInput(TestTensor<float> &x) {
  for (size_t i = 0; i < x.values.size(); ++i)
    x.values[i] = inputAt(int64_t(i) / kHidden, int64_t(i) % kHidden);
}

TEST_F(RunTest, allOutputs) {
  for (int64_t tokens : {1, 2, 7, 513}) {
    TestTensor<float> x({tokens, kHidden}, kF32), y({tokens, kHidden}, kF32);
    TestTensor<int32_t> ids({tokens, kTopK}, kI32);
    TestTensor<float> weights({tokens, kTopK}, kF32);
    TestTensor<float> logits({tokens, kExperts + 1}, kF32);
    fillInput(x);
    ASSERT_EQ(run({&x.tensor},
                  {&y.tensor, &ids.tensor, &weights.tensor, &logits.tensor}),
              MOEC_OK)
        << moec_last_error();
    for (int64_t row = 0; row < tokens; ++row) {
      for (int64_t col = 0; col < kHidden; ++col)
        ASSERT_EQ(y.values[row * kHidden + col],
                  expectedFactor(row) * inputAt(row, col));
      for (int64_t j = 0; j < kTopK; ++j) {
        EXPECT_EQ(ids.values[row * kTopK + j], (row + j) % (kExperts + 1));
        EXPECT_EQ(weights.values[row * kTopK + j], 1.0f / float(j + 1));
      }
      EXPECT_EQ(logits.values[row * (kExperts + 1) + 2], float(row * 10 + 2));
    }
  }
}

TEST_F(RunTest, copiedWeightsDoNotDependOnTheFile) {
  moec_options options = MOEC_OPTIONS_INIT;
  options.flags = MOEC_OPEN_COPY_WEIGHTS | MOEC_OPEN_CHECK_WEIGHTS;
  moec_model *opened = nullptr;
  ASSERT_EQ(moec_open(bundle.path().c_str(), &options, &opened), MOEC_OK)
      << moec_last_error();
  model.reset(opened);
  context = makeContext(model);
  writeFile(bundle.path("weights.bin"), std::string(128, '\0'));
  TestTensor<float> x({3, kHidden}, kF32), y({3, kHidden}, kF32);
  fillInput(x);
  ASSERT_EQ(run({&x.tensor}, {&y.tensor}), MOEC_OK) << moec_last_error();
  for (int64_t row = 0; row < 3; ++row)
    EXPECT_EQ(y.values[row * kHidden], expectedFactor(row) * inputAt(row, 0));
}

TEST_F(RunTest, outputsMayBeLeftOut) {
  TestTensor<float> x({5, kHidden}, kF32), y({5, kHidden}, kF32);
  TestTensor<int32_t> ids({5, kTopK}, kI32, -7);
  fillInput(x);
  ASSERT_EQ(run({&x.tensor}, {&y.tensor}), MOEC_OK) << moec_last_error();
  EXPECT_EQ(y.values[4 * kHidden], expectedFactor(4) * 4.0f);
  ASSERT_EQ(run({&x.tensor}, {nullptr, &ids.tensor, nullptr, nullptr}), MOEC_OK)
      << moec_last_error();
  EXPECT_EQ(ids.values[14], 6 % (kExperts + 1));
  ASSERT_EQ(run({&x.tensor}, {}), MOEC_OK) << moec_last_error();
}

TEST_F(RunTest, narrowTypesAreConverted) {
  struct {
    DLDataType type;
    uint16_t one, half;
  } types[] = {{kF16, 0x3c00, 0x3800}, {kBF16, 0x3f80, 0x3f00}};
  for (const auto &in : types) {
    for (const auto &out : types) {
      TestTensor<uint16_t> x({9, kHidden}, in.type, in.half);
      TestTensor<uint16_t> y({9, kHidden}, out.type, 0xffff);
      ASSERT_EQ(run({&x.tensor}, {&y.tensor}), MOEC_OK) << moec_last_error();
      // Row 0: 2 + 3/2 + 5/3 = 5.1667, half of it 2.5833, rounded.
      EXPECT_EQ(y.values[0], out.type.code == kDLFloat ? 0x412b : 0x4025);
      // Row 3: 7 + 1/2 + 2/3 = 8.1667 -> 4.0833.
      EXPECT_EQ(y.values[3 * kHidden],
                out.type.code == kDLFloat ? 0x4415 : 0x4083);
    }
    TestTensor<uint16_t> x({9, kHidden}, in.type, in.one);
    TestTensor<float> y({9, kHidden}, kF32);
    ASSERT_EQ(run({&x.tensor}, {&y.tensor}), MOEC_OK) << moec_last_error();
    EXPECT_EQ(y.values[8 * kHidden], expectedFactor(8));
  }
}

TEST_F(RunTest, sequencesAndRowsApart) {
  // Two sequences of three tokens inside a wider matrix; input on the left,
  // output on the right.
  std::vector<float> matrix(6 * 20, -1.0f);
  int64_t shape[] = {2, 3, kHidden}, strides[] = {60, 20, 1};
  DLTensor x = {matrix.data(), {kDLCPU, 0}, 3, kF32, shape, strides, 0};
  DLTensor y = x;
  y.byte_offset = 10 * sizeof(float);
  for (int64_t row = 0; row < 6; ++row)
    for (int64_t col = 0; col < kHidden; ++col)
      matrix[row * 20 + col] = inputAt(row, col);
  ASSERT_EQ(run({&x}, {&y}), MOEC_OK) << moec_last_error();
  for (int64_t row = 0; row < 6; ++row)
    for (int64_t col = 0; col < 20; ++col) {
      float value = matrix[row * 20 + col];
      if (col < kHidden)
        EXPECT_EQ(value, inputAt(row, col));
      else if (col >= 10 && col < 10 + kHidden)
        EXPECT_EQ(value, expectedFactor(row) * inputAt(row, col - 10));
      else
        EXPECT_EQ(value, -1.0f);
    }
  TestTensor<float> told({2, 3, kHidden}, kF32);
  ASSERT_EQ(run({&x}, {&told.tensor}, "describe"), MOEC_OK);
  std::vector<float> expected(6 * kHidden, 0.0f);
  float threads = float(moec_context_threads(context.get()));
  float said[] = {6, 3, threads, MOEC_DTYPE_F32, 20, 0};
  std::copy(std::begin(said), std::end(said), expected.begin());
  EXPECT_EQ(told.values, expected);
}

TEST_F(RunTest, tokenIdsOfBothTypes) {
  TestTensor<float> x({2, 2, kHidden}, kF32), y({4, kHidden}, kF32);
  TestTensor<int64_t> wide({2, 2}, kI64, 100);
  TestTensor<int32_t> narrow({4}, kI32, 200);
  ASSERT_EQ(run({&x.tensor, &wide.tensor}, {&y.tensor}), MOEC_OK)
      << moec_last_error();
  EXPECT_EQ(y.values, std::vector<float>(24, 100.0f));
  ASSERT_EQ(run({&x.tensor, &narrow.tensor}, {&y.tensor}), MOEC_OK)
      << moec_last_error();
  EXPECT_EQ(y.values, std::vector<float>(24, 200.0f));
}

TEST_F(RunTest, noTokensIsNoWork) {
  TestTensor<float> x({0, kHidden}, kF32), y({0, kHidden}, kF32);
  TestTensor<int32_t> ids({0, kTopK}, kI32);
  x.tensor.data = y.tensor.data = ids.tensor.data = nullptr;
  EXPECT_EQ(run({&x.tensor}, {&y.tensor, &ids.tensor}), MOEC_OK)
      << moec_last_error();
  // Neither is the kernel asked for its workspace.
  EXPECT_EQ(run({&x.tensor}, {&y.tensor}, "negative"), MOEC_OK)
      << moec_last_error();
  TestTensor<float> sequences({3, 0, kHidden}, kF32);
  EXPECT_EQ(run({&sequences.tensor}, {&y.tensor}), MOEC_OK)
      << moec_last_error();
}

TEST_F(RunTest, contextsRunAtOnceAndOutliveTheirModel) {
  std::vector<std::thread> hosts;
  ContextHandle own[3];
  for (ContextHandle &handle : own)
    handle = makeContext(model);
  model.reset();
  std::atomic<int> wrong{0};
  for (int host = 0; host < 6; ++host)
    hosts.emplace_back([&, host] {
      // Two hosts share each context.
      moec_context *mine = own[host / 2].get();
      int64_t tokens = 1 + host * 13;
      TestTensor<float> x({tokens, kHidden}, kF32), y({tokens, kHidden}, kF32);
      fillInput(x);
      const DLTensor *inputs[] = {&x.tensor};
      DLTensor *outputs[] = {&y.tensor};
      for (int i = 0; i < 100; ++i) {
        std::fill(y.values.begin(), y.values.end(), 0.0f);
        wrong += moec_run(mine, 0, inputs, 1, outputs, 1, 0) != MOEC_OK;
        for (int64_t row = 0; row < tokens; ++row)
          wrong += y.values[row * kHidden + 5] !=
                   expectedFactor(row) * inputAt(row, 5);
      }
    });
  for (std::thread &host : hosts)
    host.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(RunTest, withoutWeights) {
  bundle.manifest.weights.reset();
  bundle.manifest.layers[3].weights.clear();
  bundle.write();
  model = openModel(bundle.path());
  context = makeContext(model);
  TestTensor<float> x({2, kHidden}, kF32), y({2, kHidden}, kF32);
  EXPECT_EQ(run({&x.tensor}, {&y.tensor}), MOEC_ERROR_BUNDLE);
  EXPECT_STREQ(moec_last_error(),
               "layer: the bundle was compiled without weights; compile the "
               "model with them to run it");
  EXPECT_EQ(run({&x.tensor}, {&y.tensor}, "describe"), MOEC_OK);
}

} // namespace moec
