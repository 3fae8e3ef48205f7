//===- Ast.cpp - Syntax of the language in family descriptions --*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing expressions back as text, for messages.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Ast.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>
#include <fmt/format.h>

namespace moec::hf {
namespace {

/// Binding strength; an operand that binds less is put in parentheses.
int strength(const Expr &expr) {
  switch (expr.kind) {
  case Expr::Kind::Conditional:
    return 0;
  case Expr::Kind::Unary:
    return expr.text == "not" ? 3 : 7;
  case Expr::Kind::Binary:
    if (expr.text == "or")
      return 1;
    if (expr.text == "and")
      return 2;
    if (expr.text == "+" || expr.text == "-")
      return 5;
    if (llvm::StringRef("*//%").contains(expr.text))
      return 6;
    return 4;
  default:
    return 9;
  }
}

std::string operand(const Expr &expr, int atLeast) {
  std::string text = toString(expr);
  return strength(expr) < atLeast ? "(" + text + ")" : text;
}

} // namespace

std::string toString(const Expr &expr) {
  switch (expr.kind) {
  case Expr::Kind::Null:
    return "null";
  case Expr::Kind::Bool:
    return expr.boolean ? "true" : "false";
  case Expr::Kind::Int:
    return std::to_string(expr.integer);
  case Expr::Kind::Float:
    return std::isinf(expr.number) ? "inf" : fmt::format("{}", expr.number);
  case Expr::Kind::String:
    return '"' + expr.text + '"';
  case Expr::Kind::Name:
    return expr.text;
  case Expr::Kind::Unary:
    return (expr.text == "not" ? "not " : "-") +
           operand(*expr.operands[0], strength(expr));
  case Expr::Kind::Binary: {
    int own = strength(expr);
    return operand(*expr.operands[0], own) + " " + expr.text + " " +
           operand(*expr.operands[1], own + 1);
  }
  case Expr::Kind::Conditional:
    return operand(*expr.operands[0], 1) + " if " +
           operand(*expr.operands[1], 1) + " else " +
           operand(*expr.operands[2], 0);
  case Expr::Kind::Index:
    return operand(*expr.operands[0], 8) + "[" + toString(*expr.operands[1]) +
           "]";
  case Expr::Kind::Slice:
    return operand(*expr.operands[0], 8) + "[" +
           (expr.operands[1] ? toString(*expr.operands[1]) : "") + ":" +
           (expr.operands[2] ? toString(*expr.operands[2]) : "") + "]";
  case Expr::Kind::List:
    return "[" +
           llvm::join(llvm::map_range(
                          expr.operands,
                          [](const ExprPtr &item) { return toString(*item); }),
                      ", ") +
           "]";
  case Expr::Kind::Call: {
    std::string text = expr.text + "(";
    for (const Expr::Argument &argument : expr.arguments) {
      if (&argument != &expr.arguments.front())
        text += ", ";
      if (!argument.name.empty())
        text += argument.name + ": ";
      text += toString(*argument.value);
    }
    return text + ")";
  }
  }
  return {};
}

} // namespace moec::hf
