//===- Console.cpp - What the user sees -----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing to the two streams, with or without colours.
//
//===----------------------------------------------------------------------===//

#include "Console.h"

#include "moec/Support/Error.h"

#include "llvm/Support/Process.h"

using namespace llvm;

namespace moec::driver {

static std::string colored(Style style, StringRef text) {
  StringRef code;
  switch (style) {
  case Style::Bold:
    code = "1";
    break;
  case Style::Dim:
    code = "2";
    break;
  case Style::Red:
    code = "1;31";
    break;
  case Style::Green:
    code = "32";
    break;
  case Style::Yellow:
    code = "33";
    break;
  }
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

Console::Console() { setColor("auto"); }

void Console::setColor(StringRef mode) {
  bool wanted = mode == "always";
  bool allowed = mode == "auto";
  if (allowed) {
    std::optional<std::string> noColor = sys::Process::GetEnv("NO_COLOR");
    allowed = !noColor || noColor->empty();
  }
  colorOut = wanted || (allowed && sys::Process::StandardOutIsDisplayed() &&
                        sys::Process::StandardOutHasColors());
  colorErr = wanted || (allowed && sys::Process::StandardErrIsDisplayed() &&
                        sys::Process::StandardErrHasColors());
  // For the diagnostics that MLIR prints.
  errs().enable_colors(colorErr);
}

void Console::print(StringRef text) { outs() << text; }

void Console::info(StringRef text) {
  if (!quiet)
    outs() << text;
}

void Console::message(Style style, StringRef kind, StringRef text) {
  // In order with what was printed before, should both go to one place.
  outs().flush();
  std::string head = (kind + ":").str();
  errs() << "moec: " << (colorErr ? colored(style, head) : head) << " " << text
         << "\n";
}

void Console::warning(StringRef text) {
  if (!quiet)
    message(Style::Yellow, "warning", text);
}

void Console::error(StringRef text) { message(Style::Red, "error", text); }

std::string Console::styled(Style style, StringRef text) const {
  return colorOut ? colored(style, text) : text.str();
}

Error Console::flush() {
  outs().flush();
  if (!outs().has_error())
    return Error::success();
  std::error_code code = outs().error();
  // A reader that went away has seen what it wanted to.
  outs().clear_error();
  if (code == std::errc::broken_pipe)
    return Error::success();
  return fileError("write", "the standard output", code.value());
}

bool Console::showsProgress() const {
  return !quiet && sys::Process::StandardErrIsDisplayed();
}

} // namespace moec::driver
