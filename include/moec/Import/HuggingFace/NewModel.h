//===- NewModel.h - Random checkpoints --------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a checkpoint of a family with random weights, in the family's own
// layout on disk and of any size: what tests and benchmarks run on.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_HUGGINGFACE_NEWMODEL_H
#define MOEC_IMPORT_HUGGINGFACE_NEWMODEL_H

#include "moec/Import/HuggingFace/Model.h"

namespace moec::hf {

struct NewModelOptions {
  /// Sizes; those not given are small (hidden 64, 8 experts, top 2, width 32,
  /// 2 layers), or as in the description's section 'small'.
  std::optional<int64_t> hidden, experts, topK, width, layers;
  /// Further keys of config.json, with JSON values; they win over all else.
  std::vector<std::pair<std::string, std::string>> keys;
  /// The sizes of the family's class defaults in place of small ones.
  bool classDefaults = false;
  /// f32, f16, bf16, f8e4m3 (128 x 128 blocks) or f4e2m1 (mxfp4).
  DType dtype = DType::BF16;
  uint64_t seed = 0;
  /// Without, only config.json is written.
  bool weights = true;
  uint64_t maxShardBytes = uint64_t(5) << 30;
  /// Called now and then with bytes written and bytes in all; may be null.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

/// The config.json of such a checkpoint.
llvm::Expected<nlohmann::json> newModelConfig(const Family &family,
                                              const NewModelOptions &options);

/// Writes the checkpoint into `directory`, which appears whole or not at all
/// and replaces only a checkpoint. Router rows have the spread 1.5 / sqrt(H),
/// other matrices 1 / sqrt(fan-in). Memory does not grow with the model.
/// Fails for sizes the family does not allow and for a storage type it does not
/// have.
llvm::Error writeNewModel(const FamilyRegistry &registry,
                          llvm::StringRef family, llvm::StringRef directory,
                          const NewModelOptions &options);

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_NEWMODEL_H
