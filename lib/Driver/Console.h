//===- Console.h - What the user sees ---------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Results go to the standard output, everything else to the standard error.
// Colours and progress only where a person looks on.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_CONSOLE_H
#define MOEC_LIB_DRIVER_CONSOLE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace moec::driver {

enum class Style { Bold, Dim, Red, Green, Yellow };

class Console {
public:
  Console();

  /// Only errors are shown, and what was asked for as a result.
  bool quiet = false;
  bool verbose = false;

  /// "auto", "always" or "never". With auto, a stream is coloured if it is a
  /// terminal and NO_COLOR (https://no-color.org) is not set.
  void setColor(llvm::StringRef mode);

  /// The result the user asked for.
  void print(llvm::StringRef text);
  /// What was done; not shown with -q.
  void info(llvm::StringRef text);
  /// "moec: warning: ..."; not shown with -q.
  void warning(llvm::StringRef text);
  /// "moec: error: ...".
  void error(llvm::StringRef text);
  /// `text`, coloured if the standard output is.
  std::string styled(Style style, llvm::StringRef text) const;
  /// Flushes the standard output; fails if something could not be written.
  llvm::Error flush();

  bool colorsErrors() const { return colorErr; }
  bool showsProgress() const;

private:
  void message(Style style, llvm::StringRef kind, llvm::StringRef text);

  bool colorOut = false, colorErr = false;
};

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_CONSOLE_H
