//===- MappedFile.h - a file as read-only memory ----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opened files of a bundle.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_MAPPEDFILE_H
#define MOEC_LIB_RUNTIME_MAPPEDFILE_H

#include "Status.h"

#include <cstddef>
#include <string>

namespace moec {

struct ManifestFile;

/// The bytes of a regular file in memory. An empty file has size 0 and data
/// null.
class MappedFile {
public:
  MappedFile() = default;
  ~MappedFile();

  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  /// Opens `path` and maps it read-only; called once.
  Status open(const std::string &path);

  /// Opens `path` and reads all of it into huge pages, where there are some;
  /// called once, instead of open.
  Status openCopy(const std::string &path);

  const char *data() const { return bytes; }
  size_t size() const { return length; }

  /// Asks for huge pages, which spare streaming reads most of their TLB misses.
  /// Not every file system has them; nothing else depends on it.
  void adviseHugePages() const;

private:
  using Loader = Status (MappedFile::*)(const std::string &path, int file);
  Status openWith(const std::string &path, Loader load);
  Status map(const std::string &path, int file);
  Status copy(const std::string &path, int file);

  char *bytes = nullptr;
  size_t length = 0;
};

/// Compares the size of a file of a bundle, and if wanted its hash, with what
/// the manifest says of it.
Status checkFile(const MappedFile &file, const std::string &path,
                 const ManifestFile &entry, bool checkHash);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_MAPPEDFILE_H
