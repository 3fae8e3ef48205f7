//===- QuantizeTest.cpp - numbers as codes with a scale ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Quantize.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace moec;

namespace {

struct Encoded {
  float scale;
  std::vector<int8_t> codes;
};

Encoded int8(const std::vector<float> &values,
             ScaleType type = ScaleType::F32) {
  std::vector<int8_t> codes(values.size(), 99);
  float scale = quantize({CodeType::Int8, type}, values, codes).factor;
  return {scale, codes};
}

TEST(QuantizeInt8, TheLargestMagnitudeIs127) {
  Encoded e = int8({0.5f, -2.0f, 1.0f});
  EXPECT_EQ(e.scale, 2.0f / 127);
  EXPECT_EQ(e.codes, (std::vector<int8_t>{32, -127, 64}));
}

TEST(QuantizeInt8, TiesGoToEven) {
  // The scale is 1.
  Encoded e = int8({127, 0.5f, 1.5f, -0.5f, -2.5f});
  EXPECT_EQ(e.codes, (std::vector<int8_t>{127, 0, 2, 0, -2}));
}

TEST(QuantizeInt8, ScalesOfGroupsAreBf16) {
  Encoded e = int8({1.01f, -0.3f}, ScaleType::BF16);
  EXPECT_EQ(std::bit_cast<uint32_t>(e.scale) & 0xffff, 0u);
  EXPECT_NEAR(e.scale, 1.01f / 127, 1.01f / 127 / 256);
}

TEST(QuantizeInt8, ZerosAndTinyNumbersAreZero) {
  for (float tiny : {0.0f, -0.0f, 0x1p-101f, 1e-40f}) {
    Encoded e = int8({tiny, -tiny});
    EXPECT_EQ(e.scale, 0);
    EXPECT_EQ(e.codes, (std::vector<int8_t>{0, 0}));
  }
  EXPECT_EQ(int8({0x1p-100f}).codes[0], 127);
}

TEST(QuantizeInt8, WhatIsNotFiniteMakesTheScaleNaN) {
  for (float value : {std::numeric_limits<float>::infinity(),
                      -std::numeric_limits<float>::infinity(),
                      std::numeric_limits<float>::quiet_NaN()}) {
    Encoded e = int8({1, value});
    EXPECT_TRUE(std::isnan(e.scale));
    EXPECT_EQ(e.codes, (std::vector<int8_t>{0, 0}));
  }
}

TEST(QuantizeInt8, ErrorsAreHalfAScale) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (ScaleType type : {ScaleType::F32, ScaleType::BF16}) {
    std::vector<float> values(1000);
    for (float &value : values)
      value = normal(random) * 0x1p20f;
    Encoded e = int8(values, type);
    // A scale that was rounded down leaves up to 127 half-ulps of bf16 behind.
    float bound = e.scale * (type == ScaleType::F32 ? 0.5001f : 1.0f);
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_LE(std::abs(values[i] - e.scale * e.codes[i]), bound);
  }
}

Encoded int4(const std::vector<float> &values) {
  std::vector<int8_t> codes(values.size(), 99);
  float scale =
      quantize({CodeType::Int4, ScaleType::BF16}, values, codes).factor;
  return {scale, codes};
}

TEST(QuantizeInt4, TheExtremeIsMinus8) {
  Encoded e = int4({-16, 3, 13.9f, 1, 20});
  EXPECT_EQ(e.scale, -2.5f);
  EXPECT_EQ(e.codes, (std::vector<int8_t>{6, -1, -6, 0, -8}));
  // The other end is clamped.
  EXPECT_EQ(int4({-8, 8}).codes, (std::vector<int8_t>{-8, 7}));
}

/// Every number as it is stored, and last the zero.
std::vector<int> uint4(const std::vector<float> &values, float factor) {
  std::vector<int8_t> codes(values.size(), 99);
  Scale scale = quantize({CodeType::UInt4, ScaleType::BF16Zero}, values, codes);
  EXPECT_EQ(scale.factor, factor);
  std::vector<int> stored;
  for (int8_t code : codes)
    stored.push_back(code + scale.zero);
  stored.push_back(scale.zero);
  return stored;
}

