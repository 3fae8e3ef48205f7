//===- moe-lsp-server.cpp - Language server for moe modules ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mlir-lsp-server with the moe dialect: an editor that speaks the language
// server protocol shows diagnostics, definitions and hover text.
//
//===----------------------------------------------------------------------===//

#include "moec/Dialect/Moe/Moe.h"

#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<mlir::moe::MoeDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
