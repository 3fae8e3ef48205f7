//===- Emulator.cpp - GPU kernels on the host -----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a module to host code that can be launched, and the checks before a
// launch.
//
//===----------------------------------------------------------------------===//

#include "moec/Emulator/Emulator.h"
#include "Launch.h"
#include "Slots.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;

namespace moec::emulator {

struct Emulator::Impl {
  std::unique_ptr<orc::LLJIT> jit;
  Device device;
  /// The addresses of the module's variables in device memory.
  std::vector<void *> variables;

  ~Impl() {
    for (void *address : variables)
      cantFail(device.memory->release(address));
  }

  Error build(orc::ThreadSafeModule module);
  Error defineConversions();
  Error lookUp();
};

/// The conversions that x86 and Arm code calls where the processor has no
/// instruction; the symbols are compiler-rt's.
static __bf16 truncateToBf16(float value) {
  return std::bit_cast<__bf16>(floatToBf16(value));
}
static __bf16 truncateDoubleToBf16(double value) {
  return std::bit_cast<__bf16>(floatToBf16(float(value)));
}

Error Emulator::Impl::defineConversions() {
  orc::SymbolMap symbols;
  auto define = [&](const char *name, auto *function) {
    symbols[jit->mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(function),
                                           JITSymbolFlags::Exported |
                                               JITSymbolFlags::Callable};
  };
  define("__truncsfbf2", &truncateToBf16);
  define("__truncdfbf2", &truncateDoubleToBf16);
  return jit->getMainJITDylib().define(orc::absoluteSymbols(symbols));
}

Error Emulator::Impl::lookUp() {
  for (auto &entry : device.program.kernels) {
    Kernel &kernel = entry.second;
    Expected<orc::ExecutorAddr> address =
        jit->lookup(kernelEntryPrefix + kernel.name);
    if (!address)
      return address.takeError();
    kernel.entry = address->toPtr<void (*)(void **)>();
  }
  for (const Variable &variable : device.program.variables) {
    Expected<orc::ExecutorAddr> address = jit->lookup(variable.name);
    if (!address)
      return address.takeError();
    auto *data = address->toPtr<void *>();
    if (Error error = device.memory->track(data, variable.bytes, variable.name,
                                           variable.readOnly))
      return error;
    variables.push_back(data);
  }
  return Error::success();
}

Error Emulator::Impl::build(orc::ThreadSafeModule module) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  Expected<orc::JITTargetMachineBuilder> machine =
      orc::JITTargetMachineBuilder::detectHost();
  if (!machine)
    return machine.takeError();
  // The module was optimized before; most time goes into checks, which are
  // compiled already, so that better code does not pay for itself.
  machine->setCodeGenOptLevel(CodeGenOptLevel::None);
  Expected<std::unique_ptr<orc::LLJIT>> made =
      orc::LLJITBuilder()
          .setJITTargetMachineBuilder(std::move(*machine))
          .create();
  if (!made)
    return made.takeError();
  jit = std::move(*made);
  if (Error error = defineConversions())
    return error;
  if (Error error =
          retarget(*module.getModuleUnlocked(), device, jit->getDataLayout()))
    return error;
  if (Error error = jit->addIRModule(std::move(module)))
    return error;
  return lookUp();
}

