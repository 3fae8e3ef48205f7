//===- CpuTargetOption.cpp - A CPU as an option of passes -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/CpuTargetOption.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>
#include <variant>

namespace moec {

namespace {

/// A field of CpuTarget that decides how code is shaped, and its name.
struct Fact {
  llvm::StringLiteral name;
  std::variant<Architecture CpuTarget::*, bool CpuTarget::*,
               int64_t CpuTarget::*, double CpuTarget::*>
      field;
};

} // namespace

static constexpr Fact facts[] = {
    {"arch", &CpuTarget::architecture},
    {"lanes", &CpuTarget::lanes},
    {"registers", &CpuTarget::registers},
    {"bf16-dot", &CpuTarget::bf16Dot},
    {"int8-dot", &CpuTarget::int8Dot},
    {"l2-bytes", &CpuTarget::l2Bytes},
    {"multiplies-per-cycle", &CpuTarget::multipliesPerCycle},
    {"multiply-latency", &CpuTarget::multiplyLatency},
    {"read-rate", &CpuTarget::readRate},
    {"fetch-rate", &CpuTarget::fetchRate},
    {"l3-rate", &CpuTarget::l3Rate},
    {"memory-latency", &CpuTarget::memoryLatency},
    {"reorder-window", &CpuTarget::reorderWindow}};

static constexpr llvm::StringLiteral architectureNames[] = {"x86_64",
                                                            "aarch64"};

static bool parseValue(llvm::StringRef text, Architecture &value) {
  const auto *found = llvm::find(architectureNames, text);
  value = static_cast<Architecture>(found - std::begin(architectureNames));
  return found != std::end(architectureNames);
}
static bool parseValue(llvm::StringRef text, bool &value) {
  value = text == "true";
  return value || text == "false";
}
static bool parseValue(llvm::StringRef text, int64_t &value) {
  return !text.getAsInteger(10, value);
}
static bool parseValue(llvm::StringRef text, double &value) {
  return !text.getAsDouble(value);
}

static std::string valueText(Architecture value) {
  return architectureNames[static_cast<size_t>(value)].str();
}
template <typename Value>
static std::string valueText(Value value) {
  return fmt::format("{}", value);
}

} // namespace moec

bool llvm::cl::parser<moec::CpuTarget>::parse(Option &option,
                                              llvm::StringRef name,
                                              llvm::StringRef text,
                                              moec::CpuTarget &target) {
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::SplitString(text, parts);
  for (llvm::StringRef part : parts) {
    auto [key, value] = part.split('=');
    const moec::Fact *fact = llvm::find_if(
        moec::facts, [&](const moec::Fact &fact) { return fact.name == key; });
    if (fact == std::end(moec::facts))
      return option.error("a CPU has no '" + key + "'", name);
    bool isValid = std::visit(
        [&](auto field) { return moec::parseValue(value, target.*field); },
        fact->field);
    if (!isValid)
      return option.error("'" + value + "' is no value of a CPU's " + key,
                          name);
  }
  return false;
}

void llvm::cl::parser<moec::CpuTarget>::print(llvm::raw_ostream &os,
                                              const moec::CpuTarget &target) {
  llvm::ListSeparator space(" ");
  os << '{';
  for (const moec::Fact &fact : moec::facts)
    os << llvm::StringRef(space) << fact.name << '='
       << std::visit([&](auto field) { return moec::valueText(target.*field); },
                     fact.field);
  os << '}';
}
