//===- ExprParser.h - Reads expressions -------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A recursive descent parser over tokens. Binding strength, weakest first:
// conditional, or, and, not, comparisons and 'in', + -, * / // %, unary minus,
// then subscripts and calls. Nesting is limited, so that no text can exhaust
// the stack.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_EXPRPARSER_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_EXPRPARSER_H

#include "moec/Import/HuggingFace/Ast.h"
#include "moec/Import/HuggingFace/Lexer.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {

using ExprResult = llvm::Expected<ExprPtr>;

class ExprParser {
public:
  ExprParser(const Sources &sources, std::vector<Token> tokens)
      : sources(sources), tokens(std::move(tokens)) {}

  /// `conditional` reads `a if c else b`; with `guard` given, an `if` without
  /// an `else` ends the expression and its condition is the guard.
  ExprResult conditional(ExprPtr *guard = nullptr);
  ExprResult disjunction();
  /// Expressions separated by commas, up to and with `close`.
  llvm::Expected<std::vector<ExprPtr>> listUntil(llvm::StringRef close);
  /// A name that is no keyword and has no dots; `what` says what for.
  llvm::Expected<std::string> identifier(llvm::StringRef what);

  const Token &peek() const { return tokens[pos]; }
  bool atEnd() const { return peek().kind == Token::Kind::End; }
  Token take() {
    Token token = tokens[pos];
    if (!atEnd())
      ++pos;
    return token;
  }
  bool accept(llvm::StringRef punctuation) {
    if (!peek().is(punctuation))
      return false;
    take();
    return true;
  }
  bool acceptName(llvm::StringRef name) {
    if (!peek().isName(name))
      return false;
    take();
    return true;
  }
  llvm::Error expect(llvm::StringRef punctuation) {
    if (accept(punctuation))
      return llvm::Error::success();
    return unexpected("'" + punctuation + "'");
  }
  llvm::Error expectNewline() {
    if (peek().kind == Token::Kind::Newline) {
      take();
      return llvm::Error::success();
    }
    return unexpected("the end of the line");
  }
  llvm::Error unexpected(const llvm::Twine &wanted) {
    bool lineEnds = peek().kind == Token::Kind::Newline || atEnd();
    std::string found =
        lineEnds ? "the end of the line" : "'" + peek().text + "'";
    return sources.error(peek().loc, "expected " + wanted + ", found " + found);
  }

private:
  std::shared_ptr<Expr> make(Expr::Kind kind, llvm::SMLoc loc) {
    auto expr = std::make_shared<Expr>();
    expr->kind = kind;
    expr->loc = loc;
    return expr;
  }
  ExprPtr binary(const Token &op, llvm::StringRef text, ExprPtr lhs,
                 ExprPtr rhs) {
    auto expr = make(Expr::Kind::Binary, op.loc);
    expr->text = text.str();
    expr->operands = {std::move(lhs), std::move(rhs)};
    return expr;
  }

  ExprResult conjunction();
  ExprResult negation();
  ExprResult comparison();
  ExprResult sum();
  ExprResult product();
  ExprResult unary();
  ExprResult postfix();
  ExprResult primary();
  ExprResult call(const Token &name);

  const Sources &sources;
  std::vector<Token> tokens;
  size_t pos = 0;
  int depth = 0;
};

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_EXPRPARSER_H
