//===- Elementwise.cpp - arithmetic on floats -------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element-wise operations of arith and math on floats, and the activations
// of moe. What each does is in ErrorModel.h.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace llvm;
namespace arith = mlir::arith;
namespace math = mlir::math;
namespace moe = mlir::moe;

namespace moec::reference {

Expected<Elements> Elements::of(mlir::Operation *op, const Frame &frame) {
  Elements elements;
  for (mlir::Value operand : op->getOperands()) {
    const Tensor &tensor = frame[operand];
    elements.operands.push_back(&tensor);
    if (tensor.rank() == 0)
      continue;
    if (!elements.common.empty() && elements.common != tensor.shape)
      return errorAt(op, fmt::format("operands have the shapes {} and {}",
                                     formatShape(elements.common),
                                     formatShape(tensor.shape)));
    elements.common = tensor.shape;
    elements.count = tensor.size();
  }
  return elements;
}

TensorRef spread(TensorRef tensor, const Shape &shape) {
  if (tensor->rank() != 0 || shape.empty())
    return tensor;
  Tensor result;
  result.kind = tensor->kind;
  result.shape = shape;
  auto count = static_cast<size_t>(*numElements(shape));
  if (tensor->kind == Kind::Float)
    result.value.assign(count, tensor->value[0]);
  else
    result.ints.assign(count, tensor->ints[0]);
  if (!tensor->error.empty())
    result.error.assign(count, tensor->error[0]);
  return std::make_shared<Tensor>(std::move(result));
}

/// Defines the result of `op`, element by element.
template <typename Function>
static Error mapFloats(mlir::Operation *op, Frame &frame, Function function) {
  Expected<Elements> elements = Elements::of(op, frame);
  if (!elements)
    return elements.takeError();
  Tensor result = Tensor::floats(elements->shape());
  const Format &format = formatOf(op->getResult(0).getType());
  for (int64_t i = 0; i < elements->size(); ++i)
    result.set(i, function(*elements, i, format));
  frame.define(op->getResult(0), std::move(result));
  return Error::success();
}

using Unary = Number (*)(Number, const Format &);
using Binary = Number (*)(Number, Number, const Format &);

template <typename OpT>
static void addUnary(OpTable &table, Unary function) {
  table.add(OpT::getOperationName(), [=](mlir::Operation *op, Frame &frame) {
    return mapFloats(op, frame,
                     [=](const Elements &x, int64_t i, const Format &format) {
                       return function(x.number(0, i), format);
                     });
  });
}

template <typename OpT>
static void addBinary(OpTable &table, Binary function) {
  table.add(OpT::getOperationName(), [=](mlir::Operation *op, Frame &frame) {
    return mapFloats(op, frame,
                     [=](const Elements &x, int64_t i, const Format &format) {
                       return function(x.number(0, i), x.number(1, i), format);
                     });
  });
}

static Error evaluateFma(math::FmaOp op, Frame &frame) {
  return mapFloats(
      op, frame, [](const Elements &x, int64_t i, const Format &format) {
        return add(multiply(x.number(0, i), x.number(1, i), format),
                   x.number(2, i), format);
      });
}

static Error evaluateClamp(math::ClampFOp op, Frame &frame) {
  return mapFloats(op, frame, [](const Elements &x, int64_t i, const Format &) {
    Number raised = maximum(x.number(0, i), x.number(1, i), false);
    return minimum(raised, x.number(2, i), false);
  });
}

static Error evaluateSelect(arith::SelectOp op, Frame &frame) {
  Expected<Elements> x = Elements::of(op, frame);
  if (!x)
    return x.takeError();
  if (x->isFloat(1)) {
    Tensor result = Tensor::floats(x->shape());
    for (int64_t i = 0; i < x->size(); ++i) {
      bool isTrue = x->integer(0, i) != 0;
      Number chosen = x->number(isTrue ? 1 : 2, i);
      Number other = x->number(isTrue ? 2 : 1, i);
      result.set(i, x->isUncertain(0, i) ? either(chosen, other) : chosen);
    }
    frame.define(op.getResult(), std::move(result));
    return Error::success();
  }
  IntegerResult result(x->shape(), op.getType());
  for (int64_t i = 0; i < x->size(); ++i) {
    unsigned chosen = x->integer(0, i) != 0 ? 1 : 2;
    bool differs = x->integer(1, i) != x->integer(2, i);
    result.set(i, x->integer(chosen, i),
               x->isUncertain(chosen, i) || (x->isUncertain(0, i) && differs));
  }
  frame.define(op.getResult(), result.take());
  return Error::success();
}

/// Whether `predicate` holds of two exact numbers.
static bool holds(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::AlwaysTrue:
    return true;
  case P::ORD:
    return !unordered;
  case P::UNO:
    return unordered;
  case P::OEQ:
    return a == b;
  case P::UEQ:
    return unordered || a == b;
  case P::ONE:
    return !unordered && a != b;
  case P::UNE:
    return unordered || a != b;
  case P::OGT:
    return a > b;
  case P::UGT:
    return unordered || a > b;
  case P::OGE:
    return a >= b;
  case P::UGE:
    return unordered || a >= b;
  case P::OLT:
    return a < b;
  case P::ULT:
    return unordered || a < b;
  case P::OLE:
    return a <= b;
  case P::ULE:
    return unordered || a <= b;
  }
  llvm_unreachable("all predicates are above");
}

