//===- OutputDir.cpp - directories that appear whole or not -----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of temporaries, the rules for what may be replaced, and the swap.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/OutputDir.h"
#include "moec/Support/Error.h"
#include "moec/Support/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace moec {

/// What stands between the name and a random number in a temporary's name:
/// ".bundle.tmp-1f2e3d4c5b6a7988".
static constexpr StringRef temporaryInfix = ".tmp-";

/// `path` with its parent's symbolic links resolved, and its own if it is one.
static Expected<std::string> resolve(StringRef path) {
  SmallString<256> full(path);
  if (path.empty() || path.contains('\0'))
    return fileError("create", path.empty() ? "''" : path, EINVAL);
  if (std::error_code code = sys::fs::make_absolute(full))
    return fileError("create", path, code.value());
  sys::path::remove_dots(full, /*remove_dot_dot=*/false);
  StringRef name = sys::path::filename(full);
  if (name == ".." || name == "/" || sys::path::parent_path(full).empty())
    return inputError("cannot write {}: it is no name for a new directory; "
                      "choose another",
                      printable(path));
  struct stat status;
  bool isLink = lstat(full.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
  SmallString<256> real;
  StringRef toResolve = isLink ? full.str() : sys::path::parent_path(full);
  if (std::error_code code = sys::fs::real_path(toResolve, real))
    return fileError("create", path, code.value());
  if (!isLink)
    sys::path::append(real, name);
  return real.str().str();
}

/// Fails unless `path` is free, an empty directory, or one with the marker.
static Error checkReplaceable(const std::string &path, StringRef marker) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0)
    return errno == ENOENT ? Error::success()
                           : fileError("create", path, errno);
  if (!S_ISDIR(status.st_mode))
    return inputError("cannot write {}: it is a file, not a directory; move it "
                      "away or choose another name",
                      printable(path));
  std::error_code code;
  sys::fs::directory_iterator first(path, code), end;
  if (code)
    return fileError("read", path, code.value());
  if (first == end || sys::fs::is_regular_file(path + "/" + marker))
    return Error::success();
  return inputError("cannot write {}: the directory is not empty and has no "
                    "{}, so it was not made by moec; move it away or choose "
                    "another name",
                    printable(path), printable(marker));
}

