//===- DeviceCode.cpp - a bundle's code and weights on a device -----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loading. What happens in a call is in DeviceCall.cpp.
//
//===----------------------------------------------------------------------===//

#include "DeviceCode.h"
#include "InQuotes.h"
#include "MappedFile.h"

namespace moec {

static Status deviceError(const char *message) {
  return makeError(MOEC_ERROR_DEVICE, "{}", message);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

DeviceMemory::~DeviceMemory() {
  if (memory)
    owner->release(owner->state, memory);
}

Status DeviceMemory::reserve(const moec_device &device, int64_t bytes) {
  if (bytes <= capacity)
    return Status::ok();
  if (memory)
    device.release(device.state, memory);
  memory = nullptr;
  capacity = 0;
  owner = &device;
  if (const char *message = device.allocate(device.state, bytes, &memory))
    return makeError(MOEC_ERROR_DEVICE,
                     "cannot allocate {} bytes on the device: {}", bytes,
                     message);
  capacity = bytes;
  return Status::ok();
}

Status DeviceMemory::reserveZeros(const moec_device &device, int64_t bytes) {
  if (bytes <= capacity)
    return Status::ok();
  if (Status status = reserve(device, bytes); status.failed())
    return status;
  std::vector<char> zeros(size_t(bytes), 0);
  if (const char *message =
          device.upload(device.state, memory, zeros.data(), bytes))
    return deviceError(message);
  return Status::ok();
}

//===----------------------------------------------------------------------===//
// Code and weights
//===----------------------------------------------------------------------===//

/// The file of the bundle with the code in form `kind`; null if there is none.
static const ManifestFile *findImage(const Manifest &manifest,
                                     std::string_view kind) {
  for (const ManifestImage &image : manifest.images)
    if (image.kind == kind)
      return &image.file;
  return kind == "ptx" ? &manifest.kernel : nullptr;
}

static Status readImage(const std::string &directory, const ManifestFile &entry,
                        MappedFile &file) {
  std::string path = directory + "/" + entry.file;
  Status opened = file.open(path);
  return opened.failed() ? opened
                         : checkFile(file, path, entry, /*checkHash=*/true);
}

Status DeviceCode::create(const moec_device &device, const Manifest &manifest,
                          const std::string &directory,
                          std::unique_ptr<DeviceCode> &code) {
  code.reset(new DeviceCode(device));
  std::string failures, kinds;
  for (const char *const *kind = device.images; *kind; ++kind) {
    kinds += (kinds.empty() ? "" : ", ") + inQuotes(*kind);
    const ManifestFile *image = findImage(manifest, *kind);
    if (!image)
      continue;
    MappedFile file;
    if (Status status = readImage(directory, *image, file); status.failed())
      return status;
    const char *message = device.load(device.state, *kind, file.data(),
                                      int64_t(file.size()), &code->module);
    if (!message)
      return Status::ok();
    // Another form may do: a cubin is for one chip, PTX for newer ones too.
    failures += fmt::format("; {}: {}", image->file, message);
  }
  return makeError(MOEC_ERROR_DEVICE,
                   "{}: the device could load none of the bundle's code, of "
                   "which it takes {}{}",
                   directory, kinds, failures);
}

DeviceCode::~DeviceCode() {
  if (module)
    device.unload(device.state, module);
}

Status DeviceCode::uploadWeights(const char *data, int64_t bytes) {
  if (bytes == 0)
    return Status::ok();
  if (Status status = weights.reserve(device, bytes); status.failed())
    return status;
  if (const char *message =
          device.upload(device.state, weights.data(), data, bytes))
    return deviceError(message);
  return Status::ok();
}

} // namespace moec
