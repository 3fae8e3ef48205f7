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

/// A regular file mapped read-only. An empty file has size 0 and data
/// null.
class MappedFile {
public:
  MappedFile() = default;
  ~MappedFile();

  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  /// Opens and maps `path`; called once.
  Status open(const std::string &path);

  const char *data() const { return bytes; }
  size_t size() const { return length; }

  /// Asks for huge pages, which spare streaming reads most of their TLB misses.
  /// Not every file system has them; nothing else depends on it.
  void adviseHugePages() const;

private:
  Status map(const std::string &path, int file);

  char *bytes = nullptr;
  size_t length = 0;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_MAPPEDFILE_H
