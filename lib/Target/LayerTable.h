//===- LayerTable.h - The layers of a module for its manifest ---*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_TARGET_LAYERTABLE_H
#define MOEC_LIB_TARGET_LAYERTABLE_H

#include "moec/Dialect/Moe/Moe.h"
#include "moec/Runtime/Manifest.h"

#include "llvm/Support/Error.h"

namespace moec {

/// What the manifest says of a layer, but for its kernel's number and its
/// weights, read off the scheduled module.
llvm::Expected<ManifestLayer> describeLayer(mlir::moe::LayerOp layer);

/// The weights a layer binds, in order.
llvm::SmallVector<mlir::moe::WeightOp> layerWeights(mlir::moe::LayerOp layer);

/// The text of the bundle's C header: what the layers take and give, with
/// constants for their sizes.
std::string printCHeader(const Manifest &manifest);

} // namespace moec

#endif // MOEC_LIB_TARGET_LAYERTABLE_H
