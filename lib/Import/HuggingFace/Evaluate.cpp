//===- Evaluate.cpp - Evaluates expressions on constants --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything that is decided at import: dimensions, conditions, which layers
// are MoE layers, arguments of the programs' functions.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Value.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

namespace moec::hf {
namespace {

using Result = llvm::Expected<Value>;

llvm::Error overflow(const Sources &sources, const Expr &expr, int64_t a,
                     int64_t b) {
  return sources.error(expr.loc, "'" + llvm::Twine(toString(expr)) + "' with " +
                                     llvm::Twine(a) + " and " + llvm::Twine(b) +
                                     " does not fit in 64 bits");
}

Result onIntegers(const Sources &sources, const Expr &expr, int64_t a,
                  int64_t b) {
  llvm::StringRef op = expr.text;
  int64_t result = 0;
  if (op == "+" || op == "-" || op == "*") {
    bool tooLarge = op == "+"   ? llvm::AddOverflow(a, b, result)
                    : op == "-" ? llvm::SubOverflow(a, b, result)
                                : llvm::MulOverflow(a, b, result);
    if (tooLarge)
      return overflow(sources, expr, a, b);
    return Value(result);
  }
  if (b == 0)
    return sources.error(expr.loc,
                         "'" + llvm::Twine(toString(*expr.operands[1])) +
                             "' is 0 here, and nothing is divided by 0");
  if (op == "/")
    return Value(static_cast<double>(a) / static_cast<double>(b));
  if (b == -1 && a == std::numeric_limits<int64_t>::min())
    return overflow(sources, expr, a, b);
  // Rounded down, as in Python: the remainder has the sign of the divisor.
  int64_t quotient = a / b, remainder = a % b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) {
    --quotient;
    remainder += b;
  }
  return Value(op == "//" ? quotient : remainder);
}

llvm::Error wrongTypes(const Sources &sources, const Expr &expr, const Value &a,
                       const Value &b) {
  return sources.error(expr.loc, "'" + llvm::Twine(expr.text) +
                                     "' is not defined for " + a.str() + " (" +
                                     a.typeName() + ") and " + b.str() + " (" +
                                     b.typeName() + ")");
}

} // namespace

Result evaluateUnary(const Sources &sources, const Expr &expr,
                     const Value &operand) {
  if (expr.text == "not")
    return Value(!operand.truth());
  if (operand.isInt()) {
    int64_t negated = 0;
    if (llvm::SubOverflow(int64_t{0}, operand.integer(), negated))
      return overflow(sources, expr, 0, operand.integer());
    return Value(negated);
  }
  if (operand.isFloat())
    return Value(-operand.number());
  return sources.error(expr.loc, "'-' is not defined for " + operand.str() +
                                     " (" + operand.typeName() + ")");
}

Result evaluateBinary(const Sources &sources, const Expr &expr, const Value &a,
                      const Value &b) {
  llvm::StringRef op = expr.text;
  if (op == "and")
    return a.truth() ? b : a;
  if (op == "or")
    return a.truth() ? a : b;
  if (op == "==")
    return Value(a == b);
  if (op == "!=")
    return Value(!(a == b));
  if (op == "in" || op == "not in") {
    if (!b.isList())
      return wrongTypes(sources, expr, a, b);
    return Value(llvm::is_contained(b.list(), a) == (op == "in"));
  }
  if (!a.isNumber() || !b.isNumber())
    return wrongTypes(sources, expr, a, b);
  if (op == "<")
    return Value(a.number() < b.number());
  if (op == "<=")
    return Value(a.number() <= b.number());
  if (op == ">")
    return Value(a.number() > b.number());
  if (op == ">=")
    return Value(a.number() >= b.number());
  if (a.isInt() && b.isInt())
    return onIntegers(sources, expr, a.integer(), b.integer());
  double x = a.number(), y = b.number();
  if (op == "+")
    return Value(x + y);
  if (op == "-")
    return Value(x - y);
  if (op == "*")
    return Value(x * y);
  if (y == 0)
    return sources.error(expr.loc,
                         "'" + llvm::Twine(toString(*expr.operands[1])) +
                             "' is 0 here, and nothing is divided by 0");
  if (op == "/")
    return Value(x / y);
  if (op == "//")
    return Value(std::floor(x / y));
  return Value(x - y * std::floor(x / y));
}

Result evaluateIndex(const Sources &sources, const Expr &expr,
                     const Value &base, const Value &index) {
  if (!index.isInt())
    return sources.error(expr.loc, "an index is an integer, not " +
                                       index.str() + " (" + index.typeName() +
                                       ")");
  int64_t size = base.isList()     ? static_cast<int64_t>(base.list().size())
                 : base.isString() ? static_cast<int64_t>(base.string().size())
                                   : -1;
  if (size < 0)
    return sources.error(expr.loc,
                         "only lists and strings have elements, not " +
                             base.str() + " (" + base.typeName() + ")");
  int64_t i = index.integer();
  if (i < 0 || i >= size)
    return sources.error(expr.loc, "index " + llvm::Twine(i) + " into '" +
                                       toString(*expr.operands[0]) +
                                       "', which has " + llvm::Twine(size) +
                                       " elements");
  if (base.isString())
    return Value(std::string(1, base.string()[i]));
  return base.list()[i];
}

bool isConstantFunction(llvm::StringRef name) {
  return llvm::is_contained({"min", "max", "len", "ceil", "floor", "isqrt",
                             "sqrt", "is_list", "all_within", "numbers"},
                            name);
}

