//===- Float.h - narrow floating-point formats ------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalar conversions between float and the narrow formats weights are stored
// in, and the same for spans of bytes. Narrowing rounds to nearest, ties to
// even, subnormals included. Formats: IEEE 754 binary16; bfloat16; OCP 8-bit
// floating point (OFP8) 1.0; OCP microscaling formats (MX) 1.0.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_FLOAT_H
#define MOEC_SUPPORT_FLOAT_H

#include "moec/Support/DType.h"
#include "llvm/Support/Error.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

namespace moec {

namespace detail {

/// 2^exponent for the exponents of normal floats.
constexpr float powerOfTwo(int exponent) {
  return std::bit_cast<float>(uint32_t(exponent + 127) << 23);
}

/// The code, sign aside, of the magnitude with float bits `magnitude` in a
/// format with ManBits mantissa bits and exponent bias Bias; codes past the
/// format's largest one mean overflow. Not for NaN.
template <int ManBits, int Bias>
constexpr uint32_t narrow(uint32_t magnitude) {
  constexpr uint32_t shift = 23 - ManBits;
  constexpr uint32_t rebias = uint32_t(127 - Bias) << 23;
  constexpr uint32_t minNormal = uint32_t(128 - Bias) << 23;
  if (magnitude < minNormal) {
    // Adding a float whose last place is the format's smallest step leaves the
    // rounded number of steps in the mantissa.
    constexpr float magic = powerOfTwo(24 - Bias - ManBits);
    float sum = std::bit_cast<float>(magnitude) + magic;
    return std::bit_cast<uint32_t>(sum) - std::bit_cast<uint32_t>(magic);
  }
  uint32_t odd = magnitude >> shift & 1;
  return (magnitude - rebias + ((1u << (shift - 1)) - 1) + odd) >> shift;
}

/// The value of a code without sign that is neither infinite nor NaN.
template <int ManBits, int Bias>
constexpr float widen(uint32_t code) {
  if (code < 1u << ManBits)
    return float(code) * powerOfTwo(1 - Bias - ManBits);
  return std::bit_cast<float>((code << (23 - ManBits)) +
                              (uint32_t(127 - Bias) << 23));
}

constexpr float withSign(float magnitude, bool negative) {
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) |
                              uint32_t(negative) << 31);
}

constexpr bool isNaN(float value) { return value != value; }

} // namespace detail

constexpr float bf16ToFloat(uint16_t code) {
  return std::bit_cast<float>(uint32_t(code) << 16);
}

/// Overflow gives infinity; a NaN stays one.
constexpr uint16_t floatToBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (detail::isNaN(value))
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

constexpr float f16ToFloat(uint16_t code) {
  uint32_t magnitude = code & 0x7fff;
  if (magnitude >= 0x7c00)
    return std::bit_cast<float>(uint32_t(code & 0x8000) << 16 | 0x7f800000 |
                                (magnitude & 0x3ff) << 13);
  return detail::withSign(detail::widen<10, 15>(magnitude), code >> 15);
}

/// Overflow gives infinity; a NaN stays one.
constexpr uint16_t floatToF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (detail::isNaN(value))
    return uint16_t(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  return uint16_t(
      sign | std::min<uint32_t>(detail::narrow<10, 15>(magnitude), 0x7c00));
}

constexpr float f8e4m3ToFloat(uint8_t code) {
  uint32_t magnitude = code & 0x7f;
  if (magnitude == 0x7f)
    return std::numeric_limits<float>::quiet_NaN();
  return detail::withSign(detail::widen<3, 7>(magnitude), code >> 7);
}

/// Overflow, infinities included, gives the largest value, 448.
constexpr uint8_t floatToF8e4m3(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 24 & 0x80;
  if (detail::isNaN(value))
    return uint8_t(sign | 0x7f);
  return uint8_t(
      sign | std::min<uint32_t>(detail::narrow<3, 7>(bits & 0x7fffffff), 0x7e));
}

constexpr float f8e5m2ToFloat(uint8_t code) {
  return f16ToFloat(uint16_t(code << 8));
}

/// Overflow gives infinity; a NaN stays one.
constexpr uint8_t floatToF8e5m2(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 24 & 0x80;
  if (detail::isNaN(value))
    return uint8_t(sign | 0x7e);
  return uint8_t(sign | std::min<uint32_t>(
                            detail::narrow<2, 15>(bits & 0x7fffffff), 0x7c));
}

/// 2^(code - 127); code 255 is NaN.
constexpr float e8m0ToFloat(uint8_t code) {
  if (code == 0xff)
    return std::numeric_limits<float>::quiet_NaN();
  return std::bit_cast<float>(code == 0 ? 0x00400000u : uint32_t(code) << 23);
}

/// `code` has four bits: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
constexpr float e2m1ToFloat(uint8_t code) {
  return detail::withSign(detail::widen<1, 1>(code & 7), code >> 3 & 1);
}

/// Overflow gives 6; the format has no NaN, and one gives 6 as well.
constexpr uint8_t floatToE2m1(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 28 & 8;
  if (detail::isNaN(value))
    return uint8_t(sign | 7);
  return uint8_t(
      sign | std::min<uint32_t>(detail::narrow<1, 1>(bits & 0x7fffffff), 7));
}

/// True if decodeToFloat takes `dtype`: every type but c64 and the 6-bit ones.
bool isDecodable(DType dtype);

/// Decodes the elements in `bytes` (little-endian, dense; two a byte for
/// f4e2m1) into `values`. f64 and wide integers are rounded to float. Fails if
/// the sizes do not agree or the type is not decodable.
llvm::Error decodeToFloat(DType dtype, llvm::ArrayRef<uint8_t> bytes,
                          llvm::MutableArrayRef<float> values);

/// The inverse for the floating-point types of 8 bits or more except f8e8m0;
/// fails on other types and if the sizes do not agree.
llvm::Error encodeFromFloat(DType dtype, llvm::ArrayRef<float> values,
                            llvm::MutableArrayRef<uint8_t> bytes);

} // namespace moec

#endif // MOEC_SUPPORT_FLOAT_H
