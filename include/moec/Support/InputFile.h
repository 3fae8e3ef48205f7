//===- InputFile.h - reading files piece by piece ---------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Positioned reads of regular files. Files are read and not mapped, so that the
// memory in use is the memory asked for, and so that a file which shrinks while
// it is read gives an error instead of a SIGBUS.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_INPUTFILE_H
#define MOEC_SUPPORT_INPUTFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace moec {

/// What tells whether two opens of a path found the same, unchanged file.
struct FileIdentity {
  uint64_t device = 0, inode = 0, bytes = 0;
  int64_t modifiedSeconds = 0, modifiedNanoseconds = 0;
  bool operator==(const FileIdentity &) const = default;
};

/// A regular file open for reading. Reads may come from several threads.
class InputFile {
public:
  /// Fails if `path` cannot be opened or is not a regular file (a pipe or a
  /// device is refused without waiting for it).
  static llvm::Expected<std::shared_ptr<InputFile>> open(llvm::StringRef path);
  ~InputFile();
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;

  const std::string &path() const { return name; }
  /// Size in bytes when it was opened.
  uint64_t size() const { return identityAtOpen.bytes; }
  const FileIdentity &identity() const { return identityAtOpen; }

  /// Fills `out` from byte `offset`; fails if the file ends before.
  llvm::Error read(uint64_t offset, llvm::MutableArrayRef<uint8_t> out) const;

private:
  InputFile(std::string path, int descriptor, FileIdentity identity)
      : name(std::move(path)), descriptor(descriptor),
        identityAtOpen(identity) {}

  std::string name;
  int descriptor;
  FileIdentity identityAtOpen;
};

/// Keeps at most `limit` files open, closing the one not used for longest; a
/// file in the hands of a reader is closed when the reader is done.
/// Thread-safe.
class InputFileCache {
public:
  explicit InputFileCache(unsigned limit = 32) : limit(limit) {}

  /// The file at `path`, opened again if it had been closed. Fails as
  /// InputFile::open does, and if it is not the file with `identity` any more.
  llvm::Expected<std::shared_ptr<InputFile>> get(llvm::StringRef path,
                                                 const FileIdentity &identity);

  /// Takes in a file that is already open.
  void add(std::shared_ptr<InputFile> file);

private:
  std::shared_ptr<InputFile> lookup(llvm::StringRef path);

  unsigned limit;
  std::mutex mutex;
  /// Most recently used first.
  std::list<std::shared_ptr<InputFile>> files;
};

/// The whole of a file as text; fails if it has more than `maxBytes` bytes.
llvm::Expected<std::string> readTextFile(llvm::StringRef path,
                                         uint64_t maxBytes);

} // namespace moec

#endif // MOEC_SUPPORT_INPUTFILE_H
