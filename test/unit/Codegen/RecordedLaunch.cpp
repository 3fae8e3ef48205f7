//===- RecordedLaunch.cpp - A launch, to be repeated ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RecordedLaunch.h"
#include "moec/Driver/Driver.h"
#include "moec/Emulator/TensorMap.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"

#include <cstring>
#include <regex>

using namespace llvm;

namespace moec {

/// The functions of a device have one state, and it is the emulator's.
static RecordedLaunch *recording = nullptr;

SmallVector<CallInst *> callsOf(Function &function, StringRef text) {
  SmallVector<CallInst *> result;
  for (Instruction &instruction : instructions(function)) {
    auto *call = dyn_cast<CallInst>(&instruction);
    if (!call)
      continue;
    auto *ptx = dyn_cast<InlineAsm>(call->getCalledOperand());
    StringRef called =
        ptx ? ptx->getAsmString() : call->getCalledOperand()->getName();
    if (called.contains(text))
      result.push_back(call);
  }
  return result;
}

static void runMoec(ArrayRef<std::string> arguments) {
  std::vector<const char *> argv = {"moec"};
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  argv.push_back("--quiet");
  EXPECT_EQ(driver::runMain(int(argv.size()), argv.data()), 0);
}

void RecordedLaunch::compile(StringRef chip) {
  std::string path = directory.path(), target = "--target=nvptx:" + chip.str();
  runMoec({"new-model", "--family=mixtral", "--layers=1", "--experts=4",
           "--top-k=2", "--width=128", fmt::format("--hidden={}", hidden), "-o",
           path + "/model"});
  runMoec({"compile", path + "/model", target, "--emit=scheduled", "-o",
           path + "/wide.mlir"});
  // Code for tiles of few tokens is short, and has everything that code for
  // wide ones has.
  directory.write("layer.mlir",
                  std::regex_replace(directory.read("wide.mlir"),
                                     std::regex("tokens = \\d+, depth"),
                                     "tokens = 16, depth"));
  runMoec({"compile", path + "/layer.mlir", target,
           "--model=" + path + "/model", "-o", path + "/bundle"});
}

std::unique_ptr<Module> RecordedLaunch::module(LLVMContext &context) const {
  std::string bitcode = directory.read("bundle/kernel.bc");
  std::unique_ptr<Module> module = cantFail(
      parseBitcodeFile(MemoryBufferRef(bitcode, "kernel.bc"), context));
  for (Function &function : make_early_inc_range(*module))
    if (!name.empty() && !function.isDeclaration() &&
        function.getName() != name)
      function.eraseFromParent();
  return module;
}

RecordedLaunch::RecordedLaunch(StringRef chip, StringRef operation,
                               int64_t hidden, int64_t tokens)
    : hidden(hidden), tokens(tokens), emulated({}, /*mixed=*/false),
      device(*emulated.get()) {
  compile(chip);
  LLVMContext context;
  std::unique_ptr<Module> all = module(context);
  for (Function &function : *all)
    if (name.empty() && !callsOf(function, operation).empty())
      name = function.getName().str();
  recording = this;
  device.launch = launch;
  run();
  recording = nullptr;
}

RecordedLaunch::~RecordedLaunch() {
  moec_context_destroy(context);
  moec_close(model);
}

void RecordedLaunch::run() {
  moec_options options = MOEC_OPTIONS_INIT;
  options.device = &device;
  ASSERT_EQ(moec_open(directory.path("bundle").c_str(), &options, &model),
            MOEC_OK)
      << moec_last_error();
  ASSERT_EQ(moec_context_create(model, 1, &context), MOEC_OK);
  std::vector<float> x(tokens * hidden), y(tokens * hidden);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(int(i * 37 % 29) - 14) / 8;
  int64_t shape[] = {tokens, hidden}, strides[] = {hidden, 1};
  DLTensor in = {};
  in.data = x.data();
  in.device = {kDLCPU, 0};
  in.ndim = 2;
  in.dtype = {kDLFloat, 32, 1};
  in.shape = shape;
  in.strides = strides;
  DLTensor out = in;
  out.data = y.data();
  const DLTensor *inputs[] = {&in};
  DLTensor *outputs[] = {&out};
  ASSERT_EQ(moec_run(context, 0, inputs, 1, outputs, 1, /*flags=*/0), MOEC_OK)
      << moec_last_error();
}

const char *RecordedLaunch::launch(void *state, void *module,
                                   const moec_launch *launch) {
  if (recording->buffers == nullptr && launch->kernel == recording->name)
    recording->record(*static_cast<emulator::Emulator *>(module), *launch);
  return recording->emulated.get()->launch(state, module, launch);
}

void RecordedLaunch::record(emulator::Emulator &code,
                            const moec_launch &launch) {
  buffers = &code.memory();
  config.grid = {uint32_t(launch.blocks[0]), uint32_t(launch.blocks[1]), 1};
  config.block = {uint32_t(launch.threads), 1, 1};
  config.cluster = {uint32_t(launch.cluster), 1, 1};
  config.dynamicShared = uint64_t(launch.shared_bytes);
  auto save = [&](void *address) {
    emulator::DeviceBuffer *buffer = buffers->find(address);
    if (buffer && none_of(saved, [&](const Saved &other) {
          return other.buffer == buffer;
        }))
      saved.push_back({buffer, {buffer->data, buffer->data + buffer->bytes}});
  };
  for (auto [i, bytes] : enumerate(cantFail(code.parameterSizes(name)))) {
    auto *value = static_cast<const char *>(launch.arguments[i]);
    arguments.emplace_back(value, value + bytes);
    if (bytes == sizeof(emulator::TensorMap)) {
      emulator::TensorMap map;
      std::memcpy(&map, value, sizeof map);
      save(map.address);
    } else if (bytes == sizeof(void *)) {
      void *address;
      std::memcpy(&address, value, sizeof address);
      save(address);
    }
  }
}

std::shared_ptr<emulator::DeviceMemory> RecordedLaunch::memory() const {
  // The run time's device keeps it.
  return {std::shared_ptr<void>(), buffers};
}

RecordedLaunch::Result
RecordedLaunch::repeat(emulator::Emulator &code,
                       const emulator::LaunchOptions &options) {
  for (const Saved &entry : saved)
    std::copy(entry.content.begin(), entry.content.end(), entry.buffer->data);
  std::vector<void *> params;
  for (std::vector<char> &argument : arguments)
    params.push_back(argument.data());
  Result result;
  result.report = cantFail(code.launch(name, config, params.data(), options));
  for (const Saved &entry : saved)
    result.memory.insert(result.memory.end(), entry.buffer->data,
                         entry.buffer->data + entry.buffer->bytes);
  return result;
}

} // namespace moec
