//===- EmulatorDevice.h - The emulator as a device --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gives the run time a device that executes a bundle's LLVM bitcode on the
// host, and fails a launch in which the emulator finds something wrong.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_EMULATORDEVICE_H
#define MOEC_LIB_DRIVER_EMULATORDEVICE_H

#include "moec-c/Device.h"
#include "moec/Emulator/Emulator.h"

#include <mutex>
#include <random>

namespace moec::driver {

class EmulatorDevice {
public:
  /// `mixed`: each launch has a completion mode and a seed of its own, drawn by
  /// that of `options`.
  /// `chip`: whose code of a bundle for several runs; the first if empty.
  EmulatorDevice(emulator::LaunchOptions options, bool mixed,
                 llvm::StringRef chip = "");

  EmulatorDevice(const EmulatorDevice &) = delete;
  EmulatorDevice &operator=(const EmulatorDevice &) = delete;

  /// Valid as long as this object.
  const moec_device *get() const { return &interface; }

private:
  /// Keeps the message of an error until the thread's next call.
  static const char *report(llvm::Error error);

  static const char *load(void *state, const char *kind, const void *image,
                          int64_t bytes, void **module);
  static void unload(void *state, void *module);
  static const char *allocate(void *state, int64_t bytes, void **memory);
  static void release(void *state, void *memory);
  static const char *copy(void *state, void *stream, void *to, const void *from,
                          int64_t bytes);
  static const char *wait(void *state, void *stream);
  static const char *launch(void *state, void *module,
                            const moec_launch *launch);
  static const char *makeTensorMap(void *state, const moec_matrix *matrix,
                                   void *map);

  /// How the next launch is to run.
  emulator::LaunchOptions nextOptions();

  emulator::LaunchOptions options;
  bool mixed;
  std::string chip;
  std::mt19937_64 random;
  std::shared_ptr<emulator::DeviceMemory> memory;
  moec_device interface;
  /// One caller at a time has the emulator.
  std::mutex mutex;
};

/// What --device chose: null for the run time's own choice.
llvm::Expected<std::unique_ptr<EmulatorDevice>> makeDevice(llvm::StringRef name,
                                                           uint64_t seed);

/// The help of --device.
inline constexpr const char *deviceHelp =
    "what runs a bundle for a GPU: cuda (the default), the driver's first GPU; "
    "or emulator, this machine, where copies land as late as may be "
    "(emulator:eager at once, emulator:random any time between, emulator:mixed "
    "each launch in another of these ways; emulator:sm_80 or "
    "emulator:sm_80:eager the code for that chip)";

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_EMULATORDEVICE_H
