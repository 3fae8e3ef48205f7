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
    owner.unload(owner.state, module);
}

Status DeviceCode::uploadWeights(const char *data, int64_t bytes) {
  if (bytes == 0)
    return Status::ok();
  if (Status status = weights.reserve(owner, bytes); status.failed())
    return status;
  if (const char *message =
          owner.upload(owner.state, nullptr, weights.data(), data, bytes))
    return makeError(MOEC_ERROR_DEVICE, "{}", message);
  return Status::ok();
}

} // namespace moec
