//===- WeightsFile.h - The packed weights of a bundle -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_TARGET_WEIGHTSFILE_H
#define MOEC_LIB_TARGET_WEIGHTSFILE_H

#include "Packer.h"
#include "moec/Runtime/Manifest.h"

#include <functional>

namespace moec {

/// A list of packed weights with their places in weights.bin.
class WeightsFile {
public:
  /// Appends a weight; returns what the manifest says of it.
  ManifestWeight add(Packer packer);
  uint64_t bytes() const { return size; }
  /// What encoding cost each tensor of weight `number`, after write().
  llvm::ArrayRef<RelativeError> errors(size_t number) const {
    return entries[number].errors;
  }

  /// Packs everything into `path` with `threads` threads, one expert at a time
  /// each. Appends weights with NaNs to `warnings`. Returns the hash.
  llvm::Expected<std::string>
  write(llvm::StringRef path, const Checkpoint &checkpoint, unsigned threads,
        const std::function<void(uint64_t, uint64_t)> &progress,
        std::vector<std::string> &warnings);

private:
  struct Entry {
    Packer packer;
    uint64_t offset;
    llvm::SmallVector<RelativeError, 2> errors = {};
  };
  std::vector<Entry> entries;
  uint64_t size = 0;
};

} // namespace moec

#endif // MOEC_LIB_TARGET_WEIGHTSFILE_H
