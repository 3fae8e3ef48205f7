//===- Arithmetic.cpp - How a tile multiplies -----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// f32 by fused multiply-add, pairs of bf16 and fours of int8 by dot products.
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"

namespace moec::cpu {

Value Arithmetic::start(RowOperand row, Value group, Value zero) const {
  return e.splat(e.f32(0.0), lanes);
}

namespace {

/// One element of K a step, in f32.
class F32Arithmetic : public Arithmetic {
public:
  using Arithmetic::Arithmetic;

  Value weights(Value panel, Value offset, int64_t v,
                Value zero) const override {
    if (format)
      return decoded(panel, offset, v, lanes, zero);
    return widen(load(panel, offset, v, panels.getType(), lanes));
  }

  VectorType weightsType() const override { return f32Vector(); }

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

  Value weights(Value panel, Value offset, int64_t v,
                Value zero) const override {
    if (!format)
      return load(panel, offset, v, panels.getType(), 2 * lanes);
    if (looksUpNibbles(2 * lanes))
      return nibblesAsBf16(panel, offset, v, 2 * lanes, zero);
    return upperHalves(decoded(panel, offset, v, 2 * lanes, zero));
  }

  VectorType weightsType() const override {
    return e.vector(e.b.getBF16Type(), 2 * lanes);
  }

  Value row(RowOperand row, Value k) const override {
    return vector::BitCastOp::create(
        e.b, weightsType(),
        e.splat(e.loadAs(row.rows, row.number, k, e.b.getF32Type()), lanes));
  }

  /// On Zen 4 `vbroadcastss` from memory takes the vector units too; beside
  /// instructions that decode it takes the place of multiplications.
  bool loadsRowsAnew() const override { return format && lanes == 16; }

  Value multiplyAdd(Value accumulator, Value row,
                    Value weights) const override {
    return callIntrinsic(instructions()->bf16Dot, accumulator.getType(),
                         {accumulator, weights, row});
  }

private:
  /// Floats as bf16. Codes have fewer bits than that: nothing is rounded.
  Value upperHalves(Value floats) const {
    int64_t width = cast<VectorType>(floats.getType()).getNumElements();
    Value halves = vector::BitCastOp::create(
        e.b, e.vector(e.b.getBF16Type(), 2 * width), floats);
    SmallVector<int64_t> upper;
    for (int64_t i = 0; i < width; ++i)
      upper.push_back(2 * i + 1);
    return vector::ShuffleOp::create(e.b, halves, halves, upper);
  }
};

/// Fours of int8, added up in i32. That the weights' codes are stored with
/// something added is undone by what accumulators start with; where the dot
/// product takes signed weights, codes of eight bits by clearing it.
class Int8Arithmetic : public Arithmetic {
public:
  Int8Arithmetic(KernelEmitter &e, moe::PanelsAttr panels, int64_t lanes,
                 const EncodedRows &rows)
      : Arithmetic(e, panels, lanes), encoded(rows),
        makesSigned(e.isa.int8Dot && instructions()->signedWeights &&
                    format->block.codeBits() == 8) {}

  Value weights(Value panel, Value offset, int64_t v,
                Value zero) const override {
    Value stored = codes(panel, offset, v, 4 * lanes);
    if (!makesSigned)
      return stored;
    Value highest = arith::ConstantOp::create(
        e.b, DenseElementsAttr::get(cast<VectorType>(stored.getType()),
                                    APInt(8, 0x80)));
    return arith::XOrIOp::create(e.b, stored, highest);
  }

  VectorType weightsType() const override {
    return e.vector(e.b.getI8Type(), 4 * lanes);
  }

  Value row(RowOperand row, Value k) const override {
    return e.splat(e.loadAs(row.rows, row.number, k, e.b.getI32Type()), lanes);
  }

  Value start(RowOperand row, Value group, Value zero) const override {
    if (makesSigned)
      return e.splat(e.i32(0), lanes);
    int64_t offset = encoded.startOffset(RowStarts::of(panels.getEncoding()));
    Value at = e.add(e.mul(group, e.index(sizeof(int32_t))), e.index(offset));
    Value start =
        e.splat(e.loadAs(row.rows, row.number, at, e.b.getI32Type()), lanes);
    return zero ? e.mul(start, zero) : start;
  }

  Value multiplyAdd(Value accumulator, Value row,
                    Value weights) const override {
    if (!e.isa.int8Dot)
      return instructions() && !instructions()->sumsOfWords.empty()
                 ? multiplyAddByPairs(accumulator, row, weights)
                 : multiplyAddByParts(accumulator, row, weights);
    Value fours = vector::BitCastOp::create(
        e.b, cast<VectorType>(weights.getType()), row);
    return callIntrinsic(instructions()->int8Dot, accumulator.getType(),
                         {accumulator, weights, fours});
  }

  Value toF32(Value accumulator) const override {
    return arith::SIToFPOp::create(e.b, f32Vector(), accumulator);
  }

  Value rowScale(RowOperand row) const override {
    return e.loadAs(row.rows, row.number, e.index(encoded.scaleOffset()),
                    e.b.getF32Type());
  }

private:
  /// Without that dot product: sums of pairs of i16 products. Two
  /// products of codes of four bits fit into it; of larger ones the even and
  /// the odd elements are multiplied apart. LLVM must not see that sums are
  /// added up: adding the products of two steps first, as it would, takes more
  /// registers than there are (int8 on x86-64-v3: 105 ms instead of 71).
  Value multiplyAddByPairs(Value accumulator, Value row, Value weights) const {
    VectorType pairs = e.vector(e.b.getI16Type(), 2 * lanes);
    if (format->block.codeBits() == 4) {
      Value fours = vector::BitCastOp::create(
          e.b, cast<VectorType>(weights.getType()), row);
      Value sums =
          callIntrinsic(instructions()->sumsOfBytes, pairs, {weights, fours});
      return e.hidden(e.add(accumulator, sumsOfPairs(sums, words(1))));
    }
    Value stored = vector::BitCastOp::create(e.b, pairs, weights);
    Value elements = vector::BitCastOp::create(e.b, pairs, row);
    Value byte = words(8);
    Value even =
        sumsOfPairs(arith::AndIOp::create(e.b, stored, words(255)),
                    arith::ShRSIOp::create(
                        e.b, arith::ShLIOp::create(e.b, elements, byte), byte));
    Value odd = sumsOfPairs(arith::ShRUIOp::create(e.b, stored, byte),
                            arith::ShRSIOp::create(e.b, elements, byte));
    return e.hidden(e.add(e.add(accumulator, even), odd));
  }

  /// The i32 sums of the products of neighbouring i16 numbers.
  Value sumsOfPairs(Value x, Value y) const {
    return callIntrinsic(instructions()->sumsOfWords, i32Vector(lanes), {x, y});
  }

  /// `value` in every i16 of a vector.
  Value words(int64_t value) const {
    return arith::ConstantOp::create(
        e.b, DenseElementsAttr::get(e.vector(e.b.getI16Type(), 2 * lanes),
                                    APInt(16, value)));
  }

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
  const bool makesSigned;
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
