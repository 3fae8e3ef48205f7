//===- TensorFile.h - Inputs and outputs of a layer in files ----*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A .npy file holds the hidden rows alone, a .safetensors file tensors by name.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_TENSORFILE_H
#define MOEC_LIB_DRIVER_TENSORFILE_H

#include "moec/Support/HostTensor.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <utility>
#include <vector>

namespace moec::driver {

using NamedTensors = std::vector<std::pair<std::string, HostTensor>>;

/// The tensor `name`, or null.
HostTensor *findTensor(NamedTensors &tensors, llvm::StringRef name);
const HostTensor *findTensor(const NamedTensors &tensors, llvm::StringRef name);

/// Reads those tensors of a file that are in `wanted`. Fails if the file has no
/// "hidden", or a tensor that is neither wanted nor one that layers of other
/// models take or give.
llvm::Expected<NamedTensors> readTensors(llvm::StringRef path,
                                         llvm::ArrayRef<std::string> wanted);

/// Fails if `path` ends in neither .npy nor .safetensors.
llvm::Error checkTensorPath(llvm::StringRef path);

/// Writes `tensors`; of them only "hidden" to a .npy file.
llvm::Error writeTensors(llvm::StringRef path, const NamedTensors &tensors);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_TENSORFILE_H
