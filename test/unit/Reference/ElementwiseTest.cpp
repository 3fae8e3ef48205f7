//===- ElementwiseTest.cpp - arithmetic on tensors --------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element-wise operations of arith, math and moe: floats, integers, masks,
// and masks that rounding may turn.
//
//===----------------------------------------------------------------------===//

#include "TestLayers.h"

using namespace llvm;

namespace moec::reference {

static Tensor unary(const std::string &op, std::vector<double> x) {
  auto n = static_cast<int64_t>(x.size());
  std::string type = "tensor<?xf32>";
  return runFunction("func.func @f(%x: " + type + ") -> " + type +
                         " {\n %y = " + op + " %x : " + type +
                         "\n return %y : " + type + "\n}",
                     {floats({n}, std::move(x))})
      .front();
}

static Tensor binary(const std::string &op, std::vector<double> x,
                     std::vector<double> y) {
  auto n = static_cast<int64_t>(x.size());
  std::string type = "tensor<?xf32>";
  return runFunction("func.func @f(%x: " + type + ", %z: " + type + ") -> " +
                         type + " {\n %y = " + op + " %x, %z : " + type +
                         "\n return %y : " + type + "\n}",
                     {floats({n}, std::move(x)), floats({n}, std::move(y))})
      .front();
}

TEST(Elementwise, Binary) {
  expectValues(binary("arith.addf", {1, 2}, {3, -2}), {4, 0});
  expectValues(binary("arith.subf", {1, 2}, {3, -2}), {-2, 4});
  expectValues(binary("arith.mulf", {1, 2}, {3, -2}), {3, -4});
  expectValues(binary("arith.divf", {1, 0, 1}, {4, 0, 0}),
               {0.25, nan, infinity});
  expectValues(binary("arith.maximumf", {1, nan, 2}, {3, 1, nan}),
               {3, nan, nan});
  expectValues(binary("arith.maxnumf", {1, nan, 2}, {3, 1, nan}), {3, 1, 2});
  expectValues(binary("arith.minimumf", {1, nan}, {3, 1}), {1, nan});
  expectValues(binary("arith.minnumf", {1, nan}, {3, 1}), {1, 1});
  expectValues(binary("math.powf", {3, 4, -2}, {2, 0.5, 3}), {9, 2, -8});
}

TEST(Elementwise, Unary) {
  expectValues(unary("arith.negf", {1, -infinity}), {-1, infinity});
  expectValues(unary("math.absf", {1, -2}), {1, 2});
  expectValues(unary("math.exp", {0, 1}), {1, std::exp(1)});
  expectValues(unary("math.exp2", {0, 3}), {1, 8});
  expectValues(unary("math.log", {1, 2}), {0, std::log(2)});
  expectValues(unary("math.log1p", {0, 1}), {0, std::log(2)});
  expectValues(unary("math.tanh", {0, 1}), {0, std::tanh(1)});
  expectValues(unary("math.erf", {0, 1}), {0, std::erf(1)});
  expectValues(unary("math.sqrt", {4, -1}), {2, nan});
  expectValues(unary("math.rsqrt", {4, 0}), {0.5, infinity});
  expectValues(unary("moe.sigmoid", {0, 2, -infinity, infinity, nan}),
               {0.5, 1 / (1 + std::exp(-2)), 0, 1, nan});
  expectValues(unary("moe.silu", {0, 2, -infinity, infinity, nan}),
               {0, 2 / (1 + std::exp(-2)), nan, infinity, nan});
}

TEST(Elementwise, ConversionsDoNotRoundTheValue) {
  std::string text = R"(
    func.func @f(%x: tensor<2xf32>) -> (tensor<2xbf16>, tensor<2xf32>) {
      %b = arith.truncf %x : tensor<2xf32> to tensor<2xbf16>
      %y = arith.extf %b : tensor<2xbf16> to tensor<2xf32>
      return %b, %y : tensor<2xbf16>, tensor<2xf32>
    })";
  auto results = runFunction(text, {floats({2}, {1.5, 1.001})});
  expectValues(results[1], {1.5, 1.001});
  EXPECT_EQ(results[1].error[0], 0);
  EXPECT_NEAR(results[1].error[1], 1.001 * 0x1p-8, 1e-9);
}

TEST(Elementwise, SelectWhereTheMaskIsClear) {
  std::string text = R"(
    func.func @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
      %m = arith.cmpf ogt, %x, %y : tensor<4xf32>
      %z = arith.select %m, %x, %y : tensor<4xi1>, tensor<4xf32>
      return %z : tensor<4xf32>
    })";
  Tensor x = floats({4}, {1, 5, 2, nan}), y = floats({4}, {3, 4, 2, 7});
  Tensor z = runFunction(text, {x, y}).front();
  expectValues(z, {3, 5, 2, 7});
  // Where rounding may turn the comparison, it may be either.
  x.error = {0.1, 0.5, 0.5, 0};
  y.error = {0.1, 0.6, 0.5, 0};
  z = runFunction(text, {x, y}).front();
  EXPECT_EQ(z.error, (std::vector<double>{0.1, 1.6, 0.5, 0}));
}

