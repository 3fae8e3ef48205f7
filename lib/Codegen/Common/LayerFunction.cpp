//===- LayerFunction.cpp - What a layer's function says -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/Common/LayerFunction.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace moec {

LogicalResult lowerLayers(ModuleOp module,
                          function_ref<LogicalResult(func::FuncOp)> lower) {
  llvm::SetVector<Operation *> layers;
  for (auto layer : module.getOps<moe::LayerOp>())
    layers.insert(module.lookupSymbol(layer.getKernel()));
  for (auto function : module.getOps<func::FuncOp>())
    if (!layers.contains(function) && function.isPublic())
      return function.emitOpError("is a layer that no moe.layer binds; run "
                                  "moe-share-kernels first");
  for (Operation *layer : layers)
    if (failed(lower(cast<func::FuncOp>(layer))))
      return failure();
  for (Operation &op :
       llvm::make_early_inc_range(module.getBody()->getOperations()))
    if (isa<moe::LayerOp, moe::WeightOp>(op) || layers.contains(&op))
      op.erase();
  return success();
}

TensorRows tensorRows(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(0))
    return {.fixed = type.getDimSize(0)};
  // Rows are tokens, unless they are the slots of some choices for each.
  Operation *op = tensor.getDefiningOp();
  if (auto group = dyn_cast_if_present<moe::GroupOp>(op))
    return {.perToken =
                cast<RankedTensorType>(group.getIds().getType()).getDimSize(1)};
  if (auto router = dyn_cast_if_present<moe::RouterOp>(op))
    return tensorRows(router.getRows()[0]);
  if (auto encode = dyn_cast_if_present<moe::EncodeOp>(op))
    return tensorRows(encode.getX());
  if (auto dispatch = dyn_cast_if_present<moe::DispatchOp>(op))
    return tensorRows(dispatch.getSlots());
  if (auto product = dyn_cast_if_present<moe::GroupedMatmulOp>(op)) {
    if (product.getCombineWeights())
      return tensorRows(product.getCombineWeights());
    return tensorRows(product.getGather() ? Value(product.getGather())
                                          : Value(product.getInput()));
  }
  if (auto fill = dyn_cast_if_present<linalg::FillOp>(op))
    return tensorRows(fill.getOutputs()[0]);
  if (auto empty = dyn_cast_if_present<tensor::EmptyOp>(op))
    if (auto size = empty.getDynamicSizes()[0].getDefiningOp<tensor::DimOp>())
      return tensorRows(size.getSource());
  if (auto generic = dyn_cast_if_present<linalg::GenericOp>(op))
    for (auto [operand, map] :
         llvm::zip(generic.getDpsInputs(), generic.getIndexingMapsArray()))
      if (map.getNumResults() > 0 &&
          map.getResult(0) == getAffineDimExpr(0, map.getContext()))
        return tensorRows(operand);
  return {.perToken = 1};
}

FailureOr<int64_t> askedDimension(tensor::DimOp op) {
  std::optional<int64_t> dim = op.getConstantIndex();
  if (!dim)
    return op.emitOpError("asks for a dimension that is not constant");
  auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
  if (!type || *dim < 0 || *dim >= type.getRank())
    return op.emitOpError() << "asks for dimension " << *dim << " of "
                            << op.getSource().getType();
  return *dim;
}

/// Columns of an input.
static FailureOr<int64_t> inputCols(func::FuncOp layer, StringRef name,
                                    Type argument) {
  auto type = dyn_cast<RankedTensorType>(argument);
  if (!type || type.getRank() < 1 || type.getRank() > 2 ||
      !type.isDynamicDim(0) || (type.getRank() == 2 && type.isDynamicDim(1)))
    return layer.emitOpError("input '")
           << name << "' is " << argument
           << ", not tensor<?x..> or tensor<?x?x..> of static width";
  if (!type.getElementType().isF32() && !type.getElementType().isInteger())
    return layer.emitOpError("input '")
           << name << "' is " << type << "; float inputs are f32 here";
  return type.getRank() == 2 ? type.getDimSize(1) : 1;
}

FailureOr<LayerArguments> layerArguments(func::FuncOp layer) {
  LayerArguments arguments;
  for (BlockArgument argument : layer.getArguments()) {
    auto name =
        layer.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "moe.name");
    if (argument.getType().isIndex()) {
      if (!name || name.getValue() != "sequence")
        return layer.emitOpError("argument ")
               << argument.getArgNumber()
               << " is an index, but not named \"sequence\"";
      arguments.sequence = argument;
    } else if (name) {
      FailureOr<int64_t> cols =
          inputCols(layer, name.getValue(), argument.getType());
      if (failed(cols))
        return failure();
      arguments.inputs.push_back({argument, name.getValue(), *cols});
    } else {
      int64_t number = arguments.weightNumbers.size();
      arguments.weightNumbers[argument] = number;
    }
  }
  return arguments;
}

FailureOr<llvm::MapVector<Value, int64_t>> layerOutputs(func::FuncOp layer,
                                                        StringRef backEnd) {
  if (!layer.getBody().hasOneBlock())
    return layer.emitOpError("has control flow; the ")
           << backEnd << " back end lowers straight-line layers";
  auto op = cast<func::ReturnOp>(layer.getBody().front().getTerminator());
  llvm::MapVector<Value, int64_t> outputs;
  for (auto [position, value] : llvm::enumerate(op.getOperands())) {
    if (!layer.getResultAttrOfType<StringAttr>(position, "moe.name"))
      return layer.emitOpError("result ") << position << " has no moe.name";
    if (!value.getDefiningOp() || !outputs.insert({value, position}).second)
      return op.emitOpError("result ")
             << position << " is an argument or another result";
  }
  return outputs;
}

StringRef outputName(func::FuncOp layer, int64_t position) {
  return layer.getResultAttrOfType<StringAttr>(position, "moe.name").getValue();
}

/// Whether a returned value is an output that a caller can supply.
static bool isRouting(func::FuncOp layer, int64_t position) {
  return llvm::is_contained({"topk_ids", "topk_weights"},
                            outputName(layer, position));
}

void splitRouters(func::FuncOp layer,
                  const llvm::MapVector<Value, int64_t> &outputs) {
  for (Operation &op : llvm::make_early_inc_range(
           layer.getBody().front().without_terminator())) {
    if (!isa<moe::RouterOp>(op) || !makesRouting(layer, outputs, op))
      continue;
    auto isReadBeside = [&](OpOperand &use) {
      auto output = outputs.find(use.get());
      bool isGiven =
          output != outputs.end() && isRouting(layer, output->second);
      return !isGiven && !use.getOwner()->hasTrait<OpTrait::IsTerminator>();
    };
    if (llvm::none_of(op.getUses(), isReadBeside))
      continue;
    Operation *copy = OpBuilder(&op).clone(op);
    for (auto [result, copied] : llvm::zip(op.getResults(), copy->getResults()))
      result.replaceUsesWithIf(copied, isReadBeside);
  }
}

bool makesRouting(func::FuncOp layer,
                  const llvm::MapVector<Value, int64_t> &outputs,
                  Operation &op) {
  return llvm::any_of(op.getResults(), [&](Value result) {
    auto output = outputs.find(result);
    return output != outputs.end() && isRouting(layer, output->second);
  });
}

} // namespace moec