/// Whether rounding may change how `a` compares with `b`.
static bool isComparisonUncertain(Number a, Number b) {
  double bound = a.error + b.error;
  if (bound == infinity)
    return true;
  return bound > 0 && std::isfinite(a.value) && std::isfinite(b.value) &&
         std::abs(a.value - b.value) <= bound;
}

static Error evaluateCompare(arith::CmpFOp op, Frame &frame) {
  Expected<Elements> x = Elements::of(op, frame);
  if (!x)
    return x.takeError();
  IntegerResult result(x->shape(), op.getType());
  for (int64_t i = 0; i < x->size(); ++i) {
    Number a = x->number(0, i), b = x->number(1, i);
    result.set(i, holds(op.getPredicate(), a.value, b.value),
               isComparisonUncertain(a, b));
  }
  frame.define(op.getResult(), result.take());
  return Error::success();
}

/// Conversions from and to integers.
static Error evaluateToFloat(mlir::Operation *op, Frame &frame) {
  bool isUnsigned = isa<arith::UIToFPOp>(op);
  mlir::Type from = mlir::getElementTypeOrSelf(op->getOperand(0));
  uint64_t mask = maskTrailingOnes<uint64_t>(from.getIntOrFloatBitWidth());
  return mapFloats(
      op, frame, [=](const Elements &x, int64_t i, const Format &format) {
        auto bits = static_cast<uint64_t>(x.integer(0, i));
        double value = isUnsigned ? static_cast<double>(bits & mask)
                                  : static_cast<double>(x.integer(0, i));
        double error = x.isUncertain(0, i) ? infinity : 0;
        return converted({value, error}, format);
      });
}

/// Fractions are cut off; what no integer can hold, and NaN, is an error.
static Error evaluateToInteger(mlir::Operation *op, Frame &frame) {
  Expected<Elements> x = Elements::of(op, frame);
  if (!x)
    return x.takeError();
  mlir::Type type = op->getResult(0).getType();
  bool isUnsigned = isa<arith::FPToUIOp>(op);
  unsigned width = mlir::getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  double limit = std::ldexp(1.0, isUnsigned ? width : width - 1);
  IntegerResult result(x->shape(), type);
  for (int64_t i = 0; i < x->size(); ++i) {
    Number number = x->number(0, i);
    double value = std::trunc(number.value);
    if (!(value < limit && value >= (isUnsigned ? 0 : -limit)))
      return errorAt(
          op, fmt::format("{} is no integer of {} bits", number.value, width));
    bool isUncertain = std::trunc(number.value - number.error) != value ||
                       std::trunc(number.value + number.error) != value;
    auto bits = isUnsigned ? static_cast<int64_t>(static_cast<uint64_t>(value))
                           : static_cast<int64_t>(value);
    result.set(i, bits, isUncertain);
  }
  frame.define(op->getResult(0), result.take());
  return Error::success();
}

