//===- Retarget.h - From NVPTX to the host ---------------------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns a module for NVPTX into one for the host: operations become calls of
// the emulator, memory accesses are checked first, shared memory is found
// through the running thread.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_RETARGET_H
#define MOEC_LIB_EMULATOR_RETARGET_H

#include "Site.h"

#include <memory>

namespace llvm {
class DataLayout;
class Module;
} // namespace llvm

namespace moec::emulator {

struct Device;

struct Kernel {
  std::string name;
  std::vector<uint64_t> parameterBytes;
  /// Threads a block may have, by the kernel's attributes.
  uint64_t maxThreads = 1024;
  /// Calls the kernel in the running thread.
  void (*entry)(void **params) = nullptr;
};

/// A module-level variable outside of shared memory, which kernels may access.
struct Variable {
  std::string name;
  uint64_t bytes;
  bool readOnly;
};

/// What retargeting learns about a module.
struct Program {
  /// By Site::index.
  std::vector<std::unique_ptr<Site>> sites;
  llvm::StringMap<Kernel> kernels;
  std::vector<Variable> variables;
  /// Bytes of all static shared arrays; the dynamic one starts at
  /// dynamicOffset, aligned as declared.
  uint64_t staticShared = 0, dynamicOffset = 0;
  /// Bytes of local arrays on a thread's stack, at most.
  uint64_t localBytes = 0;

  Site &addSite(std::string text, std::string location);
};

/// The prefix of the function that calls a kernel with `params`.
constexpr const char *kernelEntryPrefix = "moec.kernel.";

/// Rewrites `module` for the host that runs this, whose data layout is given,
/// with code that refers to `device`, whose program it fills except for
/// Kernel::entry. Fails on what is not modelled.
llvm::Error retarget(llvm::Module &module, Device &device,
                     const llvm::DataLayout &hostLayout);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_RETARGET_H
