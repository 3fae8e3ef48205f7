//===- Value.cpp - Constants ------------------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Printing, truth and equality of constants.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Value.h"
#include "llvm/ADT/StringExtras.h"
#include <fmt/format.h>

namespace moec::hf {

bool Value::truth() const {
  if (isBool())
    return boolean();
  if (isNumber())
    return number() != 0;
  if (isString())
    return !string().empty();
  return isList() && !list().empty();
}

std::string Value::str() const {
  if (isNull())
    return "null";
  if (isBool())
    return boolean() ? "true" : "false";
  if (isInt())
    return std::to_string(integer());
  if (isFloat())
    return fmt::format("{}", number());
  if (isString())
    return '"' + string() + '"';
  return "[" +
         llvm::join(
             llvm::map_range(list(), [](const Value &v) { return v.str(); }),
             ", ") +
         "]";
}

llvm::StringRef Value::typeName() const {
  if (isNull())
    return "null";
  if (isBool())
    return "a boolean";
  if (isInt())
    return "an integer";
  if (isFloat())
    return "a number";
  if (isString())
    return "a string";
  return "a list";
}

bool operator==(const Value &a, const Value &b) {
  if (a.isInt() && b.isInt())
    return a.integer() == b.integer();
  if (a.isNumber() && b.isNumber())
    return a.number() == b.number();
  if (a.isList() && b.isList())
    return a.list() == b.list();
  return a.data == b.data;
}

} // namespace moec::hf
