//===- Quantize.cpp - numbers as codes with a scale -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every step is one f32 operation, as in compiled code.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Quantize.h"
#include "moec/Support/Float.h"

#include "llvm/Support/Endian.h"

#include <cmath>

using namespace llvm;

namespace moec {

int64_t BlockFormat::scaleBits() const {
  switch (scale) {
  case ScaleType::F32:
  case ScaleType::BF16Zero:
    return 32;
  case ScaleType::BF16:
    return 16;
  case ScaleType::E8M0:
    return 8;
  }
  llvm_unreachable("covered above");
}

int64_t BlockFormat::bias() const {
  switch (code) {
  case CodeType::Int8:
    return 128;
  case CodeType::Int4:
    return 8;
  case CodeType::UInt4:
  case CodeType::E2M1:
  case CodeType::E4M3:
    return 0;
  }
  llvm_unreachable("covered above");
}

/// The value of the largest magnitude, the first of several; not finite if one
/// is not.
static float extreme(ArrayRef<float> values) {
  uint32_t largest = 0;
  for (float value : values) {
    auto magnitude = [](uint32_t bits) { return bits & 0x7fffffff; };
    if (magnitude(std::bit_cast<uint32_t>(value)) > magnitude(largest))
      largest = std::bit_cast<uint32_t>(value);
  }
  return std::bit_cast<float>(largest);
}

/// The largest code of UInt4, before the zero is taken off.
static constexpr float kLargestUInt4 = 15;
/// The largest number of fp8.
static constexpr float kLargestE4m3 = 448;

static float roundToBf16(float value) {
  return bf16ToFloat(floatToBf16(value));
}

/// The scale of numbers whose extreme is `largest`, without a zero.
static float scaleFor(BlockFormat format, float largest) {
  float scale = 0;
  switch (format.code) {
  case CodeType::Int8:
    scale = std::abs(largest) / kLargestInt8;
    break;
  case CodeType::Int4:
    // There is one more negative code: the extreme gets it.
    scale = largest / -8;
    break;
  case CodeType::E2M1:
    // The largest fp4 number, 6, has the exponent 2.
    return std::ldexp(1.0f, std::ilogb(largest) - 2);
  case CodeType::E4M3:
    scale = std::abs(largest) / kLargestE4m3;
    break;
  case CodeType::UInt4:
    llvm_unreachable("has a zero");
  }
  return format.scale == ScaleType::BF16 ? roundToBf16(scale) : scale;
}

/// `value` as a number from 0 to the largest code of UInt4.
static float toUInt4(float value) {
  return std::clamp(std::nearbyint(value), 0.f, kLargestUInt4);
}

/// UInt4: scale and zero put the least and the largest number, and 0 between
/// them, inside the codes.
static Scale quantizeToRange(ArrayRef<float> values,
                             MutableArrayRef<int8_t> codes) {
  float low = 0, high = 0;
  for (float value : values) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  float factor = roundToBf16(high / kLargestUInt4 - low / kLargestUInt4);
  float inverse = 1 / factor, zero = toUInt4(-low * inverse);
  for (auto [value, code] : zip_equal(values, codes)) {
    float stored =
        std::clamp(std::nearbyint(value * inverse) + zero, 0.f, kLargestUInt4);
    code = static_cast<int8_t>(stored - zero);
  }
  return {factor, static_cast<uint8_t>(zero)};
}

/// The code nearest to `value`.
static int8_t nearestCode(CodeType type, float value) {
  switch (type) {
  case CodeType::Int8:
    return static_cast<int8_t>(
        std::clamp(std::nearbyint(value), -kLargestInt8, kLargestInt8));
  case CodeType::Int4:
    return static_cast<int8_t>(std::clamp(std::nearbyint(value), -8.f, 7.f));
  case CodeType::E2M1:
    return static_cast<int8_t>(floatToE2m1(value));
  case CodeType::E4M3:
    return static_cast<int8_t>(floatToF8e4m3(value));
  case CodeType::UInt4:
    llvm_unreachable("has a zero");
  }
  llvm_unreachable("covered above");
}

Scale quantize(BlockFormat format, ArrayRef<float> values,
               MutableArrayRef<int8_t> codes) {
  float largest = extreme(values);
  std::fill(codes.begin(), codes.end(), 0);
  if (!std::isfinite(largest))
    return {std::numeric_limits<float>::quiet_NaN()};
  if (std::abs(largest) < kLeastMagnitude)
    return {};
  if (format.code == CodeType::UInt4)
    return quantizeToRange(values, codes);
  float scale = scaleFor(format, largest);
  float inverse = 1 / scale;
  for (auto [value, code] : zip_equal(values, codes))
    code = nearestCode(format.code, value * inverse);
  return {scale};
}

float recoverFp8(float scale, ArrayRef<float> values,
                 MutableArrayRef<int8_t> codes) {
  std::fill(codes.begin(), codes.end(), 0);
  if (!std::isfinite(extreme(values)))
    return std::numeric_limits<float>::quiet_NaN();
  if (scale == 0)
    return 0;
  for (auto [value, code] : zip_equal(values, codes))
    code = nearestCode(CodeType::E4M3, value / scale);
  return scale;
}

float codeValue(CodeType type, int8_t code) {
  switch (type) {
  case CodeType::Int8:
  case CodeType::Int4:
  case CodeType::UInt4:
    return code;
  case CodeType::E2M1:
    return e2m1ToFloat(static_cast<uint8_t>(code));
  case CodeType::E4M3:
    return f8e4m3ToFloat(static_cast<uint8_t>(code));
  }
  llvm_unreachable("covered above");
}

void storeScale(ScaleType type, Scale scale, uint8_t *bytes) {
  auto bits = std::bit_cast<uint32_t>(scale.factor);
  switch (type) {
  case ScaleType::F32:
    support::endian::write32le(bytes, bits);
    break;
  case ScaleType::BF16:
    support::endian::write16le(bytes, floatToBf16(scale.factor));
    break;
  case ScaleType::BF16Zero:
    support::endian::write16le(bytes, scale.zero);
    support::endian::write16le(bytes + 2, floatToBf16(scale.factor));
    break;
  case ScaleType::E8M0:
    *bytes = std::isnan(scale.factor) ? 0xff : static_cast<uint8_t>(bits >> 23);
    break;
  }
}

} // namespace moec
