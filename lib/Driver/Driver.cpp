//===- Driver.cpp - Everything behind the command line --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list of commands, and the way from a command line to an exit code.
//
//===----------------------------------------------------------------------===//

#include "moec/Driver/Driver.h"
#include "Command.h"

#include "llvm/Config/llvm-config.h"

using namespace llvm;

namespace moec::driver {

static const CommandInfo *const commands[] = {
    &inspectCommand,   &importCommand,  &compileCommand, &runCommand,
    &verifyCommand,    &explainCommand, &benchCommand,   &emulateCommand,
    &gpuReportCommand, &newModelCommand};

static const CommandInfo *findCommand(StringRef name) {
  for (const CommandInfo *info : commands)
    if (name == info->name)
      return info;
  return nullptr;
}

static Error unknownCommand(StringRef name) {
  std::vector<std::string> names;
  for (const CommandInfo *info : commands)
    names.push_back(info->name);
  std::string guess = closestName(name, names);
  if (guess.empty())
    return usageError("there is no command {}; `moec --help` lists them",
                      quote(name));
  return usageError("there is no command {}; did you mean '{}'?", quote(name),
                    guess);
}

static Error checkPositionals(const CommandInfo &info,
                              const OptionTable &options) {
  for (const OptionTable::Positional &place : options.positionals())
    if (!place.given)
      return usageError("{} is missing; `moec {} --help` explains the command",
                        place.name, info.name);
  return Error::success();
}

static Expected<int> runCommandLine(const CommandInfo &info,
                                    ArrayRef<StringRef> arguments,
                                    Console &console) {
  std::unique_ptr<Command> command = info.create();
  OptionTable options;
  bool help = false;
  std::string color = "auto";
  options.flag("help", "show this page", help).withLetter('h');
  options.flag("quiet", "say nothing but errors and results", console.quiet)
      .withLetter('q');
  options.flag("verbose", "say more", console.verbose).withLetter('v');
  options.choice("color",
                 "colours; auto: on a terminal, unless NO_COLOR is set",
                 {"auto", "always", "never"}, color);
  options.endCommon();
  command->declare(options);
  Error error = options.parse(arguments);
  console.setColor(color);
  if (error)
    return std::move(error);
  if (help) {
    console.print(commandHelp(console, info, options));
    return 0;
  }
  if (Error missing = checkPositionals(info, options))
    return std::move(missing);
  return command->run(console);
}

static Expected<int> dispatch(ArrayRef<StringRef> arguments, Console &console) {
  if (arguments.empty())
    return usageError("a command is missing; `moec --help` lists them");
  StringRef name = arguments.consume_front();
  if (name == "--version") {
    console.print("moec " MOEC_VERSION " (LLVM " LLVM_VERSION_STRING ")\n");
    return 0;
  }
  bool help = name == "--help" || name == "-h" || name == "help";
  if (help && (arguments.empty() || name != "help")) {
    console.print(programHelp(console, commands));
    return 0;
  }
  if (help)
    name = arguments.front();
  if (name.starts_with("-"))
    return usageError("the command comes first, {} after it; `moec --help` "
                      "lists the commands",
                      quote(name));
  const CommandInfo *info = findCommand(name);
  if (!info)
    return unknownCommand(name);
  if (help)
    return runCommandLine(*info, {"--help"}, console);
  return runCommandLine(*info, arguments, console);
}

int runMain(int argc, const char *const *argv) {
  SmallVector<StringRef> arguments;
  for (int i = 1; i < argc; ++i)
    arguments.push_back(argv[i]);
  Console console;
  int code = 0;
  auto report = [&](int failure) {
    return [&console, &code, failure](const ErrorInfoBase &error) {
      console.error(error.message());
      code = failure;
    };
  };
  Expected<int> result = dispatch(arguments, console);
  if (result)
    code = *result;
  else
    handleAllErrors(
        result.takeError(), [&](const UsageError &error) { report(2)(error); },
        [&](const ErrorInfoBase &error) { report(1)(error); });
  if (Error error = console.flush()) {
    console.error(toString(std::move(error)));
    code = 1;
  }
  return code;
}

} // namespace moec::driver
