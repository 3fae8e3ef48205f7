//===- ModelFacts.cpp - The facts of a checkpoint -------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes and costs of layers, from their resolved tensors and programs.
//
//===----------------------------------------------------------------------===//

#include "Facts.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace moec::driver {

namespace {

/// How a layer's programs use its tensors.
struct TensorUses {
  /// Read by one expert at a time.
  StringSet<> perExpert;
  /// Tables of which a token reads one row.
  StringSet<> tables;

  explicit TensorUses(const hf::ResolvedLayer &layer);

private:
  void collect(const hf::Routine &routine);
};

} // namespace

TensorUses::TensorUses(const hf::ResolvedLayer &layer) {
  collect(layer.router);
  collect(layer.block);
  for (const auto &[name, program] : layer.expertPrograms)
    collect(program);
}

void TensorUses::collect(const hf::Routine &routine) {
  DenseMap<hf::ValueId, StringRef> names;
  for (const hf::Operation &op : routine.operations) {
    if (op.op == hf::Op::Tensor) {
      StringRef name = op.attribute("name").string();
      names[op.results[0]] = name;
      if (routine.types[op.results[0]].perExpert)
        perExpert.insert(name);
    } else if (op.op == hf::Op::Lookup) {
      tables.insert(names.lookup(op.operands[0]));
    }
  }
}

static std::string storageName(const hf::ResolvedTensor &tensor) {
  switch (tensor.encoding) {
  case hf::Encoding::Fp8Block:
    return "fp8";
  case hf::Encoding::Mxfp4:
    return "mxfp4";
  case hf::Encoding::Plain:
    return dtypeName(tensor.element).str();
  }
  return "";
}

/// total * part / whole, rounded up; sizes come from files and may be absurd.
static uint64_t share(uint64_t total, int64_t part, int64_t whole) {
  if (whole <= 0 || part >= whole)
    return total;
  double exact = double(total) * double(part) / double(whole);
  return std::ceil(exact);
}

static void addTensor(LayerFacts &facts, const TensorUses &uses,
                      const hf::ResolvedTensor &tensor) {
  uint64_t bytes = tensor.storedBytes();
  uint64_t elements = numElements(tensor.shape).value_or(0);
  facts.bytes = SaturatingAdd(facts.bytes, bytes);
  int64_t first = tensor.shape.empty() ? 1 : tensor.shape[0];
  if (uses.tables.contains(tensor.name)) {
    facts.activeBytes += share(bytes, 1, first);
    return;
  }
  bool expert = uses.perExpert.contains(tensor.name);
  int64_t active = expert ? facts.topK : first;
  facts.activeBytes += share(bytes, active, first);
  // A vector is a bias or a scale, not a product.
  if (tensor.shape.size() >= (expert ? 3u : 2u))
    facts.flops += 2 * share(elements, active, first);
  if (expert && tensor.shape.size() >= 3)
    facts.storage = storageName(tensor);
}

static LayerFacts layerFacts(const hf::ResolvedLayer &layer) {
  LayerFacts facts;
  facts.name = layer.name;
  facts.moe = layer.moe;
  if (!layer.moe)
    return facts;
  facts.experts = layer.experts;
  facts.identityExperts = layer.identityExperts;
  facts.topK = layer.topK;
  facts.hidden = layer.hidden;
  facts.width = layer.width;
  facts.weightBefore = layer.weightBefore;
  TensorUses uses(layer);
  for (const hf::ResolvedTensor &tensor : layer.tensors)
    addTensor(facts, uses, tensor);
  return facts;
}

ModelFacts modelFacts(const ImportedModel &imported, StringRef path) {
  ModelFacts facts;
  facts.kind = "checkpoint";
  SmallString<128> absolute;
  if (sys::fs::real_path(path, absolute))
    absolute = path;
  facts.path = absolute.str().str();
  facts.name = sys::path::filename(absolute).str();
  const hf::ResolvedModel &model = imported.model;
  facts.family = model.family;
  facts.modelType = model.modelType;
  facts.router = model.summary;
  for (const hf::ResolvedLayer &layer : model.layers)
    facts.layers.push_back(layerFacts(layer));
  facts.hasWeights = imported.checkpoint != nullptr;
  if (const Checkpoint *checkpoint = imported.checkpoint.get()) {
    facts.files = checkpoint->files().size();
    facts.tensors = checkpoint->tensors().size();
    facts.fileBytes = checkpoint->totalBytes();
  }
  return facts;
}

} // namespace moec::driver
