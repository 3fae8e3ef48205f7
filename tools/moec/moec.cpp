//===- moec.cpp - The compiler's command line -----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All of it is in lib/Driver. LLVM ends the process where a module is broken in
// ways that its readers do not report; that is an error like others.
//
//===----------------------------------------------------------------------===//

#include "moec/Driver/Driver.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"

#include <cstdio>
#include <unistd.h>

static void endWithError(void *, const char *reason, bool) {
  std::fprintf(stderr, "moec: error: LLVM gave up: %s\n", reason);
  llvm::sys::RunInterruptHandlers();
  _exit(1);
}

int main(int argc, char **argv) {
  llvm::install_fatal_error_handler(endWithError);
  return moec::driver::runMain(argc, argv);
}
