//===- MoePlugin.cpp - The moe dialect for a stock mlir-opt ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plugin with the dialect, its passes and their pipelines:
//
//   mlir-opt-22 --load-dialect-plugin=MoePlugin.so \
//       --pass-pipeline='builtin.module(moe-fuse-gather)' layer.mlir
//
// The dialect's entry point registers the passes too, so one flag is enough.
// mlir-opt reads its flags before it loads plugins: passes of a plugin are
// named in --pass-pipeline, not by flags of their own.
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/Passes.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/Passes.h"
#include "moec/Pipelines/Pipelines.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Config/llvm-config.h"

static void registerPasses() {
  mlir::moe::registerMoePasses();
  mlir::moe::registerMoeCpuPasses();
  moec::registerPipelines();
}

// Visible whatever the project is compiled with, or nobody finds them.
#define MOE_PLUGIN_ENTRY                                                       \
  extern "C" __attribute__((visibility("default"))) LLVM_ATTRIBUTE_WEAK

MOE_PLUGIN_ENTRY mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "moe", LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) {
            registry->insert<mlir::moe::MoeDialect>();
            registerPasses();
          }};
}

MOE_PLUGIN_ENTRY mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "moe", LLVM_VERSION_STRING, registerPasses};
}
