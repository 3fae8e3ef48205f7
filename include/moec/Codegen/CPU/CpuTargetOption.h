//===- CpuTargetOption.h - A CPU as an option of passes ---------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes and pipelines take all they know of a CPU as one option, written
// cpu={lanes=8 registers=16 bf16-dot=false}; what is not named keeps the
// default of CpuTarget. The description of moe-choose-strategy lists the names.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_CPU_CPUTARGETOPTION_H
#define MOEC_CODEGEN_CPU_CPUTARGETOPTION_H

#include "moec/Codegen/CPU/CpuTarget.h"

#include "llvm/Support/CommandLine.h"

template <>
class llvm::cl::parser<moec::CpuTarget>
    : public llvm::cl::basic_parser<moec::CpuTarget> {
public:
  using basic_parser::basic_parser;

  /// Returns true after an error message, as all such parsers do.
  bool parse(Option &option, StringRef name, StringRef text,
             moec::CpuTarget &target);

  /// All facts, in braces; `parse` reads it again.
  static void print(raw_ostream &os, const moec::CpuTarget &target);

  StringRef getValueName() const override { return "{FACT=VALUE ...}"; }

  void printOptionDiff(const Option &option, const moec::CpuTarget &target,
                       const OptVal &defaultValue, size_t width) const {
    printOptionNoValue(option, width);
  }
};

#endif // MOEC_CODEGEN_CPU_CPUTARGETOPTION_H
