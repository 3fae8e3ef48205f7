//===- Router.cpp - The lowering of moe.router ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp takes a token: the gating product first, its lanes along K, then the
// rest of the region in registers.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "RowProgram.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

namespace {

constexpr int64_t routerWarps = 4;

class RouterLowering {
public:
  RouterLowering(LayerLowering &l, moe::RouterOp op)
      : l(l), op(op), k(l.begin(op.getLoc(), "router", routerWarps * warpSize)),
        program(k) {}

  LogicalResult run();

private:
  LogicalResult bindParams();
  LogicalResult bindRows(Value row);
  LogicalResult emitLinear(moe::LinearOp linear, Value row);
  LogicalResult emitRow(Value row);

  LayerLowering &l;
  moe::RouterOp op;
  DeviceKernel k;
  RowProgram program;
  llvm::DenseMap<Value, Memory> memories;
  SmallVector<Memory> results;
};

} // namespace

LogicalResult RouterLowering::bindParams() {
  for (auto [i, param] : llvm::enumerate(op.getParams())) {
    BlockArgument argument = op.getParamArg(i);
    auto type = cast<RankedTensorType>(param.getType());
    FailureOr<Buffer> buffer = l.weightRows(param, type.getElementType(), op);
    if (failed(buffer))
      return failure();
    Memory memory = l.use(k, *buffer);
    memories[argument] = memory;
    program.bindTable(argument, memory);
    if (type.getRank() == 1)
      program.bind(argument, program.load(memory, k.i32(0), buffer->cols));
  }
  return success();
}

LogicalResult RouterLowering::bindRows(Value row) {
  for (auto [i, rows] : llvm::enumerate(op.getRows())) {
    BlockArgument argument = op.getRowArg(i);
    Memory memory = memories.lookup(argument);
    if (!isa<RankedTensorType>(argument.getType())) {
      program.bindScalar(argument, k.load(memory, row, 0));
      continue;
    }
    // Products read the row from memory.
    bool inRegisters = llvm::any_of(argument.getUsers(), [](Operation *user) {
      return !isa<moe::LinearOp>(user);
    });
    if (inRegisters)
      program.bind(argument, program.load(memory, row, l.get(rows).cols));
  }
  return success();
}

/// A product of a row of memory (or of registers) and a matrix: `registers`
/// rows of the matrix at a time, whose sums belong to one lane.
LogicalResult RouterLowering::emitLinear(moe::LinearOp linear, Value row) {
  if (!isa<BlockArgument>(linear.getWeight()) ||
      (linear.getBias() && !isa<BlockArgument>(linear.getBias())))
    return linear.emitOpError("multiplies by something the region computed");
  auto type = cast<RankedTensorType>(linear.getWeight().getType());
  int64_t outputs = type.getDimSize(0), width = type.getDimSize(1);
  Memory matrix = memories.lookup(linear.getWeight());
  Row result = program.makeRow(outputs, k.b.getF32Type());
  llvm::fill(result.registers, k.f32(0.0));
  size_t count = result.registers.size();

  // Adds the terms of column `col` to the sums.
  auto addTerms = [&](Value x, Value col, Value first, ValueRange sums) {
    SmallVector<Value> next;
    for (auto [reg, sum] : llvm::enumerate(sums)) {
      Value output = k.min(k.add(first, reg * warpSize), outputs - 1);
      Value weight = k.loadF32(matrix, output, col);
      next.push_back(math::FmaOp::create(k.b, x, weight, sum));
    }
    return next;
  };
  auto sumsOf = [&](Value first) -> SmallVector<Value> {
    SmallVector<Value> sums(count, k.f32(0.0));
    if (op.isRowArg(linear.getX())) {
      // Both have zeros up to the next multiple of the warp's size.
      Memory x = memories.lookup(linear.getX());
      return k.loopCarried(k.lane(), llvm::alignTo(width, warpSize), warpSize,
                           sums, [&](Value col, ValueRange carried) {
                             return addTerms(k.loadF32(x, row, col), col, first,
                                             carried);
                           });
    }
    Row x = program.getRow(linear.getX());
    for (auto [reg, value] : llvm::enumerate(x.registers)) {
      Value col = program.indexIn(reg);
      Value inside = k.less(col, width);
      sums = addTerms(k.select(inside, value, k.f32(0.0)), col, first, sums);
    }
    return sums;
  };
  result.registers = k.loopCarried(
      0, std::min(warpSize, outputs), 1, result.registers,
      [&](Value first, ValueRange carried) -> SmallVector<Value> {
        SmallVector<Value> next;
        for (auto [sum, old] : llvm::zip(sumsOf(first), carried)) {
          Value total = k.butterfly(sum, [&](Value a, Value b) -> Value {
            return arith::AddFOp::create(k.b, a, b);
          });
          next.push_back(k.select(k.equal(k.lane(), first), total, old));
        }
        return next;
      });
  if (linear.getBias()) {
    Row bias =
        program.load(memories.lookup(linear.getBias()), k.i32(0), outputs);
    for (auto [sum, x] : llvm::zip(result.registers, bias.registers))
      sum = arith::AddFOp::create(k.b, sum, k.toF32(x));
  }
  program.bind(linear.getResult(), result);
  return success();
}

LogicalResult RouterLowering::emitRow(Value row) {
  if (failed(bindRows(row)))
    return failure();
  for (Operation &operation : op.getBody().front().without_terminator()) {
    k.b.setLoc(operation.getLoc());
    auto linear = dyn_cast<moe::LinearOp>(operation);
    if (failed(linear ? emitLinear(linear, row) : program.emit(operation)))
      return failure();
  }
  for (auto [memory, value] : llvm::zip(results, op.getYield().getValues()))
    program.store(value, memory, row);
  return success();
}

LogicalResult RouterLowering::run() {
  for (Value result : op.getResults())
    results.push_back(l.use(k, l.allocateResult(result)));
  for (auto [i, rows] : llvm::enumerate(op.getRows()))
    memories[op.getRowArg(i)] = l.use(k, rows);
  if (failed(bindParams()))
    return failure();
  Count rows = tensorRows(op.getRows()[0]);
  Value row = k.add(k.mul(k.block(), routerWarps), k.warp());
  LogicalResult result = success();
  k.when(k.less(row, l.count(k, rows)), [&] { result = emitRow(row); });
  if (failed(result))
    return failure();
  l.launch(k, {.rows = rows, .perBlock = routerWarps});
  return success();
}

LogicalResult lowerRouter(LayerLowering &l, moe::RouterOp op) {
  return RouterLowering(l, op).run();
}

} // namespace moec::nvptx
