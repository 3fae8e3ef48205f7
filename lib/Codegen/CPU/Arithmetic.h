//===- Arithmetic.h - How a tile multiplies ---------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The instructions in the middle of a tile: what a step of K is, how a row's
// elements and a panel's codes become its operands, and what accumulates. One
// implementation for each kind of multiplication.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_ARITHMETIC_H
#define MOEC_LIB_CODEGEN_CPU_ARITHMETIC_H

#include "EncodedRows.h"
#include "KernelEmitter.h"
#include "moec/Dialect/Moe/NumberFormat.h"

#include <memory>

namespace moec::cpu {

/// A row of the product's left side.
struct RowOperand {
  Value rows, number;
};

class Arithmetic {
public:
  Arithmetic(KernelEmitter &e, moe::PanelsAttr panels, int64_t lanes)
      : e(e), panels(panels), lanes(lanes),
        format(moe::NumberFormat::of(panels.getEncoding())) {}
  virtual ~Arithmetic() = default;

  /// The arithmetic of `panels` and rows, which are floats or encoded.
  static std::shared_ptr<const Arithmetic>
  get(KernelEmitter &e, moe::PanelsAttr panels, int64_t lanes,
      const std::optional<EncodedRows> &encodedRows);

  /// Vector `v` of the weights of the step whose codes begin at `offset`;
  /// `zero` is what zero() has for it.
  virtual Value weights(Value panel, Value offset, int64_t v,
                        Value zero) const = 0;
  /// The type of these.
  virtual VectorType weightsType() const = 0;
  /// The row's elements from `k` on, of one step, in every lane.
  virtual Value row(RowOperand row, Value k) const = 0;
  /// Whether every multiplication is to load its row's elements itself, as an
  /// operand in memory.
  virtual bool loadsRowsAnew() const { return false; }
  /// What accumulators of a row hold at the beginning of a group whose columns
  /// have zeros `zero`.
  virtual Value start(RowOperand row, Value group, Value zero) const;
  virtual Value multiplyAdd(Value accumulator, Value row,
                            Value weights) const = 0;
  /// Accumulators as f32.
  virtual Value toF32(Value accumulator) const { return accumulator; }
  /// A factor of everything a row is multiplied to, or null.
  virtual Value rowScale(RowOperand row) const { return {}; }
  /// Vector `v` of the scales that begin at `offset`.
  Value scale(Value panel, Value offset, int64_t v) const;
  /// Vector `v` of the zeros beside these scales, as i32; null if they have
  /// none.
  Value zero(Value panel, Value offset, int64_t v) const;

protected:
  /// Vector `v` of `width` elements of what begins at byte `offset` of a panel.
  Value load(Value panel, Value offset, int64_t v, Type element,
             int64_t width) const;
  /// Vector `v` of the codes of a step, `width` of them, in bytes: each is the
  /// number it stands for (twice that of fp4) plus RowStarts::zero; of fp8 its
  /// bits.
  Value codes(Value panel, Value offset, int64_t v, int64_t width) const;
  /// The same as floats, without what has been added; of fp8 a 256th.
  Value decoded(Value panel, Value offset, int64_t v, int64_t width,
                Value zero) const;
  /// The same as bf16, of codes of four bits, a whole vector of it.
  Value nibblesAsBf16(Value panel, Value offset, int64_t v, int64_t width,
                      Value zero) const;
  /// Whether these can be looked up: a table of codes from which zeros are
  /// taken off has numbers of both signs.
  bool looksUpNibbles(int64_t width) const;
  /// The instructions on whole vectors.
  const Instructions *instructions() const {
    return e.isa.instructions(32 * lanes);
  }
  Value callIntrinsic(StringRef name, Type type, ValueRange operands) const;
  VectorType f32Vector() const { return e.vector(e.b.getF32Type(), lanes); }
  VectorType i32Vector(int64_t width) const {
    return e.vector(e.b.getI32Type(), width);
  }

  KernelEmitter &e;
  const moe::PanelsAttr panels;
  const int64_t lanes;
  /// Of encoded weights.
  const std::optional<moe::NumberFormat> format;

private:
  /// Vectors of half a panel, whose codes share bytes with those of the other.
  int64_t halfVectors() const { return panels.getCols() / lanes / 2; }
  bool isLowNibble(int64_t v) const { return v < halfVectors(); }
  bool hasZeros() const { return format->block.scale == ScaleType::BF16Zero; }
  Value nibbleBytes(Value panel, Value offset, int64_t v, int64_t width) const;
  Value lookUpFp4(Value codes) const;
  Value fp8AsFloats(Value codes) const;
};

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_ARITHMETIC_H
