//===- Workspace.h - memory a context keeps for its calls -------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How much memory a call needs besides its tensors, and where it comes from.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_WORKSPACE_H
#define MOEC_LIB_RUNTIME_WORKSPACE_H

#include "Bundle.h"
#include "Status.h"

namespace moec {

/// Alignment of everything in a workspace, in bytes.
inline constexpr int64_t kWorkspaceAlignment = 64;

/// `bytes` rounded up to the alignment; true if that is more than 2^63 - 1.
bool alignUp(int64_t bytes, int64_t &aligned);

/// What one run of a layer takes: room for hidden inputs and outputs in f32 and
/// for tensors the caller leaves out, and the kernel's own workspace.
struct WorkspaceNeed {
  int64_t tensors = 0; ///< bytes, aligned
  int64_t kernel = 0;  ///< bytes, aligned

  int64_t total() const { return tensors + kernel; }
};

/// Computes what `layer` needs at most for `tokens` tokens. Fails when sizes
/// exceed 64 bits or the kernel asks for a negative size.
Status workspaceNeed(const Bundle &bundle, size_t layer, int64_t tokens,
                     int32_t threads, WorkspaceNeed &need);

/// The same for a bundle that runs on a device.
Status deviceNeed(const Bundle &bundle, size_t layer, int64_t tokens,
                  DeviceNeed &need);

/// The bytes of all that `layer` needs, in the memory of whatever runs it.
Status totalNeed(const Bundle &bundle, size_t layer, int64_t tokens,
                 int32_t threads, int64_t &bytes);

/// Memory that only grows. Its contents do not survive growing.
class Workspace {
public:
  Workspace() = default;
  ~Workspace();

  Workspace(const Workspace &) = delete;
  Workspace &operator=(const Workspace &) = delete;

  /// Makes at least `bytes` bytes available.
  Status reserve(int64_t bytes);

  char *data() const { return memory; }

private:
  char *memory = nullptr;
  int64_t capacity = 0;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_WORKSPACE_H
