//===- Cleanup.cpp - nothing half-written is left behind --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list of temporary paths and the signal handler that removes them. What
// the handler touches is atomic and never freed under it; what it calls is on
// POSIX's list of async-signal-safe functions or a plain system call.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Cleanup.h"
#include "llvm/ADT/STLExtras.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <mutex>
#include <sys/syscall.h>
#include <unistd.h>

using namespace llvm;

namespace moec {

//===----------------------------------------------------------------------===//
// Removal
//===----------------------------------------------------------------------===//

/// Deeper trees than this are not ours, and the handler's stack is small.
static constexpr unsigned maxTreeDepth = 16;

static int removeAt(int parent, const char *name, unsigned depth);

/// Removes the entries of an open directory that were there in one pass over
/// it. Returns 0 or an errno value; `removed` counts.
static int removeEntries(int directory, unsigned depth, unsigned &removed) {
  // The kernel's struct linux_dirent64: inode, offset, record length, type,
  // name. readdir() would allocate.
  constexpr size_t lengthAt = 16, nameAt = 19;
  alignas(8) char buffer[1024];
  int result = 0;
  long bytes;
  while ((bytes = syscall(SYS_getdents64, directory, buffer, sizeof(buffer))) >
         0) {
    for (long at = 0; at < bytes;) {
      const char *entry = buffer + at + nameAt;
      uint16_t length;
      memcpy(&length, buffer + at + lengthAt, sizeof(length));
      at += length;
      if (strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0)
        continue;
      if (int failed = removeAt(directory, entry, depth + 1))
        result = failed;
      else
        ++removed;
    }
  }
  return bytes < 0 ? errno : result;
}

static int removeAt(int parent, const char *name, unsigned depth) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
    return 0;
  // POSIX says EPERM for a directory, Linux EISDIR.
  if (errno != EISDIR && errno != EPERM)
    return errno;
  if (depth >= maxTreeDepth)
    return ELOOP;
  int directory =
      openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    return errno;
  // Again until nothing is found: removing may make a pass skip entries, and
  // other threads may still be writing.
  int result = 0;
  unsigned removed;
  do {
    removed = 0;
    lseek(directory, 0, SEEK_SET);
    result = removeEntries(directory, depth, removed);
  } while (removed > 0);
  close(directory);
  if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
    return result ? result : errno;
  return 0;
}

int removeTree(const char *path) noexcept {
  return removeAt(AT_FDCWD, path, 0);
}

//===----------------------------------------------------------------------===//
// The list of paths, and the handler
//===----------------------------------------------------------------------===//

namespace {
/// One place for a path; places are reused and never freed.
struct Node {
  std::atomic<char *> path{nullptr};
  /// What was at `path` when all paths were removed. It is never freed: free()
  /// is not allowed in a signal handler.
  char *removed = nullptr;
  Node *next = nullptr;
};
} // namespace

static std::atomic<Node *> nodes{nullptr};
static std::atomic<int> criticalDepth{0};
static std::atomic<int> heldBackSignal{0};
static std::mutex listMutex;

static constexpr int outsideSignals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
static constexpr int ownSignals[] = {SIGPIPE, SIGXFSZ, SIGXCPU, SIGABRT};
static constexpr int faultSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
static struct sigaction previousActions[NSIG];

static void removeAllPaths() {
  for (Node *node = nodes.load(); node; node = node->next)
    if (char *path = node->path.exchange(nullptr)) {
      node->removed = path;
      removeTree(path);
    }
}

static void handleSignal(int signal, siginfo_t *info, void *) {
  int savedErrno = errno;
  if (criticalDepth.load() > 0 && is_contained(outsideSignals, signal)) {
    heldBackSignal.store(signal);
    // If the section ended meanwhile, its end may not have seen the signal.
    if (criticalDepth.load() > 0 || heldBackSignal.exchange(0) == 0) {
      errno = savedErrno;
      return;
    }
  }
  removeAllPaths();
  // Delivered to the previous handler, or by default, when this one returns. A
  // real fault happens again by itself, with its address for that handler.
  sigaction(signal, &previousActions[signal], nullptr);
  bool happensAgain = is_contained(faultSignals, signal) && info->si_code > 0;
  if (!happensAgain)
    raise(signal);
  errno = savedErrno;
}

static void installHandler(int signal) {
  if (sigaction(signal, nullptr, &previousActions[signal]) != 0 ||
      previousActions[signal].sa_handler == SIG_IGN)
    return;
  struct sigaction action = {};
  action.sa_sigaction = handleSignal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

static void installHandlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (int signal : outsideSignals)
      installHandler(signal);
    for (int signal : ownSignals)
      installHandler(signal);
    for (int signal : faultSignals)
      installHandler(signal);
    atexit(removeAllPaths);
  });
}

static void registerPath(const std::string &path) {
  installHandlers();
  std::lock_guard lock(listMutex);
  char *copy = strdup(path.c_str());
  for (Node *node = nodes.load(); node; node = node->next) {
    char *expected = nullptr;
    if (node->path.compare_exchange_strong(expected, copy))
      return;
  }
  auto *node = new Node;
  node->path.store(copy);
  node->next = nodes.load();
  nodes.store(node);
}

static void forgetPath(const std::string &path) {
  std::lock_guard lock(listMutex);
  for (Node *node = nodes.load(); node; node = node->next) {
    char *listed = node->path.load();
    // If the exchange fails, a handler has taken the path: it is ending us.
    if (listed && path == listed &&
        node->path.compare_exchange_strong(listed, nullptr)) {
      free(listed);
      return;
    }
  }
}

//===----------------------------------------------------------------------===//
// TemporaryPath and CriticalSection
//===----------------------------------------------------------------------===//

TemporaryPath::TemporaryPath(StringRef path) : name(path.str()) {
  registerPath(name);
}

TemporaryPath::TemporaryPath(TemporaryPath &&other) noexcept
    : name(std::exchange(other.name, {})) {}

TemporaryPath &TemporaryPath::operator=(TemporaryPath &&other) noexcept {
  if (this != &other) {
    reset();
    name = std::exchange(other.name, {});
  }
  return *this;
}

void TemporaryPath::reset() {
  if (name.empty())
    return;
  // Errors have nobody to go to: the owner has failed or is done.
  removeTree(name.c_str());
  release();
}

void TemporaryPath::release() {
  if (name.empty())
    return;
  forgetPath(name);
  name.clear();
}

CriticalSection::CriticalSection() {
  installHandlers();
  criticalDepth.fetch_add(1);
}

CriticalSection::~CriticalSection() {
  if (criticalDepth.fetch_sub(1) == 1)
    if (int signal = heldBackSignal.exchange(0))
      raise(signal);
}

} // namespace moec
