//===- Import.h - Reading a Hugging Face checkpoint -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a directory with config.json and safetensors to a resolved model: the
// entry point of the importer. Emit.h turns the result into a module.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_HUGGINGFACE_IMPORT_H
#define MOEC_IMPORT_HUGGINGFACE_IMPORT_H

#include "moec/Import/HuggingFace/Model.h"
#include "moec/Import/Safetensors/Checkpoint.h"

namespace moec::hf {

/// The tensors of a checkpoint as the importer looks them up.
class CheckpointTensors : public TensorDirectory {
public:
  explicit CheckpointTensors(const Checkpoint &checkpoint, std::string path)
      : checkpoint(checkpoint), directory(std::move(path)) {}

  std::string path() const override { return directory; }
  std::optional<StoredTensor> find(llvm::StringRef name) const override;

private:
  const Checkpoint &checkpoint;
  std::string directory;
};

/// Reads `directory`/config.json, finds the family and resolves every layer
/// against `checkpoint`, or without looking at tensors if it is null.
llvm::Expected<ResolvedModel> importModel(const FamilyRegistry &registry,
                                          llvm::StringRef directory,
                                          const Checkpoint *checkpoint,
                                          const ResolveOptions &options = {});

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_IMPORT_H