/// Removes temporaries of runs that ended without a chance to do it themselves.
/// A run that is alive holds a lock on its own.
static void removeLeftovers(StringRef parent, StringRef name) {
  std::string prefix = fmt::format(".{}{}", name, temporaryInfix);
  std::error_code code;
  for (sys::fs::directory_iterator it(parent, code), end; !code && it != end;
       it.increment(code)) {
    if (!sys::path::filename(it->path()).starts_with(prefix))
      continue;
    int descriptor = open(it->path().c_str(),
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
      continue;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
      removeTree(it->path().c_str());
    close(descriptor);
  }
}

Expected<OutputDir> OutputDir::create(StringRef path, StringRef marker) {
  Expected<std::string> resolved = resolve(path);
  if (!resolved)
    return resolved.takeError();
  if (Error error = checkReplaceable(*resolved, marker))
    return error;
  StringRef parent = sys::path::parent_path(*resolved);
  StringRef name = sys::path::filename(*resolved);
  removeLeftovers(parent, name);
  uint64_t unique =
      uint64_t(std::random_device()()) << 32 | std::random_device()();
  SmallString<256> unlocked(parent), temporary(parent);
  sys::path::append(unlocked, fmt::format(".{}.new-{:x}", name, unique));
  sys::path::append(temporary,
                    fmt::format(".{}{}{:x}", name, temporaryInfix, unique));

  CriticalSection whileUnlisted;
  if (mkdir(unlocked.c_str(), 0777) != 0)
    return fileError("create", path, errno);
  OutputDir dir;
  dir.temporary = TemporaryPath(unlocked);
  dir.descriptor = open(unlocked.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir.descriptor < 0)
    return fileError("create", path, errno);
  // Only under the lock does it get a name that marks it as a leftover. Where
  // there are no locks (some network file systems) leftovers merely stay.
  flock(dir.descriptor, LOCK_EX | LOCK_NB);
  if (rename(unlocked.c_str(), temporary.c_str()) != 0)
    return fileError("create", path, errno);
  dir.temporary.release();
  dir.temporary = TemporaryPath(temporary);
  dir.destination = std::move(*resolved);
  dir.marker = marker.str();
  return dir;
}

OutputDir::OutputDir(OutputDir &&other) noexcept { *this = std::move(other); }

OutputDir &OutputDir::operator=(OutputDir &&other) noexcept {
  if (this != &other) {
    close();
    destination = std::move(other.destination);
    marker = std::move(other.marker);
    temporary = std::move(other.temporary);
    descriptor = std::exchange(other.descriptor, -1);
  }
  return *this;
}

OutputDir::~OutputDir() { close(); }

void OutputDir::close() {
  if (descriptor >= 0)
    ::close(std::exchange(descriptor, -1));
}

std::string OutputDir::file(StringRef name) const {
  return fmt::format("{}/{}", temporary.path(), name);
}

Error OutputDir::explain(Error error) const {
  std::string message = toString(std::move(error));
  std::string from = printable(temporary.path()), to = printable(destination);
  for (size_t at = 0; (at = message.find(from, at)) != std::string::npos;
       at += to.size())
    message.replace(at, from.size(), to);
  return inputError(message);
}

/// Brings every file below `path`, and the directories, to the disk.
static Error syncTree(const std::string &path) {
  std::error_code code;
  for (sys::fs::directory_iterator it(path, code, /*follow_symlinks=*/false),
       end;
       !code && it != end; it.increment(code)) {
    if (it->type() == sys::fs::file_type::directory_file) {
      if (Error error = syncTree(it->path()))
        return error;
      continue;
    }
    if (it->type() != sys::fs::file_type::regular_file)
      continue;
    int file = open(it->path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0)
      return fileError("open", it->path(), errno);
    int failed = fsync(file) != 0 ? errno : 0;
    ::close(file);
    if (failed)
      return fileError("write", it->path(), failed);
  }
  if (code)
    return fileError("read", path, code.value());
  return syncDirectory(path);
}

/// Puts `from` in the place of the directory `to`, and what was there at
/// `from`; in one step where the file system can. Returns 0 or an errno value.
static int swapDirectories(const std::string &from, const std::string &to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                RENAME_EXCHANGE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;
  // Not a temporary's name: if this is cut short, nothing may remove it.
  std::string aside = fmt::format("{}.old-{}", to, getpid());
  if (rename(to.c_str(), aside.c_str()) != 0)
    return errno;
  if (rename(from.c_str(), to.c_str()) != 0) {
    int failed = errno;
    rename(aside.c_str(), to.c_str());
    return failed;
  }
  rename(aside.c_str(), from.c_str());
  return 0;
}

Error OutputDir::commit() {
  if (!sys::fs::is_regular_file(file(marker)))
    return inputError("{}: the directory was not given its {}, so it is not "
                      "put in place",
                      printable(destination), printable(marker));
  std::string from = temporary.path().str();
  if (Error error = syncTree(from))
    return explain(std::move(error));
  CriticalSection section;
  if (Error error = checkReplaceable(destination, marker))
    return error;
  // Takes the place of nothing or of an empty directory.
  if (rename(from.c_str(), destination.c_str()) == 0) {
    temporary.release();
  } else {
    int failed = errno;
    if (failed == ENOTEMPTY || failed == EEXIST)
      failed = swapDirectories(from, destination);
    if (failed)
      return fileError("write", destination, failed);
    // What was replaced now has the temporary's name.
    temporary.reset();
  }
  close();
  return syncDirectory(sys::path::parent_path(destination));
}

} // namespace moec
