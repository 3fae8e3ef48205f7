//===- Bundle.h - an opened bundle ------------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiled model in memory: its manifest, code and weights. Immutable once
// open, so contexts share it.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_BUNDLE_H
#define MOEC_LIB_RUNTIME_BUNDLE_H

#include "DeviceCode.h"
#include "LayerInterface.h"
#include "MappedFile.h"
#include "Status.h"
#include "moec-c/Kernel.h"

#include <memory>

namespace moec {

/// The code of a layer.
struct Kernel {
  moec_kernel_fn run = nullptr;
  moec_workspace_fn workspace = nullptr;
};

/// What to do with the weights file.
struct WeightsPolicy {
  /// Compare its hash with the manifest, which reads all of it.
  bool check = false;
  /// Copy it into memory instead of mapping it.
  bool copy = false;
};

class Bundle {
public:
  /// Opens the bundle in directory `path`. `device` runs a bundle for a GPU;
  /// null for the CUDA driver's.
  static Status open(const std::string &path, WeightsPolicy policy,
                     const moec_device *device,
                     std::shared_ptr<const Bundle> &bundle);

  /// Reads the manifest alone: there is nothing to run.
  static Status describe(const std::string &path,
                         std::shared_ptr<const Bundle> &bundle);

  ~Bundle();

  Bundle(const Bundle &) = delete;
  Bundle &operator=(const Bundle &) = delete;

  const std::string &path() const { return directory; }
  const Manifest &manifest() const { return description; }

  /// The code of a bundle for a device; null where there are functions to call.
  const DeviceCode *deviceCode() const { return onDevice.get(); }

  /// The kernel of layer `layer`, unless it runs on a device.
  const Kernel &kernelOf(size_t layer) const {
    return kernels[description.layers[layer].kernel];
  }

  /// The inputs and outputs of layer `layer`.
  const LayerInterface &interfaceOf(size_t layer) const {
    return interfaces[layer];
  }

  /// Where each weight of layer `layer` begins, in manifest order. Only where
  /// hasWeights.
  void *const *weightsOf(size_t layer) const { return weights[layer].data(); }

  /// False where the layer has weights that the bundle was compiled without.
  bool hasWeights(size_t layer) const {
    return description.weights || description.layers[layer].weights.empty();
  }

private:
  explicit Bundle(std::string path) : directory(std::move(path)) {}

  Status readManifest();
  /// Compares the manifest's target with this machine.
  Status checkTarget() const;
  /// Opens a file of the bundle and compares size and, if wanted, hash.
  Status openFile(const ManifestFile &entry, bool checkHash, bool copy,
                  MappedFile &file) const;
  Status loadKernels();
  Status loadDeviceCode(const moec_device *device);
  Status mapWeights(WeightsPolicy policy);

  std::string directory;
  Manifest description;
  MappedFile weightsFile;
  void *library = nullptr;
  std::unique_ptr<DeviceCode> onDevice;
  std::vector<LayerInterface> interfaces;
  std::vector<Kernel> kernels;
  std::vector<std::vector<void *>> weights;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_BUNDLE_H
