//===- TensorFile.cpp - Inputs and outputs of a layer in files ------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two formats, by the ending of the file's name.
//
//===----------------------------------------------------------------------===//

#include "TensorFile.h"

#include "moec/Import/Safetensors/SafetensorsFile.h"
#include "moec/Import/Safetensors/SafetensorsWriter.h"
#include "moec/Support/Error.h"
#include "moec/Support/Npy.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/ranges.h>

using namespace llvm;

namespace moec::driver {

/// What layers take and give: a file made for one layer may be given to another
/// that takes less.
static constexpr StringLiteral knownNames[] = {
    "hidden",   "token_ids",    "token_types",  "router_state",
    "topk_ids", "topk_weights", "router_logits"};

HostTensor *findTensor(NamedTensors &tensors, StringRef name) {
  for (auto &[other, tensor] : tensors)
    if (other == name)
      return &tensor;
  return nullptr;
}

const HostTensor *findTensor(const NamedTensors &tensors, StringRef name) {
  for (const auto &[other, tensor] : tensors)
    if (other == name)
      return &tensor;
  return nullptr;
}

Error checkTensorPath(StringRef path) {
  if (path.ends_with(".npy") || path.ends_with(".safetensors"))
    return Error::success();
  return inputError("{} is neither a .npy nor a .safetensors file, by its name",
                    printable(path));
}

static Expected<NamedTensors> readSafetensors(StringRef path,
                                              ArrayRef<std::string> wanted) {
  Expected<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return file.takeError();
  NamedTensors tensors;
  for (const SafetensorsEntry &entry : file->tensors()) {
    if (!is_contained(wanted, entry.name)) {
      if (is_contained(knownNames, StringRef(entry.name)))
        continue;
      return inputError("{}: no layer takes the tensor {}; this one takes {}",
                        printable(path), quote(entry.name),
                        fmt::join(wanted, ", "));
    }
    Expected<HostTensor> tensor = readTensor(*file, entry.name);
    if (!tensor)
      return tensor.takeError();
    tensors.emplace_back(entry.name, std::move(*tensor));
  }
  if (!findTensor(tensors, "hidden"))
    return inputError("{} has no tensor 'hidden', the layer's input rows",
                      printable(path));
  return tensors;
}

Expected<NamedTensors> readTensors(StringRef path,
                                   ArrayRef<std::string> wanted) {
  if (Error error = checkTensorPath(path))
    return std::move(error);
  if (!path.ends_with(".npy"))
    return readSafetensors(path, wanted);
  Expected<HostTensor> hidden = readNpy(path);
  if (!hidden)
    return hidden.takeError();
  NamedTensors tensors;
  tensors.emplace_back("hidden", std::move(*hidden));
  return tensors;
}

Error writeTensors(StringRef path, const NamedTensors &tensors) {
  if (!path.ends_with(".npy"))
    return writeSafetensors(path, tensors);
  return writeNpy(path, *findTensor(tensors, "hidden"));
}

} // namespace moec::driver
