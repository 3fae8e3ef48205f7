//===- CheckpointIndex.h - model.safetensors.index.json ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The index of a checkpoint in several files: {"metadata": {...},
// "weight_map": {tensor name: file name, ...}}.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_SAFETENSORS_CHECKPOINTINDEX_H
#define MOEC_IMPORT_SAFETENSORS_CHECKPOINTINDEX_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <utility>
#include <vector>

namespace moec {

/// Tensor names with the name of the file of each, sorted by tensor.
using CheckpointIndex = std::vector<std::pair<std::string, std::string>>;

/// Parses the text of the index `file`. Fails if it is not such an object, if a
/// tensor appears twice, and if a file name is not that of a *.safetensors file
/// in the same directory.
llvm::Expected<CheckpointIndex> parseCheckpointIndex(llvm::StringRef text,
                                                     llvm::StringRef file);

} // namespace moec

#endif // MOEC_IMPORT_SAFETENSORS_CHECKPOINTINDEX_H
