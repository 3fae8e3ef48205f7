//===- Quantize.h - numbers as codes with a scale ---------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The quantiser behind moe.encode, for the numbers under one scale. The packer
// and the reference both call it, so that the reference computes with exactly
// the numbers that compiled code has. The formulas are those of
// dialects/moe/MoeAttrs.td.
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

/// What a code is: an integer, or an fp4 or fp8 number. UInt4 is the difference
/// of two numbers from 0 to 15, the second being the zero of its scale.
enum class CodeType : uint8_t { Int8, Int4, UInt4, E2M1, E4M3 };
/// What a scale is stored as. E8M0 is a power of two; BF16Zero is a zero in the
/// lower two bytes and a bf16 in the upper ones.
enum class ScaleType : uint8_t { F32, BF16, BF16Zero, E8M0 };

/// What the numbers of a group have in common: each is its code times `factor`,
/// and codes are stored with `zero` added.
struct Scale {
  float factor = 0;
  uint8_t zero = 0;
};

/// How the numbers under one scale are stored.
struct BlockFormat {
  CodeType code = CodeType::Int8;
  ScaleType scale = ScaleType::F32;

  /// Bits of a code and of a scale.
  int64_t codeBits() const {
    return code == CodeType::Int8 || code == CodeType::E4M3 ? 8 : 4;
  }
  int64_t scaleBits() const;
  /// Codes are stored as unsigned numbers: this, and the zero of their scale,
  /// is what stands for 0. That of an fp4 or fp8 number is itself.
  int64_t bias() const;
};

/// Writes the codes of `values` and returns their scale, whose factor is NaN if
/// there is a value that is not finite. Codes of integers are these; of fp4 and
/// fp8 their bits.
Scale quantize(BlockFormat format, llvm::ArrayRef<float> values,
               llvm::MutableArrayRef<int8_t> codes);

/// The codes of `values` that are codes of fp8 times `scale` already, however
/// the product was rounded. Returns the scale, or NaN as quantize does.
float recoverFp8(float scale, llvm::ArrayRef<float> values,
                 llvm::MutableArrayRef<int8_t> codes);

/// What a code stands for, before it is scaled.
float codeValue(CodeType type, int8_t code);

/// Writes a scale as its type is stored.
void storeScale(ScaleType type, Scale scale, uint8_t *bytes);

} // namespace moec

#endif // MOEC_SUPPORT_QUANTIZE_H
