//===- TensorNames.cpp - Names of file tensors ------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TensorNames.h"
#include "moec/Support/StackedName.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {

llvm::Expected<std::string> fillIn(const LayerScope &scope,
                                   llvm::StringRef text, llvm::SMLoc loc) {
  std::string result;
  while (!text.empty()) {
    size_t open = text.find('{');
    result += text.take_front(open).str();
    text = text.drop_front(std::min(open, text.size()));
    if (text.empty())
      break;
    size_t close = text.find('}');
    if (close == llvm::StringRef::npos)
      return scope.sources.error(loc, "a '{' in a name has no '}'");
    llvm::StringRef mark = text.slice(1, close), name = mark;
    text = text.drop_front(close + 1);
    if (name == "e") {
      result += "{e}";
      continue;
    }
    bool counts = name.consume_front("e +");
    std::optional<Value> value = scope.lookup(name.trim());
    if (!value || (counts && (!value->isInt() || value->integer() < 0)))
      return scope.sources.error(loc, "'{" + mark +
                                          "}' in a name is neither {n}, {e}, "
                                          "{e + KEY} nor a key");
    std::string known = value->isString() ? value->string() : value->str();
    result += counts ? "{e+" + known + "}" : known;
  }
  return result;
}

std::string joinNames(llvm::StringRef prefix, llvm::StringRef name) {
  while (name.consume_front("../")) {
    prefix.consume_back(".");
    prefix = prefix.take_front(prefix.rfind('.') + 1);
  }
  return (prefix + name).str();
}

llvm::Expected<std::string> firstFile(const LayerScope &scope,
                                      llvm::StringRef prefix,
                                      const TensorDeclaration &declaration) {
  llvm::Expected<std::string> source =
      fillIn(scope, declaration.sources[0], declaration.loc);
  if (!source)
    return source.takeError();
  return stackedName(joinNames(prefix, *source), 0);
}

} // namespace moec::hf
