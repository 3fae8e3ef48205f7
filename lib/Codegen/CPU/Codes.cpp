//===- Codes.cpp - Codes and scales of a panel as numbers -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every arithmetic does with encoded weights: it loads codes and scales
// from the stream and decodes them in registers.
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"
#include "moec/Support/Float.h"

namespace moec::cpu {

Value Arithmetic::load(Value panel, Value offset, int64_t v, Type element,
                       int64_t width) const {
  int64_t bytes = width * elementBytes(element);
  Value raw =
      vector::LoadOp::create(e.b, e.vector(e.b.getI8Type(), bytes), panel,
                             ValueRange{e.add(offset, e.index(v * bytes))});
  return vector::BitCastOp::create(e.b, e.vector(element, width), raw);
}

Value Arithmetic::callIntrinsic(StringRef name, Type type,
                                ValueRange operands) const {
  return LLVM::CallIntrinsicOp::create(e.b, type, e.b.getStringAttr(name),
                                       operands)
      .getResult(0);
}

/// A vector of integers of the type of `like`: `values`, over and over.
static Value table(KernelEmitter &e, Value like, ArrayRef<int64_t> values) {
  auto type = cast<VectorType>(like.getType());
  SmallVector<APInt> elements;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    elements.push_back(APInt(type.getElementTypeBitWidth(),
                             values[i % values.size()], /*isSigned=*/false,
                             /*implicitTrunc=*/true));
  return arith::ConstantOp::create(e.b, DenseElementsAttr::get(type, elements));
}

Value Arithmetic::scale(Value panel, Value offset, int64_t v) const {
  switch (format->block.scale) {
  case ScaleType::F32: {
    Value scale = load(panel, offset, v, e.b.getF32Type(), lanes);
    if (format->block.code != CodeType::E4M3)
      return scale;
    return arith::MulFOp::create(e.b, scale, e.splat(e.f32(256.0), lanes));
  }
  case ScaleType::BF16:
    return arith::ExtFOp::create(
        e.b, f32Vector(), load(panel, offset, v, e.b.getBF16Type(), lanes));
  case ScaleType::BF16Zero: {
    // The upper half of an f32, with a zero in the lower one.
    Value bits = load(panel, offset, v, e.b.getI32Type(), lanes);
    Value upper = arith::AndIOp::create(e.b, bits, table(e, bits, 0xffff0000));
    return vector::BitCastOp::create(e.b, f32Vector(), upper);
  }
  case ScaleType::E8M0:
    break;
  }
  // The exponent of an f32; a half, because codes are twice the numbers.
  Value exponent = arith::ExtUIOp::create(
      e.b, i32Vector(lanes), load(panel, offset, v, e.b.getI8Type(), lanes));
  Value power = vector::BitCastOp::create(
      e.b, f32Vector(),
      arith::ShLIOp::create(e.b, exponent, e.splat(e.i32(23), lanes)));
  return arith::MulFOp::create(e.b, power, e.splat(e.f32(0.5), lanes));
}

Value Arithmetic::zero(Value panel, Value offset, int64_t v) const {
  if (!format || !hasZeros())
    return {};
  Value bits = load(panel, offset, v, e.b.getI32Type(), lanes);
  return arith::AndIOp::create(e.b, bits, table(e, bits, 0xffff));
}

Value Arithmetic::nibbleBytes(Value panel, Value offset, int64_t v,
                              int64_t width) const {
  return load(panel, offset, v % halfVectors(), e.b.getI8Type(), width);
}

Value Arithmetic::codes(Value panel, Value offset, int64_t v,
                        int64_t width) const {
  if (format->block.codeBits() == 8)
    return load(panel, offset, v, e.b.getI8Type(), width);
  Value bytes = nibbleBytes(panel, offset, v, width);
  Value nibbles =
      isLowNibble(v)
          ? arith::AndIOp::create(e.b, bytes, table(e, bytes, 15)).getResult()
          : arith::ShRUIOp::create(e.b, bytes, table(e, bytes, 4)).getResult();
  return format->block.code == CodeType::E2M1 ? lookUpFp4(nibbles) : nibbles;
}

/// The numbers of all fp4 codes, plus 12 and doubled.
static SmallVector<int64_t> storedFp4Numbers() {
  SmallVector<int64_t> numbers;
  for (int8_t code = 0; code < 16; ++code)
    numbers.push_back(
        12 + static_cast<int64_t>(2 * codeValue(CodeType::E2M1, code)));
  return numbers;
}

Value Arithmetic::lookUpFp4(Value codes) const {
  SmallVector<int64_t> numbers = storedFp4Numbers();
  auto type = cast<VectorType>(codes.getType());
  int64_t width = type.getNumElements();
  if (width < 16) {
    // The least that is looked up.
    auto resized = [&](Value x, int64_t size) {
      SmallVector<int64_t> lanes;
      for (int64_t i = 0; i < size; ++i)
        lanes.push_back(i % width);
      return vector::ShuffleOp::create(e.b, x, x, lanes);
    };
    return resized(lookUpFp4(resized(codes, 16)), width);
  }
  if (const Instructions *known = e.isa.instructions(8 * width))
    return callIntrinsic(known->lookUp, type,
                         {table(e, codes, numbers), codes});
  Value result = table(e, codes, numbers[0]);
  for (int64_t code = 1; code < 16; ++code) {
    Value isCode = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, codes,
                                         table(e, codes, code));
    result = arith::SelectOp::create(e.b, isCode,
                                     table(e, codes, numbers[code]), result);
  }
  return result;
}

