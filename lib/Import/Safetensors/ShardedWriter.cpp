//===- ShardedWriter.cpp - writing a checkpoint in several files -*- C++ -*-==//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files are planned from the declarations, so that the number of them,
// which is in the name of each, is known before the first is written.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/Safetensors/SafetensorsWriter.h"
#include "moec/Support/Error.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace llvm;

namespace moec {

Expected<ShardedSafetensorsWriter>
ShardedSafetensorsWriter::create(StringRef directory,
                                 std::vector<TensorDeclaration> tensors,
                                 uint64_t maxShardBytes) {
  ShardedSafetensorsWriter result;
  result.directory = directory.str();
  result.tensors = std::move(tensors);
  result.firstOfShard = {0};
  uint64_t inShard = 0;
  StringSet<> names;
  for (size_t i = 0; i < result.tensors.size(); ++i) {
    const TensorDeclaration &tensor = result.tensors[i];
    if (!names.insert(tensor.name).second)
      return inputError("{}: tensor {} is declared twice; declare it once",
                        printable(directory), quote(tensor.name));
    std::optional<uint64_t> bytes = tensorBytes(tensor.shape, tensor.dtype);
    if (!bytes || *bytes > (uint64_t(1) << 62) - result.total)
      return inputError("{}: tensor {} of shape {} of {} makes the checkpoint "
                        "larger than 2^60 bytes; choose smaller dimensions",
                        printable(directory), quote(tensor.name),
                        formatShape(tensor.shape), dtypeName(tensor.dtype));
    if (inShard > 0 &&
        (inShard > maxShardBytes || *bytes > maxShardBytes - inShard)) {
      result.firstOfShard.push_back(i);
      inShard = 0;
    }
    inShard += *bytes;
    result.total += *bytes;
  }
  result.firstOfShard.push_back(result.tensors.size());
  result.left = result.total;
  return result;
}

std::string ShardedSafetensorsWriter::shardName(size_t shard) const {
  size_t count = firstOfShard.size() - 1;
  if (count == 1)
    return "model.safetensors";
  return fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, count);
}

Expected<SafetensorsWriter *> ShardedSafetensorsWriter::advance() {
  // A shard of empty tensors wants no bytes: it is complete at once.
  while (!writer || writer->remaining() == 0) {
    if (writer)
      if (Error error = writer->commit())
        return std::move(error);
    writer.reset();
    if (nextShard + 1 == firstOfShard.size())
      return nullptr;
    size_t first = firstOfShard[nextShard];
    Expected<SafetensorsWriter> next = SafetensorsWriter::create(
        fmt::format("{}/{}", directory, shardName(nextShard)),
        ArrayRef(tensors).slice(first, firstOfShard[nextShard + 1] - first),
        {{"format", "pt"}});
    if (!next)
      return next.takeError();
    writer.emplace(std::move(*next));
    ++nextShard;
  }
  return &*writer;
}

Error ShardedSafetensorsWriter::append(ArrayRef<uint8_t> bytes) {
  if (bytes.size() > left)
    return inputError("{}: {} bytes were to be appended, but the declared "
                      "tensors have {} left",
                      printable(directory), bytes.size(), left);
  while (!bytes.empty()) {
    Expected<SafetensorsWriter *> shard = advance();
    if (!shard)
      return shard.takeError();
    size_t count = std::min<uint64_t>(bytes.size(), (*shard)->remaining());
    if (Error error = (*shard)->append(bytes.take_front(count)))
      return error;
    bytes = bytes.drop_front(count);
    left -= count;
  }
  return Error::success();
}

Error ShardedSafetensorsWriter::appendZeros(uint64_t count) {
  if (count > left)
    return inputError("{}: {} bytes were to be appended, but the declared "
                      "tensors have {} left",
                      printable(directory), count, left);
  while (count > 0) {
    Expected<SafetensorsWriter *> shard = advance();
    if (!shard)
      return shard.takeError();
    uint64_t piece = std::min(count, (*shard)->remaining());
    if (Error error = (*shard)->appendZeros(piece))
      return error;
    count -= piece;
    left -= piece;
  }
  return Error::success();
}

Error ShardedSafetensorsWriter::writeIndex() const {
  std::string text;
  raw_string_ostream stream(text);
  llvm::json::OStream out(stream, /*IndentSize=*/2);
  out.object([&] {
    out.attributeObject("metadata",
                        [&] { out.attribute("total_size", int64_t(total)); });
    out.attributeObject("weight_map", [&] {
      for (size_t shard = 0; shard + 1 < firstOfShard.size(); ++shard)
        for (size_t i = firstOfShard[shard]; i < firstOfShard[shard + 1]; ++i)
          out.attribute(tensors[i].name, shardName(shard));
    });
  });
  text += '\n';
  return writeTextFile(directory + "/model.safetensors.index.json", text);
}

Error ShardedSafetensorsWriter::commit() {
  if (left != 0)
    return inputError("{}: the declared tensors still lack {} bytes",
                      printable(directory), left);
  // Completes the last shard, and any that hold no bytes.
  if (Error error = advance().takeError())
    return error;
  if (firstOfShard.size() == 2)
    return Error::success();
  return writeIndex();
}

} // namespace moec
