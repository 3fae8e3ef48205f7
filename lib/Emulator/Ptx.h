//===- Ptx.h - Inline PTX --------------------------------------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An interpreter for what stands in inline assembly: a few instructions, with
// local registers, predicates and branches. What an instruction does comes from
// the table of operations.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_PTX_H
#define MOEC_LIB_EMULATOR_PTX_H

#include "Site.h"

namespace llvm {
class InlineAsm;
} // namespace llvm

namespace moec::emulator {

struct PtxCode {
  /// For reports: the instruction that says most.
  std::string title;
  Operation run;
};

/// Fails, naming it, on an instruction that is not modelled.
llvm::Expected<PtxCode> parsePtx(const llvm::InlineAsm &assembly,
                                 const OperationTable &operations);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_PTX_H
