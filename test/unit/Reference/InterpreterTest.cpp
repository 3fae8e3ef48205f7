//===- InterpreterTest.cpp - layers, inputs and what is refused -*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How layers are found and run, and the messages for what cannot be.
//
//===----------------------------------------------------------------------===//

#include "TestLayers.h"

using namespace llvm;

namespace moec::reference {

static const char *const doubling = R"(
  func.func @f(%x: tensor<?x2xf32> {moe.name = "hidden"})
      -> (tensor<?x2xf32> {moe.name = "hidden"}) {
    %y = arith.addf %x, %x : tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  })";

static std::string message(StringRef text, std::vector<NamedTensor> inputs,
                           StringRef name = "f",
                           const RunOptions &options = {}) {
  auto module = parseModule(text);
  GivenWeights weights;
  Expected<RunResult> result =
      runLayer(*module, name, inputs, weights, options);
  return result ? "" : toString(result.takeError());
}

TEST(Interpreter, Messages) {
  Tensor x = floats({1, 2}, {1, 2});
  EXPECT_EQ(message(doubling, {{"hidden", x}}), "");
  EXPECT_EQ(message(doubling, {{"hidden", x}}, "g"),
            "the module has no layer 'g'; `moec inspect` lists them");
  EXPECT_EQ(message(doubling, {{"x", x}}),
            "layer 'f' takes an input 'hidden' (argument 0), which is not "
            "given");
  EXPECT_EQ(message(doubling, {{"hidden", floats({2}, {1, 2})}}),
            "the input 'hidden' has the shape [2], the layer takes [-1, 2]");
  EXPECT_EQ(message(doubling, {{"hidden", floats({1, 3}, {1, 2, 3})}}),
            "the input 'hidden' has the shape [1, 3], the layer takes [-1, 2]");
  EXPECT_EQ(message(doubling, {{"hidden", integers({1, 2}, {1, 2})}}),
            "the input 'hidden' holds integers, the layer takes floats");
  RunOptions options;
  options.ids = integers({1, 1}, {0});
  EXPECT_EQ(message(doubling, {{"hidden", x}}, "f", options),
            "layer 'f' has no result 'topk_ids' that a routing could be given "
            "for");
}

TEST(Interpreter, UnknownOperations) {
  std::string text = R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = math.sin %x : tensor<2xf32> loc("m.mlir":3:7)
      return %y : tensor<2xf32>
    })";
  EXPECT_EQ(runMessage(text, {floats({2}, {1, 2})}),
            "'math.sin' at loc(\"m.mlir\":3:7): the reference does not know "
            "this operation");
  text = R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf8E4M3FN> {
      %y = arith.truncf %x : tensor<2xf32> to tensor<2xf8E4M3FN>
      return %y : tensor<2xf8E4M3FN>
    })";
  EXPECT_NE(runMessage(text, {floats({2}, {1, 2})})
                .find("does not compute with its result type"),
            std::string::npos);
}

TEST(Interpreter, SizesThatDoNotMeet) {
  std::string text = R"(
    func.func @f(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
      %z = arith.addf %x, %y : tensor<?xf32>
      return %z : tensor<?xf32>
    })";
  EXPECT_NE(runMessage(text, {floats({2}, {1, 2}), floats({3}, {1, 2, 3})})
                .find("operands have the shapes [2] and [3]"),
            std::string::npos);
}

static const char *const withWeights = R"(
  moe.weight @a from ["a"] : tensor<1x2xf32>
  moe.weight @b from ["b"] : tensor<1x2xf32>
  func.func private @kernel(%x: tensor<?x2xf32> {moe.name = "hidden"},
                            %w: tensor<1x2xf32>) -> tensor<?x1xf32> {
    %y = moe.linear %x, %w
        : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
  func.func @direct(%x: tensor<?x2xf32> {moe.name = "hidden"})
      -> tensor<?x1xf32> {
    %w = moe.use @a : tensor<1x2xf32>
    %y = moe.linear %x, %w
        : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
  moe.layer @layers.0 runs @kernel with [@a]
  moe.layer @layers.1 runs @kernel with [@b])";

TEST(Interpreter, WeightsByUseAndByLayer) {
  auto module = parseModule(withWeights);
  GivenWeights weights;
  weights.tensors["a"] = floats({1, 2}, {1, 10});
  weights.tensors["b"] = floats({1, 2}, {2, 3});
  std::vector<NamedTensor> inputs{{"hidden", floats({1, 2}, {1, 2})}};
  auto run = [&](StringRef layer) {
    RunResult result = cantFail(runLayer(*module, layer, inputs, weights));
    EXPECT_EQ(result.outputs[0].name, "result 0");
    return result.outputs[0].tensor.value[0];
  };
  EXPECT_EQ(run("direct"), 21);
  EXPECT_EQ(run("layers.0"), 21);
  EXPECT_EQ(run("layers.1"), 8);
  weights.tensors.clear();
  EXPECT_EQ(
      toString(runLayer(*module, "layers.1", inputs, weights).takeError()),
      "no weight 'b'");
}

TEST(Interpreter, GivenRoutingHasTheLayersShape) {
  std::string text = R"(
    func.func @f(%s: tensor<?x3xf32> {moe.name = "hidden"})
        -> (tensor<?x1xi32> {moe.name = "topk_ids"}) {
      %i = moe.router rows(%s) params()
          : (tensor<?x3xf32>) -> (tensor<?x1xi32>) {
      ^row(%row: tensor<3xf32>):
        %k = moe.top_k %row, 1 : tensor<3xf32> -> tensor<1xi32>
        moe.yield %k : tensor<1xi32>
      }
      return %i : tensor<?x1xi32>
    })";
  RunOptions options;
  options.ids = integers({2, 1}, {0, 1});
  std::vector<NamedTensor> inputs{{"hidden", floats({1, 3}, {1, 2, 3})}};
  EXPECT_EQ(message(text, inputs, "f", options),
            "the given 'topk_ids' has the shape [2, 1], the layer's has "
            "[1, 1]; give one row for each token");
  options.ids = floats({1, 1}, {0});
  EXPECT_EQ(message(text, inputs, "f", options),
            "the given 'topk_ids' holds floats; ids are integers, weights "
            "floats");
  options.ids = integers({1, 1}, {-1});
  auto module = parseModule(text);
  GivenWeights weights;
  RunResult result = cantFail(runLayer(*module, "f", inputs, weights, options));
  EXPECT_EQ(result.find("topk_ids")->ints, (std::vector<int64_t>{-1}));
}

} // namespace moec::reference
