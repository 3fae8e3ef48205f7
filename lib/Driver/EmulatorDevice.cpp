//===- EmulatorDevice.cpp - The emulator as a device ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorDevice.h"

#include "moec/Driver/Options.h"
#include "moec/Emulator/TensorMap.h"
#include "moec/Support/Error.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

#include <cstring>

using namespace llvm;

namespace moec::driver {

/// So few that blocks which share the work have several pieces of it.
static constexpr int32_t multiprocessors = 3;

static const char *const images[] = {"llvm", nullptr};

EmulatorDevice::EmulatorDevice(emulator::LaunchOptions options, bool mixed,
                               StringRef chipName)
    : options(options), mixed(mixed), chip(chipName), random(options.seed),
      memory(std::make_shared<emulator::DeviceMemory>()),
      interface{sizeof(moec_device),
                this,
                images,
                {kDLCUDA, 0},
                load,
                unload,
                allocate,
                release,
                copy,
                copy,
                wait,
                launch,
                multiprocessors,
                makeTensorMap,
                chip.empty() ? nullptr : chip.c_str()} {}

const char *EmulatorDevice::report(Error error) {
  if (!error)
    return nullptr;
  thread_local std::string message;
  message = toString(std::move(error));
  return message.c_str();
}

const char *EmulatorDevice::load(void *state, const char *kind,
                                 const void *image, int64_t bytes,
                                 void **module) {
  auto &device = *static_cast<EmulatorDevice *>(state);
  std::lock_guard<std::mutex> lock(device.mutex);
  LLVMContext context;
  StringRef bitcode(static_cast<const char *>(image), size_t(bytes));
  auto parsed = parseBitcodeFile(MemoryBufferRef(bitcode, kind), context);
  if (!parsed)
    return report(parsed.takeError());
  auto emulator = emulator::Emulator::create(**parsed, device.memory);
  if (!emulator)
    return report(emulator.takeError());
  *module = emulator->release();
  return nullptr;
}

void EmulatorDevice::unload(void *state, void *module) {
  auto &device = *static_cast<EmulatorDevice *>(state);
  std::lock_guard<std::mutex> lock(device.mutex);
  delete static_cast<emulator::Emulator *>(module);
}

const char *EmulatorDevice::allocate(void *state, int64_t bytes,
                                     void **memory) {
  auto &device = *static_cast<EmulatorDevice *>(state);
  std::lock_guard<std::mutex> lock(device.mutex);
  auto allocated = device.memory->allocate(uint64_t(bytes));
  if (!allocated)
    return report(allocated.takeError());
  *memory = *allocated;
  return nullptr;
}

void EmulatorDevice::release(void *state, void *memory) {
  auto &device = *static_cast<EmulatorDevice *>(state);
  std::lock_guard<std::mutex> lock(device.mutex);
  (void)report(device.memory->release(memory));
}

const char *EmulatorDevice::copy(void *state, void *, void *to,
                                 const void *from, int64_t bytes) {
  auto &device = *static_cast<EmulatorDevice *>(state);
  std::lock_guard<std::mutex> lock(device.mutex);
  std::memcpy(to, from, size_t(bytes));
  return nullptr;
}

/// Launches are done when they return.
const char *EmulatorDevice::wait(void *, void *) { return nullptr; }

emulator::LaunchOptions EmulatorDevice::nextOptions() {
  constexpr emulator::Completion modes[] = {emulator::Completion::Eager,
                                            emulator::Completion::Lazy,
                                            emulator::Completion::Random};
  emulator::LaunchOptions next = options;
  if (mixed) {
    next.seed = random();
    next.completion = modes[random() % std::size(modes)];
  }
  return next;
}

const char *EmulatorDevice::launch(void *state, void *module,
                                   const moec_launch *launch) {
  auto &device = *static_cast<EmulatorDevice *>(state);
  std::lock_guard<std::mutex> lock(device.mutex);
  emulator::LaunchConfig config;
  config.grid = {uint32_t(launch->blocks[0]), uint32_t(launch->blocks[1]), 1};
  config.block = {uint32_t(launch->threads), 1, 1};
  config.dynamicShared = uint64_t(launch->shared_bytes);
  config.cluster = {uint32_t(launch->cluster), 1, 1};
  config.overlaps = launch->overlaps;
  auto launched = static_cast<emulator::Emulator *>(module)->launch(
      launch->kernel, config, launch->arguments, device.nextOptions());
  if (!launched)
    return report(launched.takeError());
  if (launched->clean())
    return nullptr;
  return report(inputError("the emulator found mistakes in {}:\n{}",
                           launch->kernel, launched->text()));
}

const char *EmulatorDevice::makeTensorMap(void *, const moec_matrix *matrix,
                                          void *map) {
  static_assert(sizeof(emulator::TensorMap) == MOEC_TENSOR_MAP_BYTES);
  constexpr uint32_t boxBytes = 128;
  uint32_t size = uint32_t(matrix->element_bytes);
  const uint64_t sizes[] = {uint64_t(matrix->cols), uint64_t(matrix->rows)};
  const uint64_t rowBytes = uint64_t(matrix->cols) * size;
  const uint32_t box[] = {boxBytes / size, uint32_t(matrix->box_rows)};
  auto encoded = emulator::TensorMap::encode(
      {matrix->memory, size, sizes, rowBytes, box, emulator::Swizzle::B128});
  if (!encoded)
    return report(encoded.takeError());
  std::memcpy(map, &*encoded, sizeof(*encoded));
  return nullptr;
}

Expected<std::unique_ptr<EmulatorDevice>> makeDevice(StringRef name,
                                                     uint64_t seed) {
  if (name == "cuda")
    return nullptr;
  SmallVector<StringRef> words;
  name.split(words, ':');
  if (words.front() != "emulator")
    return usageError("--device={}: there is no such device; the devices are "
                      "cuda and emulator",
                      name);
  emulator::LaunchOptions options;
  options.seed = seed;
  bool mixed = false;
  StringRef chip;
  for (StringRef word : drop_begin(words)) {
    if (word.starts_with("sm_"))
      chip = word;
    else if (word == "eager")
      options.completion = emulator::Completion::Eager;
    else if (word == "random")
      options.completion = emulator::Completion::Random;
    else if (word == "mixed")
      mixed = true;
    else if (word != "lazy")
      return usageError("--device={}: the emulator's modes are eager, lazy, "
                        "random and mixed",
                        name);
  }
  return std::make_unique<EmulatorDevice>(options, mixed, chip);
}

} // namespace moec::driver
