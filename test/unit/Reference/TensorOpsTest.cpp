//===- TensorOpsTest.cpp - moving elements ----------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensor dialect and constants.
//
//===----------------------------------------------------------------------===//

#include "TestLayers.h"

using namespace llvm;

namespace moec::reference {

TEST(TensorOps, Constants) {
  std::string text = R"(
    func.func @f() -> (tensor<2x2xf32>, tensor<3xi1>, f32, index, tensor<2xbf16>) {
      %a = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
      %b = arith.constant dense<[true, false, true]> : tensor<3xi1>
      %c = arith.constant 0x7F800000 : f32
      %d = arith.constant -3 : index
      %e = arith.constant dense<0.5> : tensor<2xbf16>
      return %a, %b, %c, %d, %e
          : tensor<2x2xf32>, tensor<3xi1>, f32, index, tensor<2xbf16>
    })";
  auto results = runFunction(text, {});
  expectValues(results[0], {1, 2, 3, 4});
  EXPECT_EQ(results[1].ints, (Ids{1, 0, 1}));
  EXPECT_EQ(results[1].kind, Kind::Bool);
  expectValues(results[2], {infinity});
  EXPECT_EQ(results[3].ints, (Ids{-3}));
  expectValues(results[4], {0.5, 0.5});
}

TEST(TensorOps, Slices) {
  std::string text = R"(
    func.func @f(%x: tensor<?x4xf32>, %o: index)
        -> (tensor<2xf32>, tensor<?x2xf32>) {
      %row = tensor.extract_slice %x[%o, 0] [1, 2] [1, 2]
          : tensor<?x4xf32> to tensor<2xf32>
      %c0 = arith.constant 0 : index
      %n = tensor.dim %x, %c0 : tensor<?x4xf32>
      %columns = tensor.extract_slice %x[0, 2] [%n, 2] [1, 1]
          : tensor<?x4xf32> to tensor<?x2xf32>
      return %row, %columns : tensor<2xf32>, tensor<?x2xf32>
    })";
  Tensor x = floats({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  auto results = runFunction(text, {x, Tensor::scalar(int64_t(1))});
  expectValues(results[0], {5, 7});
  EXPECT_EQ(results[0].shape, Shape{2});
  expectValues(results[1], {3, 4, 7, 8});
  for (int64_t offset : {int64_t(2), int64_t(-1), INT64_MAX})
    EXPECT_NE(runMessage(text, {x, Tensor::scalar(offset)})
                  .find("leave dimension 0 of [2, 4]"),
              std::string::npos);
}

TEST(TensorOps, InsertSlice) {
  std::string text = R"(
    func.func @f(%x: tensor<2x3xf32>, %r: tensor<2xf32>) -> tensor<2x3xf32> {
      %y = tensor.insert_slice %r into %x[0, 1] [2, 1] [1, 1]
          : tensor<2xf32> into tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    })";
  expectValues(runFunction(text, {floats({2, 3}, {1, 2, 3, 4, 5, 6}),
                                  floats({2}, {20, 50})})
                   .front(),
               {1, 20, 3, 4, 50, 6});
}

TEST(TensorOps, Concat) {
  std::string text = R"(
    func.func @f(%x: tensor<?x2xf32>, %y: tensor<?x1xf32>) -> tensor<?x3xf32> {
      %z = tensor.concat dim(1) %x, %y
          : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
      return %z : tensor<?x3xf32>
    })";
  expectValues(runFunction(text, {floats({2, 2}, {1, 2, 3, 4}),
                                  floats({2, 1}, {10, 20})})
                   .front(),
               {1, 2, 10, 3, 4, 20});
  EXPECT_NE(
      runMessage(text, {floats({2, 2}, {1, 2, 3, 4}), floats({1, 1}, {10})})
          .find("a part has the shape [1, 1], those before it [2, 2]"),
      std::string::npos);
}

TEST(TensorOps, ScalarsAndShapes) {
  std::string text = R"(
    func.func @f(%x: tensor<2x3xf32>, %i: index, %n: index)
        -> (f32, tensor<2xf32>, tensor<?xf32>, tensor<6xf32>, tensor<3x2xf32>,
            tensor<?xf32>) {
      %c0 = arith.constant 0 : index
      %a = tensor.extract %x[%c0, %i] : tensor<2x3xf32>
      %pair = tensor.from_elements %a, %a : tensor<2xf32>
      %many = tensor.splat %a[%n] : tensor<?xf32>
      %flat = tensor.collapse_shape %x [[0, 1]]
          : tensor<2x3xf32> into tensor<6xf32>
      %other = tensor.expand_shape %flat [[0, 1]] output_shape [3, 2]
          : tensor<6xf32> into tensor<3x2xf32>
      %cast = tensor.cast %flat : tensor<6xf32> to tensor<?xf32>
      return %a, %pair, %many, %flat, %other, %cast
          : f32, tensor<2xf32>, tensor<?xf32>, tensor<6xf32>, tensor<3x2xf32>,
            tensor<?xf32>
    })";
  Tensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  auto results = runFunction(
      text, {x, Tensor::scalar(int64_t(1)), Tensor::scalar(int64_t(3))});
  expectValues(results[0], {2});
  EXPECT_EQ(results[0].rank(), 0);
  expectValues(results[1], {2, 2});
  expectValues(results[2], {2, 2, 2});
  EXPECT_EQ(results[3].shape, Shape{6});
  EXPECT_EQ(results[4].shape, (Shape{3, 2}));
  EXPECT_EQ(results[5].value, x.value);
  EXPECT_NE(runMessage(text, {x, Tensor::scalar(int64_t(3)),
                              Tensor::scalar(int64_t(3))})
                .find("index 3 in dimension 1 of [2, 3]"),
            std::string::npos);
  EXPECT_NE(runMessage(text, {x, Tensor::scalar(int64_t(1)),
                              Tensor::scalar(int64_t(-3))})
                .find("a tensor [-3] cannot be made"),
            std::string::npos);
  EXPECT_NE(runMessage(text, {x, Tensor::scalar(int64_t(1)),
                              Tensor::scalar(int64_t(1) << 60)})
                .find("cannot be made"),
            std::string::npos);
}

TEST(TensorOps, Generate) {
  std::string text = R"(
    func.func @f(%x: tensor<3xf32>, %y: tensor<2xf32>) -> tensor<3x2xf32> {
      %z = tensor.generate {
      ^bb0(%i: index, %j: index):
        %a = tensor.extract %x[%i] : tensor<3xf32>
        %b = tensor.extract %y[%j] : tensor<2xf32>
        %c = arith.addf %a, %b : f32
        tensor.yield %c : f32
      } : tensor<3x2xf32>
      return %z : tensor<3x2xf32>
    })";
  expectValues(
      runFunction(text, {floats({3}, {1, 2, 3}), floats({2}, {10, 20})})
          .front(),
      {11, 21, 12, 22, 13, 23});
}

TEST(TensorOps, WhatWasNeverWrittenIsNoNumber) {
  std::string text = R"(
    func.func @f() -> tensor<2xf32> {
      %y = tensor.empty() : tensor<2xf32>
      return %y : tensor<2xf32>
    })";
  EXPECT_TRUE(std::isnan(runFunction(text, {}).front().value[1]));
}

} // namespace moec::reference
