//===- Decode.h - Codes of weights as numbers ----------------- -*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every code is a number of 16 bits without rounding, so tensor cores multiply
// the codes themselves. Codes and scales lie as moec/Support/Fragments.h says.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_DECODE_H
#define MOEC_LIB_CODEGEN_NVPTX_DECODE_H

#include "DeviceKernel.h"
#include "moec/Dialect/Moe/NumberFormat.h"

namespace moec::nvptx {

/// The scales of a lane's rows under one group, as they are stored.
using Scales = SmallVector<Value, 4>;

class CodeDecoder {
public:
  /// Codes of `format` as numbers of type `element`, bf16 or f16.
  CodeDecoder(BlockFormat format, Type element)
      : format(format), element(element) {}

  /// Codes of a row that lie together, and the registers they take.
  static constexpr int64_t codes = 8, pairs = codes / 2;
  int64_t words() const { return format.codeBits() * codes / 32; }
  int64_t scaleBytes() const { return format.scaleBits() / 8; }
  /// Rows of which a lane has 8 codes in 16 bytes.
  int64_t laneRows() const { return 4 / words(); }

  /// Whether numbers are decoded with their scale, a power of two; they and
  /// their sums are too small by 2^-kFp4SumExponent then.
  bool scalesNumbers() const {
    return format.scale == ScaleType::E8M0 && element.isBF16();
  }
  /// Whether numbers can be decoded too large by `lift`, which saves an
  /// instruction for each pair. In f16 it would be much: 128.
  bool lifts() const {
    return isInteger() && format.codeBits() == 4 && element.isBF16();
  }
  /// Whether all rows have the same lift.
  bool hasOneLift() const { return format.scale != ScaleType::BF16Zero; }

  /// Emits what all decoding needs, before the loops that do.
  void begin(DeviceKernel &k);
  /// The numbers of 8 codes of lane's row `row`, two in a register.
  SmallVector<Value, pairs> decode(DeviceKernel &k, ValueRange words,
                                   const Scales &scales, int64_t row,
                                   bool lifted) const;
  /// Minus what numbers of a row are too large by, twice in a register.
  Value lift(DeviceKernel &k, const Scales &scales, int64_t row) const;
  /// The scale of a row in f32.
  Value scale(DeviceKernel &k, const Scales &scales, int64_t row) const;

private:
  bool isInteger() const {
    return format.code != CodeType::E2M1 && format.code != CodeType::E4M3;
  }
  Value fp4Factor(DeviceKernel &k, const Scales &scales, int64_t row) const;
  Value fp4Pair(DeviceKernel &k, Value bits, Value factor) const;
  Value fp8Pair(DeviceKernel &k, Value codes, bool upper) const;
  Value int8Pair(DeviceKernel &k, Value codes, bool upper) const;
  Value int4Pair(DeviceKernel &k, Value codes, int64_t pair) const;

  BlockFormat format;
  Type element;
  /// Twice the number to whose mantissa integers are added.
  Value ones;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_DECODE_H
