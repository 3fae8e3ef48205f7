//===- ExpertOpsTest.cpp - grouping, products and combine -------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operations around the experts on numbers computed by hand, the grouped
// product with and without its slots, and what is refused.
//
//===----------------------------------------------------------------------===//

#include "TestLayers.h"

using namespace llvm;

namespace moec::reference {

TEST(ExpertOps, Group) {
  std::string text = R"(
    func.func @f(%ids: tensor<?x2xi32>) -> (tensor<4xi32>, tensor<?xi32>) {
      %o, %s = moe.group %ids, 3
          : tensor<?x2xi32> -> tensor<4xi32>, tensor<?xi32>
      return %o, %s : tensor<4xi32>, tensor<?xi32>
    })";
  // Expert 1 is empty; -1 and 5 take no place.
  auto results =
      runFunction(text, {integers({4, 2}, {2, 0, -1, 0, 0, 5, 2, 2})});
  EXPECT_EQ(results[0].ints, (Ids{0, 3, 3, 6}));
  EXPECT_EQ(results[1].ints, (Ids{1, 3, 4, 0, 6, 7}));
  results = runFunction(text, {integers({0, 2}, {})});
  EXPECT_EQ(results[0].ints, (Ids{0, 0, 0, 0}));
  EXPECT_EQ(results[1].shape, Shape{0});
}

TEST(ExpertOps, Dispatch) {
  std::string text = R"(
    func.func @f(%x: tensor<?x2xf32>, %s: tensor<?xi32>, %p: tensor<?x2xf32>)
        -> tensor<?x2xbf16> {
      %y = moe.dispatch %x, %s top_k(2) scale(%p)
          : (tensor<?x2xf32>, tensor<?xi32>, tensor<?x2xf32>) -> tensor<?x2xbf16>
      return %y : tensor<?x2xbf16>
    })";
  Tensor x = floats({2, 2}, {1, 2, 3, 4}), p = floats({2, 2}, {1, 2, 3, 4});
  Tensor y = runFunction(text, {x, integers({3}, {3, 0, 1}), p}).front();
  expectValues(y, {12, 16, 1, 2, 2, 4});
  EXPECT_NEAR(y.error[0], 12 * 0x1p-8, 1e-4);
  EXPECT_NE(runMessage(text, {x, integers({1}, {4}), p})
                .find("slot 4 of 2 tokens with 2 choices each"),
            std::string::npos);
}

TEST(ExpertOps, Combine) {
  std::string text = R"(
    func.func @f(%r: tensor<?x1xf32>, %p: tensor<?x2xf32>, %s: tensor<?xi32>)
        -> tensor<?x1xf32> {
      %y = moe.combine %r, %p, %s
          : tensor<?x1xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x1xf32>
      return %y : tensor<?x1xf32>
    })";
  Tensor p = floats({3, 2}, {0.5, 0.25, 2, 3, 4, 5});
  // Token 0 has both choices, token 1 none, token 2 its second.
  expectValues(runFunction(text, {floats({3, 1}, {10, 20, 30}), p,
                                  integers({3}, {5, 1, 0})})
                   .front(),
               {0.25 * 20 + 0.5 * 30, 0, 5 * 10});
  std::string twice =
      runMessage(text, {floats({2, 1}, {1, 2}), p, integers({2}, {1, 1})});
  EXPECT_NE(twice.find("slot 1 at 1"), std::string::npos) << twice;
}

TEST(ExpertOps, IdentityExperts) {
  std::string text = R"(
    func.func @f(%x: tensor<?x2xf32>, %i: tensor<?x2xi32>, %p: tensor<?x2xf32>)
        -> tensor<?x2xf32> {
      %y = moe.identity_experts %x, %i, %p from(4)
          : tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>
      return %y : tensor<?x2xf32>
    })";
  expectValues(runFunction(text, {floats({2, 2}, {1, 2, 3, 4}),
                                  integers({2, 2}, {4, 6, -1, 3}),
                                  floats({2, 2}, {0.5, 2, 7, 7})})
                   .front(),
               {2.5, 5, 0, 0});
}

static std::string capacityText(const std::string &order) {
  return R"(
    func.func @f(%i: tensor<?x2xi32>, %p: tensor<?x2xf32>, %l: index, %n: index)
        -> (tensor<?x2xi32>, tensor<?x2xf32>) {
      %k, %w = moe.capacity %i, %p limit(%l) per(%n) order()" +
         order + R"() experts(2) : tensor<?x2xi32>, tensor<?x2xf32>
      return %k, %w : tensor<?x2xi32>, tensor<?x2xf32>
    })";
}

TEST(ExpertOps, Capacity) {
  auto run = [](const std::string &order, int64_t limit, int64_t per) {
    return runFunction(capacityText(order),
                       {integers({4, 2}, {0, 1, 1, 0, 0, 1, 0, 9}),
                        floats({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}),
                        Tensor::scalar(limit), Tensor::scalar(per)});
  };
  auto byToken = run("token", 2, 100);
  EXPECT_EQ(byToken[0].ints, (Ids{0, 1, 1, 0, -1, -1, -1, 9}));
  expectValues(byToken[1], {1, 2, 3, 4, 0, 0, 0, 8});
  EXPECT_EQ(run("choice", 2, 100)[0].ints, (Ids{0, 1, 1, -1, 0, -1, -1, 9}));
  EXPECT_EQ(run("token", 2, 2)[0].ints, (Ids{0, 1, 1, 0, 0, 1, 0, 9}));
  EXPECT_EQ(run("token", 0, 2)[0].ints, (Ids{-1, -1, -1, -1, -1, -1, -1, 9}));
  auto messageWithoutRuns = [](int64_t tokens) {
    return runMessage(capacityText("token"),
                      {Tensor::integers({tokens, 2}),
                       Tensor::floats({tokens, 2}), Tensor::scalar(int64_t(1)),
                       Tensor::scalar(int64_t(0))});
  };
  EXPECT_EQ(messageWithoutRuns(0), "");
  std::string message = messageWithoutRuns(1);
  EXPECT_NE(message.find("'per' 0"), std::string::npos) << message;
}

