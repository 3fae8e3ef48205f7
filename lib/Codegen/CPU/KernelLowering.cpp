//===- KernelLowering.cpp - From a layer function to a kernel -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks the layer function and finds the buffers of its values. What passes
// the kernel's border is in KernelInterface.cpp.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "EncodedRows.h"
#include "VectorBody.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace moec::cpu {

std::string KernelLowering::uniqueName(StringRef suffix) {
  return e.name + "_" + suffix.str() + std::to_string(names++);
}

/// Moves what is not a moe operation up to its operands: work on rows of tokens
/// that follows other such work needs no barrier, and may overlap what comes
/// after it.
static void hoistRowWork(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    if (isa<moe::MoeDialect>(op.getDialect()) || !isPure(&op))
      continue;
    llvm::SetVector<Value> operands(op.operand_begin(), op.operand_end());
    getUsedValuesDefinedAbove(op.getRegions(), operands);
    Operation *last = nullptr;
    for (Value operand : operands)
      if (Operation *definition = operand.getDefiningOp())
        if (!last || last->isBeforeInBlock(definition))
          last = definition;
    last ? op.moveAfter(last) : op.moveBefore(&block, block.begin());
  }
}

LogicalResult KernelLowering::run() {
  FailureOr<llvm::MapVector<Value, int64_t>> returned =
      layerOutputs(kernel, "CPU");
  if (failed(returned))
    return failure();
  outputs = std::move(*returned);
  splitRouters(kernel, outputs);
  e.operation = "input";
  if (failed(bindArguments()))
    return failure();
  hoistRowWork(kernel.getBody().front());
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    e.b.setLoc(op.getLoc());
    e.operation = op.getName().stripDialect();
    if (failed(lowerUnlessGiven(op)))
      return failure();
  }
  e.operation = "output";
  auto end = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
  if (failed(finish(end)))
    return failure();
  e.emitWorkspaceFunction();
  e.entry->setAttr("moe.packs", e.b.getArrayAttr(packs));
  e.entry->setAttr("moe.stages", e.stageNames());
  return success();
}

LogicalResult KernelLowering::lowerUnlessGiven(Operation &op) {
  if (!makesRouting(kernel, outputs, op))
    return lower(op);
  Value yes = arith::ConstantOp::create(e.b, e.b.getBoolAttr(true));
  Value compute = arith::XOrIOp::create(e.b, e.givenRouting, yes);
  LogicalResult result = success();
  e.stagesWhen(compute, [&] { result = lower(op); });
  // What the caller gives is already there if the caller's memory serves as
  // the value's buffer; else it is fetched.
  for (Value value : op.getResults())
    if (auto output = outputs.find(value);
        succeeded(result) && output != outputs.end() && !direct.contains(value))
      e.stagesWhen(e.givenRouting, [&] { copyIn(output->second, get(value)); });
  return result;
}

LogicalResult KernelLowering::lower(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](moe::LinearOp op) { return lowerLinear(*this, op); })
      .Case([&](moe::GroupedMatmulOp op) {
        return lowerGroupedMatmul(*this, op);
      })
      .Case([&](moe::RouterOp op) { return lowerRouter(*this, op); })
      .Case([&](moe::GroupOp op) { return lowerGroup(*this, op); })
      .Case([&](moe::CapacityOp op) { return lowerCapacity(*this, op); })
      .Case([&](moe::DispatchOp op) { return lowerDispatch(*this, op); })
      .Case([&](moe::EncodeOp op) { return lowerEncode(*this, op); })
      .Case([&](moe::CombineOp op) { return lowerCombine(*this, op); })
      .Case([&](moe::IdentityExpertsOp op) {
        return lowerIdentityExperts(*this, op);
      })
      .Case([&](linalg::GenericOp op) { return lowerGeneric(*this, op); })
      .Case([&](linalg::FillOp op) { return lowerFill(*this, op); })
      // The destination of an element-wise operation is its result's buffer.
      .Case([&](tensor::EmptyOp op) { return success(); })
      .Case([&](tensor::DimOp op) -> LogicalResult {
        FailureOr<int64_t> dim = askedDimension(op);
        if (failed(dim))
          return failure();
        Value source = op.getSource();
        auto type = cast<RankedTensorType>(source.getType());
        scalars[op.getResult()] = type.isDynamicDim(*dim)
                                      ? e.count(rowCount(source))
                                      : e.index(type.getDimSize(*dim));
        return success();
      })
      .Default([&](Operation *op) -> LogicalResult {
        if (op->getNumResults() == 1 &&
            isa<RankedTensorType>(op->getResult(0).getType()) &&
            isElementwise(*op))
          return lowerElementwise(*this, *op);
        bool isScalarMath =
            op->getNumRegions() == 0 && op->getNumResults() == 1 &&
            isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()) &&
            op->getResult(0).getType().isIntOrIndexOrFloat();
        if (!isScalarMath)
          return op->emitOpError("has no CPU lowering");
        IRMapping map;
        for (Value operand : op->getOperands())
          map.map(operand, scalars.lookup(operand));
        scalars[op->getResult(0)] = e.b.clone(*op, map)->getResult(0);
        return success();
      });
}

RowCount KernelLowering::rowCount(Value tensor) {
  TensorRows rows = tensorRows(tensor);
  return {.perToken = rows.perToken, .fixed = rows.fixed};
}

/// Whether everything that touches the value does so element by element, so
/// that its memory needs no room after a row.
static bool isScalarValue(Value tensor) {
  if (!isa_and_present<moe::RouterOp, moe::CapacityOp>(tensor.getDefiningOp()))
    return false;
  return llvm::all_of(tensor.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (auto product = dyn_cast<moe::GroupedMatmulOp>(user))
      return product.getInput() != use.get() && product.getOnto() != use.get();
    if (auto dispatch = dyn_cast<moe::DispatchOp>(user))
      return dispatch.getX() != use.get();
    if (auto identity = dyn_cast<moe::IdentityExpertsOp>(user))
      return identity.getX() != use.get();
    if (auto combine = dyn_cast<moe::CombineOp>(user))
      return combine.getRows() != use.get();
    return isa<func::ReturnOp, moe::GroupOp, moe::CapacityOp, tensor::DimOp>(
        user);
  });
}

Buffer KernelLowering::allocateResult(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Buffer buffer;
  if (std::optional<EncodedRows> layout = EncodedRows::of(tensor)) {
    buffer = e.allocate(rowCount(tensor), layout->bytes(), e.b.getI8Type());
    set(tensor, buffer);
    return buffer;
  }
  auto output = outputs.find(tensor);
  bool scalar = isScalarValue(tensor);
  if (output != outputs.end() && scalar) {
    buffer = outputMemory(output->second, type);
    direct.insert(tensor);
  } else {
    int64_t cols = type.getRank() == 2 ? type.getDimSize(1) : 1;
    buffer =
        scalar ? e.allocateDense(rowCount(tensor), cols, type.getElementType())
               : e.allocate(rowCount(tensor), cols, type.getElementType());
  }
  set(tensor, buffer);
  return buffer;
}

} // namespace moec::cpu
