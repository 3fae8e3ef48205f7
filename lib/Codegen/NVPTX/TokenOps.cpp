//===- TokenOps.cpp - Operations on rows of tokens ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.dispatch, moe.combine, moe.identity_experts and element-wise arithmetic:
// a block for each row, threads along the row.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "ScalarBody.h"

namespace moec::nvptx {

static constexpr int64_t rowThreads = 128;

/// Every column of a row in the workspace, with the room behind it.
static void forStride(DeviceKernel &k, const Buffer &buffer,
                      function_ref<void(Value)> body) {
  k.loop(k.thread(), buffer.stride, k.threads, body);
}

/// The grouping that made the slots an operation reads.
static FailureOr<moe::GroupOp> groupOf(Operation *op, Value slots) {
  auto group = slots.getDefiningOp<moe::GroupOp>();
  if (!group)
    return op->emitOpError("reads slots that are not a moe.group's");
  return group;
}

/// Emits a function with a block for each sorted row in use; `body` gets the
/// row and its slot.
static void
emitSortedRows(LayerLowering &l, moe::GroupOp group, Location loc,
               StringRef suffix, function_ref<void(DeviceKernel &)> prepare,
               function_ref<void(DeviceKernel &, Value, Value)> body) {
  DeviceKernel k = l.begin(loc, suffix, rowThreads);
  Memory slots = l.use(k, group.getSlots()),
         offsets = l.use(k, group.getOffsets());
  prepare(k);
  Value row = k.block();
  Value used = k.load(offsets, 0, static_cast<int64_t>(group.getExperts()));
  k.when(k.less(row, used), [&] { body(k, row, k.load(slots, row, 0)); });
  l.launch(k, {.rows = tensorRows(group.getSlots())});
}

LogicalResult lowerDispatch(LayerLowering &l, moe::DispatchOp op) {
  FailureOr<moe::GroupOp> group = groupOf(op, op.getSlots());
  if (failed(group))
    return failure();
  Buffer result = l.allocateResult(op.getRows());
  int64_t choices = op.getTopK();
  Memory x, rows, scales;
  emitSortedRows(
      l, *group, op.getLoc(), "dispatch",
      [&](DeviceKernel &k) {
        x = l.use(k, op.getX());
        rows = l.use(k, result);
        if (op.getScale())
          scales = l.use(k, op.getScale());
      },
      [&](DeviceKernel &k, Value row, Value slot) {
        Value token = k.div(slot, choices), scale;
        if (op.getScale())
          scale = k.load(scales, token, k.rem(slot, choices));
        forStride(k, result, [&](Value col) {
          Value value = k.loadF32(x, token, col);
          if (scale)
            value = arith::MulFOp::create(k.b, value, scale);
          k.storeF32(value, rows, row, col);
        });
      });
  return success();
}

LogicalResult emitCombine(LayerLowering &l, Operation *op, Buffer rows,
                          Value weights, Value slots, Value onto,
                          Value result) {
  FailureOr<moe::GroupOp> group = groupOf(op, slots);
  if (failed(group))
    return failure();
  if (!getElementTypeOrSelf(result.getType()).isF32())
    return op->emitOpError("combines into ")
           << getElementTypeOrSelf(result.getType())
           << "; the NVPTX back end combines into f32";
  Buffer sums = l.allocateResult(result);
  int64_t choices = l.get(weights).cols;
  DeviceKernel k = l.begin(op->getLoc(), "combine", rowThreads);
  Memory from = l.use(k, rows), factors = l.use(k, weights),
         ids = l.use(k, group->getIds()), to = l.use(k, sums);
  Memory base = onto ? l.use(k, onto) : Memory();
  Value token = k.block();
  forStride(k, sums, [&](Value col) {
    Value start = onto ? k.load(base, token, col) : k.f32(0.0);
    Value sum = k.loopCarried(
        0, choices, 1, start,
        [&](Value choice, ValueRange carried) -> SmallVector<Value> {
          Value id = k.load(ids, token, choice);
          Value counts = k.compare(arith::CmpIPredicate::ult, id,
                                   static_cast<int64_t>(group->getExperts()));
          Value slot = k.add(k.mul(token, choices), choice);
          Value next =
              math::FmaOp::create(k.b, k.load(factors, token, choice),
                                  k.loadF32(from, slot, col), carried[0]);
          return {k.select(counts, next, carried[0])};
        })[0];
    k.store(sum, to, token, col);
  });
  l.launch(k, {.rows = sums.rows});
  return success();
}

LogicalResult lowerCombine(LayerLowering &l, moe::CombineOp op) {
  FailureOr<moe::GroupOp> group = groupOf(op, op.getSlots());
  if (failed(group))
    return failure();
  // Rows come sorted by expert; adding them up needs them by slot.
  Buffer sorted = l.get(op.getRows());
  Buffer bySlot = l.allocate(sorted.rows, sorted.cols, sorted.element);
  Memory from, to;
  emitSortedRows(
      l, *group, op.getLoc(), "scatter",
      [&](DeviceKernel &k) {
        from = l.use(k, sorted);
        to = l.use(k, bySlot);
      },
      [&](DeviceKernel &k, Value row, Value slot) {
        forStride(k, bySlot, [&](Value col) {
          k.store(k.load(from, row, col), to, slot, col);
        });
      });
  return emitCombine(l, op, bySlot, op.getWeights(), op.getSlots(), Value(),
                     op.getResult());
}

LogicalResult lowerIdentityExperts(LayerLowering &l,
                                   moe::IdentityExpertsOp op) {
  Buffer result = l.allocateResult(op.getResult());
  int64_t choices = l.get(op.getIds()).cols;
  DeviceKernel k = l.begin(op.getLoc(), "identity", rowThreads);
  Memory x = l.use(k, op.getX()), ids = l.use(k, op.getIds()),
         weights = l.use(k, op.getWeights()), to = l.use(k, result);
  Value token = k.block();
  // The sum of the weights, and whether there is one at all: a token without
  // identity experts gives zero, even if it is infinite.
  SmallVector<Value> sums = k.loopCarried(
      0, choices, 1, {k.f32(0.0), k.truth(false)},
      [&](Value choice, ValueRange carried) -> SmallVector<Value> {
        Value counts =
            k.compare(arith::CmpIPredicate::sge, k.load(ids, token, choice),
                      static_cast<int64_t>(op.getFrom()));
        Value weight =
            k.select(counts, k.load(weights, token, choice), k.f32(0.0));
        return {arith::AddFOp::create(k.b, carried[0], weight),
                arith::OrIOp::create(k.b, carried[1], counts)};
      });
  forStride(k, result, [&](Value col) {
    Value product = arith::MulFOp::create(k.b, k.load(x, token, col), sums[0]);
    k.store(k.select(sums[1], product, k.f32(0.0)), to, token, col);
  });
  l.launch(k, {.rows = result.rows});
  return success();
}

//===----------------------------------------------------------------------===//
// Element-wise operations
//===----------------------------------------------------------------------===//

/// A function that makes `tensor` row by row from the elements of `operands`,
/// each read by its map.
static LogicalResult
emitElements(LayerLowering &l, Operation *op, Value tensor, ValueRange operands,
             ArrayRef<OperandAccess> accesses,
             function_ref<Value(DeviceKernel &, SmallVector<Value>)> body) {
  Buffer result = l.allocateResult(tensor);
  DeviceKernel k = l.begin(op->getLoc(), "elements", rowThreads);
  Memory to = l.use(k, result);
  SmallVector<Memory> sources;
  SmallVector<Value> scalars;
  for (Value operand : operands) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    Value scalar;
    Memory source;
    if (!type) {
      FailureOr<Value> number = l.scalar(k, operand, op);
      if (failed(number))
        return failure();
      scalar = *number;
    } else if (l.weightNumber(operand)) {
      source = l.use(k, *l.weightRows(operand, type.getElementType(), op));
    } else {
      source = l.use(k, operand);
    }
    sources.push_back(source);
    scalars.push_back(scalar);
  }
  Value row = k.block();
  forStride(k, result, [&](Value col) {
    Value inside = k.less(col, result.cols);
    TypedAttr zero = k.b.getZeroAttr(result.element);
    Value outside = arith::ConstantOp::create(k.b, zero);
    Value value = k.valueWhen(inside, outside, [&] {
      SmallVector<Value> elements;
      for (auto [source, scalar, access] :
           llvm::zip_equal(sources, scalars, accesses))
        elements.push_back(scalar
                               ? scalar
                               : k.load(source, access.byRow ? row : k.i32(0),
                                        access.byCol ? col : k.i32(0)));
      return body(k, std::move(elements));
    });
    k.store(value, to, row, col);
  });
  l.launch(k, {.rows = result.rows});
  return success();
}

