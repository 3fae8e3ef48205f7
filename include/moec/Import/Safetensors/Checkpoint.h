//===- Checkpoint.h - the tensors of a checkpoint directory -----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A checkpoint keeps its tensors in one safetensors file or in several, with an
// index that says which tensor is in which. Here they are one sorted list.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_SAFETENSORS_CHECKPOINT_H
#define MOEC_IMPORT_SAFETENSORS_CHECKPOINT_H

#include "moec/Import/Safetensors/SafetensorsFile.h"

#include <memory>
#include <string>
#include <vector>

namespace moec {

/// A tensor and the file it is in. Valid as long as its checkpoint.
struct CheckpointTensor {
  const SafetensorsEntry *entry = nullptr;
  const SafetensorsFile *file = nullptr;

  llvm::StringRef name() const { return entry->name; }
  DType dtype() const { return entry->dtype; }
  llvm::ArrayRef<int64_t> shape() const { return entry->shape; }
  uint64_t bytes() const { return entry->bytes(); }
};

/// The tensors of a directory. May be read by several threads at once.
class Checkpoint {
public:
  /// Takes, as the Hugging Face library does, the first there is of
  /// model.safetensors, the shards that model.safetensors.index.json names, and
  /// lastly every *.safetensors file in `directory`. Fails if there is none, if
  /// a file is damaged, if the index names a missing file, one outside of the
  /// directory, or a tensor its file lacks, and if two files hold a tensor of
  /// the same name. At most 32 files are kept open.
  static llvm::Expected<Checkpoint> open(llvm::StringRef directory);

  const std::string &directory() const { return dir; }
  /// Sorted by name.
  llvm::ArrayRef<CheckpointTensor> tensors() const { return list; }
  /// The tensor `name`, or null.
  const CheckpointTensor *find(llvm::StringRef name) const;
  /// Bytes of all tensors.
  uint64_t totalBytes() const { return bytes; }
  /// The files in use, in the order of their names.
  std::vector<std::string> files() const;

  /// Fills `out` with the bytes of `tensor` from byte `offset` of it on; fails
  /// if it has fewer.
  llvm::Error read(const CheckpointTensor &tensor, uint64_t offset,
                   llvm::MutableArrayRef<uint8_t> out) const {
    return tensor.file->read(*tensor.entry, offset, out);
  }

private:
  llvm::Error openShards(const std::vector<std::string> &names);

  std::string dir;
  /// Behind pointers, so that the list stays valid when a checkpoint moves.
  std::vector<std::unique_ptr<SafetensorsFile>> shards;
  std::vector<CheckpointTensor> list;
  uint64_t bytes = 0;
};

} // namespace moec

#endif // MOEC_IMPORT_SAFETENSORS_CHECKPOINT_H
