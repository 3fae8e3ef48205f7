//===- LayerCall.h - one execution of a layer -------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything between moec_run and the kernel: the tensors are checked, what the
// caller left out is supplied, and the team runs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_LAYERCALL_H
#define MOEC_LIB_RUNTIME_LAYERCALL_H

#include "Bundle.h"
#include "Pool.h"
#include "StageClock.h"
#include "Workspace.h"

namespace moec {

/// The tensors of one moec_run; null where the caller left one out.
struct LayerTensors {
  const DLTensor *const *inputs = nullptr;
  int32_t numInputs = 0;
  DLTensor *const *outputs = nullptr;
  int32_t numOutputs = 0;
  bool givenRouting = false;
  /// Of the device that runs the layer, or null.
  void *stream = nullptr;
  /// Times the stages of a layer that chooses its routing on a CPU; or null.
  StageClock *stages = nullptr;
};

/// Runs layers of one bundle, one at a time. A context uses one object for all
/// its calls, so that its arrays are allocated once.
class LayerCall {
public:
  explicit LayerCall(const Bundle &bundle);

  /// Takes all memory that runs of layer `layer` on up to `tokens` tokens need.
  Status reserve(size_t layer, int64_t tokens, void *stream, const Pool &pool,
                 Workspace &workspace);

  /// Checks `tensors` and runs layer `layer` on `pool`.
  Status run(size_t layer, const LayerTensors &tensors, Pool &pool,
             Workspace &workspace);

private:
  Status checkTokens() const;
  Status checkRouting() const;
  Status checkOverlap() const;
  /// Fills the arguments of the kernel, taking from `memory` what is missing.
  void bindTensors(char *memory);
  /// What one thread of the team does; `self` is a LayerCall.
  static void runThread(void *self, int32_t thread, int32_t threads);

  const Bundle &bundle;

  // Of the call going on.
  const ManifestLayer *layer = nullptr;
  const LayerInterface *interface = nullptr;
  moec_kernel_fn kernel = nullptr;
  moec_kernel_call call = {};
  Barrier *barrier = nullptr;
  StageClock *stages = nullptr;
  /// The caller's tensors.
  std::vector<TensorView> inputViews;
  std::vector<TensorView> outputViews;
  /// The kernel's tensors.
  std::vector<moec_tensor_arg> inputArgs;
  std::vector<moec_tensor_arg> outputArgs;
  DeviceWorkspace deviceWorkspace;
  bool convertsInput = false;
  bool convertsOutput = false;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_LAYERCALL_H
