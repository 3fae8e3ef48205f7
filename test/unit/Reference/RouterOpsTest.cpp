//===- RouterOpsTest.cpp - operations on rows -------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.router, moe.linear and the small operations on numbers computed by hand.
//
//===----------------------------------------------------------------------===//

#include "TestLayers.h"

using namespace llvm;

namespace moec::reference {

/// A function @f that takes a row of four and returns what `body` calls %y.
static std::string rowFunction(const std::string &body,
                               const std::string &type = "tensor<4xf32>") {
  return "func.func @f(%x: tensor<4xf32>) -> " + type + " {\n" + body +
         "\n return %y : " + type + "\n}";
}

static Tensor runRow(const std::string &body, std::vector<double> row,
                     const std::string &type = "tensor<4xf32>") {
  return runFunction(rowFunction(body, type), {floats({4}, std::move(row))})
      .front();
}

TEST(RouterOps, Linear) {
  std::string text = R"(
    func.func @f(%x: tensor<?x2xf32>, %w: tensor<3x2xbf16>, %b: tensor<3xf32>)
        -> tensor<?x3xf32> {
      %y = moe.linear %x, %w bias(%b)
          : (tensor<?x2xf32>, tensor<3x2xbf16>, tensor<3xf32>) -> tensor<?x3xf32>
      return %y : tensor<?x3xf32>
    })";
  Tensor y = runFunction(text, {floats({2, 2}, {1, 2, 3, -1}),
                                floats({3, 2}, {1, 0, 0, 1, 2, 2}),
                                floats({3}, {0, 10, 100})})
                 .front();
  EXPECT_EQ(y.shape, (Shape{2, 3}));
  expectValues(y, {1, 12, 106, 3, 9, 104});
  EXPECT_GT(y.error[0], 0);
  EXPECT_LT(y.error[2], 1e-4);
}

TEST(RouterOps, LinearOfARow) {
  std::string text = R"(
    func.func @f(%x: tensor<2xf32>, %w: tensor<3x2xf32>) -> tensor<3xf32> {
      %y = moe.linear %x, %w
          : (tensor<2xf32>, tensor<3x2xf32>) -> tensor<3xf32>
      return %y : tensor<3xf32>
    })";
  expectValues(runFunction(text, {floats({2}, {3, -1}),
                                  floats({3, 2}, {1, 0, 0, 1, 2, 2})})
                   .front(),
               {3, -1, 4});
}

TEST(RouterOps, Softmax) {
  std::string softmax = "%y = moe.softmax %x : tensor<4xf32>";
  double e = std::exp(1), sum = 1 + e + e * e + std::exp(-1);
  expectValues(runRow(softmax, {0, 1, 2, -1}),
               {1 / sum, e / sum, e * e / sum, std::exp(-1) / sum});
  expectValues(runRow(softmax, {1e4, -infinity, 1e4, -1e30}), {0.5, 0, 0.5, 0});
  expectValues(runRow(softmax, {0, nan, 0, 0}), {nan, nan, nan, nan});
  expectValues(runRow(softmax, {0, infinity, 0, 0}), {nan, nan, nan, nan});
}

TEST(RouterOps, Reduce) {
  std::string sum = "%y = moe.reduce sum %x : tensor<4xf32>";
  std::string max = "%y = moe.reduce max %x : tensor<4xf32>";
  expectValues(runRow(sum, {1, -2, 3, 0.5}, "f32"), {2.5});
  expectValues(runRow(max, {1, -2, 3, 0.5}, "f32"), {3});
  expectValues(runRow(max, {1, nan, 3, 0.5}, "f32"), {nan});
  expectValues(runRow(sum, {1, infinity, 3, 0.5}, "f32"), {infinity});
}

TEST(RouterOps, Normalize) {
  std::string plain = "%y = moe.normalize %x : tensor<4xf32>";
  expectValues(runRow(plain, {1, 2, 3, 4}), {0.1, 0.2, 0.3, 0.4});
  expectValues(runRow(plain, {0, 0, 0, 0}), {nan, nan, nan, nan});
  expectValues(runRow(plain, {1, -1, 0, 0}), {infinity, -infinity, nan, nan});
  expectValues(
      runRow("%y = moe.normalize %x eps(0.5) : tensor<4xf32>", {0.5, 0, 0, 1}),
      {0.25, 0, 0, 0.5});
}

