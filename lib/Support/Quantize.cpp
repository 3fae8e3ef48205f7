//===- Quantize.cpp - numbers as codes with a scale -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every step is one f32 operation, as in compiled code.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Quantize.h"
#include "moec/Support/Float.h"

#include <cmath>

using namespace llvm;

namespace moec {

/// The largest magnitude; not finite if one is not.
static float largestMagnitude(ArrayRef<float> values) {
  uint32_t largest = 0;
  for (float value : values)
    largest = std::max(largest, std::bit_cast<uint32_t>(value) & 0x7fffffff);
  return std::bit_cast<float>(largest);
}

float quantizeInt8(ArrayRef<float> values, ScaleType scaleType,
                   MutableArrayRef<int8_t> codes) {
  float largest = largestMagnitude(values);
  std::fill(codes.begin(), codes.end(), 0);
  if (!std::isfinite(largest))
    return std::numeric_limits<float>::quiet_NaN();
  if (largest < kLeastMagnitude)
    return 0;
  float scale = largest / kLargestInt8;
  if (scaleType == ScaleType::BF16)
    scale = bf16ToFloat(floatToBf16(scale));
  float inverse = 1 / scale;
  for (auto [value, code] : zip_equal(values, codes))
    code = static_cast<int8_t>(std::clamp(std::nearbyint(value * inverse),
                                          -kLargestInt8, kLargestInt8));
  return scale;
}

} // namespace moec
