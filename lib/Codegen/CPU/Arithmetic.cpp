//===- Arithmetic.cpp - How a tile multiplies -----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// f32 by fused multiply-add, pairs of bf16 and fours of int8 by dot products.
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"

#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

namespace moec::cpu {

Value Arithmetic::load(Value panel, Value offset, int64_t v, Type element,
                       int64_t width) const {
  int64_t bytes = width * elementBytes(element);
  Value raw =
      vector::LoadOp::create(e.b, e.vector(e.b.getI8Type(), bytes), panel,
                             ValueRange{e.add(offset, e.index(v * bytes))});
  return vector::BitCastOp::create(e.b, e.vector(element, width), raw);
}

Value Arithmetic::scale(Value panel, Value offset, int64_t v) const {
  switch (format->block.scale) {
  case ScaleType::F32:
    return load(panel, offset, v, e.b.getF32Type(), lanes);
  case ScaleType::BF16:
    return arith::ExtFOp::create(
        e.b, f32Vector(), load(panel, offset, v, e.b.getBF16Type(), lanes));
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

//===----------------------------------------------------------------------===//
// Codes
//===----------------------------------------------------------------------===//

Value Arithmetic::codes(Value panel, Value offset, int64_t v,
                        int64_t width) const {
  if (format->block.codeBits() == 8)
    return load(panel, offset, v, e.b.getI8Type(), width);
  // A byte has a column of each half of the panel.
  int64_t half = panels.getCols() / lanes / 2;
  Value bytes = load(panel, offset, v % half, e.b.getI8Type(), width);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        e.b, DenseElementsAttr::get(cast<VectorType>(bytes.getType()),
                                    APInt(8, value)));
  };
  Value nibbles =
      v < half ? arith::AndIOp::create(e.b, bytes, constant(15)).getResult()
               : arith::ShRUIOp::create(e.b, bytes, constant(4)).getResult();
  return format->block.code == CodeType::E2M1 ? lookUpFp4(nibbles, width)
                                              : nibbles;
}

Value Arithmetic::lookUpFp4(Value codes, int64_t width) const {
  // 12 + 2 * number.
  static constexpr int8_t numbers[16] = {12, 13, 14, 15, 16, 18, 20, 24,
                                         12, 11, 10, 9,  8,  6,  4,  0};
  auto type = cast<VectorType>(codes.getType());
  StringRef name = width == 64   ? "llvm.x86.avx512.pshuf.b.512"
                   : width == 32 ? "llvm.x86.avx2.pshuf.b"
                   : width == 16 ? "llvm.x86.ssse3.pshuf.b.128"
                                 : "";
  if (lanes >= 8 && !name.empty()) {
    SmallVector<int8_t> table;
    for (int64_t i = 0; i < width; i += 16)
      table.append(std::begin(numbers), std::end(numbers));
    Value constant = arith::ConstantOp::create(
        e.b, DenseElementsAttr::get(type, ArrayRef<int8_t>(table)));
    return LLVM::CallIntrinsicOp::create(e.b, type, e.b.getStringAttr(name),
                                         ValueRange{constant, codes})
        .getResult(0);
  }
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        e.b, DenseElementsAttr::get(type, APInt(8, value)));
  };
  Value result = constant(numbers[0]);
  for (int64_t code = 1; code < 16; ++code) {
    Value isCode = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, codes,
                                         constant(code));
    result =
        arith::SelectOp::create(e.b, isCode, constant(numbers[code]), result);
  }
  return result;
}

Value Arithmetic::decoded(Value panel, Value offset, int64_t v,
                          int64_t width) const {
  int64_t zero = RowStarts::of(panels.getEncoding()).zero;
  Value wide = arith::ExtUIOp::create(e.b, i32Vector(width),
                                      codes(panel, offset, v, width));
  Value integers = e.sub(wide, e.splat(e.i32(zero), width));
  return arith::SIToFPOp::create(e.b, e.vector(e.b.getF32Type(), width),
                                 integers);
}

Value Arithmetic::start(RowOperand row, Value group) const {
  return e.splat(e.f32(0.0), lanes);
}

namespace {

/// One element of K a step, in f32.
class F32Arithmetic : public Arithmetic {
public:
  using Arithmetic::Arithmetic;

  Value weights(Value panel, Value offset, int64_t v) const override {
    if (format)
      return decoded(panel, offset, v, lanes);
    return widen(load(panel, offset, v, panels.getType(), lanes));
  }

  Value row(RowOperand row, Value k) const override {
    Value x = memref::LoadOp::create(e.b, row.rows, ValueRange{row.number, k});
    return e.splat(widen(x), lanes);
  }

