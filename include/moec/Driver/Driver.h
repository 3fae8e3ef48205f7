//===- Driver.h - Everything behind the command line ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The whole of the program `moec` as a function.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_DRIVER_DRIVER_H
#define MOEC_DRIVER_DRIVER_H

namespace moec::driver {

/// Runs `moec` with its command line. Returns the exit code: 0 on success, 1
/// for an error about the input or a verification that failed, 2 for a command
/// line that makes no sense.
int runMain(int argc, const char *const *argv);

} // namespace moec::driver

#endif // MOEC_DRIVER_DRIVER_H
