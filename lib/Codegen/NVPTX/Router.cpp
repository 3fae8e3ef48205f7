//===- Router.cpp - The lowering of moe.router ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block takes a token: all warps the products that read its row from memory,
// then one warp the rest of the region, in registers.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "RowProduct.h"
#include "RowProgram.h"

namespace moec::nvptx {

namespace {

class RouterEmitter {
public:
  RouterEmitter(LayerLowering &l, moe::RouterOp op, DeviceKernel &k)
      : l(l), op(op), k(k), program(k) {}

  LogicalResult emit(Value row);

private:
  LogicalResult useParams();
  void bindParams();
  LogicalResult bindRows(Value row);
  bool readsMemory(moe::LinearOp linear) { return op.isRowArg(linear.getX()); }
  LogicalResult emitProducts(Value row);
  LogicalResult emitLinear(moe::LinearOp linear);
  LogicalResult emitRegion(Value row);

  LayerLowering &l;
  moe::RouterOp op;
  DeviceKernel &k;
  RowProgram program;
  llvm::DenseMap<Value, Memory> memories;
  /// Widths of parameters that are one row.
  llvm::DenseMap<Value, int64_t> widths;
};

} // namespace

LogicalResult RouterEmitter::useParams() {
  for (auto [i, param] : llvm::enumerate(op.getParams())) {
    auto type = cast<RankedTensorType>(param.getType());
    FailureOr<Buffer> buffer = l.weightRows(param, type.getElementType(), op);
    if (failed(buffer))
      return failure();
    memories[op.getParamArg(i)] = l.use(k, *buffer);
    if (type.getRank() == 1)
      widths[op.getParamArg(i)] = buffer->cols;
  }
  return success();
}

void RouterEmitter::bindParams() {
  for (size_t i = 0; i < op.getParams().size(); ++i) {
    BlockArgument argument = op.getParamArg(i);
    Memory memory = memories.lookup(argument);
    program.bindTable(argument, memory);
    if (widths.contains(argument))
      program.bind(argument,
                   program.load(memory, k.i32(0), widths.lookup(argument)));
  }
}

LogicalResult RouterEmitter::bindRows(Value row) {
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

/// The products that read the row from memory, into shared memory.
LogicalResult RouterEmitter::emitProducts(Value row) {
  for (auto linear : op.getBody().front().getOps<moe::LinearOp>()) {
    if (!isa<BlockArgument>(linear.getWeight()) ||
        (linear.getBias() && !isa<BlockArgument>(linear.getBias())))
      return linear.emitOpError("multiplies by something the region computed");
    if (!readsMemory(linear))
      continue;
    int64_t outputs =
        cast<RankedTensorType>(linear.getWeight().getType()).getDimSize(0);
    Value rows = op.getOutside(linear.getX());
    Memory sums = k.allocateShared(k.b.getF32Type(), 1, outputs);
    memories[linear.getResult()] = sums;
    emitRowProduct(
        k, memories.lookup(linear.getX()), row,
        memories.lookup(linear.getWeight()), outputs, l.get(rows).stride,
        [&](Value output, Value sum) { k.store(sum, sums, 0, output); });
  }
  return success();
}

/// A product of a row in registers, or what emitProducts() has left of one of
/// memory; and the bias.
LogicalResult RouterEmitter::emitLinear(moe::LinearOp linear) {
  auto type = cast<RankedTensorType>(linear.getWeight().getType());
  int64_t outputs = type.getDimSize(0), width = type.getDimSize(1);
  Row result = program.makeRow(outputs, k.b.getF32Type());
  if (readsMemory(linear)) {
    result =
        program.load(memories.lookup(linear.getResult()), k.i32(0), outputs);
  } else {
    Memory matrix = memories.lookup(linear.getWeight());
    Row x = program.getRow(linear.getX());
    llvm::fill(result.registers, k.f32(0.0));
    result.registers = k.loopCarried(
        0, outputs, 1, result.registers,
        [&](Value output, ValueRange carried) -> SmallVector<Value> {
          Value sum = k.f32(0.0);
          for (auto [reg, element] : llvm::enumerate(x.registers)) {
            Value col = program.indexIn(reg);
            Value term = k.valueWhen(k.less(col, width), sum, [&]() -> Value {
              return math::FmaOp::create(k.b, element,
                                         k.loadF32(matrix, output, col), sum);
            });
            sum = term;
          }
          Value total = k.butterfly(sum, [&](Value a, Value b) -> Value {
            return arith::AddFOp::create(k.b, a, b);
          });
          SmallVector<Value> next;
          for (auto [reg, old] : llvm::enumerate(carried))
            next.push_back(
                k.select(k.equal(program.indexIn(reg), output), total, old));
          return next;
        });
  }
  if (linear.getBias()) {
    Row bias =
        program.load(memories.lookup(linear.getBias()), k.i32(0), outputs);
    for (auto [sum, x] : llvm::zip(result.registers, bias.registers))
      sum = arith::AddFOp::create(k.b, sum, k.toF32(x));
  }
  program.bind(linear.getResult(), result);
  return success();
}

LogicalResult RouterEmitter::emitRegion(Value row) {
  bindParams();
  if (failed(bindRows(row)))
    return failure();
  for (Operation &operation : op.getBody().front().without_terminator()) {
    k.b.setLoc(operation.getLoc());
    auto linear = dyn_cast<moe::LinearOp>(operation);
    if (failed(linear ? emitLinear(linear) : program.emit(operation)))
      return failure();
  }
  for (auto [result, value] :
       llvm::zip(op.getResults(), op.getYield().getValues()))
    program.store(value, l.use(k, result), row);
  return success();
}

LogicalResult RouterEmitter::emit(Value row) {
  for (auto [i, rows] : llvm::enumerate(op.getRows()))
    memories[op.getRowArg(i)] = l.use(k, rows);
  for (Value result : op.getResults())
    (void)l.use(k, result);
  if (failed(useParams()) || failed(emitProducts(row)))
    return failure();
  k.syncBlock();
  LogicalResult result = success();
  k.when(k.equal(k.warp(), 0), [&] { result = emitRegion(row); });
  return result;
}

LogicalResult lowerRouter(LayerLowering &l, moe::RouterOp op) {
  for (Value result : op.getResults())
    l.allocateResult(result);
  return l.onRows(op.getLoc(), "router", {tensorRows(op.getRows()[0])},
                  [&l, op](DeviceKernel &k, const RowPart &part) {
                    return RouterEmitter(l, op, k).emit(part.row);
                  });
}

} // namespace moec::nvptx
