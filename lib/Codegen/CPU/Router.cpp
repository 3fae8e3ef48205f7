//===- Router.cpp - The lowering of moe.router ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two stages. First the gating products, a few tokens at a time, so that the
// gate is read once for several tokens; the pairs of such a run and a panel of
// the gate are shared out, so that one token's product takes all threads. Then
// the rest of the region, token by token.
//
//===----------------------------------------------------------------------===//

#include "Products.h"
#include "RowProgram.h"

namespace moec::cpu {

namespace {

/// A moe.linear of the region as a tiled product.
struct RowProduct {
  moe::LinearOp op;
  PackedProduct product;
  TileFunctions tiles;
  /// A row for each token, or for each thread.
  Buffer result;

  /// Panel `panel` times a few rows; results are rows from `firstResultRow` on.
  void call(KernelEmitter &e, Value rowsMemref, ArrayRef<Value> rowNumbers,
            Value firstResultRow, Value panel) const {
    const TileShape &shape = product.shape;
    TileArguments a;
    a.rows = rowsMemref;
    llvm::append_range(a.rowNumbers, rowNumbers);
    a.panel = product.panel(e, e.index(0), panel);
    a.firstCol = e.mul(panel, e.index(shape.resultCols()));
    a.expert = e.index(0);
    for (const Buffer &column : product.columns)
      a.columns.push_back(column.memref);
    a.destination = result.memref;
    for (size_t r = 0; r < rowNumbers.size(); ++r)
      a.destinationRows.push_back(e.add(firstResultRow, e.index(r)));
    a.ahead = a.aheadLines = e.index(0);
    tiles.call(e, a);
  }
};

class RouterLowering {
public:
  RouterLowering(KernelLowering &k, moe::RouterOp op)
      : k(k), e(k.e), op(op), program(e) {}

  LogicalResult run();

private:
  LogicalResult bindParams();
  /// Prepares `linear` as a product of `rowsAtOnce` rows of `rows`, which has
  /// `resultRows` results at a time.
  LogicalResult prepare(moe::LinearOp linear, Buffer rows, int64_t rowsAtOnce,
                        RowCount resultRows);
  /// The stage of a product of the tokens' own rows.
  void emitGate(RowProduct &gate, Value tokens);
  LogicalResult emitToken(Value token);

