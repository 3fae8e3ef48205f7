//===- ErrorModelTest.cpp - bounds hold, and are tight ----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions are computed in f32 on operands moved within their errors: the
// results have to be within the bounds. Special values come out as such.
//
//===----------------------------------------------------------------------===//

#include "moec/Reference/ErrorModel.h"
#include "TestLayers.h"

#include <gtest/gtest.h>

#include <random>

using namespace llvm;

namespace moec::reference {

TEST(ErrorModel, FormatsKnowTheirNumbers) {
  EXPECT_TRUE(isExact(1.5, bf16Format));
  EXPECT_TRUE(isExact(0x1.fep0, bf16Format));
  EXPECT_FALSE(isExact(0x1.ffp0, bf16Format));
  EXPECT_TRUE(isExact(0x1p-133, bf16Format)); // the smallest subnormal
  EXPECT_FALSE(isExact(0x1p-134, bf16Format));
  EXPECT_TRUE(isExact(65504, f16Format));
  EXPECT_FALSE(isExact(65520, f16Format));
  EXPECT_TRUE(isExact(0x1p-24, f16Format));
  EXPECT_FALSE(isExact(0.1, f32Format));
  EXPECT_TRUE(isExact(0.1f, f32Format));
  EXPECT_EQ(f16Format.overflow, 65520);
  EXPECT_EQ(bf16Format.unit, 0x1p-8); // half of 2^-7
}

TEST(ErrorModel, ConversionsCostHalfAPlace) {
  EXPECT_EQ(converted({1.5, 0}, bf16Format).error, 0);
  Number rounded = converted({1.001, 0}, bf16Format);
  EXPECT_EQ(rounded.value, 1.001);
  EXPECT_NEAR(rounded.error, 1.001 * 0x1p-8, 1e-9);
  EXPECT_EQ(converted({0, 0}, f16Format).error, 0);
}

TEST(ErrorModel, Overflow) {
  // Beyond the range for certain, perhaps, and not.
  Number huge = multiply({1e30, 0}, {1e30, 0}, f32Format);
  EXPECT_EQ(huge.value, infinity);
  EXPECT_EQ(huge.error, 0);
  EXPECT_EQ(add({3.4e38, 1e36}, {0, 0}, f32Format).error, infinity);
  EXPECT_LT(add({3.3e38, 1e36}, {0, 0}, f32Format).error, 1e37);
  EXPECT_EQ(converted({-70000, 1}, f16Format).value, -infinity);
  // What may be anything stays so.
  EXPECT_EQ(multiply({0, 0}, {1, infinity}, f32Format).error, infinity);
  EXPECT_EQ(sigmoid({1, infinity}, f32Format).error, infinity);
}

TEST(ErrorModel, SpecialValues) {
  auto expectSame = [](Number x, double value) {
    EXPECT_TRUE(x.value == value || (std::isnan(x.value) && std::isnan(value)))
        << x.value << " is not " << value;
    EXPECT_EQ(x.error, 0);
  };
  expectSame(add({infinity, 0}, {-infinity, 0}, f32Format), nan);
  expectSame(multiply({infinity, 0}, {0, 0}, f32Format), nan);
  expectSame(multiply({infinity, 0}, {-2, 1}, f32Format), -infinity);
  EXPECT_EQ(multiply({infinity, 0}, {1, 2}, f32Format).error, infinity);
  expectSame(divide({0, 0}, {0, 0}, f32Format), nan);
  expectSame(divide({-1, 0}, {0, 0}, f32Format), -infinity);
  EXPECT_EQ(divide({1, 0}, {1, 1}, f32Format).error, infinity);
  expectSame(maximum({nan, 0}, {1, 0}, false), nan);
  expectSame(maximum({nan, 0}, {1, 0}, true), 1);
  expectSame(minimum({-infinity, 0}, {1, 0}, false), -infinity);
  expectSame(sigmoid({-infinity, 0}, f32Format), 0);
  expectSame(silu({infinity, 0}, f32Format), infinity);
  expectSame(silu({-infinity, 0}, f32Format), nan);
  expectSame(silu({nan, 0}, f32Format), nan);
  expectSame(exponential({-infinity, 0}, f32Format), 0);
  expectSame(exponential({100, 0}, f32Format), infinity);
  expectSame(logarithm({0, 0}, f32Format), -infinity);
  expectSame(logarithm({-1, 0.5}, f32Format), nan);
  EXPECT_EQ(logarithm({1, 2}, f32Format).error, infinity);
  EXPECT_EQ(squareRoot({0, 1e-9}, f32Format).error, infinity);
}

TEST(ErrorModel, MaximumOfWhatOverlaps) {
  EXPECT_EQ(maximum({5, 0.1}, {1, 0.2}, false).error, 0.1);
  EXPECT_EQ(maximum({5, 0.1}, {4.9, 0.3}, false).error, 4.9 + 0.3 - 5);
  EXPECT_EQ(either({1, 0.1}, {3, 0.5}).error, 2.5);
  EXPECT_EQ(either({1, 0.1}, {-infinity, 0}).error, infinity);
}

TEST(ErrorModel, ZeroIsExact) {
  Number zero{0, 0};
  EXPECT_EQ(add(zero, zero, f32Format).error, 0);
  EXPECT_EQ(multiply(zero, {3, 1}, f32Format).error, 0);
  EXPECT_EQ(silu(zero, f32Format).error, 0);
  std::vector<double> a{1, 2, 3}, b{0, 0, 0};
  EXPECT_EQ(dot({a.data(), nullptr, 3}, {b.data(), nullptr, 3}).error, 0);
}

//===----------------------------------------------------------------------===//
// f32 within the bounds
//===----------------------------------------------------------------------===//

namespace {

class Draw {
public:
  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(engine);
  }
  Number number() {
    double value = std::copysign(std::exp(uniform(-8, 4)), uniform(-1, 1));
    return {value, std::abs(value) * std::exp(uniform(-12, -3))};
  }
  /// One of the values that `x` may be.
  float sample(Number x) {
    // Rounding to f32 may go outside of the interval; so stay inside of it.
    return static_cast<float>(x.value + 0.9 * uniform(-x.error, x.error));
  }

private:
  std::mt19937_64 engine{7};
};

} // namespace

