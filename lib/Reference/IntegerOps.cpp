//===- IntegerOps.cpp - arithmetic on integers ------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element-wise operations of arith on integers, indices and truth values:
// ids, sizes and masks. Arithmetic wraps around as arith says; what arith
// leaves undefined (a division by zero) is an error.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

#include "llvm/Support/MathExtras.h"

using namespace llvm;
namespace arith = mlir::arith;

namespace moec::reference {

static unsigned widthOf(mlir::Type type) {
  mlir::Type element = mlir::getElementTypeOrSelf(type);
  return element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
}

Kind integerKind(mlir::Type type) {
  return widthOf(type) == 1 ? Kind::Bool : Kind::Int;
}

int64_t wrapped(int64_t value, mlir::Type type) {
  unsigned width = widthOf(type);
  if (width == 1)
    return value & 1;
  return width >= 64 ? value
                     : SignExtend64(static_cast<uint64_t>(value), width);
}

/// `function` of two integers; none where it is undefined.
using IntegerFunction = std::optional<int64_t> (*)(int64_t, int64_t);

static Error mapIntegers(mlir::Operation *op, Frame &frame,
                         IntegerFunction function, bool isUnsigned) {
  Expected<Elements> x = Elements::of(op, frame);
  if (!x)
    return x.takeError();
  // An unsigned operation sees the bits of the type.
  uint64_t mask =
      isUnsigned
          ? maskTrailingOnes<uint64_t>(widthOf(op->getOperand(0).getType()))
          : ~uint64_t(0);
  auto read = [&](unsigned operand, int64_t i) {
    return static_cast<int64_t>(static_cast<uint64_t>(x->integer(operand, i)) &
                                mask);
  };
  bool isBinary = op->getNumOperands() == 2;
  IntegerResult result(x->shape(), op->getResult(0).getType());
  for (int64_t i = 0; i < x->size(); ++i) {
    std::optional<int64_t> value =
        function(read(0, i), isBinary ? read(1, i) : 0);
    if (!value)
      return errorAt(op, fmt::format("undefined for {} and {} (element {})",
                                     x->integer(0, i), x->integer(1, i), i));
    result.set(i, *value,
               x->isUncertain(0, i) || (isBinary && x->isUncertain(1, i)));
  }
  frame.define(op->getResult(0), result.take());
  return Error::success();
}

template <typename OpT>
static void addInteger(OpTable &table, IntegerFunction function,
                       bool isUnsigned = false) {
  table.add(OpT::getOperationName(), [=](mlir::Operation *op, Frame &frame) {
    return mapIntegers(op, frame, function, isUnsigned);
  });
}

static bool holds(arith::CmpIPredicate predicate, int64_t a, int64_t b,
                  unsigned width) {
  using P = arith::CmpIPredicate;
  uint64_t mask = maskTrailingOnes<uint64_t>(width);
  uint64_t ua = static_cast<uint64_t>(a) & mask;
  uint64_t ub = static_cast<uint64_t>(b) & mask;
  if (width == 1) {
    // Truth values are kept as 0 and 1; as signed numbers they are 0 and -1.
    a = -a;
    b = -b;
  }
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return a < b;
  case P::sle:
    return a <= b;
  case P::sgt:
    return a > b;
  case P::sge:
    return a >= b;
  case P::ult:
    return ua < ub;
  case P::ule:
    return ua <= ub;
  case P::ugt:
    return ua > ub;
  case P::uge:
    return ua >= ub;
  }
  llvm_unreachable("all predicates are above");
}

static Error evaluateCompare(arith::CmpIOp op, Frame &frame) {
  Expected<Elements> x = Elements::of(op, frame);
  if (!x)
    return x.takeError();
  unsigned width = widthOf(op.getLhs().getType());
  IntegerResult result(x->shape(), op.getType());
  for (int64_t i = 0; i < x->size(); ++i)
    result.set(
        i, holds(op.getPredicate(), x->integer(0, i), x->integer(1, i), width),
        x->isUncertain(0, i) || x->isUncertain(1, i));
  frame.define(op.getResult(), result.take());
  return Error::success();
}

