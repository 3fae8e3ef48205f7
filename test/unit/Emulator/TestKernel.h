//===- TestKernel.h - A kernel, its buffers, a launch -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every emulator test needs: LLVM IR in, a report out.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_EMULATOR_TESTKERNEL_H
#define MOEC_TEST_UNIT_EMULATOR_TESTKERNEL_H

#include "moec/Emulator/Emulator.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "gtest/gtest.h"

namespace moec::emulator {

inline llvm::Expected<std::unique_ptr<Emulator>>
buildKernel(const std::string &text, std::shared_ptr<DeviceMemory> memory) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(
      "target triple = \"nvptx64-nvidia-cuda\"\n" + text, diagnostic, context);
  if (!module) {
    ADD_FAILURE() << diagnostic.getLineNo() << ": "
                  << diagnostic.getMessage().str();
    std::abort();
  }
  return Emulator::create(*module, std::move(memory));
}

/// What Emulator::create says against a module.
inline std::string buildError(const std::string &text) {
  return toString(
      buildKernel(text, std::make_shared<DeviceMemory>()).takeError());
}

template <typename T>
class TestBuffer {
public:
  TestBuffer(void *data, size_t count)
      : data(static_cast<T *>(data)), count(count) {}
  T &operator[](size_t i) { return data[i]; }
  void *address() const { return data; }
  size_t size() const { return count; }
  T *begin() { return data; }
  T *end() { return data + count; }

private:
  T *data;
  size_t count;
};

/// The kernel @k of a module.
class TestKernel {
public:
  explicit TestKernel(const std::string &text)
      : memory(std::make_shared<DeviceMemory>()),
        emulator(llvm::cantFail(buildKernel(text, memory))) {}

  template <typename T>
  TestBuffer<T> buffer(llvm::StringRef name, size_t count) {
    return {llvm::cantFail(memory->allocate(count * sizeof(T), name)), count};
  }

  template <typename... Args>
  LaunchReport launch(const LaunchConfig &config, Args... args) {
    void *params[] = {static_cast<void *>(&args)...};
    return llvm::cantFail(emulator->launch("k", config, params, options));
  }

  std::shared_ptr<DeviceMemory> memory;
  std::unique_ptr<Emulator> emulator;
  LaunchOptions options;
};

} // namespace moec::emulator

#endif // MOEC_TEST_UNIT_EMULATOR_TESTKERNEL_H