  KernelLowering &k;
  KernelEmitter &e;
  moe::RouterOp op;
  RowProgram program;
  /// Products of the token's own row, computed before, and products of rows
  /// the region computes.
  SmallVector<RowProduct, 0> gates, inner;
};

} // namespace

LogicalResult RouterLowering::bindParams() {
  for (auto [i, param] : llvm::enumerate(op.getParams())) {
    BlockArgument argument = op.getParamArg(i);
    bool readAsRow = llvm::any_of(argument.getUses(), [](OpOperand &use) {
      return !isa<moe::LinearOp>(use.getOwner());
    });
    if (!readAsRow)
      continue;
    if (!k.weightNumber(param))
      return op.emitOpError("parameter ")
             << i << " is not a weight of the layer";
    Type element = cast<RankedTensorType>(param.getType()).getElementType();
    program.bind(argument, {k.paddedWeight(param, element), e.index(0)});
  }
  return success();
}

LogicalResult RouterLowering::prepare(moe::LinearOp linear, Buffer rows,
                                      int64_t rowsAtOnce, RowCount resultRows) {
  Attribute strategy = linear.getStrategyAttr();
  if (auto tile = dyn_cast_if_present<moe::CpuTileAttr>(strategy))
    strategy = moe::CpuTileAttr::get(op.getContext(), rowsAtOnce,
                                     tile.getCols(), tile.getDepth(),
                                     tile.getLanes(), tile.getUnroll());
  if (!isa<BlockArgument>(linear.getWeight()) ||
      (linear.getBias() && !isa<BlockArgument>(linear.getBias())))
    return linear.emitOpError("multiplies by something the region computed");
  int64_t cols = linear.getResult().getType().getDimSize(0);
  Buffer result = e.allocate(resultRows, cols, e.b.getF32Type());
  SmallVector<Value, 1> columns;
  if (linear.getBias())
    columns.push_back(op.getOutside(linear.getBias()));
  FailureOr<PackedProduct> product =
      packProduct(k, linear, strategy, op.getOutside(linear.getWeight()),
                  columns, linear.getX(), rows, result);
  if (failed(product))
    return failure();
  TileFunctions tiles(e, product->shape, k.uniqueName("gate"));
  auto &list = op.isRowArg(linear.getX()) ? gates : inner;
  list.push_back({linear, std::move(*product), std::move(tiles), result});
  return success();
}

void RouterLowering::emitGate(RowProduct &gate, Value tokens) {
  const TileShape &shape = gate.product.shape;
  int64_t most = shape.tile.getRows();
  Value panels = e.index(shape.panels()), runs = countRuns(e, tokens, most);
  Value rows = k.get(op.getOutside(gate.op.getX())).memref;
  e.beginStage(Split::Other, gate.product.stage);
  auto [from, to] = e.share(e.mul(runs, panels));
  e.loop(from, to, [&](Value pair) {
    Run run = evenRun(e, tokens, e.div(pair, panels), runs);
    Value panel = arith::RemUIOp::create(e.b, pair, panels);
    switchRows(e, run.length, most, [&](int64_t length) {
      SmallVector<Value> rowNumbers;
      for (int64_t r = 0; r < length; ++r)
        rowNumbers.push_back(e.add(run.first, e.index(r)));
      gate.call(e, rows, rowNumbers, run.first, panel);
    });
  });
}

LogicalResult RouterLowering::emitToken(Value token) {
  for (auto [i, row] : llvm::enumerate(op.getRows())) {
    BlockArgument argument = op.getRowArg(i);
    if (isa<RankedTensorType>(argument.getType()))
      program.bind(argument, {k.get(row), token});
    else
      program.bindScalar(argument,
                         memref::LoadOp::create(e.b, k.get(row).memref,
                                                ValueRange{token, e.index(0)}));
  }
  for (RowProduct &gate : gates)
    program.bind(gate.op.getResult(), {gate.result, token});
  for (Operation &operation : op.getBody().front().without_terminator()) {
    e.b.setLoc(operation.getLoc());
    auto linear = dyn_cast<moe::LinearOp>(operation);
    if (!linear) {
      if (failed(program.emit(operation)))
        return failure();
      continue;
    }
    if (program.isBound(linear.getResult()))
      continue;
    Row x = program.getRow(linear.getX());
    if (failed(prepare(linear, x.buffer, /*rowsAtOnce=*/1, {.perThread = 1})))
      return failure();
    const RowProduct &product = inner.back();
    e.loop(e.index(0), e.index(product.product.shape.panels()),
           [&](Value panel) {
             product.call(e, x.buffer.memref, x.number, e.thread, panel);
           });
    program.bind(linear.getResult(), {product.result, e.thread});
  }
  for (auto [result, value] :
       llvm::zip_equal(op.getResults(), op.getYield().getValues()))
    program.store(value, {k.get(result), token});
  return success();
}

LogicalResult RouterLowering::run() {
  for (Value result : op.getResults())
    k.allocateResult(result);
  if (failed(bindParams()))
    return failure();
  RowCount count = k.rowCount(op.getRows()[0]);
  Value tokens = e.count(count);
  for (auto linear : op.getBody().getOps<moe::LinearOp>()) {
    if (!op.isRowArg(linear.getX()))
      continue;
    auto tile = dyn_cast_if_present<moe::CpuTileAttr>(linear.getStrategyAttr());
    if (failed(prepare(linear, k.get(op.getOutside(linear.getX())),
                       tile ? tile.getRows() : 1, count)))
      return failure();
    emitGate(gates.back(), tokens);
  }
  bool tokenRows = count.perToken == 1 && count.fixed == 0;
  e.beginStage(tokenRows ? Split::TokenRows : Split::Other);
  auto [from, to] = e.share(tokens);
  LogicalResult result = success();
  e.loop(from, to, [&](Value token) { result = emitToken(token); });
  return result;
}

LogicalResult lowerRouter(KernelLowering &k, moe::RouterOp op) {
  return RouterLowering(k, op).run();
}

} // namespace moec::cpu
