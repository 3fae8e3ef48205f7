//===- Phases.cpp - The order in which a layer is lowered -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Phases.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace moec::nvptx {

bool isRowProduct(moe::LinearOp op) {
  // Tiles of products have more columns than these have outputs.
  constexpr int64_t mostOutputs = 8;
  return cast<RankedTensorType>(op.getWeight().getType()).getDimSize(0) <=
         mostOutputs;
}

static bool combines(Operation *op) {
  auto product = dyn_cast<moe::GroupedMatmulOp>(op);
  return product && product.getCombineWeights();
}

static PhaseKind kindOf(Operation &op) {
  return llvm::TypeSwitch<Operation *, PhaseKind>(&op)
      .Case<moe::GroupOp, moe::CapacityOp>(
          [](auto) { return PhaseKind::Tokens; })
      .Case([](moe::GroupedMatmulOp) { return PhaseKind::Product; })
      .Case([](moe::LinearOp op) {
        return isRowProduct(op) ? PhaseKind::Rows : PhaseKind::Product;
      })
      .Case<tensor::EmptyOp, tensor::DimOp>(
          [](auto) { return PhaseKind::Host; })
      .Default([](Operation *op) {
        bool onTensors =
            llvm::any_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
        return onTensors ? PhaseKind::Rows : PhaseKind::Host;
      });
}

/// What a step reads, its regions too.
static SmallVector<Value> inputsOf(const Step &step) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(step.op->getRegions(), captured);
  SmallVector<Value> inputs(step.op->getOperands());
  llvm::append_range(inputs, captured);
  if (step.kind != PhaseKind::Product || !combines(step.op))
    return inputs;
  auto product = cast<moe::GroupedMatmulOp>(step.op);
  llvm::erase_if(inputs, [&](Value input) {
    return input == product.getOnto() || input == product.getCombineWeights();
  });
  return inputs;
}

namespace {

class PhaseOrder {
public:
  explicit PhaseOrder(Block &layer) {
    for (Operation &op : layer.without_terminator()) {
      waiting.push_back({kindOf(op), &op});
      if (combines(&op))
        waiting.push_back({PhaseKind::Rows, &op});
    }
  }

  SmallVector<Phase> run();

private:
  bool isReady(const Step &step) const;
  /// The steps of one kind that are ready, where `chained` also those that only
  /// wait for these.
  Phase take(PhaseKind kind, bool chained);

  SmallVector<Step> waiting;
};

} // namespace

bool PhaseOrder::isReady(const Step &step) const {
  auto waitsFor = [&](Operation *op) {
    return llvm::any_of(waiting, [&](const Step &other) {
      return other.op == op && (op != step.op || other.kind != step.kind);
    });
  };
  // The sums of a product's rows come after the product.
  if (step.kind == PhaseKind::Rows && combines(step.op) && waitsFor(step.op))
    return false;
  return llvm::none_of(inputsOf(step), [&](Value input) {
    return input.getDefiningOp() && waitsFor(input.getDefiningOp());
  });
}

Phase PhaseOrder::take(PhaseKind kind, bool chained) {
  Phase phase{kind, {}};
  SmallVector<Step> rest, all = waiting;
  for (const Step &step : all) {
    if (step.kind != kind || !isReady(step)) {
      rest.push_back(step);
      continue;
    }
    phase.steps.push_back(step);
    if (chained)
      llvm::erase_if(waiting, [&](const Step &other) {
        return other.op == step.op && other.kind == kind;
      });
  }
  waiting = std::move(rest);
  return phase;
}

SmallVector<Phase> PhaseOrder::run() {
  SmallVector<Phase> phases;
  while (!waiting.empty())
    for (PhaseKind kind : {PhaseKind::Host, PhaseKind::Rows, PhaseKind::Tokens,
                           PhaseKind::Product}) {
      Phase phase = take(kind, /*chained=*/kind != PhaseKind::Product);
      if (phase.steps.empty())
        continue;
      phases.push_back(std::move(phase));
      break;
    }
  return phases;
}

SmallVector<Phase> orderPhases(Block &layer) { return PhaseOrder(layer).run(); }

} // namespace moec::nvptx
