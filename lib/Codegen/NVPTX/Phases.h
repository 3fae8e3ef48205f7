//===- Phases.h - The order in which a layer is lowered ---------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that could share a launch are brought together: what works on
// rows as early as it can, products as late as they must.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_PHASES_H
#define MOEC_LIB_CODEGEN_NVPTX_PHASES_H

#include "moec/Dialect/Moe/Moe.h"

namespace moec::nvptx {

/// What an operation works on.
enum class PhaseKind {
  /// Nothing on the device: numbers, destinations.
  Host,
  /// Single rows, of which it reads no other.
  Rows,
  /// All tokens at once, by one block.
  Tokens,
  /// Tiles of rows and weights.
  Product
};

/// An operation, or the part of a combining product that the phase says: the
/// product itself, or the sums of its rows.
struct Step {
  PhaseKind kind;
  mlir::Operation *op;
};

/// Steps of one kind; those of a phase of products do not depend on each other.
struct Phase {
  PhaseKind kind;
  llvm::SmallVector<Step> steps;
};

/// A product with so few outputs that a block does a row of it.
bool isRowProduct(mlir::moe::LinearOp op);

/// All operations of a layer's block but the terminator.
llvm::SmallVector<Phase> orderPhases(mlir::Block &layer);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_PHASES_H
