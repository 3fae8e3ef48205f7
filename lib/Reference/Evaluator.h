//===- Evaluator.h - the state of a run -------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the semantics of single operations see of a run: values in frames, one
// for each region that is being evaluated, and a table that says which function
// evaluates which operation. Operations are added to the table next to where
// they are defined.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_REFERENCE_EVALUATOR_H
#define MOEC_LIB_REFERENCE_EVALUATOR_H

#include "Selection.h"
#include "moec/Reference/Interpreter.h"
#include "moec/Support/Error.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <map>
#include <memory>

namespace moec::reference {

class Evaluator;
using TensorRef = std::shared_ptr<const Tensor>;

/// The values of a region, and of those around it.
class Frame {
public:
  /// A frame within `parent`, if there is one. In an iteration, scalars stand
  /// for all points of a space (see Elementwise.h).
  explicit Frame(Evaluator &evaluator, const Frame *parent = nullptr,
                 bool isIteration = false)
      : evaluator(evaluator), isIteration(isIteration), parent(parent) {}

  /// The value of an operand. All operands have one when an operation runs, but
  /// for the stacks of matrices of one that is registered as lazy.
  const Tensor &operator[](mlir::Value value) const { return *ref(value); }
  TensorRef ref(mlir::Value value) const;
  bool has(mlir::Value value) const;

  void define(mlir::Value value, TensorRef tensor) {
    values[value] = std::move(tensor);
  }
  void define(mlir::Value value, Tensor tensor) {
    define(value, std::make_shared<Tensor>(std::move(tensor)));
  }

  Evaluator &evaluator;
  const bool isIteration;

private:
  const Frame *parent;
  llvm::DenseMap<mlir::Value, TensorRef> values;
};

/// Which function evaluates which operation.
class OpTable {
public:
  /// Reads operands from the frame and defines the results in it.
  using Function = std::function<llvm::Error(mlir::Operation *, Frame &)>;
  struct Entry {
    Function function;
    /// The operation asks for the matrices of its stacks (operands of rank 3)
    /// one by one.
    bool isLazy = false;
  };

  template <typename OpT>
  void add(llvm::Error (*function)(OpT, Frame &), bool isLazy = false) {
    entries[OpT::getOperationName()] = {
        [function](mlir::Operation *op, Frame &frame) {
          return function(llvm::cast<OpT>(op), frame);
        },
        isLazy};
  }
  void add(llvm::StringRef name, Function function) {
    entries[name] = {std::move(function), false};
  }
  /// The entry of `op`, or null.
  const Entry *find(mlir::Operation *op) const;

  /// All operations the reference knows.
  static const OpTable &get();

private:
  llvm::StringMap<Entry> entries;
};

void addArithmetic(OpTable &table);
void addIntegerArithmetic(OpTable &table);
void addTensorOps(OpTable &table);
void addGeneric(OpTable &table);
void addRouterOps(OpTable &table);
void addSelectionOps(OpTable &table);
void addCapacity(OpTable &table);
void addEncode(OpTable &table);
void addExpertOps(OpTable &table);
void addGroupedMatmul(OpTable &table);

/// A run of one layer.
class Evaluator {
public:
  Evaluator(WeightProvider &provider, const RunOptions &options)
      : provider(provider), options(options) {}

  /// Evaluates the operations of a block but its terminator, and those in
  /// `leftOut`.
  llvm::Error evaluateBody(mlir::Block &block, Frame &frame,
                           llvm::ArrayRef<mlir::Operation *> leftOut = {});

  /// Says that `value` is a weight, read when it is asked for.
  void bindWeight(mlir::Value value, mlir::moe::WeightOp weight) {
    weights[value] = weight;
  }
  bool isWeight(mlir::Value value) const { return weights.contains(value); }
  /// Says that the result of `op` is a weight, encoded when it is asked for.
  void bindEncoded(mlir::moe::EncodeOp op) { encoded[op.getResult()] = op; }
  /// Says that `value` is `tensor`, whatever is computed for it.
  void override(mlir::Value value, const Tensor &tensor, llvm::StringRef name) {
    overrides[value] = {std::make_shared<Tensor>(tensor), name.str()};
  }
  /// Takes the place of a value that is overridden; fails if the computed one
  /// has another shape.
  llvm::Error applyOverride(mlir::Value value, Frame &frame);

  /// Matrix `index` of a stack of them: an operand of a lazy operation.
  llvm::Expected<TensorRef> expert(mlir::Value stack, int64_t index,
                                   const Frame &frame);
  /// A whole operand of a lazy operation.
  llvm::Expected<TensorRef> whole(mlir::Value value, const Frame &frame);

  /// The token whose router is being run, -1 outside of routers.
  int64_t row = -1;
  /// Ids to prefer for that token where there is a choice.
  llvm::SmallVector<int64_t> preferredIds() const;
  /// Notes a choice that was made for that token.
  void noteChoice(Clearness clearness);
  std::vector<RowDecision> takeDecisions() const;

private:
  llvm::Error evaluate(mlir::Operation *op, Frame &frame);

  struct Override {
    TensorRef tensor;
    std::string name;
  };

  WeightProvider &provider;
  const RunOptions &options;
  llvm::DenseMap<mlir::Value, mlir::moe::WeightOp> weights;
  llvm::DenseMap<mlir::Value, mlir::moe::EncodeOp> encoded;
  /// Weights read whole, by operation.
  llvm::DenseMap<mlir::Operation *, TensorRef> readWeights;
  llvm::DenseMap<mlir::Value, Override> overrides;
  std::map<int64_t, Clearness> choices;
};

/// An error at the place of `op`: "'NAME' at LOCATION: MESSAGE".
llvm::Error errorAt(mlir::Operation *op, llvm::StringRef message);

/// An error at `op` if two tensors that go together differ in shape.
llvm::Error checkSameShape(mlir::Operation *op, const Tensor &a,
                           const Tensor &b);

/// The format that floats of `type`, or of its elements, are rounded to; the
/// type has been checked to be one that rounds.
const Format &formatOf(mlir::Type type);

/// What moe.encode makes of `x`; of a weight, whose values are exact whatever
/// their bounds say, exactly.
TensorRef encode(mlir::moe::EncodeOp op, const Tensor &x, bool isWeight);

/// Whether the reference can compute with `type`, or with its elements.
bool isKnownType(mlir::Type type);

} // namespace moec::reference

#endif // MOEC_LIB_REFERENCE_EVALUATOR_H
