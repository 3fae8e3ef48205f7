//===- NewModelTest.cpp - Random checkpoints --------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is written is what import reads, for every storage; the same seed gives
// the same bytes.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/NewModel.h"
#include "TestSupport.h"
#include "moec/Import/HuggingFace/Import.h"
#include "moec/Support/Float.h"
#include "moec/Support/InputFile.h"
#include "llvm/Support/FileSystem.h"
#include <cmath>

namespace moec::hf {
namespace {

/// A directory that goes away with the test.
class NewModelTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("moec", root));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(root); }

  std::string path(llvm::StringRef name) { return (root + "/" + name).str(); }

  ResolvedModel writeAndImport(llvm::StringRef family, llvm::StringRef name,
                               const NewModelOptions &options) {
    if (llvm::Error error =
            writeNewModel(families(), family, path(name), options)) {
      ADD_FAILURE() << llvm::toString(std::move(error));
      std::abort();
    }
    Checkpoint checkpoint = valueOf(Checkpoint::open(path(name)));
    return valueOf(importModel(families(), path(name), &checkpoint));
  }

  llvm::SmallString<128> root;
};

TEST_F(NewModelTest, SizesAsAsked) {
  NewModelOptions options;
  options.hidden = 96;
  options.experts = 5;
  options.topK = 3;
  options.width = 40;
  options.layers = 3;
  ResolvedModel model = writeAndImport("mixtral", "m", options);
  ASSERT_EQ(model.layers.size(), 3u);
  EXPECT_EQ(model.layers[0].hidden, 96);
  EXPECT_EQ(model.layers[0].experts, 5);
  EXPECT_EQ(model.layers[0].topK, 3);
  EXPECT_EQ(model.layers[0].width, 40);
}

TEST_F(NewModelTest, Storage) {
  NewModelOptions options;
  options.hidden = 160; // partial blocks
  for (DType dtype : {DType::F32, DType::F16, DType::BF16, DType::F8E4M3}) {
    options.dtype = dtype;
    ResolvedModel model =
        writeAndImport("deepseek_v3", dtypeName(dtype), options);
    const ResolvedTensor &w1 = model.layers[1].tensors[2];
    EXPECT_EQ(w1.name, "w1");
    bool fp8 = dtype == DType::F8E4M3;
    EXPECT_EQ(w1.encoding, fp8 ? Encoding::Fp8Block : Encoding::Plain);
    EXPECT_EQ(w1.element, fp8 ? DType::BF16 : dtype);
  }
  options.dtype = DType::F4E2M1;
  ResolvedModel model = writeAndImport("gpt_oss", "mxfp4", options);
  EXPECT_EQ(model.layers[0].tensors[2].encoding, Encoding::Mxfp4);
}

TEST_F(NewModelTest, SpreadOfTheNumbers) {
  NewModelOptions options;
  options.hidden = 256;
  options.experts = 64;
  options.dtype = DType::F32;
  writeAndImport("mixtral", "m", options);
  Checkpoint checkpoint = valueOf(Checkpoint::open(path("m")));
  const CheckpointTensor *gate =
      checkpoint.find("model.layers.0.block_sparse_moe.gate.weight");
  ASSERT_TRUE(gate);
  std::vector<uint8_t> bytes(gate->bytes());
  ASSERT_FALSE(checkpoint.read(*gate, 0, bytes));
  std::vector<float> values(bytes.size() / 4);
  ASSERT_FALSE(decodeToFloat(DType::F32, bytes, values));
  double squares = 0;
  for (float value : values)
    squares += double(value) * value;
  EXPECT_NEAR(std::sqrt(squares / values.size()), 1.5 / 16, 0.002);
}

TEST_F(NewModelTest, SeedDecidesTheBytes) {
  NewModelOptions options;
  auto file = [&](llvm::StringRef name) {
    writeAndImport("olmoe", name, options);
    return valueOf(readTextFile(path(name) + "/model.safetensors", 1 << 24));
  };
  std::string first = file("a");
  EXPECT_EQ(first, file("b"));
  options.seed = 1;
  EXPECT_NE(first, file("c"));
}

TEST_F(NewModelTest, ShardsAndNoWeights) {
  NewModelOptions options;
  options.maxShardBytes = 20000;
  ResolvedModel model = writeAndImport("mixtral", "shards", options);
  EXPECT_EQ(model.layers.size(), 2u);
  EXPECT_TRUE(
      llvm::sys::fs::exists(path("shards/model.safetensors.index.json")));
  options.weights = false;
  ASSERT_FALSE(writeNewModel(families(), "mixtral", path("bare"), options));
  EXPECT_FALSE(llvm::sys::fs::exists(path("bare/model.safetensors")));
  EXPECT_TRUE(llvm::sys::fs::exists(path("bare/config.json")));
}

TEST_F(NewModelTest, Errors) {
  auto message = [&](llvm::StringRef family, const NewModelOptions &options) {
    return withoutPlace(
        messageOf(writeNewModel(families(), family, path("x"), options)));
  };
  NewModelOptions options;
  EXPECT_EQ(message("nobody", options).substr(0, 27),
            "there is no family 'nobody'");
  options.topK = 9;
  EXPECT_EQ(message("mixtral", options),
            "the new config.json: num_experts_per_tok is 9, but there are 8 "
            "experts to choose from; lower it to 8 or less");
  EXPECT_EQ(message("switch_transformers", options),
            "family switch_transformers has no key for dimension K: it is '1'; "
            "leave out --top-k, or set the keys it depends on");
  options = {};
  options.dtype = DType::F4E2M1;
  EXPECT_EQ(message("mixtral", options),
            "family mixtral has no mxfp4 form; choose f32, f16, bf16 or fp8, "
            "or a family that has one (gpt_oss)");
  options = {};
  options.keys = {{"hidden_act", "gelu2"}};
  EXPECT_FALSE(llvm::sys::fs::exists(path("x")));
  EXPECT_NE(message("mixtral", options).find("hidden_act is 'gelu2'"),
            std::string::npos);
}

} // namespace
} // namespace moec::hf
