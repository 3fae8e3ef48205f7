//===- SafetensorsWriter.cpp - writing one safetensors file -----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header is known before the data, so a file is written front to back.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/Safetensors/SafetensorsWriter.h"
#include "moec/Import/Safetensors/SafetensorsFile.h"
#include "moec/Support/Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moec {

/// Data starts at a multiple of this many bytes, as the format asks.
static constexpr size_t dataAlignment = 8;

/// The size of a declared tensor; fails on what no file can hold.
static Expected<uint64_t> checkDeclaration(const TensorDeclaration &tensor,
                                           StringRef path) {
  if (tensor.name == "__metadata__" || !llvm::json::isUTF8(tensor.name))
    return inputError("{}: {} cannot be the name of a tensor; use other UTF-8 "
                      "text",
                      printable(path), quote(tensor.name));
  std::optional<uint64_t> bytes = tensorBytes(tensor.shape, tensor.dtype);
  if (!bytes)
    return inputError("{}: tensor {} of shape {} of {} is not a whole number "
                      "of bytes up to 2^60; choose smaller dimensions",
                      printable(path), quote(tensor.name),
                      formatShape(tensor.shape), dtypeName(tensor.dtype));
  return *bytes;
}

/// The end of each declared tensor in the data.
static Expected<std::vector<uint64_t>>
planPlaces(StringRef path, ArrayRef<TensorDeclaration> tensors) {
  std::vector<uint64_t> ends;
  StringSet<> names;
  uint64_t total = 0;
  for (const TensorDeclaration &tensor : tensors) {
    Expected<uint64_t> bytes = checkDeclaration(tensor, path);
    if (!bytes)
      return bytes.takeError();
    if (!names.insert(tensor.name).second)
      return inputError("{}: tensor {} is declared twice; declare it once",
                        printable(path), quote(tensor.name));
    if (*bytes > (uint64_t(1) << 62) - total)
      return inputError("{}: the tensors up to {} have more than 2^62 bytes; "
                        "choose smaller dimensions",
                        printable(path), quote(tensor.name));
    ends.push_back(total += *bytes);
  }
  return ends;
}

/// The header's JSON, padded. `ends` is as planPlaces() gives it.
static std::string makeHeader(ArrayRef<TensorDeclaration> tensors,
                              ArrayRef<uint64_t> ends,
                              const SafetensorsMetadata &metadata) {
  std::string text;
  raw_string_ostream stream(text);
  llvm::json::OStream out(stream);
  out.object([&] {
    if (!metadata.empty())
      out.attributeObject("__metadata__", [&] {
        for (const auto &[key, value] : metadata)
          out.attribute(llvm::json::fixUTF8(key), llvm::json::fixUTF8(value));
      });
    uint64_t begin = 0;
    for (auto [tensor, end] : zip(tensors, ends)) {
      out.attributeObject(tensor.name, [&] {
        out.attribute("dtype", safetensorsName(tensor.dtype));
        out.attributeArray("shape", [&] {
          for (int64_t dim : tensor.shape)
            out.value(dim);
        });
        out.attributeArray("data_offsets", [&] {
          out.value(int64_t(begin));
          out.value(int64_t(end));
        });
      });
      begin = end;
    }
  });
  text.append(offsetToAlignment(text.size(), Align(dataAlignment)), ' ');
  return text;
}

Expected<SafetensorsWriter>
SafetensorsWriter::create(StringRef path, ArrayRef<TensorDeclaration> tensors,
                          const SafetensorsMetadata &metadata) {
  Expected<std::vector<uint64_t>> ends = planPlaces(path, tensors);
  if (!ends)
    return ends.takeError();
  std::string header = makeHeader(tensors, *ends, metadata);
  if (header.size() > maxSafetensorsHeader)
    return inputError("{}: the header of {} tensors takes {} bytes, but at "
                      "most {} are allowed; write several files",
                      printable(path), tensors.size(), header.size(),
                      maxSafetensorsHeader);
  Expected<OutputFile> file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  uint8_t length[8];
  support::endian::write64le(length, header.size());
  if (Error error = file->write(length))
    return error;
  if (Error error = file->write(header))
    return error;
  return SafetensorsWriter(std::move(*file), ends->empty() ? 0 : ends->back());
}

Error SafetensorsWriter::take(uint64_t count) {
  if (count > left)
    return inputError("{}: {} bytes were to be appended, but the declared "
                      "tensors have {} left",
                      printable(file.path()), count, left);
  left -= count;
  return Error::success();
}

Error SafetensorsWriter::append(ArrayRef<uint8_t> bytes) {
  if (Error error = take(bytes.size()))
    return error;
  return file.write(bytes);
}

Error SafetensorsWriter::appendZeros(uint64_t count) {
  if (Error error = take(count))
    return error;
  return file.writeZeros(count);
}

Error SafetensorsWriter::commit() {
  if (left != 0)
    return inputError("{}: the declared tensors still lack {} bytes",
                      printable(file.path()), left);
  return file.commit();
}

Error writeSafetensors(StringRef path,
                       ArrayRef<std::pair<std::string, HostTensor>> tensors) {
  std::vector<TensorDeclaration> declarations;
  for (const auto &[name, tensor] : tensors) {
    std::optional<uint64_t> want = tensorBytes(tensor.shape, tensor.dtype);
    if (!want || *want != tensor.bytes.size())
      return inputError("{}: tensor {} of shape {} of {} does not have {} "
                        "bytes",
                        printable(path), quote(name), formatShape(tensor.shape),
                        dtypeName(tensor.dtype), tensor.bytes.size());
    declarations.push_back({name, tensor.dtype, tensor.shape});
  }
  Expected<SafetensorsWriter> writer =
      SafetensorsWriter::create(path, declarations);
  if (!writer)
    return writer.takeError();
  for (const auto &[name, tensor] : tensors)
    if (Error error = writer->append(tensor.bytes))
      return error;
  return writer->commit();
}

} // namespace moec
