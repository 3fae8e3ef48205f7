//===- Quantize.h - numbers as codes with a scale ---------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The quantisers behind moe.encode, one number format each, for the numbers
// under one scale. The packer and the reference both call them, so that the
// reference computes with exactly the numbers that compiled code has. The
// formulas are those of dialects/moe/MoeAttrs.td.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_QUANTIZE_H
#define MOEC_SUPPORT_QUANTIZE_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace moec {

/// Numbers of a smaller magnitude are zero where a scale is computed.
inline constexpr float kLeastMagnitude = 0x1p-100f;
/// The largest code of int8.
inline constexpr float kLargestInt8 = 127;

/// What a scale is stored as.
enum class ScaleType { F32, BF16 };

/// Writes the codes of `values` and returns their scale, NaN if there is a
/// value that is not finite: #moe.int8.
float quantizeInt8(llvm::ArrayRef<float> values, ScaleType scaleType,
                   llvm::MutableArrayRef<int8_t> codes);

} // namespace moec

#endif // MOEC_SUPPORT_QUANTIZE_H
