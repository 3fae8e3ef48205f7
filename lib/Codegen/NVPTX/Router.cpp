//===- Router.cpp - The lowering of moe.router ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First the products that read a token's row from memory: in calls of few
// tokens, some blocks have a share of a row's outputs each; in others, a block
// has a tile of rows on tensor cores. Then a warp has a token for the rest of
// the region, in registers.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "RouterTile.h"
#include "RowProduct.h"
#include "RowProgram.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

namespace {

/// Products that read rows from memory, and where their sums are: a row for
/// each token in the workspace, or for each warp in shared memory.
struct RouterSums {
  SmallVector<moe::LinearOp> products;
  SmallVector<Buffer> buffers;
  SmallVector<Memory> shared;
  /// Blocks that have a share of a row's outputs.
  int64_t shares = 1;
};

class RouterEmitter {
public:
  RouterEmitter(LayerLowering &l, moe::RouterOp op, DeviceKernel &k,
                RouterSums &sums)
      : l(l), op(op), k(k), sums(sums), program(k) {}

  /// Of row `row`, share `share`; or of all rows of the block.
  LogicalResult emitProducts(Value row, Value share);
  LogicalResult emit(const RowPart &part);

private:
  LogicalResult useParams();
  void bindParams();
  LogicalResult bindRows(Value row);
  Memory memoryOf(Value argument) { return memories.lookup(argument); }
  void useRows();
  Memory shareOfRow(moe::LinearOp linear, Value row);
  void emitShare(size_t product, Value row, Value share);
  void emitRowsOf(size_t product, Value firstRow);
  LogicalResult emitLinear(moe::LinearOp linear, Value row);
  LogicalResult emitRegion(Value row);

  LayerLowering &l;
  moe::RouterOp op;
  DeviceKernel &k;
  RouterSums &sums;
  RowProgram program;
  llvm::DenseMap<Value, Memory> memories;
  /// Widths of parameters that are one row.
  llvm::DenseMap<Value, int64_t> widths;
};

} // namespace

static int64_t outputsOf(moe::LinearOp linear) {
  return cast<RankedTensorType>(linear.getWeight().getType()).getDimSize(0);
}

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

//===----------------------------------------------------------------------===//
// Products of rows in memory
//===----------------------------------------------------------------------===//

/// The row that a share multiplies: of what the caller gives, a copy of the
/// block's own.
Memory RouterEmitter::shareOfRow(moe::LinearOp linear, Value row) {
  Memory given = memoryOf(linear.getX());
  if (sums.shares == 1)
    return given;
  int64_t stride = l.get(op.getOutside(linear.getX())).stride;
  Memory copy = k.allocateShared(k.b.getF32Type(), 1, stride);
  RowPart{row, k.thread(), k.threads}.copy(k, stride, given, copy, k.i32(0));
  k.syncBlock();
  return copy;
}

void RouterEmitter::emitShare(size_t product, Value row, Value share) {
  moe::LinearOp linear = sums.products[product];
  int64_t warps = k.threads / warpSize, outputs = outputsOf(linear);
  bool isSpread = sums.shares > 1;
  Memory x = shareOfRow(linear, row),
         to = isSpread ? l.use(k, sums.buffers[product])
                       : k.allocateShared(k.b.getF32Type(), 1, outputs);
  sums.shared.push_back(to);
  // A warp has its outputs at once, or so many that its reads hide each other.
  int64_t atOnce = isSpread ? 1 : std::min<int64_t>(outputs, 4);
  Value first = k.mul(k.add(k.mul(share, warps), k.warp()), atOnce);
  OutputRange range{first, outputs, sums.shares * warps * atOnce, atOnce};
  emitRowProduct(k, x, isSpread ? k.i32(0) : row, memoryOf(linear.getWeight()),
                 range, l.get(op.getOutside(linear.getX())).stride,
                 [&](Value output, Value sum) {
                   k.store(sum, to, isSpread ? row : k.i32(0), output);
                 });
}

void RouterEmitter::emitRowsOf(size_t product, Value firstRow) {
  moe::LinearOp linear = sums.products[product];
  Memory x = memoryOf(linear.getX()), matrix = memoryOf(linear.getWeight());
  Value rows = op.getOutside(linear.getX());
  int64_t outputs = outputsOf(linear), stride = l.get(rows).stride;
  Value rowCount = l.count(k, tensorRows(rows));
  if (isRouterTileElement(matrix.element)) {
    sums.shared.push_back(
        emitRouterTile(k, {x, firstRow, rowCount, matrix, outputs, stride}));
    return;
  }
  Memory to = k.allocateShared(k.b.getF32Type(), k.threads / warpSize, outputs);
  sums.shared.push_back(to);
  Value row = k.add(firstRow, k.warp());
  int64_t atOnce = std::min<int64_t>(outputs, 4);
  k.when(k.less(row, rowCount), [&] {
    emitRowProduct(
        k, x, row, matrix, {k.i32(0), outputs, atOnce, atOnce}, stride,
        [&](Value output, Value sum) { k.store(sum, to, k.warp(), output); });
  });
}