Emulator::Emulator(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Emulator::~Emulator() = default;

DeviceMemory &Emulator::memory() { return *impl->device.memory; }

Expected<std::unique_ptr<Emulator>>
Emulator::create(const Module &module, std::shared_ptr<DeviceMemory> memory) {
  // The JIT compiler owns its context, so the module goes there as bitcode.
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  WriteBitcodeToFile(module, stream);
  auto context = std::make_unique<LLVMContext>();
  Expected<std::unique_ptr<Module>> copy = parseBitcodeFile(
      MemoryBufferRef(StringRef(bytes.data(), bytes.size()), "kernels"),
      *context);
  if (!copy)
    return copy.takeError();
  auto impl = std::make_unique<Impl>();
  impl->device.memory = std::move(memory);
  if (Error error = impl->build(
          orc::ThreadSafeModule(std::move(*copy), std::move(context))))
    return std::move(error);
  return std::unique_ptr<Emulator>(new Emulator(std::move(impl)));
}

Expected<std::unique_ptr<Emulator>>
Emulator::createFromFile(StringRef path, std::shared_ptr<DeviceMemory> memory) {
  LLVMContext context;
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseIRFile(path, diagnostic, context);
  if (!module) {
    std::string text;
    raw_string_ostream stream(text);
    diagnostic.print("", stream, /*ShowColors=*/false);
    return inputError("cannot read {} as LLVM IR: {}", printable(path),
                      StringRef(text).trim());
  }
  return create(*module, std::move(memory));
}

std::vector<std::string> Emulator::kernels() const {
  std::vector<std::string> names;
  for (const auto &entry : impl->device.program.kernels)
    names.push_back(entry.first().str());
  llvm::sort(names);
  return names;
}

static Expected<const Kernel *> findKernel(const Program &program,
                                           StringRef name) {
  auto found = program.kernels.find(name);
  if (found == program.kernels.end())
    return inputError("the module has no kernel {}", quote(name));
  return &found->second;
}

Expected<std::vector<uint64_t>>
Emulator::parameterSizes(StringRef kernel) const {
  Expected<const Kernel *> found = findKernel(impl->device.program, kernel);
  if (!found)
    return found.takeError();
  return (*found)->parameterBytes;
}

static Error checkConfiguration(const Program &program, const Kernel &kernel,
                                const LaunchConfig &config) {
  /// The most a block may have, on chips from sm_90.
  constexpr uint64_t maxShared = 227 << 10;
  if (!config.grid.count() || !config.block.count() || !config.cluster.count())
    return inputError("kernel {}: a dimension of the launch is 0",
                      quote(kernel.name));
  if (config.block.count() > kernel.maxThreads)
    return inputError("kernel {}: a block of {} threads is larger than the {} "
                      "the kernel is made for",
                      quote(kernel.name), config.block.count(),
                      kernel.maxThreads);
  if (config.grid.count() > (1 << 24))
    return inputError("kernel {}: {} blocks are too many to emulate (2^24)",
                      quote(kernel.name), config.grid.count());
  if (config.cluster.count() > 16)
    return inputError("kernel {}: a cluster of {} blocks is larger than 16",
                      quote(kernel.name), config.cluster.count());
  if (config.grid.x % config.cluster.x || config.grid.y % config.cluster.y ||
      config.grid.z % config.cluster.z)
    return inputError("kernel {}: the cluster ({}, {}, {}) does not divide the "
                      "grid ({}, {}, {})",
                      quote(kernel.name), config.cluster.x, config.cluster.y,
                      config.cluster.z, config.grid.x, config.grid.y,
                      config.grid.z);
  if (config.dynamicShared > maxShared ||
      program.dynamicOffset + config.dynamicShared > maxShared)
    return inputError("kernel {}: {} bytes of static and {} bytes of dynamic "
                      "shared memory exceed {} bytes",
                      quote(kernel.name), program.dynamicOffset,
                      config.dynamicShared, maxShared);
  return Error::success();
}

Expected<LaunchReport> Emulator::launch(StringRef name,
                                        const LaunchConfig &config,
                                        void **params,
                                        const LaunchOptions &options) {
  Device &device = impl->device;
  Expected<const Kernel *> kernel = findKernel(device.program, name);
  if (!kernel)
    return kernel.takeError();
  if (Error error = checkConfiguration(device.program, **kernel, config))
    return std::move(error);
  LaunchOptions checked = options;
  checked.residentClusters = std::max(1u, options.residentClusters);
  size_t blocks = checked.residentClusters * config.cluster.count();
  constexpr size_t stackBytes = 128 << 10;
  if (Error error =
          device.stacks.reserve(blocks * config.block.count(),
                                stackBytes + device.program.localBytes))
    return std::move(error);
  if (Error error = device.windows.reserve(blocks))
    return std::move(error);
  return Launch(device, **kernel, config, params, checked).run();
}

} // namespace moec::emulator