//===----------------------------------------------------------------------===//
// moe.grouped_matmul
//===----------------------------------------------------------------------===//

TEST(ExpertOps, PlainProduct) {
  std::string text = R"(
    func.func @f(%x: tensor<?x2xf32>, %w: tensor<2x1x2xf32>, %o: tensor<3xi32>)
        -> tensor<?x1xf32> {
      %y = moe.grouped_matmul %x weights(%w) by(%o)
          : (tensor<?x2xf32>, tensor<2x1x2xf32>, tensor<3xi32>) -> tensor<?x1xf32>
      return %y : tensor<?x1xf32>
    })";
  Tensor x = floats({3, 2}, {1, 2, 3, 4, 5, 6});
  Tensor w = floats({2, 1, 2}, {1, 10, 2, 3});
  expectValues(runFunction(text, {x, w, integers({3}, {0, 1, 3})}).front(),
               {21, 18, 28});
  expectValues(runFunction(text, {x, w, integers({3}, {0, 0, 3})}).front(),
               {8, 18, 28});
  EXPECT_NE(runMessage(text, {x, w, integers({3}, {0, 2, 1})})
                .find("offset 2 is 1 after 2, with 3 rows"),
            std::string::npos);
  EXPECT_NE(runMessage(text, {x, w, integers({3}, {0, 2, 4})})
                .find("offset 2 is 4 after 2, with 3 rows"),
            std::string::npos);
}

TEST(ExpertOps, AllSlots) {
  // y[t] = base[t] + sum_j p[t, j] * (s[t, j] * g(x[t]) + c) for the expert.
  std::string text = R"(
    func.func @f(%x: tensor<?x2xf32>, %o: tensor<3xi32>, %s: tensor<?xi32>,
                 %scale: tensor<?x2xf32>, %p: tensor<?x2xf32>,
                 %base: tensor<?x1xf32>, %w: tensor<2x1x2xf32>,
                 %v: tensor<2x1x2xf32>, %c: tensor<2x1xf32>) -> tensor<?x1xf32> {
      %y = moe.grouped_matmul %x weights(%w, %v) by(%o) gather(%s, 2)
          scale(%scale) columns(%c) combine(%p, %s) onto(%base)
          : (tensor<?x2xf32>, tensor<2x1x2xf32>, tensor<2x1x2xf32>,
             tensor<3xi32>, tensor<?xi32>, tensor<?x2xf32>, tensor<2x1xf32>,
             tensor<?x2xf32>, tensor<?xi32>, tensor<?x1xf32>)
          -> tensor<?x1xf32> {
      ^epilogue(%a: f32, %b: f32, %bias: f32):
        %m = arith.mulf %a, %b : f32
        %r = arith.addf %m, %bias : f32
        moe.yield %r : f32
      }
      return %y : tensor<?x1xf32>
    })";
  // Token 0 goes to experts 1 and 0, token 1 to expert 1 only.
  std::vector<Tensor> inputs = {
      floats({2, 2}, {1, 2, 3, 4}),       integers({3}, {0, 1, 3}),
      integers({3}, {1, 0, 2}),           floats({2, 2}, {1, 2, 3, 4}),
      floats({2, 2}, {0.5, 0.25, 2, 99}), floats({2, 1}, {1000, 2000}),
      floats({2, 1, 2}, {1, 0, 0, 1}),    floats({2, 1, 2}, {1, 1, 2, 0}),
      floats({2, 1}, {0.5, 0.125})};
  // Slot 1 (expert 0, scale 2): (2*1)*(2*3)+.5; slot 0 (expert 1, scale 1):
  // (2)*(2)+.125; slot 2 (expert 1, scale 3): (3*4)*(3*6)+.125.
  expectValues(runFunction(text, inputs).front(),
               {1000 + 0.25 * 12.5 + 0.5 * 4.125, 2000 + 2 * 216.125});
}

TEST(ExpertOps, OneGroup) {
  std::string text = R"(
    func.func @f(%x: tensor<?x2xf32>, %w: tensor<2x2xf32>, %b: tensor<2xf32>)
        -> tensor<?x2xbf16> {
      %y = moe.grouped_matmul %x weights(%w) columns(%b)
          : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>)
          -> tensor<?x2xbf16> {
      ^epilogue(%a: f32, %bias: f32):
        %r = arith.addf %a, %bias : f32
        moe.yield %r : f32
      }
      return %y : tensor<?x2xbf16>
    })";
  Tensor y =
      runFunction(text, {floats({2, 2}, {1, 2, 3, 4}),
                         floats({2, 2}, {1, 0, 1, 1}), floats({2}, {10, 20})})
          .front();
  expectValues(y, {11, 23, 13, 27});
  EXPECT_NEAR(y.error[0], 11 * 0x1p-8, 1e-3);
}

} // namespace moec::reference
