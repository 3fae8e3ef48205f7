//===- ConvertTest.cpp - rows between f32 and narrow types ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every code of both narrow types, and narrowing against a definition by
// search.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

namespace moec {

/// The value of an f16 or bf16 code by its definition.
static double valueOf(uint16_t code, moec_dtype type) {
  int mantissaBits = type == MOEC_DTYPE_F16 ? 10 : 7;
  int exponentMax = type == MOEC_DTYPE_F16 ? 31 : 255;
  int bias = exponentMax / 2;
  int exponent = code >> mantissaBits & exponentMax;
  int mantissa = code & ((1 << mantissaBits) - 1);
  double sign = code >> 15 ? -1.0 : 1.0;
  if (exponent == exponentMax)
    return mantissa ? NAN : sign * INFINITY;
  int hiddenBit = exponent ? 1 << mantissaBits : 0;
  return sign * std::ldexp(mantissa + hiddenBit,
                           std::max(exponent, 1) - bias - mantissaBits);
}

static float widenOne(uint16_t code, moec_dtype type) {
  TensorView view{&code, type, 1, 1, 1, 1};
  float result = 0.0f;
  widenRows(view, &result, 0, 1);
  return result;
}

static uint16_t narrowOne(float value, moec_dtype type) {
  uint16_t result = 0;
  narrowRows(&value, TensorView{&result, type, 1, 1, 1, 1}, 0, 1);
  return result;
}

class ConvertTest : public testing::TestWithParam<moec_dtype> {};

TEST_P(ConvertTest, everyCodeWidensExactlyAndComesBack) {
  for (uint32_t code = 0; code < 0x10000; ++code) {
    double expected = valueOf(uint16_t(code), GetParam());
    float value = widenOne(uint16_t(code), GetParam());
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << code;
      ASSERT_TRUE(std::isnan(valueOf(narrowOne(value, GetParam()), GetParam())))
          << code;
      continue;
    }
    ASSERT_EQ(double(value), expected) << code;
    ASSERT_EQ(std::signbit(value), std::signbit(expected)) << code;
    ASSERT_EQ(narrowOne(value, GetParam()), code);
  }
}

/// Checks that `value` goes to the nearest code, ties to the even one.
static void checkNearest(float value, moec_dtype type) {
  uint16_t code = narrowOne(value, type);
  double got = valueOf(code, type);
  ASSERT_EQ(code >> 15, std::signbit(value)) << value;
  if (std::isinf(got)) {
    // Half a step above the largest value begins what is too large.
    uint16_t largest = type == MOEC_DTYPE_F16 ? 0x7bff : 0x7f7f;
    double top = valueOf(largest, type), below = valueOf(largest - 1, type);
    ASSERT_GE(std::fabs(double(value)), top + (top - below) / 2);
    return;
  }
  double error = std::fabs(double(value) - got);
  for (int step : {-1, 1}) {
    double other = valueOf(uint16_t(code + step), type);
    if (((code + step) ^ code) & 0x8000 || !std::isfinite(other))
      continue;
    double otherError = std::fabs(double(value) - other);
    ASSERT_LE(error, otherError) << value;
    if (error == otherError) {
      ASSERT_EQ(code & 1, 0) << value;
    }
  }
}

TEST_P(ConvertTest, narrowingRoundsToNearestEven) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000000; ++i) {
    float value = std::bit_cast<float>(uint32_t(random()));
    if (!std::isnan(value))
      checkNearest(value, GetParam());
  }
  // Midpoints between neighbours, and the floats beside them.
  for (uint32_t code = 0; code + 1 < 0x7c00; ++code) {
    double low = valueOf(uint16_t(code), GetParam());
    double high = valueOf(uint16_t(code + 1), GetParam());
    float middle = float((low + high) / 2);
    for (float value : {middle, std::nextafter(middle, 0.0f),
                        std::nextafter(middle, INFINITY), -middle})
      checkNearest(value, GetParam());
  }
}

TEST_P(ConvertTest, rowsMayBeApartAndRangesAreKept) {
  std::vector<uint16_t> wide(4 * 5, 0x3f80);
  TensorView view{wide.data(), GetParam(), 3, 4, 4, 5};
  std::vector<float> narrow(4 * 3, -1.0f);
  widenRows(view, narrow.data(), 1, 3);
  float one = widenOne(0x3f80, GetParam());
  for (int row = 0; row < 4; ++row)
    for (int col = 0; col < 3; ++col)
      EXPECT_EQ(narrow[row * 3 + col], row == 1 || row == 2 ? one : -1.0f);
  std::fill(narrow.begin(), narrow.end(), 2.0f);
  narrowRows(narrow.data(), view, 1, 3);
  for (int row = 0; row < 4; ++row)
    for (int col = 0; col < 5; ++col)
      EXPECT_EQ(wide[row * 5 + col] == narrowOne(2.0f, GetParam()),
                (row == 1 || row == 2) && col < 3);
}

INSTANTIATE_TEST_SUITE_P(Types, ConvertTest,
                         testing::Values(MOEC_DTYPE_F16, MOEC_DTYPE_BF16));

} // namespace moec
