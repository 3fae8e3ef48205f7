//===- CheckpointIndex.cpp - model.safetensors.index.json -------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parsing the index; above all, the file names in it may only name neighbours.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/Safetensors/CheckpointIndex.h"
#include "moec/Support/Error.h"
#include "moec/Support/Json.h"

using namespace llvm;
using nlohmann::json;

namespace moec {

/// True for a file name that cannot lead out of the directory it is used in.
static bool isPlainName(StringRef name) {
  return !name.empty() &&
         name.find_first_of(StringRef("/\\\0", 3)) == StringRef::npos &&
         !name.starts_with(".");
}

Expected<CheckpointIndex> parseCheckpointIndex(StringRef text, StringRef file) {
  Expected<json> document = parseJson(text, file);
  if (!document)
    return document.takeError();
  std::string where = printable(file);
  if (!document->is_object())
    return inputError("{}: the index is not an object; fetch it again", where);
  auto map = document->find("weight_map");
  if (map == document->end())
    return inputError("{}: the index has no 'weight_map'; fetch it again",
                      where);
  if (!map->is_object())
    return inputError("{}: 'weight_map' is not an object of tensor and file "
                      "names; fetch it again",
                      where);
  CheckpointIndex index;
  // The members of an object are sorted.
  for (const auto &[tensor, value] : map->items()) {
    const auto *name = value.get_ptr<const std::string *>();
    if (!name)
      return inputError("{}: 'weight_map' gives no file name for tensor {}; "
                        "fetch it again",
                        where, quote(tensor));
    if (!isPlainName(*name))
      return inputError("{}: tensor {} is said to be in {}, which is not the "
                        "plain name of a file in the same directory; do not "
                        "use this checkpoint",
                        where, quote(tensor), quote(*name));
    if (!StringRef(*name).ends_with(".safetensors"))
      return inputError("{}: tensor {} is said to be in {}, which is not a "
                        ".safetensors file; convert the checkpoint",
                        where, quote(tensor), quote(*name));
    index.emplace_back(tensor, *name);
  }
  return index;
}

} // namespace moec
