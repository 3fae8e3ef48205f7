//===- Lexer.cpp - Tokens of the language in family descriptions -*- C++
//-*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names may contain dots (a path in the configuration), numbers are decimal.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include <cmath>

namespace moec::hf {
namespace {

// Bounds the depth of syntax trees, and so of all recursion over them.
constexpr int maxLineTokens = 1000;

bool isNameStart(char c) { return llvm::isAlpha(c) || c == '_'; }
bool isNamePart(char c) { return llvm::isAlnum(c) || c == '_'; }

class Lexer {
public:
  Lexer(const Sources &sources, const Snippet &snippet)
      : sources(sources), snippet(snippet), text(snippet.text) {}

  llvm::Expected<std::vector<Token>> run() {
    while (pos < text.size())
      if (llvm::Error error = next())
        return std::move(error);
    if (!tokens.empty() && tokens.back().kind != Token::Kind::Newline)
      add(Token::Kind::Newline, pos, pos);
    add(Token::Kind::End, pos, pos);
    return std::move(tokens);
  }

private:
  Token &add(Token::Kind kind, size_t begin, size_t end) {
    lineTokens = kind == Token::Kind::Newline ? 0 : lineTokens + 1;
    Token token;
    token.kind = kind;
    token.loc = snippet.at(begin);
    token.text = text.substr(begin, end - begin).str();
    tokens.push_back(std::move(token));
    return tokens.back();
  }

  llvm::Error next() {
    if (lineTokens > maxLineTokens)
      return sources.error(snippet.at(pos), "a statement of more than " +
                                                llvm::Twine(maxLineTokens) +
                                                " words and signs");
    char c = text[pos];
    if (c == '\n') {
      bool lineHasTokens =
          !tokens.empty() && tokens.back().kind != Token::Kind::Newline;
      if (depth == 0 && lineHasTokens)
        add(Token::Kind::Newline, pos, pos + 1);
      ++pos;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++pos;
    } else if (c == '#') {
      pos = std::min(text.find('\n', pos), text.size());
    } else if (isNameStart(c)) {
      name();
    } else if (llvm::isDigit(c)) {
      return number();
    } else if (c == '"') {
      return string();
    } else {
      return punctuation();
    }
    return llvm::Error::success();
  }

  void name() {
    size_t begin = pos;
    while (pos < text.size() && (isNamePart(text[pos]) ||
                                 (text[pos] == '.' && pos + 1 < text.size() &&
                                  isNameStart(text[pos + 1]))))
      ++pos;
    add(Token::Kind::Name, begin, pos);
  }

  llvm::Error number() {
    size_t begin = pos;
    auto digits = [&] {
      while (pos < text.size() && llvm::isDigit(text[pos]))
        ++pos;
    };
    digits();
    bool isFloat = false;
    if (pos + 1 < text.size() && text[pos] == '.' &&
        llvm::isDigit(text[pos + 1])) {
      isFloat = true;
      ++pos;
      digits();
    }
    if (pos < text.size() && (text[pos] == 'e' || text[pos] == 'E')) {
      size_t exponent = pos + 1;
      if (exponent < text.size() &&
          (text[exponent] == '+' || text[exponent] == '-'))
        ++exponent;
      if (exponent < text.size() && llvm::isDigit(text[exponent])) {
        isFloat = true;
        pos = exponent;
        digits();
      }
    }
    if (pos < text.size() && isNamePart(text[pos]))
      return sources.error(snippet.at(begin),
                           "a number is followed by letters");
    Token &token =
        add(isFloat ? Token::Kind::Float : Token::Kind::Int, begin, pos);
    if (isFloat) {
      if (!llvm::to_float(token.text, token.number) ||
          !std::isfinite(token.number))
        return sources.error(token.loc, "'" + token.text +
                                            "' is not a number that a double "
                                            "can hold");
    } else if (llvm::StringRef(token.text).getAsInteger(10, token.integer)) {
      return sources.error(token.loc,
                           "'" + token.text + "' does not fit in 64 bits");
    }
    return llvm::Error::success();
  }

  llvm::Error string() {
    size_t begin = pos++;
    size_t end = text.find_first_of("\"\n", pos);
    if (end == llvm::StringRef::npos || text[end] == '\n')
      return sources.error(snippet.at(begin),
                           "this string has no closing quote on its line");
    add(Token::Kind::String, pos, end);
    tokens.back().loc = snippet.at(begin);
    pos = end + 1;
    return llvm::Error::success();
  }

  llvm::Error punctuation() {
    static constexpr llvm::StringLiteral doubles[] = {
        "==", "!=", "<=", ">=", "//"};
    for (llvm::StringRef pair : doubles) {
      if (text.substr(pos).starts_with(pair)) {
        add(Token::Kind::Punctuation, pos, pos + 2);
        pos += 2;
        return llvm::Error::success();
      }
    }
    char c = text[pos];
    if (!llvm::StringRef("()[],:=<>+-*/%").contains(c))
      return sources.error(snippet.at(pos),
                           "this character has no meaning here");
    if (c == '(' || c == '[')
      ++depth;
    if ((c == ')' || c == ']') && depth > 0)
      --depth;
    add(Token::Kind::Punctuation, pos, pos + 1);
    ++pos;
    return llvm::Error::success();
  }

  const Sources &sources;
  const Snippet &snippet;
  llvm::StringRef text;
  size_t pos = 0;
  int depth = 0;
  int lineTokens = 0;
  std::vector<Token> tokens;
};

} // namespace

llvm::Expected<std::vector<Token>> tokenize(const Sources &sources,
                                            const Snippet &snippet) {
  return Lexer(sources, snippet).run();
}

} // namespace moec::hf
