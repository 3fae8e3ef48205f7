//===- Lexer.h - Tokens of the language in family descriptions --*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cuts a snippet into tokens. Line ends are tokens except inside brackets; '#'
// starts a comment.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_HUGGINGFACE_LEXER_H
#define MOEC_IMPORT_HUGGINGFACE_LEXER_H

#include "moec/Import/HuggingFace/SourceText.h"

namespace moec::hf {

struct Token {
  enum class Kind { End, Newline, Int, Float, String, Name, Punctuation };
  Kind kind = Kind::End;
  llvm::SMLoc loc;
  /// The characters; for a string what is between the quotes.
  std::string text;
  int64_t integer = 0;
  double number = 0;

  bool is(llvm::StringRef punctuation) const {
    return kind == Kind::Punctuation && text == punctuation;
  }
  bool isName(llvm::StringRef name) const {
    return kind == Kind::Name && text == name;
  }
};

/// All tokens of the snippet, the last one of kind End.
llvm::Expected<std::vector<Token>> tokenize(const Sources &sources,
                                            const Snippet &snippet);

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_LEXER_H
