//===- Tensor.h - check tensors that come from outside ----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From DLPack tensors, which can describe anything, to the row tensors kernels
// take.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_TENSOR_H
#define MOEC_LIB_RUNTIME_TENSOR_H

#include "ElementType.h"
#include "Status.h"

#include <vector>

namespace moec {

/// What a layer takes as one input or output: [T, cols] of one of `types`.
struct TensorSpec {
  std::string name;
  int64_t cols = 0;
  std::vector<moec_dtype> types; ///< what the kernel takes, preferred first
  bool isHidden = false;
  bool optional = false;

  bool takes(moec_dtype type) const;

  /// The type in which the kernel gets a tensor that the caller has as `type`:
  /// the same, or f32 where the run time is to convert.
  std::optional<moec_dtype> kernelType(moec_dtype type) const;

  /// Whether there is a type the run time would convert.
  bool mayConvert() const;

  /// The types callers may use, for a message: "f32, f16 or bf16".
  std::string describeTypes() const;
};

/// A checked tensor: `tokens` rows of adjacent elements.
struct TensorView {
  void *data = nullptr;
  moec_dtype type = MOEC_DTYPE_F32;
  int64_t cols = 0;
  int64_t tokens = -1;   ///< -1: the caller left this tensor out
  int64_t sequence = 0;  ///< S of [B, S, cols]; else tokens
  int64_t rowStride = 0; ///< elements
  bool onDevice = false; ///< in the memory of the device that runs the layer
};

/// Which tensor a message is about. Spelled out only when there is one.
struct TensorPlace {
  const std::string &layer;
  const char *kind; ///< "input" or "output"
  const std::string &name;

  /// As in "layers.0: input 'hidden'".
  std::string describe() const;
};

/// Checks `tensor` against `spec`. Besides the CPU's, it may be in the memory
/// of `device`, if there is one.
Status viewTensor(const DLTensor &tensor, const TensorSpec &spec,
                  const TensorPlace &place, const DLDevice *device,
                  TensorView &view);

/// Whether two tensors have a byte in common. Two column ranges of one matrix
/// have none, although they interleave in memory.
bool overlap(const TensorView &a, const TensorView &b);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_TENSOR_H