/// A function that gives an integer near its argument, and never rounds.
template <double (*function)(double)>
static Number nearInteger(Number x, const Format &) {
  double value = function(x.value);
  if (!std::isfinite(x.value) || x.error == infinity)
    return {value, x.error};
  return {value, std::max(function(x.value + x.error) - value,
                          value - function(x.value - x.error))};
}

static Number absoluteOf(Number x, const Format &) { return absolute(x); }
static Number negated(Number x, const Format &) { return negate(x); }
static Number widened(Number x, const Format &) { return x; }
static Number reciprocalSquareRoot(Number x, const Format &format) {
  return divide({1, 0}, squareRoot(x, format), format);
}
static Number exponentialOf2(Number x, const Format &format) {
  return power({2, 0}, x, format);
}
static Number exponentialMinus1(Number x, const Format &format) {
  return subtract(exponential(x, format), {1, 0}, format);
}
static Number logarithmTo2(Number x, const Format &format) {
  return multiply(logarithm(x, format), {1 / std::log(2.0), 0}, format);
}

/// maximum or minimum as a function of two numbers.
template <Number (*function)(Number, Number, bool), bool ignoreNaN>
static Number extremum(Number a, Number b, const Format &) {
  return function(a, b, ignoreNaN);
}

void addArithmetic(OpTable &table) {
  addBinary<arith::AddFOp>(table, add);
  addBinary<arith::SubFOp>(table, subtract);
  addBinary<arith::MulFOp>(table, multiply);
  addBinary<arith::DivFOp>(table, divide);
  addBinary<arith::MaximumFOp>(table, extremum<maximum, false>);
  addBinary<arith::MaxNumFOp>(table, extremum<maximum, true>);
  addBinary<arith::MinimumFOp>(table, extremum<minimum, false>);
  addBinary<arith::MinNumFOp>(table, extremum<minimum, true>);
  addUnary<arith::NegFOp>(table, negated);
  addUnary<arith::ExtFOp>(table, widened);
  addUnary<arith::TruncFOp>(table, converted);
  table.add(evaluateSelect);
  table.add(evaluateCompare);
  table.add(arith::SIToFPOp::getOperationName(), evaluateToFloat);
  table.add(arith::UIToFPOp::getOperationName(), evaluateToFloat);
  table.add(arith::FPToSIOp::getOperationName(), evaluateToInteger);
  table.add(arith::FPToUIOp::getOperationName(), evaluateToInteger);

  addUnary<math::CeilOp>(table, nearInteger<std::ceil>);
  addUnary<math::FloorOp>(table, nearInteger<std::floor>);
  addUnary<math::AbsFOp>(table, absoluteOf);
  addUnary<math::ExpOp>(table, exponential);
  addUnary<math::Exp2Op>(table, exponentialOf2);
  addUnary<math::ExpM1Op>(table, exponentialMinus1);
  addUnary<math::LogOp>(table, logarithm);
  addUnary<math::Log1pOp>(table, logarithm1p);
  addUnary<math::Log2Op>(table, logarithmTo2);
  addUnary<math::TanhOp>(table, hyperbolicTangent);
  addUnary<math::ErfOp>(table, errorFunction);
  addUnary<math::SqrtOp>(table, squareRoot);
  addUnary<math::RsqrtOp>(table, reciprocalSquareRoot);
  addBinary<math::PowFOp>(table, power);
  table.add(evaluateFma);
  table.add(evaluateClamp);

  addUnary<moe::SigmoidOp>(table, sigmoid);
  addUnary<moe::SiluOp>(table, silu);
}

} // namespace moec::reference
