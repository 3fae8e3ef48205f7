//===- Bundle.cpp - an opened bundle --------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opens the files of a bundle in the order in which they can be trusted: the
// manifest, which is checked against itself; the target, against this machine;
// the code, against the manifest; the weights, likewise.
//
//===----------------------------------------------------------------------===//

#include "Bundle.h"
#include "CudaDevice.h"
#include "DeviceCode.h"
#include "InQuotes.h"
#include "moec/Runtime/CpuFeatures.h"

#include <atomic>
#include <dlfcn.h>

namespace moec {

Status Bundle::open(const std::string &path, WeightsPolicy policy,
                    const moec_device *device,
                    std::shared_ptr<const Bundle> &bundle) {
  std::shared_ptr<Bundle> opened(new Bundle(path));
  if (Status status = opened->readManifest(); status.failed())
    return status;
  bool forDevice = isForDevice(opened->description);
  if (device && !forDevice)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{}: compiled for {}, so no device can run it; compile "
                     "the model with --target=nvptx:CHIP, or leave the device "
                     "out",
                     path, inQuotes(opened->description.triple));
  if (Status status = forDevice ? Status::ok() : opened->checkTarget();
      status.failed())
    return status;
  if (Status status =
          forDevice ? opened->loadDeviceCode(device) : opened->loadKernels();
      status.failed())
    return status;
  if (Status status = opened->mapWeights(policy); status.failed())
    return status;
  bundle = std::move(opened);
  return Status::ok();
}

Status Bundle::describe(const std::string &path,
                        std::shared_ptr<const Bundle> &bundle) {
  std::shared_ptr<Bundle> opened(new Bundle(path));
  Status status = opened->readManifest();
  if (!status.failed())
    bundle = std::move(opened);
  return status;
}

Bundle::~Bundle() {
  if (library)
    dlclose(library);
}

Status Bundle::readManifest() {
  std::string path = directory + "/" + kManifestFileName;
  MappedFile file;
  if (Status status = file.open(path); status.failed())
    return status;
  std::string error;
  if (!parseManifest({file.data(), file.size()}, path, description, error))
    return Status(MOEC_ERROR_BUNDLE, std::move(error));
  for (const ManifestLayer &layer : description.layers)
    interfaces.emplace_back(layer);
  return Status::ok();
}

Status Bundle::checkTarget() const {
  const std::string &triple = description.triple;
  if (triple.substr(0, triple.find('-')) != hostArchitecture())
    return makeError(MOEC_ERROR_CPU,
                     "{}: compiled for {}, but this machine is {}; compile the "
                     "model with --target=cpu:{}",
                     directory, inQuotes(triple), hostArchitecture(),
                     hostArchitecture());
  std::vector<std::string> needed, missing;
  for (const std::string &feature : description.features) {
    needed.push_back(inQuotes(feature));
    if (!isKnownCpuFeature(hostArchitecture(), feature))
      missing.push_back(inQuotes(feature) + " (unknown to this library)");
    else if (!hostHasCpuFeature(feature))
      missing.push_back(inQuotes(feature));
  }
  if (missing.empty())
    return Status::ok();
  return makeError(
      MOEC_ERROR_CPU,
      "{}: compiled for CPU {}, which has features this CPU lacks; "
      "needed: {}; missing: {}; compile with --mcpu=native on this "
      "machine, or for an older CPU",
      directory, inQuotes(description.cpu), fmt::join(needed, ", "),
      fmt::join(missing, ", "));
}

Status Bundle::openFile(const ManifestFile &entry, bool checkHash, bool copy,
                        MappedFile &file) const {
  std::string path = directory + "/" + entry.file;
  Status opened = copy ? file.openCopy(path) : file.open(path);
  return opened.failed() ? opened : checkFile(file, path, entry, checkHash);
}

/// A path to `file` in `directory` that no call returned before: the loader
/// takes a path it has seen for the code it has, even where the file was
/// replaced since. "/" and "/./" mean the same in a path, so they count in
/// binary.
static std::string freshSpelling(const std::string &directory,
                                 const std::string &file) {
  static std::atomic<uint64_t> opened{0};
  std::string path = directory + "/";
  for (uint64_t count = ++opened; count != 0; count >>= 1)
    path += count & 1 ? "./" : "/";
  return path + file;
}

Status Bundle::loadKernels() {
  MappedFile file;
  Status status = openFile(description.kernel, /*checkHash=*/true,
                           /*copy=*/false, file);
  if (status.failed())
    return status;
  std::string path = directory + "/" + description.kernel.file;
  std::string name = freshSpelling(directory, description.kernel.file);
  library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return makeError(MOEC_ERROR_BUNDLE, "{}: cannot be loaded: {}", path,
                     dlerror());
  for (const ManifestKernel &entry : description.kernels) {
    auto find = [&](const std::string &symbol, auto &function) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
          dlsym(library, symbol.c_str()));
      if (function)
        return Status::ok();
      return makeError(MOEC_ERROR_BUNDLE,
                       "{}: has no function {}, which the manifest names; "
                       "compile the model again",
                       path, inQuotes(symbol));
    };
    Kernel &kernel = kernels.emplace_back();
    if (status = find(entry.symbol, kernel.run); status.failed())
      return status;
    if (status = find(entry.workspaceSymbol, kernel.workspace); status.failed())
      return status;
  }
  return Status::ok();
}

Status Bundle::loadDeviceCode(const moec_device *device) {
  if (!device)
    if (Status status = cudaDevice(device); status.failed())
      return makeError(
          MOEC_ERROR_DEVICE, "{}: compiled for {}; {}", directory,
          inQuotes(fmt::format("{}", fmt::join(chipsOf(description), ", "))),
          status.message());
  std::string failures;
  for (const std::string &chip : chipsOf(description)) {
    if (device->chip && chip != device->chip)
      continue;
    chooseChip(description, chip);
    Status status =
        DeviceCode::create(*device, description, directory, onDevice);
    if (!status.failed() || status.code() != MOEC_ERROR_DEVICE)
      return status;
    // Code for an older chip may do.
    failures += (failures.empty() ? "" : "; ") + status.message();
  }
  if (failures.empty())
    return makeError(MOEC_ERROR_DEVICE,
                     "{}: compiled for {}, not for the device's chip {}; "
                     "compile the model with --target=nvptx:{}",
                     directory, fmt::join(chipsOf(description), ", "),
                     inQuotes(device->chip), device->chip);
  return Status(MOEC_ERROR_DEVICE, std::move(failures));
}

Status Bundle::mapWeights(WeightsPolicy policy) {
  weights.resize(description.layers.size());
  if (!description.weights)
    return Status::ok();
  Status status =
      openFile(*description.weights, policy.check, policy.copy, weightsFile);
  if (status.failed())
    return status;
  if (onDevice)
    return onDevice->uploadWeights(weightsFile.data(),
                                   int64_t(weightsFile.size()));
  weightsFile.adviseHugePages();
  for (size_t layer = 0; layer < weights.size(); ++layer) {
    for (const ManifestWeight &weight : description.layers[layer].weights)
      weights[layer].push_back(const_cast<char *>(weightsFile.data()) +
                               weight.offset);
  }
  return Status::ok();
}

} // namespace moec
