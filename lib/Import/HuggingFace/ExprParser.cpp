//===- ExprParser.cpp - Reads expressions -----------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function for each binding strength.
//
//===----------------------------------------------------------------------===//

#include "ExprParser.h"
#include "llvm/ADT/STLExtras.h"
#include <limits>

namespace moec::hf {

using Kind = Expr::Kind;

static constexpr int maxDepth = 64;
static constexpr llvm::StringLiteral keywords[] = {
    "if", "else", "and",   "or",   "not", "in",
    "of", "true", "false", "null", "inf"};

llvm::Expected<std::string> ExprParser::identifier(llvm::StringRef what) {
  const Token &token = peek();
  if (token.kind != Token::Kind::Name ||
      llvm::is_contained(keywords, token.text))
    return unexpected(what);
  if (llvm::StringRef(token.text).contains('.'))
    return sources.error(token.loc, what + " has no dots");
  return take().text;
}

ExprResult ExprParser::conditional(ExprPtr *guard) {
  if (depth >= maxDepth)
    return sources.error(peek().loc,
                         "nested more than " + llvm::Twine(maxDepth) + " deep");
  ++depth;
  ExprResult value = disjunction();
  if (!value) {
    --depth;
    return value;
  }
  while (peek().isName("if")) {
    Token op = take();
    ExprResult condition = disjunction();
    if (!condition) {
      --depth;
      return condition;
    }
    if (!peek().isName("else")) {
      --depth;
      if (!guard)
        return unexpected("'else'");
      *guard = *condition;
      return value;
    }
    take();
    ExprResult other = conditional(guard);
    if (!other) {
      --depth;
      return other;
    }
    auto expr = make(Kind::Conditional, op.loc);
    expr->operands = {*value, *condition, *other};
    value = ExprPtr(expr);
  }
  --depth;
  return value;
}

ExprResult ExprParser::disjunction() {
  ExprResult lhs = conjunction();
  while (lhs && peek().isName("or")) {
    Token op = take();
    ExprResult rhs = conjunction();
    if (!rhs)
      return rhs;
    lhs = binary(op, "or", *lhs, *rhs);
  }
  return lhs;
}

ExprResult ExprParser::conjunction() {
  ExprResult lhs = negation();
  while (lhs && peek().isName("and")) {
    Token op = take();
    ExprResult rhs = negation();
    if (!rhs)
      return rhs;
    lhs = binary(op, "and", *lhs, *rhs);
  }
  return lhs;
}

ExprResult ExprParser::negation() {
  if (!peek().isName("not"))
    return comparison();
  if (depth >= maxDepth)
    return sources.error(peek().loc,
                         "nested more than " + llvm::Twine(maxDepth) + " deep");
  Token op = take();
  ++depth;
  ExprResult operand = negation();
  --depth;
  if (!operand)
    return operand;
  auto expr = make(Kind::Unary, op.loc);
  expr->text = "not";
  expr->operands = {*operand};
  return ExprPtr(expr);
}

ExprResult ExprParser::comparison() {
  ExprResult lhs = sum();
  if (!lhs)
    return lhs;
  Token op = peek();
  std::string text;
  if (op.is("==") || op.is("!=") || op.is("<") || op.is("<=") || op.is(">") ||
      op.is(">=") || op.isName("in")) {
    text = take().text;
  } else if (op.isName("not") && tokens[pos + 1].isName("in")) {
    take();
    take();
    text = "not in";
  } else {
    return lhs;
  }
  ExprResult rhs = sum();
  if (!rhs)
    return rhs;
  return binary(op, text, *lhs, *rhs);
}

ExprResult ExprParser::sum() {
  ExprResult lhs = product();
  while (lhs && (peek().is("+") || peek().is("-"))) {
    Token op = take();
    ExprResult rhs = product();
    if (!rhs)
      return rhs;
    lhs = binary(op, op.text, *lhs, *rhs);
  }
  return lhs;
}

ExprResult ExprParser::product() {
  ExprResult lhs = unary();
  while (lhs && (peek().is("*") || peek().is("/") || peek().is("//") ||
                 peek().is("%"))) {
    Token op = take();
    ExprResult rhs = unary();
    if (!rhs)
      return rhs;
    lhs = binary(op, op.text, *lhs, *rhs);
  }
  return lhs;
}

ExprResult ExprParser::unary() {
  if (!peek().is("-"))
    return postfix();
  if (depth >= maxDepth)
    return sources.error(peek().loc,
                         "nested more than " + llvm::Twine(maxDepth) + " deep");
  Token op = take();
  ++depth;
  ExprResult operand = unary();
  --depth;
  if (!operand)
    return operand;
  auto expr = make(Kind::Unary, op.loc);
  expr->text = "-";
  expr->operands = {*operand};
  return ExprPtr(expr);
}

ExprResult ExprParser::postfix() {
  ExprResult base = primary();
  while (base && peek().is("[")) {
    Token open = take();
    ExprPtr low, high;
    if (!peek().is(":")) {
      ExprResult index = conditional();
      if (!index)
        return index;
      low = *index;
    }
    bool isSlice = accept(":");
    if (isSlice && !peek().is("]")) {
      ExprResult end = conditional();
      if (!end)
        return end;
      high = *end;
    }
    if (llvm::Error error = expect("]"))
      return std::move(error);
    auto expr = make(isSlice ? Kind::Slice : Kind::Index, open.loc);
    expr->operands = {*base, low};
    if (isSlice)
      expr->operands.push_back(high);
    base = ExprPtr(expr);
  }
  return base;
}

ExprResult ExprParser::primary() {
  const Token &token = peek();
  switch (token.kind) {
  case Token::Kind::Int: {
    auto expr = make(Kind::Int, token.loc);
    expr->integer = take().integer;
    return ExprPtr(expr);
  }
  case Token::Kind::Float: {
    auto expr = make(Kind::Float, token.loc);
    expr->number = take().number;
    return ExprPtr(expr);
  }
  case Token::Kind::String: {
    auto expr = make(Kind::String, token.loc);
    expr->text = take().text;
    return ExprPtr(expr);
  }
  case Token::Kind::Punctuation: {
    if (accept("(")) {
      ExprResult inner = conditional();
      if (!inner)
        return inner;
      if (llvm::Error error = expect(")"))
        return std::move(error);
      return inner;
    }
    if (!token.is("["))
      return unexpected("a value");
    auto expr = make(Kind::List, take().loc);
    llvm::Expected<std::vector<ExprPtr>> items = listUntil("]");
    if (!items)
      return items.takeError();
    expr->operands = std::move(*items);
    return ExprPtr(expr);
  }
  case Token::Kind::Name:
    break;
  case Token::Kind::End:
  case Token::Kind::Newline:
    return unexpected("a value");
  }

  Token name = token;
  if (name.text == "null") {
    take();
    return ExprPtr(make(Kind::Null, name.loc));
  }
  if (name.text == "true" || name.text == "false") {
    auto expr = make(Kind::Bool, take().loc);
    expr->boolean = name.text == "true";
    return ExprPtr(expr);
  }
  if (name.text == "inf") {
    auto expr = make(Kind::Float, take().loc);
    expr->number = std::numeric_limits<double>::infinity();
    return ExprPtr(expr);
  }
  if (llvm::is_contained(keywords, name.text))
    return unexpected("a value");
  take();
  if (peek().is("("))
    return call(name);
  auto expr = make(Kind::Name, name.loc);
  expr->text = name.text;
  return ExprPtr(expr);
}

ExprResult ExprParser::call(const Token &name) {
  take(); // the opening parenthesis
  auto expr = make(Kind::Call, name.loc);
  expr->text = name.text;
  while (!peek().is(")")) {
    Expr::Argument argument;
    if (peek().kind == Token::Kind::Name && tokens[pos + 1].is(":")) {
      argument.name = take().text;
      take();
    } else if (!expr->arguments.empty() &&
               !expr->arguments.back().name.empty()) {
      return sources.error(peek().loc,
                           "an argument without a name stands behind "
                           "one with a name");
    }
    ExprResult value = conditional();
    if (!value)
      return value;
    argument.value = *value;
    expr->arguments.push_back(std::move(argument));
    if (!peek().is(")"))
      if (llvm::Error error = expect(","))
        return std::move(error);
  }
  take();
  return ExprPtr(expr);
}

llvm::Expected<std::vector<ExprPtr>>
ExprParser::listUntil(llvm::StringRef close) {
  std::vector<ExprPtr> items;
  while (!peek().is(close)) {
    ExprResult item = conditional();
    if (!item)
      return item.takeError();
    items.push_back(*item);
    if (!peek().is(close))
      if (llvm::Error error = expect(","))
        return std::move(error);
  }
  take();
  return items;
}

} // namespace moec::hf
