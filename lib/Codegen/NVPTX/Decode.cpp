//===- Decode.cpp - Codes of weights as numbers ---------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two codes at a time, by their bits. An integer goes where the last bits of a
// number's mantissa count ones, and what that number is too large is taken off.
// A narrow float goes where a wide one has its least exponents, which differ by
// a power of two only; numbers below them are subnormal in both.
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

namespace moec::nvptx {

/// `bits` in both halves of a register.
static int64_t twice(int64_t bits) { return bits << 16 | bits; }

/// `x` with its bit `from` where bit `to` was.
static Value moveBit(DeviceKernel &k, Value x, int64_t from, int64_t to) {
  return to >= from ? k.shiftLeft(x, to - from) : k.shiftRight(x, from - to);
}

static Value toNumbers(DeviceKernel &k, Value bits, Type element) {
  return LLVM::BitcastOp::create(k.b, VectorType::get({2}, element), bits);
}

static Value toBits(DeviceKernel &k, Value numbers) {
  return LLVM::BitcastOp::create(k.b, k.b.getI32Type(), numbers);
}

/// Two times `number`.
static Value splat(DeviceKernel &k, Type element, double number) {
  auto type = VectorType::get({2}, element);
  return arith::ConstantOp::create(
      k.b, DenseElementsAttr::get(
               type, k.b.getFloatAttr(element, number).getValue()));
}

static Value asF32(DeviceKernel &k, Value bits) {
  return LLVM::BitcastOp::create(k.b, k.b.getF32Type(), bits);
}

Value CodeDecoder::integerPair(DeviceKernel &k, Value codes, int64_t at,
                               Value zero) const {
  if (codeBits() == 4) {
    Value pair = k.bitOr(k.bitAnd(k.shiftRight(codes, at), twice(0xf)),
                         twice(onesBits()));
    Value over = zero ? toNumbers(k, zero, element)
                      : splat(k, element, ones() + double(format.bias()));
    return toBits(
        k, arith::SubFOp::create(k.b, toNumbers(k, pair, element), over));
  }
  // Eight bits are too many for the mantissa of bf16.
  auto number = [&](int64_t from) -> Value {
    Value bits = k.bitOr(k.bitAnd(k.shiftRight(codes, from), 0xff), 0x4b000000);
    return arith::SubFOp::create(k.b, asF32(k, bits),
                                 k.f32(0x1p23 + double(format.bias())));
  };
  return k.pack(number(at), number(at + 16), element);
}

Value CodeDecoder::floatPair(DeviceKernel &k, Value codes, int64_t at) const {
  struct Layout {
    int64_t mantissa, bias;
  };
  bool isFp4 = format.code == CodeType::E2M1;
  Layout code = isFp4 ? Layout{1, 1} : Layout{3, 7};
  Layout wide = element.isBF16() ? Layout{7, 127} : Layout{10, 15};
  int64_t sign = codeBits() - 1, up = wide.mantissa - code.mantissa;
  Value signs = k.bitAnd(moveBit(k, codes, at + sign, 15), twice(0x8000));
  Value magnitudes =
      k.bitAnd(moveBit(k, codes, at, up), twice(((1 << sign) - 1) << up));
  Value numbers = toNumbers(k, k.bitOr(signs, magnitudes), element);
  return toBits(k,
                arith::MulFOp::create(
                    k.b, numbers,
                    splat(k, element, std::ldexp(1.0, wide.bias - code.bias))));
}

Value CodeDecoder::pair(DeviceKernel &k, Value codes, int64_t at,
                        Value zero) const {
  bool isFloat = format.code == CodeType::E2M1 || format.code == CodeType::E4M3;
  return isFloat ? floatPair(k, codes, at) : integerPair(k, codes, at, zero);
}

Value CodeDecoder::loadScale(DeviceKernel &k, Value pointer) const {
  Type type = k.b.getIntegerType(format.scaleBits());
  return LLVM::LoadOp::create(k.b, type, pointer);
}

Value CodeDecoder::scale(DeviceKernel &k, Value stored) const {
  auto moved = [&](int64_t up) -> Value {
    Value wide = arith::ExtUIOp::create(k.b, k.b.getI32Type(), stored);
    return k.shiftLeft(wide, up);
  };
  switch (format.scale) {
  case ScaleType::F32:
    return asF32(k, stored);
  case ScaleType::BF16:
    return asF32(k, moved(16));
  case ScaleType::BF16Zero:
    return asF32(k, k.bitAnd(stored, -(1 << 16)));
  case ScaleType::E8M0:
    // The power that would be infinite stands for NaN; all codes are zero then.
    return asF32(k, moved(23));
  }
  llvm_unreachable("covered above");
}

Value CodeDecoder::zero(DeviceKernel &k, Value stored) const {
  if (format.scale != ScaleType::BF16Zero)
    return {};
  return k.bitOr(k.mul(k.bitAnd(stored, 0xf), twice(1)), twice(onesBits()));
}

} // namespace moec::nvptx
