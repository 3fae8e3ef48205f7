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
#include "moec/Runtime/Hash.h"
#include "moec/Runtime/Manifest.h"

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

Status MappedFile::openWith(const std::string &path, Loader load) {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer.
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return makeError(MOEC_ERROR_BUNDLE,
                     "cannot open '{}': {}; give the directory that moec "
                     "compile wrote",
                     path, errnoText());
  Status status = Status::ok();
  struct stat info;
  if (fstat(file, &info) != 0)
    status = makeError(MOEC_ERROR_SYSTEM, "cannot examine '{}': {}", path,
                       errnoText());
  else if (!S_ISREG(info.st_mode))
    status = makeError(MOEC_ERROR_BUNDLE, "'{}' is not a regular file", path);
  else if (length = size_t(info.st_size); length > 0)
    status = (this->*load)(path, file);
  // The memory outlives the descriptor.
  close(file);
  return status;
}

Status MappedFile::open(const std::string &path) {
  return openWith(path, &MappedFile::map);
}

Status MappedFile::openCopy(const std::string &path) {
  return openWith(path, &MappedFile::copy);
}

Status MappedFile::map(const std::string &path, int file) {
  void *address = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file, 0);
  if (address == MAP_FAILED)
    return makeError(MOEC_ERROR_SYSTEM, "cannot map the {} bytes of '{}': {}",
                     length, path, errnoText());
  bytes = static_cast<char *>(address);
  return Status::ok();
}

Status MappedFile::copy(const std::string &path, int file) {
  // The kernel begins large anonymous mappings on a huge page.
  void *address = mmap(nullptr, length, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    return makeError(MOEC_ERROR_SYSTEM,
                     "no memory for the {} bytes of '{}': {}; map the weights "
                     "instead",
                     length, path, errnoText());
  bytes = static_cast<char *>(address);
  adviseHugePages();
  for (size_t done = 0; done < length;) {
    ssize_t count = read(file, bytes + done, length - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return makeError(MOEC_ERROR_SYSTEM,
                       "cannot read '{}': {} after {} of {} bytes", path,
                       count < 0 ? errnoText() : "it ended", done, length);
    done += size_t(count);
  }
  (void)mprotect(bytes, length, PROT_READ);
  return Status::ok();
}

void MappedFile::adviseHugePages() const {
  if (bytes)
    (void)madvise(bytes, length, MADV_HUGEPAGE);
}

Status checkFile(const MappedFile &file, const std::string &path,
                 const ManifestFile &entry, bool checkHash) {
  if (file.size() != size_t(entry.bytes))
    return makeError(
        MOEC_ERROR_BUNDLE,
        "{}: has {} bytes, but the manifest says {}; the bundle is "
        "incomplete: copy it or compile the model again",
        path, file.size(), entry.bytes);
  if (!checkHash)
    return Status::ok();
  std::string hash = xxh3Hex(file.data(), file.size());
  if (hash != entry.xxh3)
    return makeError(MOEC_ERROR_BUNDLE,
                     "{}: has XXH3 {}, but the manifest says {}; the bundle is "
                     "damaged: copy it or compile the model again",
                     path, hash, entry.xxh3);
  return Status::ok();
}

} // namespace moec
