//===- LayerInterface.cpp - what a layer reads and writes -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Made once per layer from the checked manifest.
//
//===----------------------------------------------------------------------===//

#include "LayerInterface.h"

namespace moec {

static std::vector<TensorSpec>
makeSpecs(const std::vector<ManifestTensor> &tensors, bool optional) {
  std::vector<TensorSpec> specs;
  for (const ManifestTensor &tensor : tensors) {
    TensorSpec &spec = specs.emplace_back();
    spec.name = tensor.name;
    spec.cols = tensor.cols;
    spec.isHidden = tensor.name == "hidden";
    spec.optional = optional || tensor.optional;
    for (const std::string &dtype : tensor.dtypes)
      spec.types.push_back(*elementTypeFromName(dtype));
  }
  return specs;
}

LayerInterface::LayerInterface(const ManifestLayer &layer)
    : inputs(makeSpecs(layer.inputs, /*optional=*/false)),
      outputs(makeSpecs(layer.outputs, /*optional=*/true)),
      hiddenInput(size_t(findTensor(inputs, "hidden"))),
      topkIds(findTensor(outputs, "topk_ids")),
      topkWeights(findTensor(outputs, "topk_weights")) {}

int findTensor(const std::vector<TensorSpec> &tensors, std::string_view name) {
  for (size_t index = 0; index < tensors.size(); ++index)
    if (tensors[index].name == name)
      return int(index);
  return -1;
}

} // namespace moec