TEST(RouterOps, TakeAndExclude) {
  std::string take = R"(
    %i = arith.constant dense<[3, -1, 0, 4]> : tensor<4xi32>
    %y = moe.take %x[%i] : tensor<4xf32>, tensor<4xi32>)";
  expectValues(runRow(take, {10, 11, 12, 13}), {13, 0, 10, 0});
  std::string exclude = R"(
    %i = arith.constant dense<[3, -1, 0, 4]> : tensor<4xi32>
    %y = moe.exclude %x[%i] fill(0xFF800000) : tensor<4xf32>, tensor<4xi32>)";
  expectValues(runRow(exclude, {10, 11, 12, 13}),
               {-infinity, 11, 12, -infinity});
}

TEST(RouterOps, GroupLimit) {
  std::string top2 = "%y = moe.group_limit %x groups(2) keep(1) by(top2_sum) "
                     "fill(0xFF800000) : tensor<4xf32>";
  expectValues(runRow(top2, {3, 0, 2, 2}), {-infinity, -infinity, 2, 2});
  std::string max = "%y = moe.group_limit %x groups(2) keep(1) by(max) "
                    "fill(0.0) : tensor<4xf32>";
  expectValues(runRow(max, {3, 0, 2, 2}), {3, 0, 0, 0});
  expectValues(runRow(max, {1, 2, 2, 1}), {1, 2, 0, 0}); // tie: the lower
  expectValues(runRow(max, {nan, nan, -9, -9}), {0, 0, -9, -9}); // NaN: last
  expectValues(runRow(max, {nan, 1, 0, 0}), {nan, 1, 0, 0});
}

TEST(RouterOps, Lookup) {
  std::string text = R"(
    func.func @f(%i: i64, %t: tensor<2x3xi64>) -> tensor<3xi32> {
      %y = moe.lookup %t[%i] : tensor<2x3xi64> -> tensor<3xi32>
      return %y : tensor<3xi32>
    })";
  Tensor table = integers({2, 3}, {0, 1, 2, 7, 8, 9});
  auto lookup = [&](int64_t i) {
    return runFunction(text, {Tensor::scalar(i), table}).front().ints;
  };
  EXPECT_EQ(lookup(1), (std::vector<int64_t>{7, 8, 9}));
  EXPECT_EQ(lookup(2), (std::vector<int64_t>{-1, -1, -1}));
  EXPECT_EQ(lookup(-1), (std::vector<int64_t>{-1, -1, -1}));
}

TEST(RouterOps, RouterRunsForEveryToken) {
  std::string text = R"(
    func.func @f(%x: tensor<?x3xf32>, %t: tensor<?xi64>, %b: tensor<3xf32>)
        -> (tensor<?x1xi32>, tensor<?x3xf32>, tensor<?xi64>) {
      %i, %s, %u = moe.router rows(%x, %t) params(%b)
          : (tensor<?x3xf32>, tensor<?xi64>, tensor<3xf32>)
          -> (tensor<?x1xi32>, tensor<?x3xf32>, tensor<?xi64>) {
      ^row(%row: tensor<3xf32>, %token: i64, %bias: tensor<3xf32>):
        %c = arith.addf %row, %bias : tensor<3xf32>
        %k = moe.top_k %c, 1 : tensor<3xf32> -> tensor<1xi32>
        moe.yield %k, %c, %token : tensor<1xi32>, tensor<3xf32>, i64
      }
      return %i, %s, %u : tensor<?x1xi32>, tensor<?x3xf32>, tensor<?xi64>
    })";
  std::vector<RowDecision> decisions;
  std::vector<Tensor> results =
      runFunction(text,
                  {floats({2, 3}, {1, 2, 3, 3, 2, 1}), integers({2}, {40, 50}),
                   floats({3}, {0, 0, -0.5})},
                  &decisions);
  EXPECT_EQ(results[0].ints, (std::vector<int64_t>{2, 0}));
  expectValues(results[1], {1, 2, 2.5, 3, 2, 0.5});
  EXPECT_EQ(results[2].ints, (std::vector<int64_t>{40, 50}));
  ASSERT_EQ(decisions.size(), 2u);
  EXPECT_EQ(decisions[0].gap, 0.5);
  EXPECT_TRUE(decisions[0].isDecided());
  EXPECT_EQ(decisions[1].row, 1);

  results = runFunction(
      text, {floats({0, 3}, {}), integers({0}, {}), floats({3}, {0, 0, 0})});
  EXPECT_EQ(results[0].shape, (Shape{0, 1}));
  EXPECT_EQ(results[0].kind, Kind::Int);
  EXPECT_EQ(results[1].shape, (Shape{0, 3}));
}

} // namespace moec::reference