/// fp8 codes as floats, divided by 256: as f16 they have the same fraction, and
/// an exponent whose bias is greater by 8.
Value Arithmetic::fp8AsFloats(Value codes) const {
  int64_t width = cast<VectorType>(codes.getType()).getNumElements();
  Value words =
      arith::ExtUIOp::create(e.b, e.vector(e.b.getI16Type(), width), codes);
  // The sign to the highest bit, the rest one bit below where it ends then.
  Value high = arith::ShLIOp::create(e.b, words, table(e, words, 8));
  Value shifted = arith::ShRSIOp::create(e.b, high, table(e, words, 1));
  Value bits = arith::AndIOp::create(e.b, shifted, table(e, words, 0xbfff));
  Value halves =
      vector::BitCastOp::create(e.b, e.vector(e.b.getF16Type(), width), bits);
  return arith::ExtFOp::create(e.b, e.vector(e.b.getF32Type(), width), halves);
}

/// Zeros of columns, `times` times each, for `times` elements of K.
static Value repeat(KernelEmitter &e, Value zero, int64_t times) {
  SmallVector<int64_t> lanes;
  for (int64_t i = 0;
       i < times * cast<VectorType>(zero.getType()).getNumElements(); ++i)
    lanes.push_back(i / times);
  return vector::ShuffleOp::create(e.b, zero, zero, lanes);
}

Value Arithmetic::decoded(Value panel, Value offset, int64_t v, int64_t width,
                          Value zero) const {
  if (format->block.code == CodeType::E4M3)
    return fp8AsFloats(codes(panel, offset, v, width));
  Value wide = arith::ExtUIOp::create(e.b, i32Vector(width),
                                      codes(panel, offset, v, width));
  Value added =
      zero ? repeat(e, zero, width / lanes)
           : e.splat(e.i32(RowStarts::of(panels.getEncoding()).zero), width);
  Value integers = e.sub(wide, added);
  return arith::SIToFPOp::create(e.b, e.vector(e.b.getF32Type(), width),
                                 integers);
}

bool Arithmetic::looksUpNibbles(int64_t width) const {
  // Differences of two codes are twice as many as codes.
  int64_t numbers = hasZeros() ? 32 : 16;
  return format->block.codeBits() == 4 &&
         !instructions()->lookUpWords.empty() && width >= numbers;
}

/// Zeros in i32 as pairs of i16, for two elements of K.
static Value inBothHalves(KernelEmitter &e, Value zero, VectorType pairs) {
  Value upper = arith::ShLIOp::create(e.b, zero, table(e, zero, 16));
  return vector::BitCastOp::create(e.b, pairs,
                                   arith::OrIOp::create(e.b, zero, upper));
}

/// The number that a code stands for in a look-up by words; of fp4 it is
/// doubled, and with zeros codes are the low bits of a difference.
static float lookedUpNumber(BlockFormat format, int64_t code) {
  switch (format.code) {
  case CodeType::E2M1:
    return 2 * codeValue(CodeType::E2M1, static_cast<int8_t>(code));
  case CodeType::UInt4:
    return static_cast<float>(code < 16 ? code : code - 32);
  default:
    return static_cast<float>(code - format.bias());
  }
}

Value Arithmetic::nibblesAsBf16(Value panel, Value offset, int64_t v,
                                int64_t width, Value zero) const {
  Value bytes = nibbleBytes(panel, offset, v, width);
  VectorType words = e.vector(e.b.getI16Type(), width);
  Value codes = arith::ExtUIOp::create(e.b, words, bytes);
  // The look-up takes as many bits of an index as it has elements: a table that
  // repeats itself makes the rest of them harmless.
  if (!isLowNibble(v))
    codes = arith::ShRUIOp::create(e.b, codes, table(e, codes, 4));
  else if (zero)
    codes = arith::AndIOp::create(e.b, codes, table(e, codes, 15));
  if (zero)
    codes = e.sub(codes, inBothHalves(e, zero, words));
  SmallVector<int64_t> numbers;
  for (int code = 0; code < (zero ? 32 : 16); ++code)
    numbers.push_back(floatToBf16(lookedUpNumber(format->block, code)));
  Value found = callIntrinsic(instructions()->lookUpWords, words,
                              {table(e, codes, numbers), codes});
  return vector::BitCastOp::create(e.b, e.vector(e.b.getBF16Type(), width),
                                   found);
}

} // namespace moec::cpu
