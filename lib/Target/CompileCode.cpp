//===- CompileCode.cpp - The code of a bundle -----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompileCode.h"
#include "moec/Runtime/Hash.h"
#include "moec/Support/OutputFile.h"

using namespace llvm;

namespace moec {

Expected<ManifestFile> writeCode(const OutputDir &directory, StringRef name,
                                 StringRef bytes) {
  if (Error error = writeTextFile(directory.file(name), bytes))
    return std::move(error);
  return ManifestFile{name.str(), int64_t(bytes.size()),
                      xxh3Hex(bytes.data(), bytes.size())};
}

} // namespace moec
