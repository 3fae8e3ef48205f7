//===- moec.cpp - The compiler's command line -----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All of it is in lib/Driver.
//
//===----------------------------------------------------------------------===//

#include "moec/Driver/Driver.h"

int main(int argc, char **argv) { return moec::driver::runMain(argc, argv); }
