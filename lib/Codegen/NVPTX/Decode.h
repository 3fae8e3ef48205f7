//===- Decode.h - Codes of weights as numbers ----------------- -*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every code is a number of 16 bits without rounding, so tensor cores multiply
// the codes themselves; scales are applied to f32 sums.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_DECODE_H
#define MOEC_LIB_CODEGEN_NVPTX_DECODE_H

#include "DeviceKernel.h"
#include "moec/Dialect/Moe/NumberFormat.h"

namespace moec::nvptx {

class CodeDecoder {
public:
  /// Codes of `format` as numbers of type `element`, bf16 or f16.
  CodeDecoder(BlockFormat format, Type element)
      : format(format), element(element) {}

  int64_t codeBits() const { return format.codeBits(); }
  int64_t scaleBytes() const { return format.scaleBits() / 8; }
  /// The codes from bits `at` and `at` + 16 of a register on, as the two
  /// numbers of one; `zero` is that of their scale.
  Value pair(DeviceKernel &k, Value codes, int64_t at, Value zero) const;
  /// A scale in memory as it is stored, and what that stands for, in f32.
  Value loadScale(DeviceKernel &k, Value pointer) const;
  Value scale(DeviceKernel &k, Value stored) const;
  /// What codes under a scale are too large by, for both of a pair; null where
  /// the format alone says it.
  Value zero(DeviceKernel &k, Value stored) const;

private:
  /// The bits of the 16-bit number whose last bit is one, and that number.
  int64_t onesBits() const { return element.isBF16() ? 0x4300 : 0x6400; }
  double ones() const { return element.isBF16() ? 0x1p7 : 0x1p10; }
  Value integerPair(DeviceKernel &k, Value codes, int64_t at, Value zero) const;
  Value floatPair(DeviceKernel &k, Value codes, int64_t at) const;

  BlockFormat format;
  Type element;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_DECODE_H
