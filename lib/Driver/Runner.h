//===- Runner.h - A bundle in another process -------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Starts moec-runner, in an emulator or on another machine, and makes calls
// there (moec/Runtime/Remote.h).
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_RUNNER_H
#define MOEC_LIB_DRIVER_RUNNER_H

#include "moec-c/Runtime.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <sys/types.h>

namespace moec::driver {

class Runner {
public:
  /// Starts the shell command `command`, which `bundle` and `threads` are added
  /// to. Fails if it cannot open the bundle.
  static llvm::Expected<std::unique_ptr<Runner>>
  start(llvm::StringRef command, llvm::StringRef bundle, int32_t threads);
  ~Runner();

  Runner(const Runner &) = delete;
  Runner &operator=(const Runner &) = delete;

  /// moec_run on contiguous tensors; null ones are NULL there.
  llvm::Error run(int32_t layer, llvm::ArrayRef<const DLTensor *> inputs,
                  llvm::ArrayRef<DLTensor *> outputs, uint64_t flags);

private:
  Runner(llvm::StringRef command, int socket, pid_t process)
      : command(command.str()), socket(socket), process(process) {}

  llvm::Error send(const void *data, size_t size);
  llvm::Error sendTensor(const DLTensor *tensor);
  llvm::Error receive(void *data, size_t size);
  /// Receives a RemoteResult; one that tells of a failure is the error.
  llvm::Error receiveResult();
  llvm::Error goneError() const;

  std::string command;
  int socket;
  pid_t process;
};

/// The help of --runner.
inline constexpr const char *runnerHelp =
    "what runs a bundle for another architecture: a command that starts "
    "moec-runner, in an emulator or on another machine that has the bundle in "
    "the same place, for example 'qemu-aarch64 -L /usr/aarch64-linux-gnu "
    "moec-runner'";

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_RUNNER_H
