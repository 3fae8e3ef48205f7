//===- LayerTable.cpp - The layers of a module for its manifest -----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerTable.h"
#include "moec/Support/Error.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace llvm;
using namespace mlir;

namespace moec {

static Expected<ManifestTensor> describeTensor(StringRef layer, StringRef name,
                                               Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::string dtype;
  if (tensor) {
    Type element = tensor.getElementType();
    dtype = element.isF32()         ? "f32"
            : element.isInteger(32) ? "i32"
            : element.isInteger(64) ? "i64"
                                    : "";
  }
  if (dtype.empty() || tensor.getRank() < 1 || tensor.getRank() > 2) {
    std::string text;
    raw_string_ostream(text) << type;
    return inputError("layer {}: '{}' is {}; a bundle passes rows of f32, i32 "
                      "or i64",
                      quote(layer), name, text);
  }
  int64_t cols = tensor.getRank() == 2 ? tensor.getDimSize(1) : 1;
  // Hidden rows come and go in any of the three types of a checkpoint.
  if (name == "hidden")
    return ManifestTensor{name.str(), cols, {"f32", "f16", "bf16"}, false};
  return ManifestTensor{name.str(), cols, {dtype}, false};
}

/// Sizes that follow from the operations of the kernel.
static void describeOperations(func::FuncOp kernel, ManifestLayer &layer) {
  int64_t logits = 0;
  for (const ManifestTensor &output : layer.outputs) {
    if (output.name == "topk_ids")
      layer.topK = output.cols;
    if (output.name == "router_logits")
      logits = output.cols;
  }
  kernel.walk([&](Operation *op) {
    if (auto group = dyn_cast<moe::GroupOp>(op)) {
      // A second one groups experts that are always on.
      if (!layer.experts)
        layer.experts = group.getExperts();
    } else if (auto product = dyn_cast<moe::GroupedMatmulOp>(op)) {
      if (product.isGrouped() && !layer.width)
        layer.width = product.getN();
      layer.weightBefore |= product.getScale() != nullptr;
    } else if (auto dispatch = dyn_cast<moe::DispatchOp>(op)) {
      layer.weightBefore |= dispatch.getScale() != nullptr;
    } else if (auto identity = dyn_cast<moe::IdentityExpertsOp>(op)) {
      layer.identityExperts = std::max<int64_t>(
          0, logits - static_cast<int64_t>(identity.getFrom()));
    }
  });
}

Expected<ManifestLayer> describeLayer(moe::LayerOp op) {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getKernelAttr());
  ManifestLayer layer;
  layer.name = op.getSymName().str();
  if (auto router = kernel->getAttrOfType<StringAttr>("moe.router"))
    layer.router = router.str();
  for (auto [i, type] : enumerate(kernel.getArgumentTypes())) {
    auto name = kernel.getArgAttrOfType<StringAttr>(i, "moe.name");
    if (!name)
      continue;
    if (type.isIndex()) {
      layer.needsSequence = true;
      continue;
    }
    Expected<ManifestTensor> tensor =
        describeTensor(layer.name, name.getValue(), type);
    if (!tensor)
      return tensor.takeError();
    tensor->optional = kernel.getArgAttr(i, "moe.optional") != nullptr;
    layer.inputs.push_back(std::move(*tensor));
  }
  bool ids = false, weights = false;
  for (auto [i, type] : enumerate(kernel.getResultTypes())) {
    auto name = kernel.getResultAttrOfType<StringAttr>(i, "moe.name");
    if (!name)
      return inputError("layer {}: result {} has no moe.name attribute",
                        quote(layer.name), i);
    Expected<ManifestTensor> tensor =
        describeTensor(layer.name, name.getValue(), type);
    if (!tensor)
      return tensor.takeError();
    ids |= name.getValue() == "topk_ids";
    weights |= name.getValue() == "topk_weights";
    if (name.getValue() == "hidden")
      layer.hidden = tensor->cols;
    layer.outputs.push_back(std::move(*tensor));
  }
  layer.givenRouting = ids && weights;
  describeOperations(kernel, layer);
  return layer;
}

SmallVector<moe::WeightOp> layerWeights(moe::LayerOp layer) {
  return map_to_vector(layer.getWeights(), [&](Attribute symbol) {
    return SymbolTable::lookupNearestSymbolFrom<moe::WeightOp>(
        layer, cast<FlatSymbolRefAttr>(symbol));
  });
}

//===----------------------------------------------------------------------===//
// The C header
//===----------------------------------------------------------------------===//

/// "layers.3" as part of a macro's name: LAYERS_3.
static std::string macroName(StringRef name) {
  std::string macro = name.upper();
  for (char &c : macro)
    if (!isAlnum(c))
      c = '_';
  return macro;
}

static std::string tensorComment(const ManifestTensor &tensor) {
  std::string dtypes;
  for (const std::string &dtype : tensor.dtypes)
    dtypes += (dtypes.empty() ? "" : " or ") + dtype;
  return fmt::format("[T, {}] {}", tensor.cols, dtypes);
}

std::string printCHeader(const Manifest &manifest) {
  std::string text = fmt::format(
      "/* The layers of this bundle, written by {}.\n"
      " *\n"
      " * Open the bundle with moec_open() of <moec-c/Runtime.h>, find a "
      "layer\n"
      " * by its name and run it with moec_run(). T is the number of tokens.\n"
      " */\n\n#ifndef MOEC_MODEL_H\n#define MOEC_MODEL_H\n\n",
      manifest.producer);
  for (const ManifestLayer &layer : manifest.layers) {
    text += fmt::format("/* {}: {} experts, {} for each token\n", layer.name,
                        layer.experts, layer.topK);
    for (const ManifestTensor &input : layer.inputs)
      text += fmt::format(" *   in   {:<14} {}\n", input.name,
                          tensorComment(input));
    for (const ManifestTensor &output : layer.outputs)
      text += fmt::format(" *   out  {:<14} {}\n", output.name,
                          tensorComment(output));
    text += " */\n";
    std::string macro = "MOEC_" + macroName(layer.name);
    text += fmt::format("#define {}_NAME \"{}\"\n", macro, layer.name);
    text += fmt::format("#define {}_HIDDEN {}\n", macro, layer.hidden);
    text += fmt::format("#define {}_EXPERTS {}\n", macro,
                        layer.experts + layer.identityExperts);
    text += fmt::format("#define {}_TOP_K {}\n\n", macro, layer.topK);
  }
  text += "#endif /* MOEC_MODEL_H */\n";
  return text;
}

} // namespace moec
