//===- LayerEmitter.h - Emission of one layer -------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the parts of emission share: the builder, the layer's weights and the
// values of the routine that is being emitted.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_LAYEREMITTER_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_LAYEREMITTER_H

#include "mlir/IR/Builders.h"
#include "moec/Import/HuggingFace/Emit.h"
#include "llvm/ADT/StringMap.h"
#include <set>

namespace moec::hf {

/// What all routines of a layer have in common.
struct LayerEmission {
  const Sources &sources;
  const ResolvedLayer &layer;
  mlir::OpBuilder &builder;
  bool roundRows;
  /// The values of the layer's weights.
  llvm::StringMap<mlir::Value> weights;
  /// Arguments: x, token_ids, router_state, sequence.
  llvm::StringMap<mlir::Value> arguments;

  mlir::Location location(llvm::SMLoc loc) const;
  const ResolvedTensor *findTensor(llvm::StringRef name) const;
};

/// An element-wise operation on scalars, or on tensors of one shape.
mlir::Value emitElementwise(mlir::OpBuilder &builder, mlir::Location loc,
                            const Operation &operation,
                            mlir::ValueRange operands);

/// The type of a value's row: f32, i64, tensor<8xf32>, tensor<2xi32>.
mlir::Type rowType(mlir::OpBuilder &builder, const RoutineType &type);

/// Emits the operations of `inside`, in the routine's order, as the body of a
/// moe.router; `outer` gives the values from outside of it. Returns the values
/// of `wanted` for all rows.
llvm::Expected<llvm::SmallVector<mlir::Value>>
emitRowRegion(LayerEmission &emission, const Routine &routine,
              const std::set<const Operation *> &inside,
              llvm::ArrayRef<ValueId> wanted, mlir::Location loc,
              llvm::function_ref<llvm::Expected<mlir::Value>(ValueId)> outer);

/// Emits a routine on all rows at once. Element-wise operations are emitted
/// when somebody needs their value, one linalg.generic for each such value.
class BatchEmitter {
public:
  /// `rows` has the number of rows as its first dimension.
  BatchEmitter(LayerEmission &emission, const Routine &routine,
               mlir::Value rows);
  virtual ~BatchEmitter() = default;

  /// Emits all but the element-wise operations.
  llvm::Error run();
  /// The value for all rows; rounded to bf16 if `rounded`.
  llvm::Expected<mlir::Value> get(ValueId value, bool rounded = false);
  void set(ValueId value, mlir::Value to) { values[{value, false}] = to; }

protected:
  virtual llvm::Error emitLinear(const Operation &operation);
  virtual llvm::Error emitOther(const Operation &operation);
  /// An input for all rows, made when somebody needs it.
  virtual llvm::Expected<mlir::Value> makeInput(const Operation &operation,
                                                bool rounded);

  /// Whether the rows that meet this weight are rounded.
  bool roundsRows(const ResolvedTensor &weight) const;
  const ResolvedTensor &tensorOf(ValueId value) const;
  llvm::Expected<mlir::Value> biasOf(const Operation &linear);
  mlir::RankedTensorType batchType(const RoutineType &type, mlir::Type element);
  llvm::Error error(const Operation &operation, const llvm::Twine &message) {
    return emission.sources.error(operation.loc, message);
  }

  LayerEmission &emission;
  const Routine &routine;
  mlir::OpBuilder &builder;
  mlir::Value rows;
  std::vector<const Operation *> definitions; // of each value

private:
  llvm::Expected<mlir::Value> emitGeneric(ValueId value, mlir::Type element);
  llvm::Error emitHalves(const Operation &operation);

  std::map<std::pair<ValueId, bool>, mlir::Value> values;
};

/// Emits the block, with the routed experts.
class BlockEmitter : public BatchEmitter {
public:
  using BatchEmitter::BatchEmitter;

protected:
  llvm::Error emitOther(const Operation &operation) override;

private:
  llvm::Error emitExperts(const Operation &operation);
  llvm::Error emitCapacity(const Operation &operation);
  llvm::Expected<mlir::Value> capacityLimit(const Operation &operation);
};

/// Emits the router: its values by name.
llvm::Expected<llvm::StringMap<mlir::Value>>
emitRouter(LayerEmission &emission);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_LAYEREMITTER_H
