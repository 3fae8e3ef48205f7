//===- Parser.cpp - Reads programs and tensor declarations ------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lines of a family description: statements and tensor declarations, built
// on the expression parser.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Parser.h"
#include "ExprParser.h"

namespace moec::hf {
namespace {

class Parser : public ExprParser {
public:
  using ExprParser::ExprParser;

  ExprResult wholeExpression();
  llvm::Expected<StatementList> program();
  llvm::Expected<std::vector<TensorDeclaration>> tensors();

private:
  llvm::Error sourceNames(TensorDeclaration &declaration);
};

ExprResult Parser::wholeExpression() {
  ExprResult expr = conditional();
  if (!expr)
    return expr;
  if (peek().kind == Token::Kind::Newline)
    take();
  if (!atEnd())
    return unexpected("the end of the expression");
  return expr;
}

llvm::Expected<StatementList> Parser::program() {
  StatementList statements;
  while (!atEnd()) {
    Statement statement;
    statement.loc = peek().loc;
    do {
      llvm::Expected<std::string> target = identifier("a name");
      if (!target)
        return target.takeError();
      statement.targets.push_back(*target);
    } while (accept(","));
    if (llvm::Error error = expect("="))
      return std::move(error);
    ExprResult value = conditional(&statement.guard);
    if (!value)
      return value.takeError();
    statement.value = *value;
    if (llvm::Error error = expectNewline())
      return std::move(error);
    statements.push_back(std::move(statement));
  }
  return statements;
}

llvm::Error Parser::sourceNames(TensorDeclaration &declaration) {
  auto string = [&]() -> llvm::Error {
    if (peek().kind != Token::Kind::String)
      return unexpected("the name of a tensor in quotes");
    declaration.sources.push_back(take().text);
    return llvm::Error::success();
  };
  if (!acceptName("mxfp4"))
    return string();
  declaration.form = StorageForm::Mxfp4;
  if (llvm::Error error = expect("("))
    return error;
  if (llvm::Error error = string())
    return error;
  if (llvm::Error error = expect(","))
    return error;
  if (llvm::Error error = string())
    return error;
  return expect(")");
}

llvm::Expected<std::vector<TensorDeclaration>> Parser::tensors() {
  std::vector<TensorDeclaration> declarations;
  while (!atEnd()) {
    TensorDeclaration declaration;
    declaration.loc = peek().loc;
    llvm::Expected<std::string> name = identifier("a name");
    if (!name)
      return name.takeError();
    declaration.name = *name;
    if (llvm::Error error = expect("["))
      return std::move(error);
    do {
      llvm::Expected<std::string> index = identifier("the name of an index");
      if (!index)
        return index.takeError();
      if (llvm::Error error = expect(":"))
        return std::move(error);
      ExprResult size = conditional();
      if (!size)
        return size.takeError();
      declaration.indices.push_back({*index, *size});
    } while (accept(","));
    if (llvm::Error error = expect("]"))
      return std::move(error);
    if (llvm::Error error = expect("="))
      return std::move(error);
    if (llvm::Error error = sourceNames(declaration))
      return std::move(error);
    if (accept("[")) {
      llvm::Expected<std::vector<ExprPtr>> subscript = listUntil("]");
      if (!subscript)
        return subscript.takeError();
      declaration.hasSubscript = true;
      declaration.subscript = std::move(*subscript);
    }
    if (acceptName("of")) {
      if (llvm::Error error = expect("["))
        return std::move(error);
      llvm::Expected<std::vector<ExprPtr>> shape = listUntil("]");
      if (!shape)
        return shape.takeError();
      declaration.hasFileShape = true;
      declaration.fileShape = std::move(*shape);
    }
    if (acceptName("if")) {
      ExprResult guard = disjunction();
      if (!guard)
        return guard.takeError();
      declaration.guard = *guard;
    }
    if (llvm::Error error = expectNewline())
      return std::move(error);
    declarations.push_back(std::move(declaration));
  }
  return declarations;
}

} // namespace

llvm::Expected<ExprPtr> parseExpression(const Sources &sources,
                                        const Snippet &snippet) {
  llvm::Expected<std::vector<Token>> tokens = tokenize(sources, snippet);
  if (!tokens)
    return tokens.takeError();
  return Parser(sources, std::move(*tokens)).wholeExpression();
}

llvm::Expected<StatementList> parseProgram(const Sources &sources,
                                           const Snippet &snippet) {
  llvm::Expected<std::vector<Token>> tokens = tokenize(sources, snippet);
  if (!tokens)
    return tokens.takeError();
  return Parser(sources, std::move(*tokens)).program();
}

llvm::Expected<std::vector<TensorDeclaration>>
parseTensors(const Sources &sources, const Snippet &snippet) {
  llvm::Expected<std::vector<Token>> tokens = tokenize(sources, snippet);
  if (!tokens)
    return tokens.takeError();
  return Parser(sources, std::move(*tokens)).tensors();
}

} // namespace moec::hf
