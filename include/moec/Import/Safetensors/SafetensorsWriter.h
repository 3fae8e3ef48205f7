//===- SafetensorsWriter.h - writing safetensors files ----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors are declared first and their bytes follow in order, in pieces of any
// size, so that memory does not grow with the file. A sharded writer does the
// same over several files and writes their index.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_SAFETENSORS_SAFETENSORSWRITER_H
#define MOEC_IMPORT_SAFETENSORS_SAFETENSORSWRITER_H

#include "moec/Support/HostTensor.h"
#include "moec/Support/OutputFile.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moec {

/// A tensor to be written.
struct TensorDeclaration {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
};

/// Text that goes into a file's "__metadata__".
using SafetensorsMetadata = std::vector<std::pair<std::string, std::string>>;

/// Writes one file. Tensors lie in it in the order of their declarations.
class SafetensorsWriter {
public:
  /// Writes the header. Fails if a name is declared twice, is "__metadata__" or
  /// not UTF-8, or if a shape has no size.
  static llvm::Expected<SafetensorsWriter>
  create(llvm::StringRef path, llvm::ArrayRef<TensorDeclaration> tensors,
         const SafetensorsMetadata &metadata = {});

  /// Appends to the data; a piece may span tensors. Fails past their end.
  llvm::Error append(llvm::ArrayRef<uint8_t> bytes);
  /// Appends zeros as a hole in the file, which takes no space on the disk.
  llvm::Error appendZeros(uint64_t count);
  /// Bytes still to come.
  uint64_t remaining() const { return left; }
  /// Puts the file in its place; fails while bytes are missing.
  llvm::Error commit();

private:
  SafetensorsWriter(OutputFile file, uint64_t left)
      : file(std::move(file)), left(left) {}
  llvm::Error take(uint64_t count);

  OutputFile file;
  uint64_t left;
};

/// Writes a checkpoint's files into a directory: "model.safetensors" if all fit
/// in one, else "model-00001-of-0000N.safetensors" and so on with
/// "model.safetensors.index.json". A tensor is never split.
class ShardedSafetensorsWriter {
public:
  /// `maxShardBytes` bounds the data of a file, unless one tensor alone is
  /// larger. Fails as SafetensorsWriter::create does.
  static llvm::Expected<ShardedSafetensorsWriter>
  create(llvm::StringRef directory, std::vector<TensorDeclaration> tensors,
         uint64_t maxShardBytes = uint64_t(5) << 30);

  /// As in SafetensorsWriter, across the files.
  llvm::Error append(llvm::ArrayRef<uint8_t> bytes);
  llvm::Error appendZeros(uint64_t count);
  uint64_t remaining() const { return left; }
  /// Completes the last file and writes the index.
  llvm::Error commit();

private:
  ShardedSafetensorsWriter() = default;
  std::string shardName(size_t shard) const;
  /// The writer of the shard that takes the next bytes; null after the last.
  llvm::Expected<SafetensorsWriter *> advance();
  llvm::Error writeIndex() const;

  std::string directory;
  std::vector<TensorDeclaration> tensors;
  /// Index of the first tensor of each shard, and then their number.
  std::vector<size_t> firstOfShard;
  size_t nextShard = 0;
  uint64_t total = 0, left = 0;
  std::optional<SafetensorsWriter> writer;
};

/// Writes tensors that are in memory to one file, in the order given.
llvm::Error
writeSafetensors(llvm::StringRef path,
                 llvm::ArrayRef<std::pair<std::string, HostTensor>> tensors);

} // namespace moec

#endif // MOEC_IMPORT_SAFETENSORS_SAFETENSORSWRITER_H
