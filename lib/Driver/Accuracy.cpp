//===- Accuracy.cpp - What quantisation costs -----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Accuracy.h"

#include "moec/Dialect/Moe/Moe.h"

namespace moec::driver {

void addError(RelativeError &error, const reference::Tensor &actual,
              const reference::Tensor &exact) {
  for (int64_t i = 0; i < exact.size(); ++i)
    error.add(actual.value[i], exact.value[i]);
}

mlir::OwningOpRef<mlir::ModuleOp> withoutEncodings(mlir::ModuleOp module) {
  mlir::OwningOpRef<mlir::ModuleOp> copy =
      llvm::cast<mlir::ModuleOp>(module->clone());
  llvm::SmallVector<mlir::moe::EncodeOp> encodes;
  copy->walk([&](mlir::moe::EncodeOp op) { encodes.push_back(op); });
  if (encodes.empty())
    return nullptr;
  for (mlir::moe::EncodeOp op : encodes) {
    op.getResult().replaceAllUsesWith(op.getX());
    op.erase();
  }
  // Dispatched rows are stored as what they are dispatched from.
  copy->walk([](mlir::moe::DispatchOp op) {
    auto from = op.getX().getType();
    op.getRows().setType(mlir::RankedTensorType::get(
        op.getType().getShape(), from.getElementType(), from.getEncoding()));
  });
  return copy;
}

} // namespace moec::driver
