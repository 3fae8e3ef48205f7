//===- Elementwise.cpp - Tensors computed element by element --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// linalg.generic without reductions, linalg.fill and arithmetic on whole
// tensors, row by row. A linalg.generic that says itself where it reads may
// read rows of other tokens, so it begins a launch.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "ScalarBody.h"
#include "moec/Codegen/Common/IndexedBody.h"

namespace moec::nvptx {

/// Where the elements of a tensor are: a weight or rows computed before.
static FailureOr<Buffer> sourceOf(LayerLowering &l, Value tensor,
                                  Operation *user) {
  if (!l.weightNumber(tensor))
    return l.get(tensor);
  return l.weightRows(tensor, getElementTypeOrSelf(tensor.getType()), user);
}

/// Writes what `elements` gives for each of the thread's runs of columns, and
/// zeros past the end.
static void storeElements(
    DeviceKernel &k, const RowPart &part, const Buffer &result,
    const Memory &to,
    function_ref<SmallVector<Value>(Value col, int64_t count)> elements) {
  part.mapRuns(k, result.cols, elements, [&](ValueRange values, Value col) {
    k.storeRun(values, to, part.row, col);
  });
  Value zero = arith::ConstantOp::create(k.b, k.b.getZeroAttr(result.element));
  part.forColumns(k, result.stride - result.cols, [&](Value col) {
    k.store(zero, to, part.row, k.add(col, result.cols));
  });
}

//===----------------------------------------------------------------------===//
// From the same row
//===----------------------------------------------------------------------===//

namespace {

/// Where element-wise arithmetic on a row has an operand from: a number, or a
/// row of memory, of which all columns have the same element unless `byCol`.
struct Operand {
  Value scalar, row;
  Memory memory;
  bool byCol = false, byRuns = false;

  /// For columns `col` to `col + count`.
  SmallVector<Value> read(DeviceKernel &k, Value col, int64_t count) const {
    if (byRuns)
      return k.loadRun(memory, row, col, count);
    if (!byCol)
      return SmallVector<Value>(count,
                                scalar ? scalar : k.load(memory, row, 0));
    SmallVector<Value> run;
    for (int64_t i = 0; i < count; ++i)
      run.push_back(k.load(memory, row, k.add(col, i)));
    return run;
  }
};

} // namespace

static FailureOr<Operand> operandOf(LayerLowering &l, DeviceKernel &k,
                                    Value value, OperandAccess access,
                                    Value row, Operation *op) {
  Operand operand;
  if (!isa<RankedTensorType>(value.getType())) {
    FailureOr<Value> scalar = l.scalar(k, value, op);
    if (failed(scalar))
      return failure();
    operand.scalar = *scalar;
    return operand;
  }
  FailureOr<Buffer> buffer = sourceOf(l, value, op);
  if (failed(buffer))
    return failure();
  operand.memory = l.use(k, *buffer);
  operand.row = access.byRow ? row : k.i32(0);
  operand.byCol = access.byCol;
  operand.byRuns = access.byCol && buffer->isPadded();
  return operand;
}

/// Adds a stage that makes `tensor` from the elements of `operands`, each read
/// by its map.
static LogicalResult
onElements(LayerLowering &l, Operation *op, Value tensor, ValueRange operands,
           ArrayRef<OperandAccess> accesses,
           std::function<Value(DeviceKernel &, ValueRange)> body) {
  Buffer result = l.allocateResult(tensor);
  SmallVector<Value> sources(operands);
  SmallVector<OperandAccess> maps(accesses);
  auto work = [=, &l](DeviceKernel &k, const RowPart &part) -> LogicalResult {
    SmallVector<Operand> inputs;
    for (auto [source, access] : llvm::zip_equal(sources, maps)) {
      FailureOr<Operand> input = operandOf(l, k, source, access, part.row, op);
      if (failed(input))
        return failure();
      inputs.push_back(*input);
    }
    Memory to = l.use(k, result);
    auto emit = [&] {
      storeElements(k, part, result, to, [&](Value col, int64_t count) {
        SmallVector<SmallVector<Value>> runs;
        for (const Operand &input : inputs)
          runs.push_back(input.read(k, col, count));
        SmallVector<Value> values;
        for (int64_t i = 0; i < count; ++i)
          values.push_back(
              body(k, llvm::map_to_vector(
                          runs, [&](const auto &run) { return run[i]; })));
        return values;
      });
    };
    // Of the caller's rows, those of one operand are read without a branch for
    // each run.
    auto *callers = llvm::find_if(inputs, [](const Operand &input) {
      return input.memory.caller.has_value();
    });
    if (callers == inputs.end())
      emit();
    else
      k.forTypes(Memory(callers->memory), [&](const Memory &known) {
        callers->memory = known;
        emit();
      });
    return success();
  };
  return l.onRows(op->getLoc(), "elements", {result.rows}, std::move(work),
                  /*width=*/result.cols);
}

//===----------------------------------------------------------------------===//
// From any row
//===----------------------------------------------------------------------===//

namespace {

class DeviceSource : public IndexedSource {
public:
  DeviceSource(LayerLowering &l, DeviceKernel &k, linalg::GenericOp op)
      : l(l), k(k), op(op) {}

