//===- TargetCpu.h - Which CPU code is compiled for -------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asks LLVM what a CPU name stands for.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TARGET_TARGETCPU_H
#define MOEC_TARGET_TARGETCPU_H

#include "moec/Codegen/CPU/CpuTarget.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <vector>

namespace llvm {
class TargetMachine;
}

namespace moec {

/// The triple of `architecture`, "x86_64" or "aarch64"; this machine's if that
/// is empty. Fails on others.
llvm::Expected<std::string> cpuTriple(llvm::StringRef architecture);

/// The target of `cpu`: "native" for this machine, or a name LLVM knows
/// ("znver4", "x86-64-v3"), with features added or taken away if wanted
/// ("generic+dotprod", "neoverse-v1+nosve"). If it is empty, "native", or for
/// another architecture the least CPU. `triple` is this machine's if empty.
/// Fails on an unknown name, listing close ones.
llvm::Expected<CpuTarget> resolveCpu(llvm::StringRef cpu,
                                     llvm::StringRef triple = {});

/// LLVM's back end for a target, position-independent, at full optimization.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const CpuTarget &target);

/// The instruction set features code for `target` may use, of those whose
/// presence the run time can tell.
std::vector<std::string> requiredFeatures(const CpuTarget &target);

} // namespace moec

#endif // MOEC_TARGET_TARGETCPU_H
