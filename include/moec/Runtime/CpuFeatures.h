//===- CpuFeatures.h - what this CPU can execute ----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Instruction set features under LLVM's names ("avx512f", "fma", ...), without
// LLVM. The compiler writes into a manifest those features of its target that
// isKnownCpuFeature knows; tuning flags ("fast-gather", "64bit-mode") are none.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_RUNTIME_CPUFEATURES_H
#define MOEC_RUNTIME_CPUFEATURES_H

#include <string>
#include <string_view>
#include <vector>

namespace moec {

/// The architecture this code was compiled for, as a target triple begins:
/// "x86_64" or "aarch64".
std::string_view hostArchitecture();

/// Whether `name` is a feature whose presence hostHasCpuFeature can tell on
/// machines of `architecture`.
bool isKnownCpuFeature(std::string_view architecture, std::string_view name);

/// Whether code that uses feature `name` runs here: the CPU has it and the
/// operating system saves the registers it adds. False for unknown names.
bool hostHasCpuFeature(std::string_view name);

/// The known features that are present here, in alphabetical order.
std::vector<std::string> hostCpuFeatures();

} // namespace moec

#endif // MOEC_RUNTIME_CPUFEATURES_H