LogicalResult lowerGeneric(LayerLowering &l, linalg::GenericOp op) {
  if (op.getNumLoops() != 2 || op.getNumParallelLoops() != 2 ||
      op.getNumDpsInits() != 1 || op.hasIndexSemantics() ||
      !op.getRegionOutputArgs()[0].use_empty())
    return op.emitOpError("is not an element-wise operation on rows; the NVPTX "
                          "back end lowers no other linalg.generic");
  if (failed(checkElementwise(*op.getBlock(), oneThread)))
    return failure();
  SmallVector<OperandAccess> accesses;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    FailureOr<OperandAccess> access =
        operandAccess(op, op.getMatchingIndexingMap(operand), "NVPTX");
    if (failed(access))
      return failure();
    accesses.push_back(*access);
  }
  return emitElements(l, op, op.getResult(0), op.getDpsInputs(), accesses,
                      [&](DeviceKernel &k, SmallVector<Value> elements) {
                        // The output's own argument is not read.
                        elements.push_back(Value());
                        return cloneBody(k, *op.getBlock(), elements);
                      });
}

LogicalResult lowerFill(LayerLowering &l, linalg::FillOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  if (!type || type.getRank() != 2)
    return op.emitOpError("fills something other than rows");
  return emitElements(
      l, op, op.getResult(0), op.getInputs()[0], OperandAccess(),
      [](DeviceKernel &, SmallVector<Value> elements) { return elements[0]; });
}

LogicalResult lowerElementwise(LayerLowering &l, Operation &op) {
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  if (type.getRank() != 2 || type.getElementType().isInteger(1))
    return op.emitOpError("works on ")
           << type
           << "; the NVPTX back end lowers element-wise operations on rows";
  SmallVector<OperandAccess> accesses(op.getNumOperands(),
                                      {.byRow = true, .byCol = true});
  return emitElements(l, &op, op.getResult(0), op.getOperands(), accesses,
                      [&](DeviceKernel &k, SmallVector<Value> elements) {
                        return cloneOnElements(k, op, elements);
                      });
}

} // namespace moec::nvptx
