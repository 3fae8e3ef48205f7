//===- LayerInterface.h - what a layer reads and writes ---------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The inputs and outputs of a layer, in the form moec_run needs them.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_LAYERINTERFACE_H
#define MOEC_LIB_RUNTIME_LAYERINTERFACE_H

#include "Tensor.h"
#include "moec/Runtime/Manifest.h"

#include <vector>

namespace moec {

struct LayerInterface {
  explicit LayerInterface(const ManifestLayer &layer);

  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  size_t hiddenInput = 0; ///< position of input "hidden"
  int topkIds = -1;       ///< position of output "topk_ids", -1: none
  int topkWeights = -1;   ///< position of output "topk_weights", -1: none
};

/// The position of the tensor called `name`, or -1.
int findTensor(const std::vector<TensorSpec> &tensors, std::string_view name);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_LAYERINTERFACE_H
