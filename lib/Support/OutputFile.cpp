//===- OutputFile.cpp - files that appear whole or not at all ---*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// pwrite() with the errors it can have, and the rename at the end.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/OutputFile.h"
#include "moec/Support/Error.h"
#include "llvm/Support/Path.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <limits>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace moec {

/// write() gathers pieces up to this many bytes.
static constexpr size_t gatherBytes = 1 << 16;

namespace {
/// Turns SIGXFSZ, sent to a thread that exceeds the limit on file sizes, into
/// the EFBIG that the call returns as well.
class NoFileSizeSignal {
public:
  NoFileSizeSignal() {
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &set, &previous);
  }
  ~NoFileSizeSignal() {
    int savedErrno = errno;
    timespec now = {};
    while (sigtimedwait(&set, nullptr, &now) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &previous, nullptr);
    errno = savedErrno;
  }

private:
  sigset_t set, previous;
};
} // namespace

static constexpr uint64_t maxFileBytes = std::numeric_limits<off_t>::max();

/// Permissions of a new file; the process's umask takes from them.
static constexpr mode_t newFileMode = 0666;

Expected<OutputFile> OutputFile::create(StringRef path) {
  if (path.empty() || path.contains('\0'))
    return fileError("create", path.empty() ? "''" : path, EINVAL);
  struct stat status;
  std::string target = path.str();
  if (stat(target.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return inputError(
        "cannot write {}: it is {}; choose another name", printable(path),
        S_ISDIR(status.st_mode) ? "a directory" : "not a regular file");
  // A link is written through, not replaced.
  if (char *real = realpath(target.c_str(), nullptr)) {
    target = real;
    free(real);
  }
  StringRef parent = sys::path::parent_path(target);
  for (unsigned attempt = 0;; ++attempt) {
    std::string name = fmt::format(
        "{}{}.{}.tmp-{}-{}", parent, parent.empty() || parent == "/" ? "" : "/",
        sys::path::filename(target), getpid(), attempt);
    CriticalSection whileUnlisted;
    int descriptor =
        open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, newFileMode);
    if (descriptor < 0 && errno == EEXIST && attempt < 1000)
      continue;
    if (descriptor < 0)
      return fileError("create", path, errno);
    OutputFile file;
    file.destination = std::move(target);
    file.temporary = TemporaryPath(name);
    file.descriptor = descriptor;
    return file;
  }
}

OutputFile::OutputFile(OutputFile &&other) noexcept {
  *this = std::move(other);
}

OutputFile &OutputFile::operator=(OutputFile &&other) noexcept {
  if (this != &other) {
    close();
    destination = std::move(other.destination);
    temporary = std::move(other.temporary);
    descriptor = std::exchange(other.descriptor, -1);
    appended = other.appended;
    pending = std::move(other.pending);
  }
  return *this;
}

OutputFile::~OutputFile() { close(); }

void OutputFile::close() {
  if (descriptor >= 0)
    ::close(std::exchange(descriptor, -1));
}

Error OutputFile::writeAt(uint64_t offset, ArrayRef<uint8_t> bytes) {
  NoFileSizeSignal guard;
  if (offset > maxFileBytes || bytes.size() > maxFileBytes - offset)
    return fileError("write", destination, EFBIG);
  while (!bytes.empty()) {
    ssize_t done =
        pwrite(descriptor, bytes.data(), bytes.size(), off_t(offset));
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return fileError("write", destination, done < 0 ? errno : ENOSPC);
    offset += uint64_t(done);
    bytes = bytes.drop_front(size_t(done));
  }
  return Error::success();
}

Error OutputFile::flush() {
  if (pending.empty())
    return Error::success();
  Error error = writeAt(appended - pending.size(), pending);
  pending.clear();
  return error;
}

Error OutputFile::write(ArrayRef<uint8_t> bytes) {
  if (pending.size() + bytes.size() > gatherBytes)
    if (Error error = flush())
      return error;
  if (bytes.size() >= gatherBytes) {
    if (Error error = writeAt(appended, bytes))
      return error;
  } else {
    pending.insert(pending.end(), bytes.begin(), bytes.end());
  }
  appended += bytes.size();
  return Error::success();
}

Error OutputFile::write(StringRef text) {
  return write(ArrayRef<uint8_t>(text.bytes_begin(), text.size()));
}

Error OutputFile::writeZeros(uint64_t count) {
  if (Error error = flush())
    return error;
  if (count > maxFileBytes - appended)
    return fileError("write", destination, EFBIG);
  uint64_t end = appended + count;
  NoFileSizeSignal guard;
  struct stat status;
  // writeAt() may have gone further already.
  if (fstat(descriptor, &status) != 0 ||
      (uint64_t(status.st_size) < end &&
       ftruncate(descriptor, off_t(end)) != 0))
    return fileError("write", destination, errno);
  appended = end;
  return Error::success();
}

Error OutputFile::commit() {
  if (Error error = flush())
    return error;
  if (fsync(descriptor) != 0)
    return fileError("write", destination, errno);
  // Some file systems report a full disk only here.
  if (::close(std::exchange(descriptor, -1)) != 0)
    return fileError("write", destination, errno);
  if (rename(temporary.path().str().c_str(), destination.c_str()) != 0)
    return fileError("write", destination, errno);
  temporary.release();
  return syncDirectory(sys::path::parent_path(destination));
}

Error writeTextFile(StringRef path, StringRef text) {
  Expected<OutputFile> file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  if (Error error = file->write(text))
    return error;
  return file->commit();
}

Error syncDirectory(StringRef path) {
  std::string name = path.empty() ? "." : path.str();
  int descriptor = open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return fileError("open", name, errno);
  // EINVAL: a file system on which directories cannot be synchronised.
  int failed = fsync(descriptor) != 0 && errno != EINVAL ? errno : 0;
  close(descriptor);
  if (failed)
    return fileError("write", name, failed);
  return Error::success();
}

} // namespace moec