static void expectWithin(Number bound, float actual) {
  if (bound.error == infinity)
    return;
  if (!std::isfinite(bound.value)) {
    EXPECT_TRUE(bound.value == actual ||
                (std::isnan(bound.value) && std::isnan(actual)))
        << bound.value << " and " << actual;
    return;
  }
  EXPECT_LE(std::abs(bound.value - static_cast<double>(actual)), bound.error)
      << bound.value;
}

TEST(ErrorModel, F32IsWithinItsBounds) {
  Draw draw;
  for (int i = 0; i < 20000; ++i) {
    Number a = draw.number(), b = draw.number();
    float x = draw.sample(a), y = draw.sample(b);
    expectWithin(add(a, b, f32Format), x + y);
    expectWithin(subtract(a, b, f32Format), x - y);
    expectWithin(multiply(a, b, f32Format), x * y);
    expectWithin(divide(a, b, f32Format), x / y);
    expectWithin(maximum(a, b, false), std::max(x, y));
    expectWithin(minimum(a, b, false), std::min(x, y));
    expectWithin(exponential(a, f32Format), std::exp(x));
    expectWithin(hyperbolicTangent(a, f32Format), std::tanh(x));
    expectWithin(errorFunction(a, f32Format), std::erf(x));
    expectWithin(sigmoid(a, f32Format), 1 / (1 + std::exp(-x)));
    expectWithin(silu(a, f32Format), x / (1 + std::exp(-x)));
    expectWithin(squareRoot(absolute(a), f32Format), std::sqrt(std::abs(x)));
    expectWithin(logarithm(absolute(a), f32Format), std::log(std::abs(x)));
    expectWithin(logarithm1p(absolute(a), f32Format), std::log1p(std::abs(x)));
    expectWithin(power(absolute(a), b, f32Format), std::pow(std::abs(x), y));
  }
}

TEST(ErrorModel, SiluAcrossItsRange) {
  for (double value = -120; value < 120; value += 0.37) {
    auto x = static_cast<float>(value);
    Number bound = silu({x, 0}, f32Format);
    expectWithin(bound, x / (1 + std::exp(-x)));
    EXPECT_LE(bound.error, 1e-5 * std::abs(value) + 1e-30);
  }
}

