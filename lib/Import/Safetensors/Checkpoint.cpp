//===- Checkpoint.cpp - the tensors of a checkpoint directory ---*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finding the files, opening them and joining their lists of tensors.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/Safetensors/Checkpoint.h"
#include "moec/Import/Safetensors/CheckpointIndex.h"
#include "moec/Support/Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"

using namespace llvm;

namespace moec {

static constexpr StringRef singleName = "model.safetensors";
static constexpr StringRef indexName = "model.safetensors.index.json";

/// The index of a checkpoint with a hundred thousand tensors has ten million
/// bytes.
static constexpr uint64_t maxIndexBytes = 256 << 20;

static std::string join(StringRef directory, StringRef name) {
  SmallString<256> path(directory);
  sys::path::append(path, name);
  return path.str().str();
}

/// The first of `names` that is not in the directory, with the number of all
/// such, as an error.
static Error checkPresent(StringRef directory, ArrayRef<std::string> names,
                          StringRef whoSaysSo) {
  std::string first;
  size_t missing = 0;
  for (const std::string &name : names)
    if (!sys::fs::exists(join(directory, name)) && missing++ == 0)
      first = name;
  if (missing == 0)
    return Error::success();
  return inputError("{}: {} {} is missing ({} of the {} files are); fetch "
                    "{}",
                    printable(directory), whoSaysSo, quote(first), missing,
                    names.size(), missing == 1 ? "it" : "them");
}

/// Sorted names of the *.safetensors files in the directory. If a name says
/// "00002-of-00005", all five must be there.
static Expected<std::vector<std::string>> listFiles(StringRef directory) {
  std::vector<std::string> names;
  std::error_code code;
  for (sys::fs::directory_iterator it(directory, code), end; !code && it != end;
       it.increment(code)) {
    StringRef name = sys::path::filename(it->path());
    if (name.ends_with(".safetensors") && !name.starts_with("."))
      names.push_back(name.str());
  }
  if (code)
    return fileError("read", directory, code.value());
  llvm::sort(names);
  if (names.empty())
    return inputError("{}: no weights: neither {}, nor {}, nor any other "
                      "*.safetensors file; fetch them, or convert the "
                      "checkpoint to safetensors",
                      printable(directory), singleName, indexName);

  Regex numbered("^(.*)-([0-9]{5})-of-([0-9]{5})\\.safetensors$");
  StringSet<> checked;
  for (const std::string &name : names) {
    SmallVector<StringRef> match;
    unsigned count;
    if (!numbered.match(name, &match) || match[3].getAsInteger(10, count) ||
        !checked.insert((match[1] + "/" + match[3]).str()).second)
      continue;
    std::vector<std::string> all;
    for (unsigned i = 1; i <= count; ++i)
      all.push_back(
          fmt::format("{}-{:05}-of-{:05}.safetensors", match[1], i, count));
    if (Error error = checkPresent(directory, all,
                                   "by the names of the others, the file"))
      return error;
  }
  return names;
}

static Expected<CheckpointIndex> readIndex(StringRef path) {
  Expected<std::string> text = readTextFile(path, maxIndexBytes);
  if (!text)
    return text.takeError();
  return parseCheckpointIndex(*text, path);
}

/// Sorted names of the files in an index.
static std::vector<std::string> filesOf(const CheckpointIndex &index) {
  StringSet<> unique;
  std::vector<std::string> names;
  for (const auto &[tensor, file] : index)
    if (unique.insert(file).second)
      names.push_back(file);
  llvm::sort(names);
  return names;
}

/// Checks that each tensor is in the file where the index has it.
static Error checkIndex(const CheckpointIndex &index, StringRef indexPath,
                        ArrayRef<std::unique_ptr<SafetensorsFile>> shards) {
  StringMap<const SafetensorsFile *> byName;
  for (const auto &shard : shards)
    byName[sys::path::filename(shard->path())] = shard.get();
  for (const auto &[tensor, file] : index)
    if (!byName.lookup(file)->find(tensor))
      return inputError("{}: tensor {} is said to be in {}, which does not "
                        "have it; fetch both files again",
                        printable(indexPath), quote(tensor), quote(file));
  return Error::success();
}

Error Checkpoint::openShards(const std::vector<std::string> &names) {
  auto cache = std::make_shared<InputFileCache>();
  for (const std::string &name : names) {
    Expected<SafetensorsFile> shard =
        SafetensorsFile::open(join(dir, name), cache);
    if (!shard)
      return shard.takeError();
    shards.push_back(std::make_unique<SafetensorsFile>(std::move(*shard)));
    for (const SafetensorsEntry &entry : shards.back()->tensors()) {
      list.push_back({&entry, shards.back().get()});
      bytes += entry.bytes();
    }
  }
  llvm::sort(list, [](const CheckpointTensor &a, const CheckpointTensor &b) {
    return a.name() < b.name();
  });
  for (size_t i = 1; i < list.size(); ++i)
    if (list[i].name() == list[i - 1].name()) {
      StringRef one = list[i - 1].file->path(), other = list[i].file->path();
      if (other < one)
        std::swap(one, other);
      return inputError("{}: tensor {} is in two files, {} and {}; remove the "
                        "one that does not belong to the checkpoint",
                        printable(dir), quote(list[i].name()),
                        quote(sys::path::filename(one)),
                        quote(sys::path::filename(other)));
    }
  return Error::success();
}

Expected<Checkpoint> Checkpoint::open(StringRef directory) {
  if (!sys::fs::is_directory(directory)) {
    if (!sys::fs::exists(directory))
      return fileError("open", directory, ENOENT);
    return inputError("cannot open {}: a checkpoint is a directory with "
                      "config.json and *.safetensors files",
                      printable(directory));
  }
  Checkpoint checkpoint;
  checkpoint.dir = directory.str();
  std::string indexPath = join(directory, indexName);
  if (sys::fs::exists(join(directory, singleName))) {
    if (Error error = checkpoint.openShards({singleName.str()}))
      return error;
  } else if (sys::fs::exists(indexPath)) {
    Expected<CheckpointIndex> index = readIndex(indexPath);
    if (!index)
      return index.takeError();
    std::vector<std::string> names = filesOf(*index);
    if (Error error = checkPresent(directory, names, "by the index, the file"))
      return error;
    if (Error error = checkpoint.openShards(names))
      return error;
    if (Error error = checkIndex(*index, indexPath, checkpoint.shards))
      return error;
  } else {
    Expected<std::vector<std::string>> names = listFiles(directory);
    if (!names)
      return names.takeError();
    if (Error error = checkpoint.openShards(*names))
      return error;
  }
  return checkpoint;
}

const CheckpointTensor *Checkpoint::find(StringRef name) const {
  auto it = partition_point(list, [&](const CheckpointTensor &tensor) {
    return tensor.name() < name;
  });
  return it != list.end() && it->name() == name ? &*it : nullptr;
}

std::vector<std::string> Checkpoint::files() const {
  std::vector<std::string> paths;
  paths.reserve(shards.size());
  for (const auto &shard : shards)
    paths.push_back(shard->path());
  return paths;
}

} // namespace moec
