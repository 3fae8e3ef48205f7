//===- FusionLog.h - What a fusion pass did ---------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every fusion that was possible leaves a remark: taken, or refused with the
// reason (--remarks-filter=moe-fusion). A pass ends with one that counts them
// (--remarks-filter=moe-statistics); pass statistics would do that if the
// packaged libMLIR were not built without them.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DIALECT_MOE_TRANSFORMS_FUSIONLOG_H
#define MOEC_LIB_DIALECT_MOE_TRANSFORMS_FUSIONLOG_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

namespace mlir::moe {

class FusionLog {
public:
  /// `pass` is named in the remarks.
  explicit FusionLog(StringRef pass) : pass(pass) {}

  /// Reports that `op` is the result of a fusion.
  void taken(Operation *op, StringRef what) {
    ++numTaken;
    remark::passed(op->getLoc(), options("moe-fusion")) << what;
  }

  /// Reports that `op` was not fused.
  void refused(Operation *op, StringRef why) {
    ++numRefused;
    remark::missed(op->getLoc(), options("moe-fusion")) << why;
  }

  /// Reports how many fusions in `module` were taken and refused, if there was
  /// anything to decide.
  void summarize(ModuleOp module) const {
    if (numTaken + numRefused != 0)
      remark::analysis(module.getLoc(), options("moe-statistics"))
          << std::to_string(numTaken) + " taken, " +
                 std::to_string(numRefused) + " refused";
  }

private:
  remark::RemarkOpts options(StringRef category) const {
    return remark::RemarkOpts::name(pass).category(category);
  }

  StringRef pass;
  unsigned numTaken = 0, numRefused = 0;
};

} // namespace mlir::moe

#endif // MOEC_LIB_DIALECT_MOE_TRANSFORMS_FUSIONLOG_H
