//===- GenericTest.cpp - linalg operations with a body ----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Permutations and broadcasts, indices, and reductions with their bounds.
//
//===----------------------------------------------------------------------===//

#include "TestLayers.h"

using namespace llvm;

namespace moec::reference {

TEST(Generic, PermutesAndBroadcasts) {
  std::string text = R"(
    func.func @f(%x: tensor<?x3xf32>, %b: tensor<3xf32>, %s: f32, %n: index)
        -> tensor<3x?xf32> {
      %e = tensor.empty(%n) : tensor<3x?xf32>
      %y = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (j, i)>,
                           affine_map<(i, j) -> (i)>,
                           affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%x, %b : tensor<?x3xf32>, tensor<3xf32>)
          outs(%e : tensor<3x?xf32>) {
      ^bb0(%a: f32, %c: f32, %out: f32):
        %m = arith.mulf %a, %s : f32
        %r = arith.addf %m, %c : f32
        linalg.yield %r : f32
      } -> tensor<3x?xf32>
      return %y : tensor<3x?xf32>
    })";
  Tensor y = runFunction(text, {floats({2, 3}, {1, 2, 3, 4, 5, 6}),
                                floats({3}, {100, 200, 300}),
                                Tensor::scalar(Number{10, 0}),
                                Tensor::scalar(int64_t(2))})
                 .front();
  EXPECT_EQ(y.shape, (Shape{3, 2}));
  expectValues(y, {110, 140, 220, 250, 330, 360});
  EXPECT_NE(
      runMessage(text,
                 {floats({1, 3}, {1, 2, 3}), floats({3}, {100, 200, 300}),
                  Tensor::scalar(Number{10, 0}), Tensor::scalar(int64_t(2))})
          .find("loop 1 runs over 1 and 2 elements"),
      std::string::npos);
}

TEST(Generic, ConstantPlaces) {
  std::string text = R"(
    func.func @f(%x: tensor<2x3xf32>, %g: tensor<2x1xf32>) -> tensor<2x3xf32> {
      %y = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i, 0)>,
                           affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%x, %g : tensor<2x3xf32>, tensor<2x1xf32>)
          outs(%x : tensor<2x3xf32>) {
      ^bb0(%a: f32, %b: f32, %out: f32):
        %r = arith.mulf %a, %b : f32
        linalg.yield %r : f32
      } -> tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    })";
  Tensor y = runFunction(text, {floats({2, 3}, {1, 2, 3, 4, 5, 6}),
                                floats({2, 1}, {10, 100})})
                 .front();
  expectValues(y, {10, 20, 30, 400, 500, 600});
}

TEST(Generic, IndicesAndConstants) {
  std::string text = R"(
    func.func @f(%e: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
      %y, %z = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]}
          outs(%e, %e : tensor<2x3xf32>, tensor<2x3xf32>) {
      ^bb0(%a: f32, %b: f32):
        %j = linalg.index 1 : index
        %k = arith.index_cast %j : index to i32
        %r = arith.sitofp %k : i32 to f32
        %c = arith.constant 7.0 : f32
        linalg.yield %r, %c : f32, f32
      } -> (tensor<2x3xf32>, tensor<2x3xf32>)
      return %y, %z : tensor<2x3xf32>, tensor<2x3xf32>
    })";
  auto results = runFunction(text, {floats({2, 3}, {0, 0, 0, 0, 0, 0})});
  expectValues(results[0], {0, 1, 2, 0, 1, 2});
  expectValues(results[1], {7, 7, 7, 7, 7, 7});
}

TEST(Generic, Reductions) {
  std::string text = R"(
    func.func @f(%x: tensor<2x3xf32>, %s: tensor<2xf32>, %m: tensor<2xf32>)
        -> (tensor<2xf32>, tensor<2xf32>) {
      %y, %z = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i)>,
                           affine_map<(i, j) -> (i)>],
          iterator_types = ["parallel", "reduction"]}
          ins(%x : tensor<2x3xf32>) outs(%s, %m : tensor<2xf32>, tensor<2xf32>) {
      ^bb0(%a: f32, %sum: f32, %max: f32):
        %q = arith.mulf %a, %a : f32
        %r = arith.addf %sum, %q : f32
        %t = arith.maximumf %a, %max : f32
        linalg.yield %r, %t : f32, f32
      } -> (tensor<2xf32>, tensor<2xf32>)
      return %y, %z : tensor<2xf32>, tensor<2xf32>
    })";
  auto results =
      runFunction(text, {floats({2, 3}, {1, 2, 3, 4, 5, -6}),
                         floats({2}, {0, 100}), floats({2}, {-9, 9})});
  expectValues(results[0], {14, 177});
  expectValues(results[1], {3, 9});
  EXPECT_GT(results[0].error[0], 0);
  EXPECT_EQ(results[1].error[0], 0);
}

TEST(Generic, OtherReductionsAreRefused) {
  std::string text = R"(
    func.func @f(%x: tensor<3xf32>, %s: tensor<f32>) -> tensor<f32> {
      %y = linalg.generic {
          indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>],
          iterator_types = ["reduction"]}
          ins(%x : tensor<3xf32>) outs(%s : tensor<f32>) {
      ^bb0(%a: f32, %p: f32):
        %r = arith.mulf %p, %a : f32
        linalg.yield %r : f32
      } -> tensor<f32>
      return %y : tensor<f32>
    })";
  EXPECT_NE(
      runMessage(text, {floats({3}, {1, 2, 3}), Tensor::scalar(Number{1, 0})})
          .find("the reference reduces by addf"),
      std::string::npos);
}

TEST(Generic, BodiesAreElementwise) {
  std::string text = R"(
    func.func @f(%x: tensor<3xf32>) -> tensor<3x2xf32> {
      %y = tensor.generate {
      ^bb0(%i: index, %j: index):
        %row = tensor.extract_slice %x[%i] [1] [1]
            : tensor<3xf32> to tensor<1xf32>
        %c0 = arith.constant 0 : index
        %a = tensor.extract %row[%c0] : tensor<1xf32>
        tensor.yield %a : f32
      } : tensor<3x2xf32>
      return %y : tensor<3x2xf32>
    })";
  EXPECT_NE(runMessage(text, {floats({3}, {1, 2, 3})})
                .find("'tensor.extract_slice' at"),
            std::string::npos);
}

TEST(Generic, NamedForms) {
  std::string text = R"(
    func.func @f(%x: tensor<2x3xf32>, %t: tensor<3x2xf32>, %s: tensor<2xf32>)
        -> (tensor<3x2xf32>, tensor<2xf32>) {
      %y = linalg.transpose ins(%x : tensor<2x3xf32>)
          outs(%t : tensor<3x2xf32>) permutation = [1, 0]
      %zero = arith.constant 0.0 : f32
      %init = linalg.fill ins(%zero : f32) outs(%s : tensor<2xf32>)
          -> tensor<2xf32>
      %z = linalg.reduce ins(%x : tensor<2x3xf32>)
          outs(%init : tensor<2xf32>) dimensions = [1]
          (%a: f32, %b: f32) {
            %r = arith.addf %a, %b : f32
            linalg.yield %r : f32
          }
      return %y, %z : tensor<3x2xf32>, tensor<2xf32>
    })";
  auto results = runFunction(text, {floats({2, 3}, {1, 2, 3, 4, 5, 6}),
                                    floats({3, 2}, {0, 0, 0, 0, 0, 0}),
                                    floats({2}, {9, 9})});
  expectValues(results[0], {1, 4, 2, 5, 3, 6});
  expectValues(results[1], {6, 15});
}

} // namespace moec::reference
