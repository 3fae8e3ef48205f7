//===- Routine.cpp - A typed program ----------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of operations and the text of a routine.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Routine.h"
#include "moec/Support/Text.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <fmt/format.h>

namespace moec::hf {

llvm::StringRef opName(Op op) {
  static constexpr llvm::StringLiteral names[] = {
      "input",     "tensor",      "constant", "add",    "sub",     "mul",
      "div",       "min",         "max",      "neg",    "abs",     "exp",
      "log",       "log1p",       "sqrt",     "tanh",   "erf",     "sigmoid",
      "silu",      "compare",     "select",   "sum",    "largest", "softmax",
      "normalize", "group_limit", "top_k",    "take",   "exclude", "concat",
      "slice",     "outer_sum",   "linear",   "lookup", "every",   "halves",
      "experts",   "identity",    "capacity"};
  static_assert(std::size(names) == size_t(Op::Capacity) + 1);
  return names[size_t(op)];
}

bool isElementwise(Op op) { return op >= Op::Add && op <= Op::Select; }

std::string RoutineType::str() const {
  llvm::StringRef kind = element == ElementKind::Number  ? ""
                         : element == ElementKind::Id    ? " ids"
                         : element == ElementKind::Truth ? " booleans"
                                                         : " token id";
  return formatShape(shape) + kind.str();
}

std::string Routine::str() const {
  std::string text;
  auto value = [](ValueId id) { return fmt::format("%{}", id); };
  for (const Operation &operation : operations) {
    text += llvm::join(llvm::map_range(operation.results, value), ", ");
    text += fmt::format(" = {}", opName(operation.op));
    for (ValueId operand : operation.operands)
      text += " " + value(operand);
    for (const auto &[name, attribute] : operation.attributes)
      text += fmt::format(" {}: {}", name, attribute.str());
    text += " : " + types[operation.results[0]].str() + "\n";
  }
  for (const auto &[name, id] : results)
    text += fmt::format("{} = %{}\n", name, id);
  return text;
}

} // namespace moec::hf