Result evaluateFunction(const Sources &sources, const Expr &call,
                        llvm::ArrayRef<Value> arguments) {
  llvm::StringRef name = call.text;
  size_t wanted = name == "all_within"             ? 3
                  : name == "min" || name == "max" ? 2
                                                   : 1;
  if (arguments.size() != wanted)
    return sources.error(call.loc, name + " takes " + llvm::Twine(wanted) +
                                       " arguments, here are " +
                                       llvm::Twine(arguments.size()));
  const Value &a = arguments[0];
  if (name == "numbers") {
    llvm::SmallVector<llvm::StringRef> words;
    if (a.isString())
      llvm::StringRef(a.string()).split(words, ',', -1, /*KeepEmpty=*/false);
    Value::List list;
    for (llvm::StringRef word : words) {
      int64_t number = 0;
      if (word.trim().getAsInteger(10, number))
        words.clear();
      list.push_back(Value(number));
    }
    if (words.empty())
      return sources.error(call.loc, a.str() + " is no list of integers "
                                               "separated by commas");
    return Value(std::move(list));
  }
  if (name == "is_list")
    return Value(a.isList());
  if (name == "all_within") {
    if (!a.isList() || !arguments[1].isInt() || !arguments[2].isInt())
      return sources.error(call.loc,
                           "all_within takes a list and two integers");
    return Value(llvm::all_of(a.list(), [&](const Value &item) {
      return item.isInt() && item.integer() >= arguments[1].integer() &&
             item.integer() < arguments[2].integer();
    }));
  }
  if (name == "len") {
    if (a.isList())
      return Value(static_cast<int64_t>(a.list().size()));
    if (a.isString())
      return Value(static_cast<int64_t>(a.string().size()));
    return sources.error(call.loc, "len is not defined for " + a.str());
  }
  for (const Value &argument : arguments)
    if (!argument.isNumber())
      return sources.error(call.loc, name + " is not defined for " +
                                         argument.str() + " (" +
                                         argument.typeName() + ")");
  if (name == "min")
    return arguments[1].number() < a.number() ? arguments[1] : a;
  if (name == "max")
    return arguments[1].number() > a.number() ? arguments[1] : a;
  if (name == "sqrt" && a.number() >= 0)
    return Value(std::sqrt(a.number()));
  double x = name == "ceil" ? std::ceil(a.number())
             : name == "floor"
                 ? std::floor(a.number())
                 : std::floor(std::sqrt(a.number())); // NaN below 0
  if (!(std::fabs(x) < 9e15))
    return sources.error(call.loc,
                         name + " of " + a.str() + " is no integer below 9e15");
  return Value(static_cast<int64_t>(x));
}

Result evaluate(const Sources &sources, const Expr &expr, NameLookup lookup) {
  auto operand = [&](size_t i) {
    return evaluate(sources, *expr.operands[i], lookup);
  };
  switch (expr.kind) {
  case Expr::Kind::Null:
    return Value();
  case Expr::Kind::Bool:
    return Value(expr.boolean);
  case Expr::Kind::Int:
    return Value(expr.integer);
  case Expr::Kind::Float:
    return Value(expr.number);
  case Expr::Kind::String:
    return Value(expr.text);
  case Expr::Kind::Name: {
    if (std::optional<Value> value = lookup(expr.text))
      return *value;
    return sources.error(expr.loc, "'" + llvm::Twine(expr.text) +
                                       "' is neither a key of this family nor "
                                       "defined before");
  }
  case Expr::Kind::List: {
    Value::List items;
    for (size_t i = 0; i < expr.operands.size(); ++i) {
      Result item = operand(i);
      if (!item)
        return item;
      items.push_back(std::move(*item));
    }
    return Value(std::move(items));
  }
  case Expr::Kind::Unary: {
    Result value = operand(0);
    return value ? evaluateUnary(sources, expr, *value) : std::move(value);
  }
  case Expr::Kind::Binary: {
    Result lhs = operand(0);
    if (!lhs)
      return lhs;
    // What stands behind `and` and `or` may rely on what stands before.
    if ((expr.text == "and" && !lhs->truth()) ||
        (expr.text == "or" && lhs->truth()))
      return lhs;
    Result rhs = operand(1);
    return rhs ? evaluateBinary(sources, expr, *lhs, *rhs) : std::move(rhs);
  }
  case Expr::Kind::Conditional: {
    Result condition = operand(1);
    if (!condition)
      return condition;
    return operand(condition->truth() ? 0 : 2);
  }
  case Expr::Kind::Index: {
    Result base = operand(0);
    if (!base)
      return base;
    Result index = operand(1);
    return index ? evaluateIndex(sources, expr, *base, *index)
                 : std::move(index);
  }
  case Expr::Kind::Call: {
    if (!isConstantFunction(expr.text))
      return sources.error(expr.loc, "'" + llvm::Twine(expr.text) +
                                         "' is not a function on constants");
    std::vector<Value> arguments;
    for (const Expr::Argument &argument : expr.arguments) {
      Result value = evaluate(sources, *argument.value, lookup);
      if (!value)
        return value;
      arguments.push_back(std::move(*value));
    }
    return evaluateFunction(sources, expr, arguments);
  }
  case Expr::Kind::Slice:
    return sources.error(expr.loc,
                         "a slice is taken of a row, not of a constant");
  }
  return Value();
}

} // namespace moec::hf
