//===- Emulator.h - GPU kernels on the host ---------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the LLVM IR that goes to the NVPTX back end, unchanged, on the host: one
// fiber per CUDA thread, the PTX operations by their definition, and checks of
// what the hardware leaves undefined. The launch interface is the CUDA
// driver's. docs/emulator.md has an example and says what is not modelled.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_EMULATOR_EMULATOR_H
#define MOEC_EMULATOR_EMULATOR_H

#include "moec/Emulator/DeviceMemory.h"
#include "moec/Emulator/LaunchReport.h"

#include <memory>

namespace llvm {
class Module;
} // namespace llvm

namespace moec::emulator {

/// When an asynchronous operation takes effect.
enum class Completion {
  Eager, ///< at once
  Lazy,  ///< as late as a wait allows, newest first
  Random ///< any time between
};

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

/// How to launch, as in cuLaunchKernelEx.
struct LaunchConfig {
  /// In blocks; `cluster` divides it in every dimension.
  Dim3 grid = {};
  /// In threads, at most 1024 in all.
  Dim3 block = {};
  /// In blocks, at most 16 in all.
  Dim3 cluster = {};
  /// Bytes of the kernel's extern shared array.
  uint64_t dynamicShared = 0;
  /// Whether it may begin before the launch before it has ended. Then a thread
  /// may not write, or touch what that stores, before griddepcontrol.wait.
  bool overlaps = false;
};

/// What the hardware leaves open. Equal options give equal runs.
struct LaunchOptions {
  Completion completion = Completion::Lazy;
  /// Seed of the order of threads and blocks, and of Completion::Random.
  uint64_t seed = 1;
  /// Clusters that run side by side.
  unsigned residentClusters = 2;
  /// Findings kept; the others are counted.
  unsigned maxFindings = 32;
  /// Loop iterations of all threads without an event that brings the launch
  /// forward (a barrier, an exit, a copy that lands), until it is given up.
  uint64_t maxIdleIterations = uint64_t(1) << 28;
};

/// A module, ready to be launched. Emulators are independent of each other; one
/// is used by one host thread at a time.
class Emulator {
public:
  /// Prepares all kernels of `module`, which is copied: LLVM IR for NVPTX,
  /// after optimization, before code generation. Fails, naming it, on an
  /// operation that is not modelled, and on what no kernel may do.
  static llvm::Expected<std::unique_ptr<Emulator>>
  create(const llvm::Module &module, std::shared_ptr<DeviceMemory> memory);

  /// The same from a .ll or .bc file.
  static llvm::Expected<std::unique_ptr<Emulator>>
  createFromFile(llvm::StringRef path, std::shared_ptr<DeviceMemory> memory);

  ~Emulator();

  /// Sizes in bytes of the kernel's parameters; fails if there is no such
  /// kernel.
  llvm::Expected<std::vector<uint64_t>>
  parameterSizes(llvm::StringRef kernel) const;

  /// The kernels' names, sorted.
  std::vector<std::string> kernels() const;

  /// Runs a kernel to its end. `params[i]` points to the value of parameter i,
  /// as in cuLaunchKernel; a CUtensorMap is a TensorMap here. Fails if the
  /// kernel or the configuration is not valid; what the kernel does wrong is in
  /// the report.
  llvm::Expected<LaunchReport> launch(llvm::StringRef kernel,
                                      const LaunchConfig &config, void **params,
                                      const LaunchOptions &options = {});

  DeviceMemory &memory();

private:
  struct Impl;
  explicit Emulator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace moec::emulator

#endif // MOEC_EMULATOR_EMULATOR_H
