//===- CubinFuzzer.cpp - fuzz the reader of GPU machine code --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any bytes are either refused with a message that names the file or read as
// kernels, whose loops lie inside their code.
//
//===----------------------------------------------------------------------===//

#include "moec/Cubin/Cubin.h"

#include <cstdlib>

static void require(bool condition) {
  if (!condition)
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A copy, since the reader asks for aligned bytes.
  std::string bytes(reinterpret_cast<const char *>(data), size);
  auto cubin = moec::cubin::readCubin(bytes, "fuzz");
  if (!cubin) {
    require(llvm::toString(cubin.takeError()).rfind("fuzz", 0) == 0);
    return 0;
  }
  for (const moec::cubin::Kernel &kernel : cubin->kernels)
    for (const moec::cubin::Loop &loop :
         moec::cubin::innermostLoops(kernel.code))
      require(!loop.code.empty() &&
              loop.begin + loop.code.size() <= kernel.code.size());
  return 0;
}
