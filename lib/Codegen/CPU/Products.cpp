//===- Products.cpp - Products of rows and packed weights -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.linear on a matrix of rows and moe.grouped_matmul: their operands as
// buffers, their weights as packed panels. How the work is cut up and ordered
// is in ProductLoops.cpp.
//
//===----------------------------------------------------------------------===//

#include "ProductLoops.h"
#include "VectorBody.h"

namespace moec::cpu {

Value countRuns(KernelEmitter &e, Value count, int64_t most) {
  return e.div(e.add(count, e.index(most - 1)), e.index(most));
}

Run evenRun(KernelEmitter &e, Value count, Value number, Value runs) {
  Value first = e.div(e.mul(number, count), runs);
  Value next = e.div(e.mul(e.add(number, e.index(1)), count), runs);
  return {first, e.sub(next, first), number, runs};
}

void forEvenRuns(KernelEmitter &e, Value count, int64_t most,
                 function_ref<void(const Run &)> body) {
  Value runs = countRuns(e, count, most);
  e.loop(e.index(0), runs,
         [&](Value number) { body(evenRun(e, count, number, runs)); });
}

void switchRows(KernelEmitter &e, Value length, int64_t most,
                function_ref<void(int64_t)> body) {
  auto cases = llvm::to_vector(llvm::seq<int64_t>(1, most));
  auto branch =
      scf::IndexSwitchOp::create(e.b, TypeRange(), length, cases, cases.size());
  OpBuilder::InsertionGuard guard(e.b);
  for (int64_t rows = 1; rows <= most; ++rows) {
    Region &region = rows < most ? branch.getCaseRegions()[rows - 1]
                                 : branch.getDefaultRegion();
    e.b.setInsertionPointToStart(&region.emplaceBlock());
    body(rows);
    scf::YieldOp::create(e.b);
  }
}

LogicalResult lowerLinear(KernelLowering &k, moe::LinearOp op) {
  ProductOperands operands;
  operands.rows = k.get(op.getX());
  operands.destination = k.allocateResult(op.getResult());
  FailureOr<PackedProduct> product =
      packProduct(k, op, op.getStrategyAttr(), op.getWeight(),
                  op.getBias() ? ValueRange(op.getBias()) : ValueRange(),
                  op.getX(), operands.rows, operands.destination);
  if (failed(product))
    return failure();
  return emitProduct(k, op, *product, operands, op.getRangesAttr(), "linear");
}

LogicalResult lowerGroupedMatmul(KernelLowering &k, moe::GroupedMatmulOp op) {
  if (op.getCombineWeights() &&
      !op.getResult().getType().getElementType().isF32())
    return op.emitOpError("combines into ")
           << op.getResult().getType().getElementType()
           << "; the CPU back end combines into f32";
  if (op.hasEpilogue() &&
      failed(checkElementwise(op.getEpilogue().front(), "vectors")))
    return failure();
  ProductOperands operands;
  auto buffer = [&](Value value) -> std::optional<Buffer> {
    return value ? std::optional(k.get(value)) : std::nullopt;
  };
  operands.rows = k.get(op.getInput());
  operands.offsets = buffer(op.getOffsets());
  operands.gather = buffer(op.getGather());
  operands.scale = buffer(op.getScale());
  operands.combineWeights = buffer(op.getCombineWeights());
  operands.combineSlots = buffer(op.getCombineSlots());
  operands.onto = buffer(op.getOnto());
  operands.choices = op.getChoices();
  operands.destination = k.allocateResult(op.getResult());
  FailureOr<PackedProduct> product =
      packProduct(k, op, op.getStrategyAttr(), op.getWeights(), op.getColumns(),
                  op.getInput(), operands.rows, operands.destination);
  if (failed(product))
    return failure();
  product->shape.scaled = op.getScale() != nullptr;
  product->shape.combines = op.getCombineWeights() != nullptr;
  product->shape.epilogue =
      op.hasEpilogue() ? &op.getEpilogue().front() : nullptr;
  return emitProduct(k, op, *product, operands, op.getRangesAttr(), "experts");
}

} // namespace moec::cpu
