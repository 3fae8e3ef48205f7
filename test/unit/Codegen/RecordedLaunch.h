//===- RecordedLaunch.h - A launch, to be repeated --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a layer for a GPU, runs it on the emulator and keeps the launch of
// one kernel: its code, its arguments and the memory it finds. The launch can
// then be repeated with other code, which takes a fraction of a whole layer.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_CODEGEN_RECORDEDLAUNCH_H
#define MOEC_TEST_UNIT_CODEGEN_RECORDEDLAUNCH_H

#include "EmulatorDevice.h"
#include "TestFiles.h"
#include "moec-c/Runtime.h"

#include "llvm/IR/Module.h"

namespace moec {

class RecordedLaunch {
public:
  /// Of a small layer of bf16 weights for `chip`, with rows of `hidden`
  /// elements, the first kernel that calls an intrinsic or executes PTX whose
  /// text contains `operation`, in a call of `tokens` tokens.
  RecordedLaunch(llvm::StringRef chip, llvm::StringRef operation,
                 int64_t hidden, int64_t tokens);
  ~RecordedLaunch();

  /// The code of the launch's kernel, and no other's.
  std::unique_ptr<llvm::Module> module(llvm::LLVMContext &context) const;
  llvm::StringRef kernel() const { return name; }

  struct Result {
    emulator::LaunchReport report;
    /// The contents of all buffers the kernel was given.
    std::vector<char> memory;
  };

  /// The code is to be emulated on this memory.
  std::shared_ptr<emulator::DeviceMemory> memory() const;
  Result repeat(emulator::Emulator &code,
                const emulator::LaunchOptions &options);

private:
  struct Saved {
    emulator::DeviceBuffer *buffer;
    std::vector<char> content;
  };

  void compile(llvm::StringRef chip);
  void run();
  void record(emulator::Emulator &code, const moec_launch &launch);
  static const char *launch(void *state, void *module,
                            const moec_launch *launch);

  const int64_t hidden, tokens;
  TempDir directory;
  std::string name;
  driver::EmulatorDevice emulated;
  moec_device device;
  moec_model *model = nullptr;
  moec_context *context = nullptr;

  emulator::DeviceMemory *buffers = nullptr;
  emulator::LaunchConfig config;
  std::vector<std::vector<char>> arguments;
  std::vector<Saved> saved;
};

/// The calls of `function` whose intrinsic's name or PTX contains `text`.
llvm::SmallVector<llvm::CallInst *> callsOf(llvm::Function &function,
                                            llvm::StringRef text);

} // namespace moec

#endif // MOEC_TEST_UNIT_CODEGEN_RECORDEDLAUNCH_H
