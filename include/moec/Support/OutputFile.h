//===- OutputFile.h - files that appear whole or not at all -----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file is written beside its destination under a temporary name, brought to
// the disk, and renamed on commit(). Until then the destination is untouched;
// without a commit, or on SIGINT and its like, the temporary is removed.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_OUTPUTFILE_H
#define MOEC_SUPPORT_OUTPUTFILE_H

#include "moec/Support/Cleanup.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moec {

/// A file being written. write() and writeZeros() append and are for one
/// thread; writeAt() may be called by several at once.
class OutputFile {
public:
  /// Fails if the file cannot be made (missing or read-only directory, or a
  /// directory at `path`). An existing regular file is replaced on commit().
  static llvm::Expected<OutputFile> create(llvm::StringRef path);
  OutputFile(OutputFile &&other) noexcept;
  OutputFile &operator=(OutputFile &&other) noexcept;
  /// Discards what was not committed.
  ~OutputFile();

  /// Where the file will be.
  const std::string &path() const { return destination; }
  /// Bytes appended so far.
  uint64_t offset() const { return appended; }

  /// Appends; small pieces are gathered.
  llvm::Error write(llvm::ArrayRef<uint8_t> bytes);
  llvm::Error write(llvm::StringRef text);
  /// Appends zeros that take no space on file systems with sparse files.
  llvm::Error writeZeros(uint64_t count);
  /// Writes `bytes` at `offset`, wherever appending has got to; the file grows
  /// as needed, with zeros between.
  llvm::Error writeAt(uint64_t offset, llvm::ArrayRef<uint8_t> bytes);

  /// Brings everything to the disk and gives the file its name. Nothing may be
  /// written afterwards.
  llvm::Error commit();

private:
  OutputFile() = default;
  llvm::Error flush();
  void close();

  std::string destination;
  TemporaryPath temporary;
  int descriptor = -1;
  uint64_t appended = 0;
  std::vector<uint8_t> pending;
};

/// Writes a whole file of text through OutputFile.
llvm::Error writeTextFile(llvm::StringRef path, llvm::StringRef text);

/// Brings the names in a directory to the disk, so that a rename in it
/// survives a power cut.
llvm::Error syncDirectory(llvm::StringRef path);

} // namespace moec

#endif // MOEC_SUPPORT_OUTPUTFILE_H
