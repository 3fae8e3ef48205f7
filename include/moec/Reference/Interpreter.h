//===- Interpreter.h - runs layers as they are specified --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The executable semantics of the moe dialect: a layer function, fused or not,
// is evaluated operation by operation with plain loops in double precision. It
// is slow, and obviously right; compiled code is judged by it.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_REFERENCE_INTERPRETER_H
#define MOEC_REFERENCE_INTERPRETER_H

#include "moec/Reference/Tensor.h"
#include "moec/Reference/Weights.h"

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace moec::reference {

/// A value with the `moe.name` of the argument or result it belongs to.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// How clear a choice was that a token's router made: the smallest difference
/// between a score that was preferred and one that was not, and the sum of the
/// bounds of those two. An exact tie, which the lower index has to win, has an
/// infinite gap.
struct RowDecision {
  int64_t row = 0;
  double gap = 0;
  double bound = 0;

  /// False if rounding may turn the choice.
  bool isDecided() const { return gap > bound; }
};

/// How a layer is run.
struct RunOptions {
  /// A given routing: these stand in for the results named "topk_ids" (integers
  /// [T, k]) and "topk_weights" ([T, k]) wherever the layer uses them.
  std::optional<Tensor> ids, weights;
  /// Ids [T, k] another implementation has chosen: where a choice is within
  /// rounding of another, theirs is taken, if it is one of those.
  std::optional<Tensor> preferredIds;
};

/// What came out.
struct RunResult {
  /// The results of the function; unnamed ones are called "result N".
  std::vector<NamedTensor> outputs;
  /// For each row of a router that chooses, its least clear choice.
  std::vector<RowDecision> decisions;

  const Tensor *find(llvm::StringRef name) const;
};

/// Runs the layer `name` of `module`: a moe.layer, or a public function whose
/// weights are moe.use. `inputs` are matched to arguments by name; arguments
/// without a name take the unnamed inputs in order. Fails if the layer or an
/// input is missing, on inputs of the wrong rank, kind or size, if a weight
/// cannot be read, and on operations the reference does not know (the message
/// names the operation and its location). `module` has to be verified.
llvm::Expected<RunResult> runLayer(mlir::ModuleOp module, llvm::StringRef name,
                                   llvm::ArrayRef<NamedTensor> inputs,
                                   WeightProvider &weights,
                                   const RunOptions &options = {});

} // namespace moec::reference

#endif // MOEC_REFERENCE_INTERPRETER_H
