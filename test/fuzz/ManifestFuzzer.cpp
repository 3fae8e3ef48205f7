//===- ManifestFuzzer.cpp - fuzz the manifest reader ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any text is either refused with a message or read as a manifest that writes
// and reads back as itself.
//
//===----------------------------------------------------------------------===//

#include "moec/Runtime/Manifest.h"

#include <cstdlib>

static void require(bool condition) {
  if (!condition)
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  moec::Manifest manifest, back;
  std::string error;
  std::string_view text(reinterpret_cast<const char *>(data), size);
  if (!moec::parseManifest(text, "fuzz", manifest, error)) {
    require(!error.empty());
    // The hash is looked at last, and no fuzzer finds it.
    if (error.rfind("fuzz: xxh3 is", 0) != 0)
      return 0;
  }
  for (const moec::ManifestLayer &layer : manifest.layers) {
    require(size_t(layer.kernel) < manifest.kernels.size());
    for (const moec::ManifestWeight &weight : layer.weights)
      require(!manifest.weights ||
              weight.bytes <= manifest.weights->bytes - weight.offset);
  }
  std::string printed = printManifest(manifest);
  require(parseManifest(printed, "printed", back, error));
  require(printManifest(back) == printed);
  return 0;
}
