//===- Facts.h - What inspect tells of a model ------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The facts about a model and its layers, gathered from a checkpoint or from a
// bundle. The compiler puts those of a checkpoint into the manifest.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_FACTS_H
#define MOEC_LIB_DRIVER_FACTS_H

#include "Console.h"
#include "ModelInput.h"
#include "moec/Runtime/Manifest.h"

#include <nlohmann/json.hpp>

namespace moec::driver {

struct LayerFacts {
  std::string name;
  bool moe = false;
  // What follows is of MoE layers only.
  int64_t experts = 0, identityExperts = 0, topK = 0, hidden = 0, width = 0;
  bool weightBefore = false;
  /// How the experts' numbers are stored: "bf16", "fp8", "mxfp4", ...
  std::string storage;
  /// Of all the layer's weights, with scales.
  uint64_t bytes = 0;
  /// Bytes of weights read, and multiplications and additions in matrix
  /// products, for one token on its own; 0 if not known.
  uint64_t activeBytes = 0, flops = 0;

  /// Whether only the names differ.
  bool isLike(const LayerFacts &other) const;
};

/// What encoding changed a tensor of a bundle by: the root mean square, by that
/// of its numbers.
struct TensorError {
  std::string tensor;
  double error = 0;

  std::string inPercent() const;
};

struct ModelFacts {
  /// "checkpoint" or "bundle".
  std::string kind;
  std::string name, path, family, modelType, router;
  std::vector<LayerFacts> layers;

  // Of a checkpoint: all of its tensors, also those of other layers.
  uint64_t files = 0, tensors = 0, fileBytes = 0;
  // Of a bundle.
  std::string source, cpu;
  std::vector<TensorError> errors;
  std::vector<std::string> features;
  uint64_t kernels = 0, codeBytes = 0;
  bool hasWeights = true;

  uint64_t moeLayers() const;
  /// The sum of a number over all layers.
  uint64_t total(uint64_t LayerFacts::*number) const;
};

/// The facts of a checkpoint directory.
ModelFacts modelFacts(const ImportedModel &imported, llvm::StringRef path);

/// The facts of a bundle directory.
llvm::Expected<ModelFacts> bundleFacts(llvm::StringRef path);

/// Reads and checks the manifest of a bundle directory.
llvm::Expected<Manifest> readManifest(llvm::StringRef path);

/// Those of all tensors whose numbers encoding changed.
std::vector<TensorError> encodingErrors(const Manifest &manifest);

/// From which to which error they go; empty if there are none.
std::string inWords(llvm::ArrayRef<TensorError> errors);

/// As documented in docs/cli.md.
nlohmann::json toJson(const ModelFacts &facts);

/// For people.
std::string formatFacts(const Console &console, const ModelFacts &facts);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_FACTS_H
