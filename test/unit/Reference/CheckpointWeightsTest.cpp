//===- CheckpointWeightsTest.cpp - weights read from files ------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index maps, stacked tensors and every encoding, on checkpoints written here.
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "TestLayers.h"

#include "moec/Import/Safetensors/SafetensorsWriter.h"
#include "moec/Support/Float.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace llvm;

namespace moec::reference {

namespace {

class CheckpointWeightsTest : public testing::Test {
protected:
  /// Adds a tensor to the checkpoint.
  void add(StringRef name, DType dtype, Shape shape,
           std::vector<float> values) {
    HostTensor tensor{dtype, std::move(shape), {}};
    tensor.bytes.resize(values.size() * bitWidth(dtype) / 8);
    cantFail(encodeFromFloat(dtype, values, tensor.bytes));
    tensors.push_back({name.str(), std::move(tensor)});
  }
  void addBytes(StringRef name, DType dtype, Shape shape,
                std::vector<uint8_t> bytes) {
    tensors.push_back(
        {name.str(), {dtype, std::move(shape), std::move(bytes)}});
  }

  /// Writes the checkpoint and declares weight @w by `declaration`.
  void open(const std::string &declaration) {
    cantFail(writeSafetensors(directory.path("model.safetensors"), tensors));
    checkpoint = std::make_unique<Checkpoint>(
        cantFail(Checkpoint::open(directory.path())));
    module = parseModule("moe.weight @w from " + declaration);
  }
  mlir::moe::WeightOp weight() {
    return *module->getOps<mlir::moe::WeightOp>().begin();
  }
  Tensor get() {
    Expected<Tensor> tensor = CheckpointWeights(*checkpoint).get(weight());
    if (!tensor) {
      ADD_FAILURE() << toString(tensor.takeError());
      return {};
    }
    return std::move(*tensor);
  }
  Tensor getExpert(int64_t index) {
    return cantFail(CheckpointWeights(*checkpoint).getExpert(weight(), index));
  }
  std::string getMessage() {
    return message(CheckpointWeights(*checkpoint).get(weight()),
                   directory.path());
  }

