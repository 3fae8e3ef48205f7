//===- InputFile.cpp - reading files piece by piece -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// pread() with the errors it can have, and a small cache of open files.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/InputFile.h"
#include "moec/Support/Error.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace moec {

Expected<std::shared_ptr<InputFile>> InputFile::open(StringRef path) {
  // An embedded NUL would make the system see another path than we print.
  if (path.contains('\0'))
    return fileError("open", path, EINVAL);
  std::string name = path.str();
  // O_NONBLOCK: opening a pipe nobody writes to would wait forever.
  int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return fileError("open", path, errno);
  struct stat status;
  if (fstat(descriptor, &status) != 0) {
    int errorNumber = errno;
    ::close(descriptor);
    return fileError("read", path, errorNumber);
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return inputError(
        "cannot read {}: it is {}; give a regular file", printable(path),
        S_ISDIR(status.st_mode) ? "a directory" : "not a regular file");
  }
  FileIdentity identity{uint64_t(status.st_dev), uint64_t(status.st_ino),
                        uint64_t(status.st_size), status.st_mtim.tv_sec,
                        status.st_mtim.tv_nsec};
  return std::shared_ptr<InputFile>(
      new InputFile(std::move(name), descriptor, identity));
}

InputFile::~InputFile() { ::close(descriptor); }

Error InputFile::read(uint64_t offset, MutableArrayRef<uint8_t> out) const {
  if (offset > size() || out.size() > size() - offset)
    return inputError("{}: {} bytes were to be read at offset {}, but the file "
                      "has {}; fetch or write it again",
                      printable(name), out.size(), offset, size());
  while (!out.empty()) {
    ssize_t got = pread(descriptor, out.data(), out.size(), off_t(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fileError("read", name, errno);
    if (got == 0)
      return inputError("{}: the file had {} bytes when it was opened and now "
                        "ends at {}; do not change it while it is read",
                        printable(name), size(), offset);
    offset += uint64_t(got);
    out = out.drop_front(size_t(got));
  }
  return Error::success();
}

std::shared_ptr<InputFile> InputFileCache::lookup(StringRef path) {
  std::lock_guard lock(mutex);
  for (auto it = files.begin(); it != files.end(); ++it)
    if ((*it)->path() == path) {
      files.splice(files.begin(), files, it);
      return files.front();
    }
  return nullptr;
}

void InputFileCache::add(std::shared_ptr<InputFile> file) {
  std::lock_guard lock(mutex);
  files.push_front(std::move(file));
  if (files.size() > limit)
    files.pop_back();
}

Expected<std::shared_ptr<InputFile>>
InputFileCache::get(StringRef path, const FileIdentity &identity) {
  std::shared_ptr<InputFile> file = lookup(path);
  if (!file) {
    Expected<std::shared_ptr<InputFile>> opened = InputFile::open(path);
    if (!opened)
      return opened.takeError();
    file = std::move(*opened);
    add(file);
  }
  if (file->identity() != identity)
    return inputError("{}: the file changed while it was in use ({} bytes, "
                      "then {}); do not change it while it is read",
                      printable(path), identity.bytes, file->size());
  return file;
}

Expected<std::string> readTextFile(StringRef path, uint64_t maxBytes) {
  Expected<std::shared_ptr<InputFile>> file = InputFile::open(path);
  if (!file)
    return file.takeError();
  if ((*file)->size() > maxBytes)
    return inputError("{}: the file has {} bytes, but at most {} are read; is "
                      "it the right file?",
                      printable(path), (*file)->size(), maxBytes);
  std::string text((*file)->size(), '\0');
  if (Error error = (*file)->read(
          0, {reinterpret_cast<uint8_t *>(text.data()), text.size()}))
    return error;
  return text;
}

} // namespace moec
