//===- SafetensorsFile.cpp - reading one safetensors file -------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The frame around the header, and reads of tensors.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/Safetensors/SafetensorsFile.h"
#include "moec/Support/Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace moec {

/// Bytes of the header's length, at the start of a file.
static constexpr uint64_t lengthBytes = 8;

/// The length of the header, checked against the size of the file.
static Expected<uint64_t> readHeaderLength(const InputFile &file) {
  std::string where = printable(file.path());
  if (file.size() < lengthBytes)
    return inputError("{}: the file has {} bytes, but a safetensors file "
                      "starts with the {} of its header's length; fetch or "
                      "write it again",
                      where, file.size(), lengthBytes);
  uint8_t raw[lengthBytes];
  if (Error error = file.read(0, raw))
    return error;
  uint64_t length = support::endian::read64le(raw);
  if (length > file.size() - lengthBytes)
    return inputError("{}: the header's length is {}, but {} bytes follow it; "
                      "the file is damaged or no safetensors file: fetch or "
                      "write it again",
                      where, length, file.size() - lengthBytes);
  if (length > maxSafetensorsHeader)
    return inputError("{}: the header's length is {}, but at most {} bytes are "
                      "read; split the file",
                      where, length, maxSafetensorsHeader);
  return length;
}

Expected<SafetensorsFile>
SafetensorsFile::open(StringRef path, std::shared_ptr<InputFileCache> files) {
  Expected<std::shared_ptr<InputFile>> opened = InputFile::open(path);
  if (!opened)
    return opened.takeError();
  const InputFile &file = **opened;
  Expected<uint64_t> length = readHeaderLength(file);
  if (!length)
    return length.takeError();
  std::string text(*length, '\0');
  if (Error error = file.read(
          lengthBytes, {reinterpret_cast<uint8_t *>(text.data()), text.size()}))
    return error;

  SafetensorsFile result;
  result.name = path.str();
  result.identity = file.identity();
  result.dataStart = lengthBytes + *length;
  Expected<SafetensorsHeader> header =
      parseSafetensorsHeader(text, file.size() - result.dataStart, path);
  if (!header)
    return header.takeError();
  result.header = std::move(*header);
  result.files = files ? std::move(files) : std::make_shared<InputFileCache>(1);
  result.files->add(std::move(*opened));
  return result;
}

const SafetensorsEntry *SafetensorsFile::find(StringRef tensor) const {
  auto it = partition_point(header.tensors, [&](const SafetensorsEntry &entry) {
    return entry.name < tensor;
  });
  return it != header.tensors.end() && it->name == tensor ? &*it : nullptr;
}

Error SafetensorsFile::read(const SafetensorsEntry &tensor, uint64_t offset,
                            MutableArrayRef<uint8_t> out) const {
  if (offset > tensor.bytes() || out.size() > tensor.bytes() - offset)
    return inputError("{}: {} bytes were to be read at offset {} of tensor {}, "
                      "which has {}",
                      printable(name), out.size(), offset, quote(tensor.name),
                      tensor.bytes());
  Expected<std::shared_ptr<InputFile>> file = files->get(name, identity);
  if (!file)
    return file.takeError();
  return (*file)->read(dataStart + tensor.begin + offset, out);
}

Expected<HostTensor> readTensor(const SafetensorsFile &file, StringRef name) {
  const SafetensorsEntry *entry = file.find(name);
  if (!entry)
    return inputError("{}: there is no tensor {} among the {} of the file",
                      printable(file.path()), quote(name),
                      file.tensors().size());
  HostTensor tensor{entry->dtype, entry->shape, {}};
  tensor.bytes.resize(entry->bytes());
  if (Error error = file.read(*entry, 0, tensor.bytes))
    return error;
  return tensor;
}

} // namespace moec