TEST(Elementwise, MasksOfInfinity) {
  std::string text = R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %zero = arith.constant dense<0.0> : tensor<2xf32>
      %fill = arith.constant dense<0xFF800000> : tensor<2xf32>
      %m = arith.cmpf olt, %x, %zero : tensor<2xf32>
      %z = arith.select %m, %fill, %x : tensor<2xi1>, tensor<2xf32>
      return %z : tensor<2xf32>
    })";
  Tensor x = floats({2}, {-1, 0.01});
  x.error = {0.1, 0.1};
  Tensor z = runFunction(text, {x}).front();
  expectValues(z, {-infinity, 0.01});
  EXPECT_EQ(z.error, (std::vector<double>{0, infinity}));
}

TEST(Elementwise, Integers) {
  std::string text = R"(
    func.func @f(%a: tensor<4xi32>, %b: tensor<4xi32>)
        -> (tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>,
            tensor<4xi32>, tensor<4xf32>) {
      %sum = arith.addi %a, %b : tensor<4xi32>
      %quotient = arith.divsi %a, %b : tensor<4xi32>
      %floor = arith.floordivsi %a, %b : tensor<4xi32>
      %unsigned = arith.divui %a, %b : tensor<4xi32>
      %less = arith.cmpi slt, %a, %b : tensor<4xi32>
      %which = arith.select %less, %a, %b : tensor<4xi1>, tensor<4xi32>
      %float = arith.sitofp %a : tensor<4xi32> to tensor<4xf32>
      return %sum, %quotient, %floor, %unsigned, %which, %float
          : tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>,
            tensor<4xi32>, tensor<4xf32>
    })";
  auto results = runFunction(text, {integers({4}, {7, -7, 2147483647, 5}),
                                    integers({4}, {2, 2, 1, -1})});
  EXPECT_EQ(results[0].ints, (Ids{9, -5, -2147483648, 4}));
  EXPECT_EQ(results[1].ints, (Ids{3, -3, 2147483647, -5}));
  EXPECT_EQ(results[2].ints, (Ids{3, -4, 2147483647, -5}));
  EXPECT_EQ(results[3].ints, (Ids{3, 2147483644, 2147483647, 0}));
  EXPECT_EQ(results[4].ints, (Ids{2, -7, 1, -1}));
  expectValues(results[5], {7, -7, 2147483647, 5});
  EXPECT_GT(results[5].error[2], 0); // not an f32
  EXPECT_NE(runMessage(text, {integers({4}, {1, 2, 3, 4}),
                              integers({4}, {1, 0, 1, 1})})
                .find("undefined for 2 and 0 (element 1)"),
            std::string::npos);
}

TEST(Elementwise, FloatsToIntegers) {
  expectValues(unary("math.ceil", {1.25, -1.25, 3}), {2, -1, 3});
  expectValues(unary("math.floor", {1.25, -1.25, 3}), {1, -2, 3});
  std::string text = R"(
    func.func @f(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xi32>) {
      %up = math.ceil %x : tensor<2xf32>
      %i = arith.fptosi %up : tensor<2xf32> to tensor<2xi32>
      return %up, %i : tensor<2xf32>, tensor<2xi32>
    })";
  Tensor x = floats({2}, {1.95, -2.5});
  x.error = {0.1, 0.1};
  auto results = runFunction(text, {x});
  EXPECT_EQ(results[0].error, (std::vector<double>{1, 0}));
  EXPECT_EQ(results[1].ints, (std::vector<int64_t>{2, -2}));
  EXPECT_EQ(results[1].errorAt(0), infinity);
  EXPECT_EQ(results[1].errorAt(1), 0);
  EXPECT_NE(runMessage(text, {floats({2}, {3e9, 0})})
                .find("3000000000 is no integer of 32 bits"),
            std::string::npos);
}

TEST(Elementwise, TruthValues) {
  std::string text = R"(
    func.func @f(%a: tensor<2xi1>, %b: tensor<2xi1>)
        -> (tensor<2xi1>, tensor<2xi32>, tensor<2xi32>) {
      %and = arith.andi %a, %b : tensor<2xi1>
      %signed = arith.extsi %and : tensor<2xi1> to tensor<2xi32>
      %unsigned = arith.extui %and : tensor<2xi1> to tensor<2xi32>
      return %and, %signed, %unsigned
          : tensor<2xi1>, tensor<2xi32>, tensor<2xi32>
    })";
  Tensor a = integers({2}, {1, 1}), b = integers({2}, {0, 1});
  auto results = runFunction(text, {a, b});
  EXPECT_EQ(results[0].kind, Kind::Bool);
  EXPECT_EQ(results[1].ints, (std::vector<int64_t>{0, -1}));
  EXPECT_EQ(results[2].ints, (std::vector<int64_t>{0, 1}));
}

} // namespace moec::reference
