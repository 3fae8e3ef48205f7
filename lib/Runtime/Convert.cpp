//===- Convert.cpp - rows between f32 and narrow types --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Branch-free element conversions, so that the loops over rows vectorise.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"

#include <bit>

namespace moec {

/// 2^112, the quotient of what one exponent field means in f32 and f16.
static constexpr uint32_t kF16Scale = (127 + 112) << 23;

static float widenBf16(uint16_t code) {
  return std::bit_cast<float>(uint32_t(code) << 16);
}

static uint16_t narrowBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  uint32_t quietNaN = bits >> 16 | 0x40;
  return uint16_t((bits & 0x7fffffff) > 0x7f800000 ? quietNaN : rounded);
}

static float widenF16(uint16_t code) {
  // The multiplication moves the exponent, and normalises subnormals.
  uint32_t magnitude = uint32_t(code & 0x7fff) << 13;
  uint32_t scaled = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) *
                                            std::bit_cast<float>(kF16Scale));
  uint32_t special = magnitude | 0x7f800000;
  uint32_t bits = magnitude >= uint32_t(0x7c00) << 13 ? special : scaled;
  return std::bit_cast<float>(bits | uint32_t(code & 0x8000) << 16);
}

static uint16_t narrowF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t magnitude = bits & 0x7fffffff;
  // Normal results: move the exponent and round away 13 bits.
  uint32_t odd = magnitude >> 13 & 1;
  uint32_t normal = (magnitude - (uint32_t(112) << 23) + 0xfff + odd) >> 13;
  // Subnormal ones: adding 0.5 leaves multiples of 2^-24 in the last bits.
  float sum = std::bit_cast<float>(magnitude) + 0.5f;
  uint32_t subnormal = std::bit_cast<uint32_t>(sum) - 0x3f000000;
  uint32_t result = magnitude < uint32_t(113) << 23 ? subnormal : normal;
  result = magnitude >= 0x477ff000 ? 0x7c00 : result;
  uint32_t quietNaN = 0x7e00 | (magnitude >> 13 & 0x3ff);
  result = magnitude > 0x7f800000 ? quietNaN : result;
  return uint16_t(result | (bits >> 16 & 0x8000));
}

template <float convert(uint16_t)>
static void widen(const TensorView &source, float *target, int64_t begin,
                  int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const auto *from =
        static_cast<const uint16_t *>(source.data) + row * source.rowStride;
    float *to = target + row * source.cols;
    for (int64_t col = 0; col < source.cols; ++col)
      to[col] = convert(from[col]);
  }
}

template <uint16_t convert(float)>
static void narrow(const float *source, const TensorView &target, int64_t begin,
                   int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float *from = source + row * target.cols;
    auto *to = static_cast<uint16_t *>(target.data) + row * target.rowStride;
    for (int64_t col = 0; col < target.cols; ++col)
      to[col] = convert(from[col]);
  }
}

void widenRows(const TensorView &source, float *target, int64_t begin,
               int64_t end) {
  if (source.type == MOEC_DTYPE_BF16)
    widen<widenBf16>(source, target, begin, end);
  else
    widen<widenF16>(source, target, begin, end);
}

void narrowRows(const float *source, const TensorView &target, int64_t begin,
                int64_t end) {
  if (target.type == MOEC_DTYPE_BF16)
    narrow<narrowBf16>(source, target, begin, end);
  else
    narrow<narrowF16>(source, target, begin, end);
}

} // namespace moec
