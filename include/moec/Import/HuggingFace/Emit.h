//===- Emit.h - From resolved layers to the moe dialect ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a resolved model as a module: a moe.weight for every tensor and a
// function for every MoE layer, in the unfused form that the fusion passes
// start from.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_HUGGINGFACE_EMIT_H
#define MOEC_IMPORT_HUGGINGFACE_EMIT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "moec/Import/HuggingFace/Model.h"

namespace moec::hf {

struct EmitOptions {
  /// The layers to emit; null: all MoE layers.
  std::function<bool(llvm::StringRef layer)> wanted;
  /// Round the rows that meet bf16 weights to bf16, as the models do when they
  /// run in bf16. The router computes in f32 all the same.
  bool roundRows = true;
};

/// A layer becomes
///   func.func @"layers.0"(%x: tensor<?xHxf32>, ...)
///     -> (hidden tensor<?xHxf32>, ids tensor<?xKxi32>,
///         weights tensor<?xKxf32>, logits tensor<?xExf32>)
/// Arguments and results have their names in the attribute `moe.name`:
/// "hidden"; "topk_ids", "topk_weights", "router_logits". Further arguments are
/// what the layer's programs use: "token_ids" tensor<?xi64>, "router_state"
/// tensor<?xRxf32>, "sequence" index, the tokens of a sequence.
///
/// Fails, pointing into the family's description, where a program asks for
/// something that has no form in the dialect.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
emitModule(mlir::MLIRContext &context, const Sources &sources,
           const ResolvedModel &model, const EmitOptions &options = {});

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_EMIT_H
