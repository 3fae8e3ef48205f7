//===- Model.h - A model as its family describes it -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The outcome of import before MLIR: every layer of a checkpoint with its
// dimensions, its tensors resolved to what is in the files, and its programs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_HUGGINGFACE_MODEL_H
#define MOEC_IMPORT_HUGGINGFACE_MODEL_H

#include "moec/Import/HuggingFace/Config.h"
#include "moec/Import/HuggingFace/Routine.h"

namespace moec::hf {

/// What is known of a stored tensor before it is read.
struct StoredTensor {
  DType dtype;
  Shape shape;
};

/// The tensors of a checkpoint by name.
class TensorDirectory {
public:
  virtual ~TensorDirectory() = default;
  /// For messages: the checkpoint's path.
  virtual std::string path() const = 0;
  virtual std::optional<StoredTensor> find(llvm::StringRef name) const = 0;
};

/// One index of a file tensor: constant + sum of coefficient * logical index.
struct AffineIndex {
  int64_t constant = 0;
  llvm::SmallVector<int64_t, 4> coefficients; // one a logical index

  bool operator==(const AffineIndex &other) const = default;
};

enum class Encoding {
  Plain,    // one file tensor
  Fp8Block, // e4m3 data and f32 scales of blocks
  Mxfp4     // codes and scales
};

/// A logical tensor and where its numbers are.
struct ResolvedTensor {
  std::string name; // in the family's programs
  llvm::SMLoc loc;
  std::vector<std::string> indices; // names: "e", "i", "h"
  Shape shape;
  /// What the numbers mean: f32, f16, bf16 (also for encoded ones), i32, i64.
  DType element = DType::BF16;
  Encoding encoding = Encoding::Plain;
  int64_t blockRows = 0, blockCols = 0; // of Fp8Block
  /// File tensors, data then scales; `{e}` counts the first index if stacked.
  std::vector<std::string> sources;
  bool stacked = false;
  /// From a logical index to the index in a data tensor (of mxfp4, as decoded).
  std::vector<AffineIndex> subscript;
  /// Shape of one data tensor (of mxfp4, as decoded).
  Shape fileShape;

  /// Whether the data tensor is laid out as the logical one.
  bool isDirect() const;
  /// `sources[i]` for an index of the first dimension.
  std::string sourceName(size_t i, int64_t first) const;
  /// How source `i` is stored.
  StoredTensor stored(size_t i) const;
  /// Bytes that its numbers and their scales take in the files.
  uint64_t storedBytes() const;
};

/// An input of a layer beside x: token_ids, token_types, router_state.
struct LayerInput {
  std::string name;
  RoutineType type;
  bool optional = false; // zeros, if it is left out
};

struct ResolvedLayer {
  std::string name; // "layers.0", "encoder.layers.1"
  bool moe = false;
  /// What follows is of MoE layers only.
  std::vector<std::pair<std::string, int64_t>> dims; // of the description
  int64_t hidden = 0, experts = 0, topK = 0, width = 0;
  int64_t identityExperts = 0;
  bool weightBefore = false;
  bool perSequence = false; // capacity counts in one sequence
  /// Those that the programs use.
  std::vector<LayerInput> inputs;
  /// Outputs beside the usual ones, each with what the router calls it.
  std::vector<std::pair<std::string, std::string>> outputs;
  std::vector<ResolvedTensor> tensors;
  Routine router;                                // ids, w, z, ...
  Routine block;                                 // y, ids, w
  std::map<std::string, Routine> expertPrograms; // y
};

struct ResolvedModel {
  std::string family;
  std::string modelType;
  std::string summary;
  std::string path;
  std::vector<ResolvedLayer> layers;
  std::vector<std::string> warnings;
};

struct ResolveOptions {
  /// What unencoded weights are when no files are looked at; none: as
  /// config.json's dtype says, else bf16.
  std::optional<DType> dtype;
  /// Without files: store experts as mxfp4 where the family can.
  bool mxfp4 = false;
};

/// Resolves a configuration, against a checkpoint's tensors or (null) without.
llvm::Expected<ResolvedModel> resolveModel(const FamilyRegistry &registry,
                                           const Family &family,
                                           const ConfigFile &config,
                                           const TensorDirectory *tensors,
                                           const ResolveOptions &options = {});

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_MODEL_H
