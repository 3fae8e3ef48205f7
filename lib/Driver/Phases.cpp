//===- Phases.cpp - A module's way through the phases ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs one phase's pipeline after the other.
//
//===----------------------------------------------------------------------===//

#include "Phases.h"
#include "ModelInput.h"

#include "moec/Support/Error.h"
#include "moec/Support/OutputFile.h"

#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace moec::driver {

Error dumpPhases(mlir::ModuleOp module, Phase last, const CompileTarget &target,
                 bool fuse, StringRef directory) {
  if (std::error_code code = sys::fs::create_directories(directory))
    return fileError("make the directory", directory, code.value());
  mlir::OwningOpRef<mlir::ModuleOp> copy =
      cast<mlir::ModuleOp>(module->clone());
  constexpr Phase phases[] = {Phase::Moe, Phase::Scheduled, Phase::Loops,
                              Phase::Llvm};
  Phase current = Phase::Moe;
  for (auto [i, phase] : enumerate(phases)) {
    if (phase > last)
      break;
    if (Error error = lowerModule(*copy, current, phase, target, fuse))
      return error;
    current = phase;
    SmallString<128> path(directory);
    sys::path::append(path, fmt::format("{}-{}.mlir", i, phaseName(phase)));
    if (Error error = writeTextFile(path, moduleText(*copy)))
      return error;
  }
  return Error::success();
}

} // namespace moec::driver