LogicalResult RouterEmitter::emitProducts(Value row, Value share) {
  useRows();
  if (failed(useParams()))
    return failure();
  sums.shared.clear();
  for (size_t i = 0; i < sums.products.size(); ++i) {
    if (l.isFew())
      emitShare(i, row, share);
    else
      emitRowsOf(i, row);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The region
//===----------------------------------------------------------------------===//

/// A product of a row in registers, or what emitProducts() has left of one of
/// memory; and the bias.
LogicalResult RouterEmitter::emitLinear(moe::LinearOp linear, Value row) {
  auto type = cast<RankedTensorType>(linear.getWeight().getType());
  int64_t outputs = type.getDimSize(0), width = type.getDimSize(1);
  Row result = program.makeRow(outputs, k.b.getF32Type());
  auto product = llvm::find(sums.products, linear);
  if (product != sums.products.end()) {
    Memory memory = sums.shared[product - sums.products.begin()];
    Value here = !l.isFew() ? k.warp() : sums.shares > 1 ? row : k.i32(0);
    result = program.load(memory, here, outputs);
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
    if (failed(linear ? emitLinear(linear, row) : program.emit(operation)))
      return failure();
  }
  for (auto [result, value] :
       llvm::zip(op.getResults(), op.getYield().getValues()))
    program.store(value, l.use(k, result), row);
  return success();
}

void RouterEmitter::useRows() {
  for (auto [i, rows] : llvm::enumerate(op.getRows()))
    memories[op.getRowArg(i)] = l.use(k, rows);
}

LogicalResult RouterEmitter::emit(const RowPart &part) {
  useRows();
  for (Value result : op.getResults())
    (void)l.use(k, result);
  if (failed(useParams()))
    return failure();
  LogicalResult result = success();
  part.onWarp(k, [&] { result = emitRegion(part.row); });
  return result;
}

/// The products of a router that read rows from memory.
static FailureOr<std::shared_ptr<RouterSums>> findProducts(LayerLowering &l,
                                                           moe::RouterOp op) {
  // A warp has an output of a row; rows of a share are copied.
  constexpr int64_t warps = rowThreads / warpSize, mostCopiedBytes = 96 * 1024;
  auto sums = std::make_shared<RouterSums>();
  int64_t outputs = 1;
  bool canSpread = l.isFew();
  for (auto linear : op.getBody().front().getOps<moe::LinearOp>()) {
    if (!isa<BlockArgument>(linear.getWeight()) ||
        (linear.getBias() && !isa<BlockArgument>(linear.getBias())))
      return linear.emitOpError("multiplies by something the region computed");
    if (!op.isRowArg(linear.getX()))
      continue;
    sums->products.push_back(linear);
    outputs = std::max(outputs, outputsOf(linear));
    Value rows = op.getOutside(linear.getX());
    canSpread &=
        l.get(rows).isCallers && l.get(rows).stride * 4 <= mostCopiedBytes;
  }
  if (canSpread)
    sums->shares = llvm::divideCeil(outputs, warps);
  if (sums->shares > 1)
    for (moe::LinearOp linear : sums->products)
      sums->buffers.push_back(l.allocateDense(
          tensorRows(op.getOutside(linear.getX())), outputsOf(linear),
          Float32Type::get(op.getContext())));
  return sums;
}

LogicalResult lowerRouter(LayerLowering &l, moe::RouterOp op) {
  for (Value result : op.getResults())
    l.allocateResult(result);
  auto sums = findProducts(l, op);
  if (failed(sums))
    return failure();
  RowPrelude prelude;
  if (!(*sums)->products.empty())
    prelude = {[&l, op, sums = *sums](DeviceKernel &k, Value row, Value share) {
                 return RouterEmitter(l, op, k, *sums).emitProducts(row, share);
               },
               (*sums)->shares};
  return l.onRows(
      op.getLoc(), "router", {tensorRows(op.getRows()[0])},
      [&l, op, sums = *sums](DeviceKernel &k, const RowPart &part) {
        return RouterEmitter(l, op, k, *sums).emit(part);
      },
      /*width=*/0, prelude);
}

} // namespace moec::nvptx