TEST(ErrorModel, SumsInAnyOrder) {
  Draw draw;
  for (int round = 0; round < 500; ++round) {
    int64_t n = 1 + round % 70;
    std::vector<double> a, b, errorA, errorB;
    std::vector<float> x, y;
    for (int64_t i = 0; i < n; ++i) {
      Number p = draw.number(), q = draw.number();
      a.push_back(p.value);
      errorA.push_back(p.error);
      b.push_back(q.value);
      errorB.push_back(q.error);
      x.push_back(draw.sample(p));
      y.push_back(draw.sample(q));
    }
    Number bound =
        dot({a.data(), errorA.data(), n}, {b.data(), errorB.data(), n});
    float forwards = 0, backwards = 0;
    for (int64_t i = 0; i < n; ++i) {
      forwards += x[i] * y[i];
      backwards += x[n - 1 - i] * y[n - 1 - i];
    }
    expectWithin(bound, forwards);
    expectWithin(bound, backwards);
    Number exact = dot({a.data(), nullptr, n}, {b.data(), nullptr, n});
    EXPECT_LT(exact.error, bound.error);
  }
}

TEST(ErrorModel, DotOfWhatIsNotFinite) {
  auto dotOf = [](std::vector<double> a, std::vector<double> b) {
    auto n = static_cast<int64_t>(a.size());
    return dot({a.data(), nullptr, n}, {b.data(), nullptr, n});
  };
  EXPECT_EQ(dotOf({1, -2}, {infinity, 1}).value, infinity);
  EXPECT_EQ(dotOf({1, -2}, {infinity, 1}).error, 0);
  EXPECT_TRUE(std::isnan(dotOf({1, 2}, {infinity, -infinity}).value));
  EXPECT_TRUE(std::isnan(dotOf({0, 2}, {infinity, 1}).value));
  EXPECT_EQ(dotOf({0, 2}, {infinity, 1}).error, 0);
  // A partial sum overflows in some orders.
  EXPECT_EQ(dotOf({1, 1, 1}, {3e38, 3e38, -3e38}).error, infinity);
  // A subnormal may be flushed: NaN or infinity.
  EXPECT_EQ(dotOf({0x1p-130, 2}, {infinity, 1}).error, infinity);
}

TEST(ErrorModel, Softmax) {
  Draw draw;
  for (int round = 0; round < 500; ++round) {
    SmallVector<Number> x;
    std::vector<float> z;
    for (int i = 0; i < 9; ++i) {
      double value = draw.uniform(-20, 20);
      x.push_back({value, std::exp(draw.uniform(-14, 0))});
      z.push_back(draw.sample(x.back()));
    }
    SmallVector<Number> p = softmax(x);
    float largest = *std::max_element(z.begin(), z.end()), total = 0;
    for (float &value : z)
      total += value = std::exp(value - largest);
    for (int i = 0; i < 9; ++i)
      expectWithin(p[i], z[i] / total);
  }
}

TEST(ErrorModel, SoftmaxOfExtremes) {
  // Far apart, even uncertain logits leave no doubt.
  SmallVector<Number> p = softmax({{1e29, 1e24}, {-1e29, 1e24}, {0, 1e24}});
  EXPECT_EQ(p[0].value, 1);
  EXPECT_LT(p[0].error, 1e-5);
  EXPECT_LT(p[1].error, 1e-30);
  // Equal logits give equal numbers with equal bounds.
  p = softmax({{0.3, 1e-6}, {0.3, 1e-6}, {0.3, 1e-6}, {0.3, 1e-6}});
  EXPECT_EQ(p[0].value, 0.25);
  for (Number other : p) {
    EXPECT_EQ(other.value, p[0].value);
    EXPECT_NEAR(other.error, p[0].error, 1e-12);
  }
  p = softmax({{1, 0}, {-infinity, 0}});
  EXPECT_EQ(p[0].value, 1);
  EXPECT_EQ(p[1].value, 0);
  EXPECT_EQ(p[1].error, 0);
  EXPECT_TRUE(std::isnan(softmax({{1, 0}, {nan, 0}})[0].value));
  EXPECT_TRUE(std::isnan(softmax({{1, 0}, {infinity, 0}})[0].value));
  EXPECT_TRUE(std::isnan(softmax({{-infinity, 0}})[0].value));
  EXPECT_EQ(softmax({{1, infinity}, {0, 0}})[1].error, infinity);
}

} // namespace moec::reference
