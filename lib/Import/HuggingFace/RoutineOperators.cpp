//===- RoutineOperators.cpp - Operators in programs -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element-wise operations with broadcasting, binary operators and subscripts,
// as far as they are not decided at import.
//
//===----------------------------------------------------------------------===//

#include "RoutineBuilder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"
#include <cmath>

namespace moec::hf {

/// Whether two shapes go together element by element, and the shape they make.
static bool broadcast(Shape &into, const Shape &other) {
  if (into == other || numElements(other) == 1) {
    if (into.empty())
      into = other;
    return true;
  }
  if (numElements(into) != 1 || into.size() > other.size())
    return false;
  into = other;
  return true;
}

ValueResult RoutineBuilder::elementwise(Op op, const Expr &at,
                                        llvm::ArrayRef<ValueId> operands) {
  // A limit at infinity is none.
  if (op == Op::Min || op == Op::Max)
    for (size_t i : {0, 1})
      if (const Operation *limit = definition(operands[i]);
          limit->op == Op::Constant &&
          limit->attribute("value").number() ==
              (op == Op::Min ? HUGE_VAL : -HUGE_VAL))
        return operands[1 - i];
  // Of a selection, the condition is no number and the others decide the kind.
  bool isSelect = op == Op::Select;
  RoutineType result = type(operands[isSelect ? 1 : 0]);
  for (auto [i, operand] : llvm::enumerate(operands)) {
    const RoutineType &next = type(operand);
    ElementKind wanted =
        isSelect && i == 0 ? ElementKind::Truth : result.element;
    if (next.element != wanted ||
        (next.element == ElementKind::TokenId && op != Op::Compare))
      return error(at, "'" + opName(op) + "' is not defined for " +
                           type(operands[0]).str() + " and " + next.str());
    if (!broadcast(result.shape, next.shape))
      return error(at, "the shapes " + formatShape(result.shape) + " and " +
                           formatShape(next.shape) + " do not go together");
    result.perToken |= next.perToken;
    result.perExpert |= next.perExpert;
  }
  bool onIds = result.element == ElementKind::Id;
  if (onIds && op != Op::Compare && op != Op::Select && op != Op::Add &&
      op != Op::Sub)
    return error(at, "'" + opName(op) + "' is not defined for ids");
  if (op == Op::Compare)
    result.element = ElementKind::Truth;
  return add(op, at.loc, operands, {result}).results[0];
}

OperandResult RoutineBuilder::lowerBinary(const Expr &expr) {
  OperandResult lhs = lower(*expr.operands[0]);
  if (!lhs)
    return lhs;
  const Value *left = std::get_if<Value>(&*lhs);
  if (left && ((expr.text == "and" && !left->truth()) ||
               (expr.text == "or" && left->truth())))
    return lhs;
  OperandResult rhs = lower(*expr.operands[1]);
  if (!rhs)
    return rhs;
  const Value *right = std::get_if<Value>(&*rhs);
  if (left && right) {
    llvm::Expected<Value> folded =
        evaluateBinary(scope.sources, expr, *left, *right);
    if (!folded)
      return folded.takeError();
    return Operand(*folded);
  }
  // A factor of 1, as scales often are, is not worth an operation.
  bool byOne = right && right->isNumber() && right->number() == 1;
  if (byOne && (expr.text == "*" || expr.text == "/"))
    return lhs;

  auto op = llvm::StringSwitch<std::optional<Op>>(expr.text)
                .Case("+", Op::Add)
                .Case("-", Op::Sub)
                .Case("*", Op::Mul)
                .Case("/", Op::Div)
                .Cases({"<", "<=", ">", ">=", "==", "!="}, Op::Compare)
                .Default(std::nullopt);
  if (!op)
    return error(expr, "'" + llvm::Twine(expr.text) +
                           "' is decided at import, and this is not");
  auto asValue = [&](const Operand &operand, const Expr &at) -> ValueResult {
    if (const ValueId *value = std::get_if<ValueId>(&operand))
      return *value;
    const Value &value = std::get<Value>(operand);
    if (!value.isNumber())
      return error(at, "expected numbers, found " + value.str());
    return constant(value.number(), at.loc);
  };
  ValueResult a = asValue(*lhs, *expr.operands[0]);
  if (!a)
    return a.takeError();
  ValueResult b = asValue(*rhs, *expr.operands[1]);
  if (!b)
    return b.takeError();
  makeConstantLike(*b, *a);
  makeConstantLike(*a, *b);
  ValueResult result = elementwise(*op, expr, {*a, *b});
  if (!result)
    return result.takeError();
  if (*op == Op::Compare)
    routine.operations.back().attributes["predicate"] = Value(expr.text);
  return Operand(*result);
}

OperandResult RoutineBuilder::lowerSubscript(const Expr &expr) {
  OperandResult base = lower(*expr.operands[0]);
  if (!base)
    return base;
  if (const Value *list = std::get_if<Value>(&*base)) {
    if (expr.kind == Expr::Kind::Slice)
      return error(expr, "a slice is taken of a row, not of a constant");
    llvm::Expected<Value> index = lowerConstant(*expr.operands[1]);
    if (!index)
      return index.takeError();
    llvm::Expected<Value> element =
        evaluateIndex(scope.sources, expr, *list, *index);
    if (!element)
      return element.takeError();
    return Operand(*element);
  }
  ValueId row = std::get<ValueId>(*base);
  RoutineType result = type(row);
  if (result.shape.size() != 1)
    return error(expr, "only a row has elements, not " + result.str());
  int64_t size = result.shape[0];
  auto bound = [&](const ExprPtr &at,
                   int64_t other) -> llvm::Expected<int64_t> {
    if (!at)
      return other;
    llvm::Expected<Value> value = lowerConstant(*at);
    if (!value)
      return value.takeError();
    if (!value->isInt() || value->integer() < 0 || value->integer() > size)
      return error(
          *at, "'" + llvm::Twine(toString(*at)) + "' is " + value->str() +
                   "; a bound is an integer from 0 to " + llvm::Twine(size));
    return value->integer();
  };
  llvm::Expected<int64_t> begin = bound(expr.operands[1], 0);
  if (!begin)
    return begin.takeError();
  llvm::Expected<int64_t> end = expr.kind == Expr::Kind::Slice
                                    ? bound(expr.operands[2], size)
                                    : llvm::Expected<int64_t>(*begin + 1);
  if (!end)
    return end.takeError();
  if (*begin >= *end || *end > size)
    return error(expr, "elements " + llvm::Twine(*begin) + " to " +
                           llvm::Twine(*end) + " of a row of " +
                           llvm::Twine(size) + " are none");
  result.shape[0] = *end - *begin;
  Operation &slice = add(Op::Slice, expr.loc, {row}, {result});
  slice.attributes["begin"] = Value(*begin);
  slice.attributes["end"] = Value(*end);
  return Operand(slice.results[0]);
}

} // namespace moec::hf
