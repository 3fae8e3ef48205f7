//===- Accuracy.h - What quantisation costs ---------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How far the results of a layer with encoded weights and rows are from those
// of the layer as the checkpoint has it. That is a property of the numbers, not
// a fault of the code, and has no bound.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_ACCURACY_H
#define MOEC_LIB_DRIVER_ACCURACY_H

#include "moec/Reference/Tensor.h"
#include "moec/Support/RelativeError.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace moec::driver {

/// Adds the numbers of `actual`, which should be those of `exact`, to `error`.
void addError(RelativeError &error, const reference::Tensor &actual,
              const reference::Tensor &exact);

/// A copy of `module` in which nothing is encoded; null if nothing is in
/// `module` either.
mlir::OwningOpRef<mlir::ModuleOp> withoutEncodings(mlir::ModuleOp module);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_ACCURACY_H