  TempDir directory;
  std::vector<std::pair<std::string, HostTensor>> tensors;
  std::unique_ptr<Checkpoint> checkpoint;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace

TEST_F(CheckpointWeightsTest, Plain) {
  add("a", DType::BF16, {2, 3}, {1, 2, 3, 4, 5, 6});
  open("[\"a\"] : tensor<2x3xbf16>");
  Tensor tensor = get();
  EXPECT_EQ(tensor.shape, (Shape{2, 3}));
  expectValues(tensor, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(tensor.errorAt(0), 0);
  expectValues(getExpert(1), {4, 5, 6});
}

TEST_F(CheckpointWeightsTest, OneTensorForEachExpert) {
  add("e.0.w", DType::F32, {2, 1}, {1, 2});
  add("e.1.w", DType::F32, {2, 1}, {3, 4});
  open("[\"e.{e}.w\"] : tensor<2x2x1xf32>");
  expectValues(get(), {1, 2, 3, 4});
  Tensor expert = getExpert(1);
  EXPECT_EQ(expert.shape, (Shape{2, 1}));
  expectValues(expert, {3, 4});
}

TEST_F(CheckpointWeightsTest, InterleavedAndTransposed) {
  // [E, H, 2 I] with gate and up in turn; the up half as [E, I, H].
  std::vector<float> values;
  for (int i = 0; i < 2 * 3 * 4; ++i)
    values.push_back(static_cast<float>(i));
  add("a", DType::F16, {2, 3, 4}, values);
  open("[\"a\"] at affine_map<(e, i, h) -> (e, h, i * 2 + 1)> : "
       "tensor<2x2x3xf16>");
  expectValues(get(), {1, 5, 9, 3, 7, 11, 13, 17, 21, 15, 19, 23});
  expectValues(getExpert(1), {13, 17, 21, 15, 19, 23});
}

TEST_F(CheckpointWeightsTest, MapsWithDivision) {
  add("a", DType::F32, {2, 4}, {0, 1, 2, 3, 4, 5, 6, 7});
  open("[\"a\"] at affine_map<(i, j) -> (j mod 2, i + j floordiv 2)> : "
       "tensor<3x4xf32>");
  expectValues(get(), {0, 4, 1, 5, 1, 5, 2, 6, 2, 6, 3, 7});
}

TEST_F(CheckpointWeightsTest, Integers) {
  addBytes("t", DType::I64, {2, 1},
           {5, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255});
  open("[\"t\"] : tensor<2x1xi64>");
  EXPECT_EQ(get().ints, (std::vector<int64_t>{5, -1}));
}

TEST_F(CheckpointWeightsTest, Fp8WithPartialBlocks) {
  // 3 x 5 numbers in blocks of 2 x 4.
  std::vector<float> numbers(15);
  for (int i = 0; i < 15; ++i)
    numbers[i] = static_cast<float>(i + 1);
  add("w", DType::F8E4M3, {3, 5}, numbers);
  add("s", DType::F32, {2, 2}, {1, 10, 100, 0.1f});
  open("[\"w\", \"s\"] : tensor<3x5xbf16, #moe.fp8_block<2, 4>>");
  Tensor tensor = get();
  double tenth = 0.1f;
  expectValues(tensor, {1, 2, 3, 4, 50, 6, 7, 8, 9, 100, 1100, 1200, 1300, 1400,
                        15 * tenth});
  EXPECT_EQ(tensor.errorAt(0), 0);
  EXPECT_GT(tensor.errorAt(14), 0); // not a bf16
  EXPECT_LT(tensor.errorAt(14), 1.501 * 0x1p-8);
}

TEST_F(CheckpointWeightsTest, Fp8OfExperts) {
  add("w", DType::F8E4M3, {2, 1, 2}, {1, 2, 3, 4});
  add("s", DType::F32, {2, 1, 1}, {2, 4});
  open("[\"w\", \"s\"] : tensor<2x1x2xbf16, #moe.fp8_block<128, 128>>");
  expectValues(get(), {2, 4, 12, 16});
  expectValues(getExpert(1), {12, 16});
}

TEST_F(CheckpointWeightsTest, Mxfp4) {
  // Two rows of 32: codes 0..7 and their negatives, twice; scales 2 and 1/2.
  std::vector<uint8_t> codes;
  for (int row = 0; row < 2; ++row)
    for (int i = 0; i < 16; ++i)
      codes.push_back(
          static_cast<uint8_t>((2 * i % 16) | ((2 * i + 1) % 16) << 4));
  addBytes("b", DType::U8, {2, 1, 16}, codes);
  addBytes("s", DType::U8, {2, 1}, {128, 126});
  open("[\"b\", \"s\"] : tensor<2x32xbf16, #moe.mxfp4>");
  Tensor tensor = get();
  std::vector<double> e2m1{0, 0.5, 1, 1.5, 2, 3, 4, 6};
  for (int i = 0; i < 64; ++i) {
    double sign = i % 16 < 8 ? 1 : -1, scale = i < 32 ? 2 : 0.5;
    EXPECT_EQ(tensor.value[i], sign * e2m1[i % 8] * scale) << i;
    EXPECT_EQ(tensor.errorAt(i), 0);
  }
  expectValues(getExpert(1).row(9), {-0.25});
}

TEST_F(CheckpointWeightsTest, Messages) {
  add("a", DType::BF16, {2, 3}, {1, 2, 3, 4, 5, 6});
  add("f", DType::F8E4M3, {2, 3}, {1, 2, 3, 4, 5, 6});
  add("s", DType::F32, {1, 2}, {1, 2});
  auto messageOf = [&](const std::string &declaration) {
    open(declaration);
    return getMessage();
  };
  EXPECT_EQ(messageOf("[\"b\"] : tensor<2x3xbf16>"),
            "DIR has no tensor 'b', which weight 'w' is read from; check that "
            "all of its files are there");
  EXPECT_EQ(messageOf("[\"a\"] : tensor<3x3xbf16>"),
            "tensor 'a' has the shape [2, 3], but the index map takes [2, 0] "
            "to 2 in dimension 0");
  EXPECT_EQ(messageOf("[\"a\"] : tensor<2x3x1xbf16>"),
            "tensor 'a' has the shape [2, 3], but the index map takes 3 "
            "indices to 3");
  EXPECT_EQ(messageOf("[\"f\"] : tensor<2x3xbf16>"),
            "tensor 'f' in DIR/model.safetensors is f8e4m3 [2, 3], but weight "
            "'w' takes f32, f16, bf16 or f64");
  EXPECT_EQ(messageOf("[\"a\"] : tensor<2x3xi32>"),
            "tensor 'a' in DIR/model.safetensors is bf16 [2, 3], but weight "
            "'w' takes integers");
  EXPECT_EQ(messageOf("[\"a\", \"s\"] : tensor<2x3xbf16, "
                      "#moe.fp8_block<2, 2>>"),
            "tensor 'a' in DIR/model.safetensors is bf16 [2, 3], but weight "
            "'w' takes numbers of f8e4m3 [.., N, K] with a scale for each "
            "block");
  EXPECT_EQ(messageOf("[\"f\", \"s\"] : tensor<2x3xbf16, "
                      "#moe.fp8_block<1, 2>>"),
            "tensor 's' in DIR/model.safetensors is f32 [1, 2], but the scales "
            "of numbers [2, 3] are f32 [2, 2]");
  EXPECT_EQ(messageOf("[\"a\", \"s\"] : tensor<2x3xbf16, #moe.mxfp4>"),
            "tensor 'a' in DIR/model.safetensors is bf16 [2, 3], but weight "
            "'w' takes codes of u8 [.., K / 32, 16]");
}

} // namespace moec::reference
