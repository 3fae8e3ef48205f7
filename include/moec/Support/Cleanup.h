//===- Cleanup.h - nothing half-written is left behind ----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Paths that must not outlive their owner: removed when the owner goes, and
// when a signal ends the process. LLVM's own facility
// (llvm::sys::RemoveFileOnSignal) removes files only, a bundle is a directory.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_CLEANUP_H
#define MOEC_SUPPORT_CLEANUP_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace moec {

/// Owns a temporary file or directory (with all that is in it). The first one
/// made installs handlers for the signals that end a process (SIGINT, SIGTERM,
/// SIGSEGV, ...; not those that are ignored) which remove the paths and then
/// hand the signal to whoever handled it before. exit() removes them too.
class TemporaryPath {
public:
  TemporaryPath() = default;
  explicit TemporaryPath(llvm::StringRef path);
  TemporaryPath(TemporaryPath &&other) noexcept;
  TemporaryPath &operator=(TemporaryPath &&other) noexcept;
  /// Removes what is at the path, as reset() does.
  ~TemporaryPath() { reset(); }

  llvm::StringRef path() const { return name; }
  bool empty() const { return name.empty(); }

  /// Removes what is at the path and forgets it.
  void reset();
  /// Forgets the path without removing anything.
  void release();

private:
  std::string name;
};

/// Holds back the signals that come from outside (SIGHUP, SIGINT, SIGQUIT,
/// SIGTERM) for a sequence of steps that must be seen whole, such as a swap of
/// two directories; they take effect when the last such object goes.
class CriticalSection {
public:
  CriticalSection();
  ~CriticalSection();
  CriticalSection(const CriticalSection &) = delete;
  CriticalSection &operator=(const CriticalSection &) = delete;
};

/// Removes a file, or a directory with all that is in it, without following
/// symbolic links. Uses only calls that are allowed in a signal handler.
/// Returns 0 or an errno value; a path that is not there is no error.
int removeTree(const char *path) noexcept;

} // namespace moec

#endif // MOEC_SUPPORT_CLEANUP_H
