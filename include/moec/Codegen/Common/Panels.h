//===- Panels.h - Weights packed in panels -------------------- -*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layout of a product's weights, for kernels of every target.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_COMMON_PANELS_H
#define MOEC_CODEGEN_COMMON_PANELS_H

#include "moec/Dialect/Moe/Moe.h"

namespace moec {

/// How weights of `type`, numbers `args` of a layer, are packed in panels of
/// `cols` columns and steps of `depth` elements of K: a multiple of `unroll`
/// steps, and whole units of codes and scales. Numbers of encodings that no
/// kernel decodes are decoded by the packer.
mlir::moe::PanelsAttr
panelsFor(llvm::ArrayRef<int64_t> args, mlir::RankedTensorType type,
          int64_t cols, int64_t depth, int64_t unroll,
          mlir::moe::PanelOrder order = mlir::moe::PanelOrder::Columns);

} // namespace moec

#endif // MOEC_CODEGEN_COMMON_PANELS_H
