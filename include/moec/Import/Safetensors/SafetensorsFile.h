//===- SafetensorsFile.h - reading one safetensors file ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A safetensors file is an 8-byte header length, a JSON header that says where
// each tensor lies, and the tensors' bytes. The header is checked in full when
// a file is opened, so that every tensor listed can be trusted to be there; the
// bytes are read on demand. Format: huggingface/safetensors, README.md and
// safetensors/src/tensor.rs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_SAFETENSORS_SAFETENSORSFILE_H
#define MOEC_IMPORT_SAFETENSORS_SAFETENSORSFILE_H

#include "moec/Support/HostTensor.h"
#include "moec/Support/InputFile.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace moec {

/// One tensor as a header describes it.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  /// Its bytes are [begin, end) of the data, which follow the header.
  uint64_t begin = 0, end = 0;

  uint64_t bytes() const { return end - begin; }
};

/// A header that was checked: names are unique, sizes follow from shapes, and
/// the tensors fill the data without overlaps or holes.
struct SafetensorsHeader {
  /// Sorted by name.
  std::vector<SafetensorsEntry> tensors;
  /// The "__metadata__" entry, in the order of the file.
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// The longest header read, in bytes; the reference implementation's limit.
constexpr uint64_t maxSafetensorsHeader = 100'000'000;

/// Parses and checks the JSON `text` of the header of `file`, which has
/// `dataBytes` bytes after its header.
llvm::Expected<SafetensorsHeader> parseSafetensorsHeader(llvm::StringRef text,
                                                         uint64_t dataBytes,
                                                         llvm::StringRef file);

/// A file whose header has been read and checked.
class SafetensorsFile {
public:
  /// Fails if the file cannot be read or breaks a rule of the format. With
  /// `files`, the handle is kept there and may be closed between reads.
  static llvm::Expected<SafetensorsFile>
  open(llvm::StringRef path, std::shared_ptr<InputFileCache> files = nullptr);

  const std::string &path() const { return name; }
  /// Sorted by name.
  llvm::ArrayRef<SafetensorsEntry> tensors() const { return header.tensors; }
  llvm::ArrayRef<std::pair<std::string, std::string>> metadata() const {
    return header.metadata;
  }
  /// The tensor `name`, or null.
  const SafetensorsEntry *find(llvm::StringRef name) const;

  /// Fills `out` with the bytes of `tensor`, one of this file's, from byte
  /// `offset` of the tensor on; fails if it has fewer. Thread-safe.
  llvm::Error read(const SafetensorsEntry &tensor, uint64_t offset,
                   llvm::MutableArrayRef<uint8_t> out) const;

private:
  std::string name;
  FileIdentity identity;
  SafetensorsHeader header;
  /// Where the data starts in the file.
  uint64_t dataStart = 0;
  std::shared_ptr<InputFileCache> files;
};

/// A whole tensor of a file; fails if there is none called `name`. For small
/// tensors such as a layer's input.
llvm::Expected<HostTensor> readTensor(const SafetensorsFile &file,
                                      llvm::StringRef name);

} // namespace moec

#endif // MOEC_IMPORT_SAFETENSORS_SAFETENSORSFILE_H
