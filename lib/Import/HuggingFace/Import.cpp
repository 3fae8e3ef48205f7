//===- Import.cpp - Reading a Hugging Face checkpoint -----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts the steps of the importer together.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Import.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

namespace moec::hf {

std::optional<StoredTensor>
CheckpointTensors::find(llvm::StringRef name) const {
  const CheckpointTensor *tensor = checkpoint.find(name);
  if (!tensor)
    return std::nullopt;
  return StoredTensor{tensor->dtype(), Shape(tensor->shape())};
}

llvm::Expected<ResolvedModel> importModel(const FamilyRegistry &registry,
                                          llvm::StringRef directory,
                                          const Checkpoint *checkpoint,
                                          const ResolveOptions &options) {
  llvm::SmallString<128> path(directory);
  llvm::sys::path::append(path, "config.json");
  llvm::Expected<ConfigFile> config = ConfigFile::read(path);
  if (!config)
    return config.takeError();
  llvm::Expected<const Family *> family = detectFamily(registry, *config);
  if (!family)
    return family.takeError();
  std::optional<CheckpointTensors> tensors;
  if (checkpoint)
    tensors.emplace(*checkpoint, directory.str());
  return resolveModel(registry, **family, *config,
                      tensors ? &*tensors : nullptr, options);
}

} // namespace moec::hf
