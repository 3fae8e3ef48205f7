//===- Decode.cpp - Codes of weights as numbers ---------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two codes at a time, by their bits. An integer goes to the mantissa of a
// number whose exponent makes the code's last bit count ones, and what that
// number is too large by is taken off. A narrow float goes where a wide one has
// its least exponents, which differ by a power of two only; numbers below them
// are subnormal in both.
//
//===----------------------------------------------------------------------===//

#include "Decode.h"
#include "moec/Support/Fragments.h"

namespace moec::nvptx {

/// `bits` in both halves of a register.
static int64_t twice(int64_t bits) { return bits << 16 | bits; }

static Value rotateRight(DeviceKernel &k, Value x, int64_t by) {
  return by % 32 ? LLVM::FshrOp::create(k.b, x, x, k.i32(by & 31)).getResult()
                 : x;
}

static Value toNumbers(DeviceKernel &k, Value bits, Type element) {
  return LLVM::BitcastOp::create(k.b, VectorType::get({2}, element), bits);
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

/// The bits of `x * factor + addend`, two numbers each.
static Value multiplyAdd(DeviceKernel &k, Value x, Value factor, Value addend) {
  Value numbers = LLVM::FMAOp::create(k.b, x.getType(), x, factor, addend);
  return LLVM::BitcastOp::create(k.b, k.b.getI32Type(), numbers);
}

static Value multiply(DeviceKernel &k, Value x, Value factor) {
  Value numbers = arith::MulFOp::create(k.b, x, factor);
  return LLVM::BitcastOp::create(k.b, k.b.getI32Type(), numbers);
}

/// Half `half` of `x` in both halves.
static Value halfTwice(DeviceKernel &k, Value x, int32_t half) {
  Value halves =
      LLVM::BitcastOp::create(k.b, VectorType::get({2}, k.b.getI16Type()), x);
  Value both = LLVM::ShuffleVectorOp::create(k.b, halves, halves,
                                             ArrayRef<int32_t>{half, half});
  return LLVM::BitcastOp::create(k.b, k.b.getI32Type(), both);
}

/// Byte `i` of `words`.
static Value byteOf(DeviceKernel &k, ValueRange words, int64_t i) {
  return k.bitAnd(k.shiftRight(words[i / 4], i % 4 * 8), 0xff);
}

//===----------------------------------------------------------------------===//
// Pairs
//===----------------------------------------------------------------------===//

/// Of integers: the bits of 16 (bf16) or 128 (f16) for those of four bits, of
/// 128 or 1024 for those of eight.
void CodeDecoder::begin(DeviceKernel &k) {
  if (!isInteger())
    return;
  bool isBf16 = element.isBF16();
  int64_t bits = format.codeBits() == 4 ? (isBf16 ? 0x4180 : 0x5800)
                                        : (isBf16 ? 0x4300 : 0x6400);
  // An instruction that masks and adds has room for one constant; the other is
  // in a register if it depends on something: the sign that tokens do not have.
  ones = k.bitOr(k.shiftRight(k.tokens(), 31), twice(bits));
}

/// Bits 3 to 6 of `codes`, rotated, above 16 (bf16) or 128 (f16).
Value CodeDecoder::int4Pair(DeviceKernel &k, Value codes, int64_t pair) const {
  return k.bitOr(
      k.bitAnd(rotateRight(k, codes, 4 * pair), twice(0xf << kInt4Bit)), ones);
}

/// A bf16 number has room for seven bits of the eight: they count from 128, and
/// from 256 if the eighth is not there.
Value CodeDecoder::int8Pair(DeviceKernel &k, Value codes, bool upper) const {
  Value bits = upper ? k.shiftRight(codes, 8) : codes;
  if (element.isF16())
    return multiplyAdd(
        k, toNumbers(k, k.bitOr(k.bitAnd(bits, twice(0xff)), ones), element),
        splat(k, element, 1),
        splat(k, element, -0x1p10 - double(format.bias())));
  Value large = k.bitOr(k.bitAnd(bits, twice(0x7f)), ones);
  Value over =
      k.bitOr(k.bitAnd(k.bitXor(bits, twice(0x80)), twice(0x80)), ones);
  return multiplyAdd(k, toNumbers(k, over, element), splat(k, element, -1),
                     toNumbers(k, large, element));
}

Value CodeDecoder::fp8Pair(DeviceKernel &k, Value codes, bool upper) const {
  // To the last bit of the mantissa from the upper byte's last bit.
  int64_t down = element.isBF16() ? 4 : 1;
  Value bits = upper ? codes : k.shiftLeft(codes, 8);
  Value lower =
      upper ? k.shiftRight(codes, down) : k.shiftLeft(codes, 8 - down);
  Value number = k.bitOr(k.bitAnd(bits, twice(0x8000)),
                         k.bitAnd(lower, twice(0x7f00 >> down)));
  return multiply(
      k, toNumbers(k, number, element),
      splat(k, element, std::ldexp(1.0, (element.isBF16() ? 127 : 15) - 7)));
}

/// A pair whose bits are those of `kFp4PairBits`.
Value CodeDecoder::fp4Pair(DeviceKernel &k, Value bits, Value factor) const {
  Value pair = k.bitAnd(bits, kFp4PairBits);
  if (element.isF16())
    pair = k.bitOr(k.bitAnd(pair, twice(0x8000)),
                   k.shiftLeft(k.bitAnd(pair, twice(0x1c0)), 3));
  return multiply(k, toNumbers(k, pair, element), factor);
}

Value CodeDecoder::fp4Factor(DeviceKernel &k, const Scales &scales,
                             int64_t row) const {
  if (!scalesNumbers())
    return splat(k, element, 0x1p14);
  // Of every other byte of a word at once. Instructions that multiply read a
  // half twice.
  Value word = scales[row / 4];
  Value exponents = k.bitAnd(
      row % 2 ? k.shiftRight(word, 1) : k.shiftLeft(word, 7), twice(0x7f80));
  return toNumbers(k, halfTwice(k, exponents, row % 4 / 2), element);
}

SmallVector<Value, CodeDecoder::pairs>
CodeDecoder::decode(DeviceKernel &k, ValueRange words, const Scales &scales,
                    int64_t row, bool lifted) const {
  Value word = words[0];
  switch (format.code) {
  case CodeType::E2M1: {
    Value factor = fp4Factor(k, scales, row);
    auto pair = [&](Value bits) { return fp4Pair(k, bits, factor); };
    return {pair(word), pair(k.shiftLeft(word, kFp4Shift)),
            pair(rotateRight(k, word, 32 - kFp4Rotation)),
            pair(k.bitXor(k.shiftLeft(word, kFp4MixLeft),
                          k.shiftRight(word, kFp4MixRight)))};
  }
  case CodeType::E4M3:
    return {fp8Pair(k, word, false), fp8Pair(k, word, true),
            fp8Pair(k, words[1], false), fp8Pair(k, words[1], true)};
  case CodeType::Int8:
    return {int8Pair(k, word, false), int8Pair(k, word, true),
            int8Pair(k, words[1], false), int8Pair(k, words[1], true)};
  case CodeType::Int4:
  case CodeType::UInt4:
    break;
  }
  SmallVector<Value, pairs> numbers;
  for (int64_t pair = 0; pair < pairs; ++pair)
    numbers.push_back(int4Pair(k, word, pair));
  if (!lifted) {
    Value over = toNumbers(k, lift(k, scales, row), element);
    for (Value &number : numbers)
      number = multiplyAdd(k, toNumbers(k, number, element),
                           splat(k, element, 1), over);
  }
  return numbers;
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

Value CodeDecoder::lift(DeviceKernel &k, const Scales &scales,
                        int64_t row) const {
  // Integers lie above 16 in bf16, above 128 in f16.
  double ones = element.isBF16() ? 16 : 128;
  if (hasOneLift())
    return LLVM::BitcastOp::create(
        k.b, k.b.getI32Type(),
        splat(k, element, -ones - double(format.bias())));
  if (element.isBF16())
    return halfTwice(k, scales[row], 0);
  // The mantissa of -16 - zero begins with the zero, at bit 3.
  return k.bitOr(k.bitAnd(halfTwice(k, scales[row], 0), twice(0xf << kInt4Bit)),
                 twice(0xd800));
}

Value CodeDecoder::scale(DeviceKernel &k, const Scales &scales,
                         int64_t row) const {
  switch (format.scale) {
  case ScaleType::F32:
    return asF32(k, scales[row]);
  case ScaleType::BF16:
    return asF32(k, row % 2 ? k.bitAnd(scales[row / 2], -(1 << 16))
                            : k.shiftLeft(scales[row / 2], 16));
  case ScaleType::BF16Zero:
    return asF32(k, k.bitAnd(scales[row], -(1 << 16)));
  case ScaleType::E8M0:
    // The power that would be infinite stands for NaN; all codes are zero then.
    return arith::MulFOp::create(
        k.b, asF32(k, k.shiftLeft(byteOf(k, scales, row), 23)),
        k.f32(std::ldexp(1.0, -kFp4ScaleBias)));
  }
  llvm_unreachable("covered above");
}

} // namespace moec::nvptx
