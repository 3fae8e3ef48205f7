//===- FusionRemark.h - Remarks of the fusion passes ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every fusion that was possible leaves a remark: taken, or refused with the
// reason. They are shown by --remarks-filter=moe-fusion.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DIALECT_MOE_TRANSFORMS_FUSIONREMARK_H
#define MOEC_LIB_DIALECT_MOE_TRANSFORMS_FUSIONREMARK_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Remarks.h"

namespace mlir::moe {

inline remark::RemarkOpts fusionRemark(StringRef pass) {
  return remark::RemarkOpts::name(pass).category("moe-fusion");
}

inline void taken(Operation *op, StringRef pass, StringRef what) {
  remark::passed(op->getLoc(), fusionRemark(pass)) << what;
}

inline void refused(Operation *op, StringRef pass, StringRef why) {
  remark::missed(op->getLoc(), fusionRemark(pass)) << why;
}

} // namespace mlir::moe

#endif // MOEC_LIB_DIALECT_MOE_TRANSFORMS_FUSIONREMARK_H
