//===- Value.h - Constants and their evaluation -----------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a configuration key or a dimension can be, and the evaluation of
// expressions that are decided at import.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_HUGGINGFACE_VALUE_H
#define MOEC_IMPORT_HUGGINGFACE_VALUE_H

#include "moec/Import/HuggingFace/Ast.h"
#include "moec/Import/HuggingFace/SourceText.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <optional>
#include <variant>

namespace moec::hf {

/// A constant: null, a boolean, an integer, a number, a string or a list.
class Value {
public:
  using List = std::vector<Value>;

  Value() = default;
  Value(bool value) : data(value) {}
  Value(int64_t value) : data(value) {}
  Value(double value) : data(value) {}
  Value(const char *) = delete; // would be a boolean
  Value(std::string value) : data(std::move(value)) {}
  Value(List value) : data(std::make_shared<const List>(std::move(value))) {}

  bool isNull() const { return std::holds_alternative<std::monostate>(data); }
  bool isBool() const { return std::holds_alternative<bool>(data); }
  bool isInt() const { return std::holds_alternative<int64_t>(data); }
  bool isFloat() const { return std::holds_alternative<double>(data); }
  bool isNumber() const { return isInt() || isFloat(); }
  bool isString() const { return std::holds_alternative<std::string>(data); }
  bool isList() const { return std::holds_alternative<ListPtr>(data); }

  bool boolean() const { return std::get<bool>(data); }
  int64_t integer() const { return std::get<int64_t>(data); }
  /// An integer or a number, as a number.
  double number() const {
    return isInt() ? static_cast<double>(integer()) : std::get<double>(data);
  }
  const std::string &string() const { return std::get<std::string>(data); }
  const List &list() const { return *std::get<ListPtr>(data); }

  /// null, false, 0, "" and [] are false, as in Python.
  bool truth() const;
  /// As in JSON.
  std::string str() const;
  /// "an integer", "a list", ...
  llvm::StringRef typeName() const;

  /// Integers and numbers compare by value.
  friend bool operator==(const Value &a, const Value &b);

private:
  using ListPtr = std::shared_ptr<const List>;
  std::variant<std::monostate, bool, int64_t, double, std::string, ListPtr>
      data;
};

/// What a name stands for; nothing if it is unknown.
using NameLookup =
    llvm::function_ref<std::optional<Value>(llvm::StringRef name)>;

/// Evaluates an expression in which every name has a constant value. Fails,
/// pointing at the place, for an unknown name, a wrong type, an index out of
/// range, integer overflow and division by zero.
llvm::Expected<Value> evaluate(const Sources &sources, const Expr &expr,
                               NameLookup lookup);

/// One operation on constants; `expr` says which and where.
llvm::Expected<Value> evaluateUnary(const Sources &sources, const Expr &expr,
                                    const Value &operand);
llvm::Expected<Value> evaluateBinary(const Sources &sources, const Expr &expr,
                                     const Value &lhs, const Value &rhs);
llvm::Expected<Value> evaluateIndex(const Sources &sources, const Expr &expr,
                                    const Value &base, const Value &index);

/// Whether `name` is a function on constants (min, max, len, ...), and its
/// value.
bool isConstantFunction(llvm::StringRef name);
llvm::Expected<Value> evaluateFunction(const Sources &sources, const Expr &call,
                                       llvm::ArrayRef<Value> arguments);

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_VALUE_H