TEST(QuantizeUInt4, TheRangeIsThatOfTheNumbersAnd0) {
  EXPECT_EQ(uint4({-5, 10, 0, 2.4f, -0.6f}, 1),
            (std::vector<int>{0, 15, 5, 7, 4, 5}));
  // On one side of 0.
  EXPECT_EQ(uint4({30, 2}, 2), (std::vector<int>{15, 1, 0}));
  EXPECT_EQ(uint4({-30, -2}, 2), (std::vector<int>{0, 14, 15}));
}

TEST(QuantizeUInt4, ZerosTinyAndInfiniteNumbers) {
  EXPECT_EQ(uint4({0, -0x1p-101f}, 0), (std::vector<int>{0, 0, 0}));
  std::vector<int8_t> codes(2);
  BlockFormat format{CodeType::UInt4, ScaleType::BF16Zero};
  EXPECT_TRUE(std::isnan(
      quantize(format, std::vector<float>{1, INFINITY}, codes).factor));
  // The range is more than f32 holds.
  EXPECT_TRUE(std::isfinite(
      quantize(format, std::vector<float>{-3e38f, 3e38f}, codes).factor));
  EXPECT_GE(codes[1] - codes[0], 14);
}

TEST(QuantizeFp4, NumbersInTheFormatStayWhatTheyAre) {
  for (int exponent : {-90, -3, 0, 40})
    for (int top = 1; top < 8; ++top) {
      // Every magnitude up to `top`, of both signs.
      std::vector<float> values;
      for (int code = 0; code <= top; ++code)
        for (float sign : {1.0f, -1.0f})
          values.push_back(
              sign *
              std::ldexp(codeValue(CodeType::E2M1, int8_t(code)), exponent));
      std::vector<int8_t> codes(values.size());
      float scale =
          quantize({CodeType::E2M1, ScaleType::E8M0}, values, codes).factor;
      for (size_t i = 0; i < values.size(); ++i)
        EXPECT_EQ(scale * codeValue(CodeType::E2M1, codes[i]), values[i]);
    }
}

TEST(QuantizeFp4, TheExponentOfTheLargestIs2) {
  std::vector<int8_t> codes(3);
  float scale = quantize({CodeType::E2M1, ScaleType::E8M0},
                         std::vector<float>{7.9f, -0.3f, 2.5f}, codes)
                    .factor;
  EXPECT_EQ(scale, 1);
  // 6, -0.5 and, of a tie, the even 2.
  EXPECT_EQ(codes, (std::vector<int8_t>{7, 9, 4}));
}

TEST(QuantizeFp8, CodesComeBackFromRoundedProducts) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> scales(1e-6f, 1e3f);
  std::vector<int8_t> codes(256), found(256);
  for (int i = 0; i < 256; ++i)
    // All but the NaNs.
    codes[i] = static_cast<int8_t>((i & 127) == 127 ? 0 : i);
  for (int i = 0; i < 50; ++i) {
    float scale = scales(random);
    std::vector<float> values;
    for (int8_t code : codes)
      values.push_back(codeValue(CodeType::E4M3, code) * scale);
    EXPECT_EQ(recoverFp8(scale, values, found), scale);
    EXPECT_EQ(found, codes);
  }
}

TEST(QuantizeFp8, WhatIsNotFiniteMakesTheScaleNaN) {
  std::vector<int8_t> codes(2);
  EXPECT_TRUE(
      std::isnan(recoverFp8(1, std::vector<float>{1, std::nanf("")}, codes)));
  EXPECT_EQ(recoverFp8(0, std::vector<float>{0, 0}, codes), 0);
}

TEST(Quantize, ScalesAreStoredAsTheirType) {
  uint8_t bytes[4] = {};
  storeScale(ScaleType::E8M0, {0.5f}, bytes);
  EXPECT_EQ(bytes[0], 126);
  storeScale(ScaleType::E8M0, {std::numeric_limits<float>::quiet_NaN()}, bytes);
  EXPECT_EQ(bytes[0], 255);
  storeScale(ScaleType::BF16, {1.0f}, bytes);
  EXPECT_EQ(bytes[0] | bytes[1] << 8, 0x3f80);
  storeScale(ScaleType::BF16Zero, {1.0f, 9}, bytes);
  EXPECT_EQ(bytes[0] | bytes[1] << 8, 9);
  EXPECT_EQ(bytes[2] | bytes[3] << 8, 0x3f80);
}

} // namespace
