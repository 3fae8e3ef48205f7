//===- FloatTest.cpp - narrow floating-point formats ------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every code of every format is decoded and encoded, and every rounding
// boundary is tried from both sides, with llvm::APFloat as the oracle.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Float.h"
#include "TestFiles.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>
#include <random>

using namespace llvm;
using namespace moec;

namespace {

/// A format: its width, decoder, encoder and what APFloat knows about it.
struct Format {
  const char *name;
  unsigned bits;
  float (*decode)(uint32_t);
  uint32_t (*encode)(float);
  const fltSemantics &(*semantics)();
  /// What overflow gives: the largest value instead of infinity.
  bool saturates;
  bool hasNaN = true;
};

template <auto Function, typename Code>
float decodeWith(uint32_t code) {
  return Function(Code(code));
}

template <auto Function>
uint32_t encodeWith(float value) {
  return Function(value);
}

const Format formats[] = {
    {"bf16", 16, decodeWith<bf16ToFloat, uint16_t>, encodeWith<floatToBf16>,
     APFloat::BFloat, false},
    {"f16", 16, decodeWith<f16ToFloat, uint16_t>, encodeWith<floatToF16>,
     APFloat::IEEEhalf, false},
    {"f8e4m3", 8, decodeWith<f8e4m3ToFloat, uint8_t>, encodeWith<floatToF8e4m3>,
     APFloat::Float8E4M3FN, true},
    {"f8e5m2", 8, decodeWith<f8e5m2ToFloat, uint8_t>, encodeWith<floatToF8e5m2>,
     APFloat::Float8E5M2, false},
    {"e2m1", 4, decodeWith<e2m1ToFloat, uint8_t>, encodeWith<floatToE2m1>,
     APFloat::Float4E2M1FN, true, false},
};

/// The float with the value that APFloat gives `code`.
float oracleDecode(const Format &format, uint32_t code) {
  APFloat value(format.semantics(), APInt(format.bits, code));
  bool losesInfo;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToFloat();
}

uint32_t oracleEncode(const Format &format, float value) {
  APFloat largest = APFloat::getLargest(format.semantics());
  bool losesInfo;
  APFloat result(value);
  if (format.saturates) {
    APFloat limit = largest;
    limit.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    if (abs(result) > limit) {
      if (result.isNegative())
        largest.changeSign();
      return uint32_t(largest.bitcastToAPInt().getZExtValue());
    }
  }
  result.convert(format.semantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  return uint32_t(result.bitcastToAPInt().getZExtValue());
}

TEST(FloatTest, everyCodeDecodes) {
  for (const Format &format : formats)
    for (uint32_t code = 0; code < 1u << format.bits; ++code) {
      float got = format.decode(code), want = oracleDecode(format, code);
      if (std::isnan(want))
        EXPECT_TRUE(std::isnan(got)) << format.name << " " << code;
      else
        EXPECT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(want))
            << format.name << " " << code;
    }
}

TEST(FloatTest, everyCodeSurvivesARoundTrip) {
  for (const Format &format : formats)
    for (uint32_t code = 0; code < 1u << format.bits; ++code) {
      float value = format.decode(code);
      if (std::isnan(value))
        EXPECT_TRUE(std::isnan(format.decode(format.encode(value))))
            << format.name << " " << code;
      else if (!(format.saturates && std::isinf(value)))
        EXPECT_EQ(format.encode(value), code) << format.name;
    }
}

TEST(FloatTest, roundsToNearestEvenAtEveryBoundary) {
  for (const Format &format : formats) {
    uint32_t signBit = 1u << (format.bits - 1);
    for (uint32_t code = 0; code + 1 < signBit; ++code) {
      float low = format.decode(code), high = format.decode(code + 1);
      if (!std::isfinite(low))
        break;
      // Past the largest value the next step is where infinity would be.
      if (!std::isfinite(high))
        high = low + (low - format.decode(code - 1));
      if (!std::isfinite(high))
        high = std::numeric_limits<float>::max();
      float middle = low + (high - low) / 2;
      for (float value : {std::nextafter(middle, 0.0f), middle,
                          std::nextafter(middle, INFINITY), high})
        for (float signedValue : {value, -value})
          ASSERT_EQ(format.encode(signedValue),
                    oracleEncode(format, signedValue))
              << format.name << " " << signedValue;
    }
  }
}

TEST(FloatTest, randomAndExtremeFloatsRoundAsTheOracleDoes) {
  std::mt19937 random(1);
  std::vector<float> values = {0.0f,
                               -0.0f,
                               INFINITY,
                               -INFINITY,
                               std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::denorm_min(),
                               std::numeric_limits<float>::min()};
  for (int i = 0; i < 200000; ++i)
    values.push_back(std::bit_cast<float>(uint32_t(random())));
  for (const Format &format : formats)
    for (float value : values) {
      if (std::isnan(value)) {
        EXPECT_EQ(std::isnan(format.decode(format.encode(value))),
                  format.hasNaN);
        continue;
      }
      ASSERT_EQ(format.encode(value), oracleEncode(format, value))
          << format.name << " " << value;
    }
}

TEST(FloatTest, everyScaleIsItsPowerOfTwo) {
  for (int code = 0; code < 255; ++code)
    EXPECT_EQ(e8m0ToFloat(uint8_t(code)), std::ldexp(1.0f, code - 127));
  EXPECT_TRUE(std::isnan(e8m0ToFloat(255)));
}

TEST(FloatTest, spansDecode) {
  struct Case {
    DType dtype;
    std::vector<uint8_t> bytes;
    std::vector<float> values;
  };
  const Case cases[] = {
      {DType::F64, {0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, {1.5f}},
      {DType::F32, {0, 0, 0xc0, 0xbf}, {-1.5f}},
      {DType::F16, {0, 0x3e, 1, 0}, {1.5f, 0x1p-24f}},
      {DType::BF16, {0xc0, 0x3f}, {1.5f}},
      {DType::F8E4M3, {0x38, 0x7e}, {1.0f, 448.0f}},
      {DType::F8E5M2, {0x3c, 0x7b}, {1.0f, 57344.0f}},
      {DType::F8E8M0, {127, 130}, {1.0f, 8.0f}},
      {DType::F4E2M1, {0x21, 0xf7}, {0.5f, 1.0f, 6.0f, -6.0f}},
      {DType::I64, {0xfe, 255, 255, 255, 255, 255, 255, 255}, {-2.0f}},
      {DType::I32, {0, 1, 0, 0}, {256.0f}},
      {DType::I16, {255, 255}, {-1.0f}},
      {DType::I8, {0x80}, {-128.0f}},
      {DType::U64, {255, 255, 255, 255, 255, 255, 255, 255}, {0x1p64f}},
      {DType::U32, {0, 0, 0, 0x80}, {0x1p31f}},
      {DType::U16, {255, 255}, {65535.0f}},
      {DType::U8, {200}, {200.0f}},
      {DType::Bool, {0, 1}, {0.0f, 1.0f}},
  };
  for (const Case &test : cases) {
    EXPECT_TRUE(isDecodable(test.dtype));
    std::vector<float> values(test.values.size());
    EXPECT_EQ(message(decodeToFloat(test.dtype, test.bytes, values)), "");
    EXPECT_EQ(values, test.values) << dtypeName(test.dtype).str();
  }
}

TEST(FloatTest, spansEncode) {
  std::vector<float> values = {0.0f, 1.0f, -1.5f, 1.0f / 3, 100.0f};
  for (DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16,
                      DType::F8E4M3, DType::F8E5M2}) {
    std::vector<uint8_t> bytes(values.size() * bitWidth(dtype) / 8);
    ASSERT_EQ(message(encodeFromFloat(dtype, values, bytes)), "");
    std::vector<float> back(values.size());
    ASSERT_EQ(message(decodeToFloat(dtype, bytes, back)), "");
    for (auto [value, got] : zip(values, back))
      EXPECT_NEAR(got, value, std::abs(value) / 8) << dtypeName(dtype).str();
  }
}

TEST(FloatTest, wrongSpansAreErrors) {
  std::vector<uint8_t> bytes(5);
  std::vector<float> values(2);
  EXPECT_EQ(message(decodeToFloat(DType::F16, bytes, values)),
            "2 elements of f16 take 4 bytes, but 5 were given");
  EXPECT_EQ(message(encodeFromFloat(DType::F32, values, bytes)),
            "2 elements of f32 take 8 bytes, but 5 were given");
  bytes.resize(16);
  EXPECT_EQ(message(decodeToFloat(DType::C64, bytes, values)),
            "values of type c64 cannot be read as f32; convert the tensor to "
            "another type");
  bytes.resize(2);
  EXPECT_EQ(message(encodeFromFloat(DType::I8, values, bytes)),
            "f32 values cannot be stored as i8; use f64, f32, f16, bf16, "
            "f8e4m3 or f8e5m2");
}

TEST(DTypeTest, namesAreFoundAgain) {
  for (unsigned i = 0; i < numDTypes; ++i) {
    EXPECT_EQ(parseDType(dtypeName(DType(i))), DType(i));
    EXPECT_EQ(parseSafetensorsDType(safetensorsName(DType(i))), DType(i));
  }
  EXPECT_EQ(parseDType("fp8"), DType::F8E4M3);
  EXPECT_EQ(parseDType("F32"), std::nullopt);
  EXPECT_EQ(parseSafetensorsDType("f32"), std::nullopt);
}

TEST(DTypeTest, sizesDoNotOverflow) {
  constexpr int64_t max = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(numElements({}), 1);
  EXPECT_EQ(numElements({3, 4}), 12);
  EXPECT_EQ(numElements({max}), max);
  EXPECT_EQ(numElements({max, 2}), std::nullopt);
  EXPECT_EQ(numElements({int64_t(1) << 32, int64_t(1) << 31}), std::nullopt);
  EXPECT_EQ(numElements({0, 5}), 0);
  EXPECT_EQ(numElements({0, max, 2}), std::nullopt);
  EXPECT_EQ(numElements({2, -1}), std::nullopt);
  EXPECT_EQ(tensorBytes({3, 4}, DType::BF16), 24u);
  EXPECT_EQ(tensorBytes({2, 3}, DType::F4E2M1), 3u);
  EXPECT_EQ(tensorBytes({3}, DType::F4E2M1), std::nullopt);
  EXPECT_EQ(tensorBytes({int64_t(1) << 60}, DType::F32), std::nullopt);
  EXPECT_EQ(tensorBytes({int64_t(1) << 57}, DType::F32), uint64_t(1) << 59);
}

} // namespace
