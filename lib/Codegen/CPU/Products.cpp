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

Value PackedProduct::panel(KernelEmitter &e, Value expert, Value panel) const {
  MemRefType type = shape.panelType(e.b.getContext());
  Value zero = e.index(0);
  SmallVector<OpFoldResult> offsets{expert, panel, zero, zero};
  SmallVector<OpFoldResult> sizes{e.b.getIndexAttr(1), e.b.getIndexAttr(1)};
  for (int64_t size : type.getShape())
    sizes.push_back(e.b.getIndexAttr(size));
  SmallVector<OpFoldResult> strides(4, e.b.getIndexAttr(1));
  return memref::SubViewOp::create(e.b, type, panels, offsets, sizes, strides);
}

Value PackedProduct::address(KernelEmitter &e, Value expert,
                             Value panel) const {
  Value number = e.add(e.mul(expert, e.index(shape.panels())), panel);
  Value bytes = e.index(shape.steps() * shape.stepBytes());
  return e.add(e.address(panels), e.mul(number, bytes));
}

FailureOr<PackedProduct> packProduct(KernelLowering &k, Operation *op,
                                     Attribute strategy, ValueRange weights,
                                     ValueRange columns, Buffer rows,
                                     Buffer destination) {
  auto tile = dyn_cast_if_present<moe::CpuTileAttr>(strategy);
  if (!tile)
    return op->emitOpError("has no #moe.cpu_tile strategy; run "
                           "moe-choose-strategy first");
  auto type = cast<RankedTensorType>(weights[0].getType());
  int64_t experts = type.getRank() == 3 ? type.getDimSize(0) : 1;
  PackedProduct product;
  TileShape &shape = product.shape;
  shape.tile = tile;
  shape.weights = weights.size();
  shape.n = type.getShape().drop_back().back();
  shape.k = type.getShape().back();
  shape.rowsType = cast<MemRefType>(rows.memref.getType());
  shape.destinationType = cast<MemRefType>(destination.memref.getType());
  shape.panelElement = type.getElementType();
  if (tile.getCols() % (tile.getLanes() * shape.weights) != 0)
    return op->emitOpError("strategy ")
           << tile << " cannot split " << tile.getCols() << " columns among "
           << shape.weights << " weights";
  bool pairs = tile.getDepth() == 2;
  if (pairs && !(shape.panelElement.isBF16() && rows.elementType().isBF16()))
    return op->emitOpError("strategy ")
           << tile << " takes pairs of bf16, the operands are "
           << rows.elementType() << " and " << shape.panelElement;
  if (tile.getDepth() > 2 || shape.resultCols() > 64 || tile.getUnroll() > 8)
    return op->emitOpError("strategy ") << tile << " is out of range";

  SmallVector<int64_t> numbers;
  for (Value weight :
       llvm::concat<Value>(llvm::to_vector(weights), llvm::to_vector(columns)))
    if (!k.weightNumber(weight))
      return op->emitOpError(
          "multiplies by or adds a tensor that is not a weight of the layer");
  for (Value weight : weights)
    numbers.push_back(*k.weightNumber(weight));
  for (Value column : columns)
    product.columns.push_back(k.paddedWeight(column, k.e.b.getF32Type()));
  for (const Buffer &column : product.columns)
    shape.columnTypes.push_back(cast<MemRefType>(column.memref.getType()));

  auto pack =
      moe::PanelsAttr::get(op->getContext(), numbers, tile.getCols(),
                           tile.getDepth(), shape.steps(), shape.panelElement);
  product.panels = k.weightMemory(
      pack, MemRefType::get({experts, shape.panels(), shape.steps(),
                             tile.getCols() * tile.getDepth()},
                            shape.panelElement));
  return product;
}

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
                  operands.rows, operands.destination);
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
  if (op.hasEpilogue() && failed(checkVectorizable(op.getEpilogue().front())))
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
                  operands.rows, operands.destination);
  if (failed(product))
    return failure();
  product->shape.scaled = op.getScale() != nullptr;
  product->shape.combines = op.getCombineWeights() != nullptr;
  product->shape.epilogue =
      op.hasEpilogue() ? &op.getEpilogue().front() : nullptr;
  return emitProduct(k, op, *product, operands, op.getRangesAttr(), "experts");
}

} // namespace moec::cpu
