//===- moe-opt.cpp - Runs passes over moe modules -------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mlir-opt with the moe dialect, its passes and its pipelines.
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/Passes.h"
#include "moec/Codegen/NVPTX/Passes.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/Passes.h"
#include "moec/Pipelines/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<mlir::moe::MoeDialect>();
  mlir::registerAllPasses();
  mlir::moe::registerMoePasses();
  mlir::moe::registerMoeCpuPasses();
  mlir::moe::registerMoeNvptxPasses();
  moec::registerPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "moe dialect optimizer\n", registry));
}
