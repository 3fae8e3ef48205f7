//===- Output.cpp - Where text and bytes go -------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file or the standard output.
//
//===----------------------------------------------------------------------===//

#include "Output.h"

#include "moec/Support/OutputFile.h"

namespace moec::driver {

llvm::Error writeOutput(Console &console, llvm::StringRef path,
                        llvm::StringRef content) {
  if (path != "-")
    return writeTextFile(path, content);
  console.print(content);
  return llvm::Error::success();
}

} // namespace moec::driver