using Result = std::optional<int64_t>;

/// Whether a / b is a number: not a division by zero, nor too large.
static bool canDivide(int64_t a, int64_t b) {
  return b != 0 && !(a == INT64_MIN && b == -1);
}

static Result addWrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) +
                              static_cast<uint64_t>(b));
}
static Result subtractWrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) -
                              static_cast<uint64_t>(b));
}
static Result multiplyWrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) *
                              static_cast<uint64_t>(b));
}
static Result divideSigned(int64_t a, int64_t b) {
  return canDivide(a, b) ? Result(a / b) : std::nullopt;
}
static Result remainderSigned(int64_t a, int64_t b) {
  return canDivide(a, b) ? Result(a % b) : std::nullopt;
}
static Result divideFloor(int64_t a, int64_t b) {
  return canDivide(a, b) ? Result(a / b - (a % b != 0 && (a < 0) != (b < 0)))
                         : std::nullopt;
}
static Result divideCeil(int64_t a, int64_t b) {
  return canDivide(a, b) ? Result(a / b + (a % b != 0 && (a < 0) == (b < 0)))
                         : std::nullopt;
}
static Result divideUnsigned(int64_t a, int64_t b) {
  if (b == 0)
    return std::nullopt;
  return static_cast<int64_t>(static_cast<uint64_t>(a) /
                              static_cast<uint64_t>(b));
}
static Result remainderUnsigned(int64_t a, int64_t b) {
  if (b == 0)
    return std::nullopt;
  return static_cast<int64_t>(static_cast<uint64_t>(a) %
                              static_cast<uint64_t>(b));
}
static Result smaller(int64_t a, int64_t b) { return std::min(a, b); }
static Result larger(int64_t a, int64_t b) { return std::max(a, b); }
static Result bitAnd(int64_t a, int64_t b) { return a & b; }
static Result bitOr(int64_t a, int64_t b) { return a | b; }
static Result bitXor(int64_t a, int64_t b) { return a ^ b; }
static Result same(int64_t a, int64_t) { return a; }
/// Truth values are kept as 0 and 1, and extend with their sign to 0 and -1.
static Error evaluateExtend(arith::ExtSIOp op, Frame &frame) {
  bool isBool = integerKind(op.getIn().getType()) == Kind::Bool;
  return mapIntegers(
      op, frame, isBool ? [](int64_t a, int64_t) { return Result(-a); } : same,
      false);
}

void addIntegerArithmetic(OpTable &table) {
  addInteger<arith::AddIOp>(table, addWrapping);
  addInteger<arith::SubIOp>(table, subtractWrapping);
  addInteger<arith::MulIOp>(table, multiplyWrapping);
  addInteger<arith::DivSIOp>(table, divideSigned);
  addInteger<arith::RemSIOp>(table, remainderSigned);
  addInteger<arith::FloorDivSIOp>(table, divideFloor);
  addInteger<arith::CeilDivSIOp>(table, divideCeil);
  addInteger<arith::DivUIOp>(table, divideUnsigned, true);
  addInteger<arith::RemUIOp>(table, remainderUnsigned, true);
  addInteger<arith::MinSIOp>(table, smaller);
  addInteger<arith::MaxSIOp>(table, larger);
  addInteger<arith::AndIOp>(table, bitAnd);
  addInteger<arith::OrIOp>(table, bitOr);
  addInteger<arith::XOrIOp>(table, bitXor);
  addInteger<arith::IndexCastOp>(table, same);
  addInteger<arith::IndexCastUIOp>(table, same, true);
  addInteger<arith::ExtUIOp>(table, same, true);
  addInteger<arith::TruncIOp>(table, same);
  table.add(evaluateExtend);
  table.add(evaluateCompare);
}

} // namespace moec::reference
