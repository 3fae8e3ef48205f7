//===- Output.h - Where text and bytes go -----------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The value of -o: a file, or "-" for the standard output.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_OUTPUT_H
#define MOEC_LIB_DRIVER_OUTPUT_H

#include "Console.h"

namespace moec::driver {

/// Writes `content` to the file `path`, which appears whole or not at all, or
/// to the standard output if it is "-".
llvm::Error writeOutput(Console &console, llvm::StringRef path,
                        llvm::StringRef content);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_OUTPUT_H
