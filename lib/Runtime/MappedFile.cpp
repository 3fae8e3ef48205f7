//===- MappedFile.cpp - a file as read-only memory ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opening, mapping and what can go wrong with it.
//
//===----------------------------------------------------------------------===//

#include "MappedFile.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace moec {

static std::string errnoText() {
  return std::generic_category().message(errno);
}

MappedFile::~MappedFile() {
  if (bytes)
    munmap(bytes, length);
}

Status MappedFile::open(const std::string &path) {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer.
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return makeError(MOEC_ERROR_BUNDLE,
                     "cannot open '{}': {}; give the directory that moec "
                     "compile wrote",
                     path, errnoText());
  Status status = map(path, file);
  // The mapping outlives the descriptor.
  close(file);
  return status;
}

Status MappedFile::map(const std::string &path, int file) {
  struct stat info;
  if (fstat(file, &info) != 0)
    return makeError(MOEC_ERROR_SYSTEM, "cannot examine '{}': {}", path,
                     errnoText());
  if (!S_ISREG(info.st_mode))
    return makeError(MOEC_ERROR_BUNDLE, "'{}' is not a regular file", path);
  length = size_t(info.st_size);
  if (length == 0)
    return Status::ok();
  void *address = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file, 0);
  if (address == MAP_FAILED)
    return makeError(MOEC_ERROR_SYSTEM, "cannot map the {} bytes of '{}': {}",
                     length, path, errnoText());
  bytes = static_cast<char *>(address);
  return Status::ok();
}

void MappedFile::adviseHugePages() const {
  if (bytes)
    (void)madvise(bytes, length, MADV_HUGEPAGE);
}

} // namespace moec
