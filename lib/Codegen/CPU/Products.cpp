//===- Products.cpp - Products of rows and packed weights -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.linear on a matrix of rows and moe.grouped_matmul. The work is cut into
// (expert, panel) pairs. Where results are rows of their own, every thread gets
// one contiguous run of pairs, weighted by the expert's rows; where results are
// added into tokens, every thread owns a run of columns, so that nothing is
// written by two threads and the order of additions does not depend on how many
// there are.
//
//===----------------------------------------------------------------------===//

#include "Products.h"
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

void forEvenRuns(KernelEmitter &e, Value count, int64_t most,
                 function_ref<void(Value, Value)> body) {
  Value runs = e.div(e.add(count, e.index(most - 1)), e.index(most));
  e.loop(e.index(0), runs, [&](Value run) {
    Value first = e.div(e.mul(run, count), runs);
    Value next = e.div(e.mul(e.add(run, e.index(1)), count), runs);
    body(first, e.sub(next, first));
  });
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

//===----------------------------------------------------------------------===//
// Products of a whole matrix
//===----------------------------------------------------------------------===//

namespace {

/// The operands of a product as buffers.
struct Operands {
  Buffer rows, destination;
  std::optional<Buffer> offsets, gather, scale, combineWeights, combineSlots,
      onto;
  /// Choices of a token; slot / choices is the token.
  int64_t choices = 1;
};

class ProductEmitter {
public:
  ProductEmitter(KernelEmitter &e, const PackedProduct &product,
                 const Operands &operands, std::string name)
      : e(e), product(product), shape(product.shape), operands(operands),
        tiles(e, shape, std::move(name)) {}

  void emit() {
    e.beginStage(Split::Other);
    if (shape.combines)
      emitCombining();
    else
      emitRows();
  }

private:
  /// The rows of an expert: first and count.
  std::pair<Value, Value> expertRows(Value expert) {
    if (!operands.offsets)
      return {e.index(0), operands.rows.rows};
    auto offset = [&](Value at) {
      return e.toIndex(memref::LoadOp::create(e.b, operands.offsets->memref,
                                              ValueRange{e.index(0), at}));
    };
    Value first = offset(expert);
    return {first, e.sub(offset(e.add(expert, e.index(1))), first)};
  }

  /// What a pair of expert and panel costs: its rows, and reading the panel,
  /// which costs about as much as eight rows.
  Value panelCost(Value rows) {
    Value used = e.less(e.index(0), rows);
    return arith::SelectOp::create(e.b, used, e.add(rows, e.index(8)),
                                   e.index(0));
  }

  /// Results are rows of their own: runs of (expert, panel) pairs.
  void emitRows() {
    Value experts =
        e.index(cast<MemRefType>(product.panels.getType()).getDimSize(0));
    Value panels = e.index(shape.panels());
    Value total =
        e.loopCarried(e.index(0), experts, e.index(1), e.index(0),
                      [&](Value expert, ValueRange sum) -> SmallVector<Value> {
                        Value cost = panelCost(expertRows(expert).second);
                        return {e.add(sum[0], e.mul(cost, panels))};
                      })[0];
    auto [from, to] = e.share(total);
    // The panels of an expert that begin inside [from, to) are this thread's.
    auto firstPanel = [&](Value limit, Value start, Value cost) -> Value {
      Value distance = e.sub(arith::MaxSIOp::create(e.b, limit, start), start);
      Value panel = e.div(e.add(distance, e.sub(cost, e.index(1))), cost);
      return arith::MinSIOp::create(e.b, panel, panels);
    };
    e.loopCarried(
        e.index(0), experts, e.index(1), e.index(0),
        [&, from = from, to = to](Value expert,
                                  ValueRange start) -> SmallVector<Value> {
          auto [first, count] = expertRows(expert);
          Value cost = panelCost(count);
          e.when(e.less(e.index(0), count), [&, first = first, count = count] {
            e.loop(firstPanel(from, start[0], cost),
                   firstPanel(to, start[0], cost), [&](Value panel) {
                     emitPanel(expert, panel, first, count);
                   });
          });
          return {e.add(start[0], e.mul(cost, panels))};
        });
  }

  /// Results are added into tokens: every thread owns columns.
  void emitCombining() {
    auto [from, to] = e.share(e.index(shape.panels()));
    emitBase(from, to);
    Value experts =
        e.index(cast<MemRefType>(product.panels.getType()).getDimSize(0));
    e.loop(e.index(0), experts, [&, from = from, to = to](Value expert) {
      auto [first, count] = expertRows(expert);
      e.when(e.less(e.index(0), count), [&, first = first, count = count] {
        e.loop(from, to,
               [&](Value panel) { emitPanel(expert, panel, first, count); });
      });
    });
  }

  /// What the columns of panels [from, to) are added onto.
  void emitBase(Value from, Value to) {
    Value firstCol = e.mul(from, e.index(shape.resultCols()));
    Value endCol = e.mul(to, e.index(shape.resultCols()));
    e.loop(e.index(0), operands.destination.rows, [&](Value row) {
      e.loop(firstCol, endCol, e.index(e.lanes), [&](Value col) {
        SmallVector<Value, 2> position{row, col};
        Value base = e.splat(e.f32(0.0), e.lanes);
        if (operands.onto)
          base = vector::LoadOp::create(e.b, e.f32Vector(),
                                        operands.onto->memref, position);
        vector::StoreOp::create(e.b, base, operands.destination.memref,
                                position);
      });
    });
  }

  void emitPanel(Value expert, Value panel, Value first, Value count) {
    Value memory = product.panel(e, expert, panel);
    Value firstCol = e.mul(panel, e.index(shape.resultCols()));
    int64_t most = shape.tile.getRows();
    forEvenRuns(e, count, most, [&](Value run, Value length) {
      Value start = e.add(first, run);
      switchRows(e, length, most, [&](int64_t rows) {
        TileArguments a;
        a.rows = operands.rows.memref;
        a.panel = memory;
        a.firstCol = firstCol;
        a.expert = expert;
        for (const Buffer &column : product.columns)
          a.columns.push_back(column.memref);
        a.destination = operands.destination.memref;
        for (int64_t r = 0; r < rows; ++r)
          addRow(a, e.add(start, e.index(r)));
        tiles.call(e, a);
      });
    });
  }

  /// Adds what belongs to sorted row `row` to a tile's arguments.
  void addRow(TileArguments &a, Value row) {
    auto slotOf = [&](const Buffer &slots) {
      return e.toIndex(memref::LoadOp::create(e.b, slots.memref,
                                              ValueRange{e.index(0), row}));
    };
    // A matrix of one row per slot, read flat.
    auto atSlot = [&](const Buffer &matrix, Value slot) -> Value {
      Value choices = e.index(operands.choices);
      Value token = e.div(slot, choices);
      Value choice = arith::RemUIOp::create(e.b, slot, choices);
      return memref::LoadOp::create(e.b, matrix.memref,
                                    ValueRange{token, choice});
    };
    Value source = row, destination = row;
    if (operands.gather) {
      Value slot = slotOf(*operands.gather);
      source = e.div(slot, e.index(operands.choices));
      if (operands.scale)
        a.scales.push_back(atSlot(*operands.scale, slot));
    }
    if (operands.combineSlots) {
      Value slot = slotOf(*operands.combineSlots);
      destination = e.div(slot, e.index(operands.choices));
      a.combineWeights.push_back(atSlot(*operands.combineWeights, slot));
    }
    a.rowNumbers.push_back(source);
    a.destinationRows.push_back(destination);
  }

  KernelEmitter &e;
  const PackedProduct &product;
  const TileShape &shape;
  const Operands &operands;
  TileFunctions tiles;
};

} // namespace

LogicalResult lowerLinear(KernelLowering &k, moe::LinearOp op) {
  Operands operands;
  operands.rows = k.get(op.getX());
  operands.destination = k.allocateResult(op.getResult());
  FailureOr<PackedProduct> product =
      packProduct(k, op, op.getStrategyAttr(), op.getWeight(),
                  op.getBias() ? ValueRange(op.getBias()) : ValueRange(),
                  operands.rows, operands.destination);
  if (failed(product))
    return failure();
  ProductEmitter(k.e, *product, operands, k.uniqueName("linear")).emit();
  return success();
}

LogicalResult lowerGroupedMatmul(KernelLowering &k, moe::GroupedMatmulOp op) {
  if (op.getCombineWeights() &&
      !op.getResult().getType().getElementType().isF32())
    return op.emitOpError("combines into ")
           << op.getResult().getType().getElementType()
           << "; the CPU back end combines into f32";
  if (op.hasEpilogue() && failed(checkVectorizable(op.getEpilogue().front())))
    return failure();
  Operands operands;
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
  ProductEmitter(k.e, *product, operands, k.uniqueName("experts")).emit();
  return success();
}

} // namespace moec::cpu
