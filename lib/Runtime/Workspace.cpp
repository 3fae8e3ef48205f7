//===- Workspace.cpp - memory a context keeps for its calls ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes are computed for the worst case of a call (every tensor left out or
// converted that may be), so that the same T always needs the same.
//
//===----------------------------------------------------------------------===//

#include "Workspace.h"

#include <algorithm>
#include <cstdlib>
#include <sys/mman.h>

namespace moec {

/// From this size on, memory comes in huge pages where there are some.
static constexpr int64_t kHugePage = int64_t(2) << 20;

bool alignUp(int64_t bytes, int64_t &aligned) {
  if (__builtin_add_overflow(bytes, kWorkspaceAlignment - 1, &aligned))
    return true;
  aligned -= aligned % kWorkspaceAlignment;
  return false;
}

/// Adds the aligned size of one [tokens, cols] tensor to `bytes`; true on
/// overflow.
static bool addTensor(int64_t tokens, const TensorSpec &spec, int64_t &bytes) {
  int64_t size = elementTypeSize(spec.types.front());
  if (spec.mayConvert())
    size = std::max(size, elementTypeSize(MOEC_DTYPE_F32));
  int64_t tensor = 0;
  return __builtin_mul_overflow(tokens, spec.cols * size, &tensor) ||
         alignUp(tensor, tensor) ||
         __builtin_add_overflow(bytes, tensor, &bytes);
}

Status workspaceNeed(const Bundle &bundle, size_t layer, int64_t tokens,
                     int32_t threads, WorkspaceNeed &need) {
  need = WorkspaceNeed();
  if (tokens == 0)
    return Status::ok();
  const LayerInterface &interface = bundle.interfaceOf(layer);
  const std::string &name = bundle.manifest().layers[layer].name;
  bool overflows = false;
  for (const TensorSpec &input : interface.inputs)
    if (input.optional || input.mayConvert())
      overflows = overflows || addTensor(tokens, input, need.tensors);
  for (const TensorSpec &output : interface.outputs)
    overflows = overflows || addTensor(tokens, output, need.tensors);
  int64_t kernel =
      overflows ? 0 : bundle.kernelOf(layer).workspace(tokens, threads);
  if (kernel < 0)
    return makeError(MOEC_ERROR_BUNDLE,
                     "{}: the kernel asks for {} bytes of workspace for {} "
                     "tokens; compile the model again",
                     name, kernel, tokens);
  int64_t total = 0;
  if (overflows || alignUp(kernel, need.kernel) ||
      __builtin_add_overflow(need.tensors, need.kernel, &total))
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{}: {} tokens need more workspace than 64 bits count; "
                     "split the batch",
                     name, tokens);
  return Status::ok();
}

Status deviceNeed(const Bundle &bundle, size_t layer, int64_t tokens,
                  DeviceNeed &need) {
  need = DeviceNeed();
  if (tokens == 0)
    return Status::ok();
  const ManifestLayer &description = bundle.manifest().layers[layer];
  return deviceNeed(description,
                    *bundle.manifest().kernels[description.kernel].plan,
                    bundle.interfaceOf(layer), tokens, need);
}

Status totalNeed(const Bundle &bundle, size_t layer, int64_t tokens,
                 int32_t threads, int64_t &bytes) {
  DeviceNeed onDevice;
  WorkspaceNeed onHost;
  Status status = bundle.deviceCode()
                      ? deviceNeed(bundle, layer, tokens, onDevice)
                      : workspaceNeed(bundle, layer, tokens, threads, onHost);
  bytes = onDevice.total() + onHost.total();
  return status;
}

Workspace::~Workspace() { std::free(memory); }

Status Workspace::reserve(int64_t bytes) {
  if (bytes <= capacity)
    return Status::ok();
  int64_t alignment = bytes >= kHugePage ? kHugePage : kWorkspaceAlignment;
  int64_t size = 0;
  void *grown = nullptr;
  if (!__builtin_add_overflow(bytes, alignment - 1, &size)) {
    size -= size % alignment;
    grown = std::aligned_alloc(alignment, size);
  }
  if (!grown)
    return makeError(MOEC_ERROR_SYSTEM,
                     "cannot allocate {} bytes of workspace; split the batch",
                     bytes);
  if (alignment == kHugePage)
    (void)madvise(grown, size, MADV_HUGEPAGE);
  std::free(memory);
  memory = static_cast<char *>(grown);
  capacity = size;
  return Status::ok();
}

} // namespace moec