  StringRef backEnd() override { return "NVPTX"; }
  bool isWeight(Value tensor) override {
    return l.weightNumber(tensor).has_value();
  }
  FailureOr<Value> element(Value tensor, Value row, Value col) override {
    FailureOr<Buffer> source = sourceOf(l, tensor, op);
    if (failed(source))
      return failure();
    return k.load(l.use(k, *source), k.toI32(row), k.toI32(col));
  }
  FailureOr<Value> number(Value value) override {
    return l.scalar(k, value, op);
  }

private:
  LayerLowering &l;
  DeviceKernel &k;
  linalg::GenericOp op;
};

} // namespace

static LogicalResult lowerIndexed(LayerLowering &l, linalg::GenericOp op) {
  if (failed(l.flush()))
    return failure();
  Buffer result = l.allocateResult(op.getResult(0));
  return l.onRows(
      op.getLoc(), "indexed", {result.rows},
      [&l, op, result](DeviceKernel &k, const RowPart &part) {
        auto toIndex = [&](Value number) -> Value {
          return arith::IndexCastOp::create(k.b, k.b.getIndexType(), number);
        };
        DeviceSource source(l, k, op);
        FailureOr<Value> element = failure();
        storeElements(
            k, part, result, l.use(k, result), [&](Value col, int64_t count) {
              SmallVector<Value> run;
              for (int64_t i = 0; i < count; ++i) {
                element = cloneIndexedBody(k.b, op, toIndex(part.row),
                                           toIndex(k.add(col, i)), source);
                run.push_back(succeeded(element) ? *element : k.f32(0.0));
              }
              return run;
            });
        return LogicalResult(element);
      });
}

//===----------------------------------------------------------------------===//
// The operations
//===----------------------------------------------------------------------===//

LogicalResult lowerGeneric(LayerLowering &l, linalg::GenericOp op) {
  if (failed(checkOnRows(op, "NVPTX")))
    return failure();
  if (readsByIndex(op))
    return lowerIndexed(l, op);
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
  Block *body = op.getBlock();
  return onElements(l, op, op.getResult(0), op.getDpsInputs(), accesses,
                    [body](DeviceKernel &k, ValueRange elements) {
                      // The output's own argument is not read.
                      auto arguments = llvm::to_vector(elements);
                      arguments.push_back(Value());
                      return cloneBody(k, *body, arguments);
                    });
}

LogicalResult lowerFill(LayerLowering &l, linalg::FillOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  if (!type || type.getRank() != 2)
    return op.emitOpError("fills something other than rows");
  return onElements(
      l, op, op.getResult(0), op.getInputs()[0], OperandAccess(),
      [](DeviceKernel &, ValueRange elements) { return elements[0]; });
}

LogicalResult lowerElementwise(LayerLowering &l, Operation &op) {
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  if (type.getRank() != 2 || type.getElementType().isInteger(1))
    return op.emitOpError("works on ")
           << type
           << "; the NVPTX back end lowers element-wise operations on rows";
  SmallVector<OperandAccess> accesses(op.getNumOperands(),
                                      {.byRow = true, .byCol = true});
  return onElements(l, &op, op.getResult(0), op.getOperands(), accesses,
                    [&op](DeviceKernel &k, ValueRange elements) {
                      return cloneOnElements(k, op, elements);
                    });
}

} // namespace moec::nvptx
