//===- Command.h - What a command is made of --------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each command has a file of its own, which defines a CommandInfo; Driver.cpp
// has the list of them.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_COMMAND_H
#define MOEC_LIB_DRIVER_COMMAND_H

#include "Console.h"
#include "moec/Driver/Options.h"

#include <memory>

namespace moec::driver {

/// One run of a command.
class Command {
public:
  virtual ~Command() = default;
  /// Adds the command's own options and positional arguments.
  virtual void declare(OptionTable &options) = 0;
  /// Does the work; the result is the exit code.
  virtual llvm::Expected<int> run(Console &console) = 0;
};

struct CommandInfo {
  const char *name;
  /// For the list of commands: a line without a full stop.
  const char *summary;
  /// For the help page: paragraphs.
  const char *description;
  /// For the help page: command lines.
  const char *example;
  std::unique_ptr<Command> (*create)();
};

extern const CommandInfo inspectCommand;
extern const CommandInfo importCommand;
extern const CommandInfo compileCommand;
extern const CommandInfo runCommand;
extern const CommandInfo verifyCommand;
extern const CommandInfo newModelCommand;
extern const CommandInfo explainCommand;
extern const CommandInfo benchCommand;
extern const CommandInfo emulateCommand;
extern const CommandInfo gpuReportCommand;

template <typename T>
std::unique_ptr<Command> createCommand() {
  return std::make_unique<T>();
}

/// The page of `moec COMMAND --help`.
std::string commandHelp(const Console &console, const CommandInfo &info,
                        const OptionTable &options);

/// The page of `moec --help`.
std::string programHelp(const Console &console,
                        llvm::ArrayRef<const CommandInfo *> commands);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_COMMAND_H
