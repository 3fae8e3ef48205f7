//===- EncodedColumns.cpp - Single numbers of encoded weights -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EncodedColumns.h"

namespace moec::nvptx {

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value EncodedColumns::loadAt(Value panel, Value byte, Type element) {
  Value pointer = k.address({panel, k.b.getI8Type(), k.i64(0)}, 0, byte);
  return k.load({pointer, element, k.i64(0)}, 0, 0);
}

Value EncodedColumns::loadCode(Value panel, Value col, Value inner) {
  int64_t depth = panels.getDepth(), unit = panels.getUnitSteps();
  Value step = k.div(inner, depth);
  Value codes = k.add(k.mul(k.div(step, unit), panels.getUnitBytes()),
                      panels.getCodeOffset(0));
  codes = k.add(codes, k.mul(k.rem(step, unit), panels.getStepBytes()));
  // The halves of a panel share bytes of codes of four bits.
  bool isNibble = format.codeBits() == 4;
  int64_t bytes = isNibble ? panels.getCols() / 2 : panels.getCols();
  Value at = k.add(k.mul(k.rem(col, bytes), depth), k.rem(inner, depth));
  Value byte = arith::ExtUIOp::create(
      k.b, k.b.getI32Type(), loadAt(panel, k.add(codes, at), k.b.getI8Type()));
  return isNibble
             ? k.bitAnd(k.shiftRight(byte, k.mul(k.div(col, bytes), 4)), 0xf)
             : byte;
}

Value EncodedColumns::loadScale(Value panel, Value col, Value inner) {
  int64_t unit = panels.getUnitGroups(), bytes = format.scaleBits() / 8;
  Value group = k.div(inner, panels.getGroup());
  Value at = k.add(k.mul(k.div(group, unit), panels.getUnitBytes()),
                   k.mul(k.rem(group, unit), panels.getScaleBytes()));
  Type element = k.b.getIntegerType(format.scaleBits());
  Value scale = loadAt(panel, k.add(at, k.mul(col, bytes)), element);
  return element.isInteger(32)
             ? scale
             : arith::ExtUIOp::create(k.b, k.b.getI32Type(), scale);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// The number of a code; twice that of an fp4 code.
Value EncodedColumns::unscaled(Value code, Value scale) {
  Value integer;
  switch (format.code) {
  case CodeType::E2M1: {
    // Twice the magnitudes, four bits each.
    Value place = k.mul(k.bitAnd(code, 7), 4);
    Value magnitude = k.bitAnd(k.shiftRight(k.i32(0xc8643210), place), 0xf);
    integer = k.select(k.less(code, 8), magnitude, k.sub(0, magnitude));
    break;
  }
  case CodeType::UInt4:
    integer = k.sub(code, k.bitAnd(scale, 0xffff));
    break;
  default:
    integer = k.sub(code, format.bias());
    break;
  }
  return arith::SIToFPOp::create(k.b, k.b.getF32Type(), integer);
}

/// What the number of a code is multiplied by.
Value EncodedColumns::factor(Value scale) {
  auto asF32 = [&](Value bits) -> Value {
    return arith::BitcastOp::create(k.b, k.b.getF32Type(), bits);
  };
  switch (format.scale) {
  case ScaleType::F32:
    return asF32(scale);
  case ScaleType::BF16:
    return asF32(k.shiftLeft(scale, 16));
  case ScaleType::BF16Zero:
    return asF32(k.bitAnd(scale, -(1 << 16)));
  case ScaleType::E8M0:
    return arith::MulFOp::create(k.b, asF32(k.shiftLeft(scale, 23)),
                                 k.f32(0.5));
  }
  llvm_unreachable("covered above");
}

Value EncodedColumns::load(Value panel, Value col, Value inner) {
  Value scale = loadScale(panel, col, inner);
  return arith::MulFOp::create(
      k.b, unscaled(loadCode(panel, col, inner), scale), factor(scale));
}

} // namespace moec::nvptx