  Value multiplyAdd(Value accumulator, Value row,
                    Value weights) const override {
    return vector::FMAOp::create(e.b, row, weights, accumulator);
  }

private:
  Value widen(Value x) const {
    if (getElementTypeOrSelf(x).isF32())
      return x;
    Type type = e.b.getF32Type();
    if (auto vectorType = dyn_cast<VectorType>(x.getType()))
      type = vectorType.clone(type);
    return arith::ExtFOp::create(e.b, type, x);
  }
};

/// Pairs of bf16, whose products add up in f32.
class Bf16Arithmetic : public Arithmetic {
public:
  using Arithmetic::Arithmetic;

  Value weights(Value panel, Value offset, int64_t v) const override {
    if (!format)
      return load(panel, offset, v, panels.getType(), 2 * lanes);
    // Codes have fewer bits than bf16: nothing is rounded.
    return arith::TruncFOp::create(e.b, e.vector(e.b.getBF16Type(), 2 * lanes),
                                   decoded(panel, offset, v, 2 * lanes));
  }

  Value row(RowOperand row, Value k) const override {
    Type bf16 = e.b.getBF16Type();
    return vector::BitCastOp::create(
        e.b, e.vector(bf16, 2 * lanes),
        e.splat(e.loadAs(row.rows, row.number, k, e.b.getF32Type()), lanes));
  }

  Value multiplyAdd(Value accumulator, Value row,
                    Value weights) const override {
    return x86vector::DotBF16Op::create(e.b, accumulator.getType(), accumulator,
                                        row, weights);
  }
};

/// Fours of int8: unsigned weights by signed rows, added up in i32. That the
/// weights' codes are stored with something added is undone by what
/// accumulators start with.
class Int8Arithmetic : public Arithmetic {
public:
  Int8Arithmetic(KernelEmitter &e, moe::PanelsAttr panels, int64_t lanes,
                 const EncodedRows &rows)
      : Arithmetic(e, panels, lanes), encoded(rows) {}

  Value weights(Value panel, Value offset, int64_t v) const override {
    return codes(panel, offset, v, 4 * lanes);
  }

  Value row(RowOperand row, Value k) const override {
    return e.splat(e.loadAs(row.rows, row.number, k, e.b.getI32Type()), lanes);
  }

  Value start(RowOperand row, Value group) const override {
    int64_t offset = encoded.startOffset(RowStarts::of(panels.getEncoding()));
    Value at = e.add(e.mul(group, e.index(sizeof(int32_t))), e.index(offset));
    return e.splat(e.loadAs(row.rows, row.number, at, e.b.getI32Type()), lanes);
  }

  Value multiplyAdd(Value accumulator, Value row,
                    Value weights) const override {
    if (!e.int8Dot)
      return multiplyAddByParts(accumulator, row, weights);
    Value fours = vector::BitCastOp::create(
        e.b, cast<VectorType>(weights.getType()), row);
    StringRef name = lanes == 16 ? "llvm.x86.avx512.vpdpbusd.512"
                                 : "llvm.x86.avx512.vpdpbusd.256";
    return LLVM::CallIntrinsicOp::create(
               e.b, accumulator.getType(), e.b.getStringAttr(name),
               ValueRange{accumulator, weights, fours})
        .getResult(0);
  }

  Value toF32(Value accumulator) const override {
    return arith::SIToFPOp::create(e.b, f32Vector(), accumulator);
  }

  Value rowScale(RowOperand row) const override {
    return e.loadAs(row.rows, row.number, e.index(encoded.scaleOffset()),
                    e.b.getF32Type());
  }

private:
  /// The four products one by one.
  Value multiplyAddByParts(Value accumulator, Value row, Value weights) const {
    auto type = cast<VectorType>(accumulator.getType());
    Value fours = vector::BitCastOp::create(e.b, type, weights);
    Value least = e.splat(e.i32(255), lanes), high = e.splat(e.i32(24), lanes);
    for (int64_t part = 0; part < 4; ++part) {
      Value down = e.splat(e.i32(8 * part), lanes);
      Value up = e.splat(e.i32(24 - 8 * part), lanes);
      Value weight = arith::AndIOp::create(
          e.b, arith::ShRUIOp::create(e.b, fours, down), least);
      Value element = arith::ShRSIOp::create(
          e.b, arith::ShLIOp::create(e.b, row, up), high);
      accumulator = e.add(accumulator, e.mul(weight, element));
    }
    return accumulator;
  }

  const EncodedRows encoded;
};

} // namespace

std::shared_ptr<const Arithmetic>
Arithmetic::get(KernelEmitter &e, moe::PanelsAttr panels, int64_t lanes,
                const std::optional<EncodedRows> &encodedRows) {
  if (encodedRows)
    return std::make_shared<Int8Arithmetic>(e, panels, lanes, *encodedRows);
  if (panels.getDepth() == 2)
    return std::make_shared<Bf16Arithmetic>(e, panels, lanes);
  return std::make_shared<F32Arithmetic>(e, panels, lanes);
}

} // namespace moec::cpu
