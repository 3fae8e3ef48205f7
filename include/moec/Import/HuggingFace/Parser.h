//===- Parser.h - Reads the language in family descriptions -----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns snippets of a family description into syntax trees. Every error points
// at the character it is about.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_HUGGINGFACE_PARSER_H
#define MOEC_IMPORT_HUGGINGFACE_PARSER_H

#include "moec/Import/HuggingFace/Ast.h"
#include "moec/Import/HuggingFace/SourceText.h"

namespace moec::hf {

/// A single expression.
llvm::Expected<ExprPtr> parseExpression(const Sources &sources,
                                        const Snippet &snippet);

/// A program: one statement a line; a line goes on inside brackets.
llvm::Expected<StatementList> parseProgram(const Sources &sources,
                                           const Snippet &snippet);

/// Tensor declarations, one a line.
llvm::Expected<std::vector<TensorDeclaration>>
parseTensors(const Sources &sources, const Snippet &snippet);

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_PARSER_H
