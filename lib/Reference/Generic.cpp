//===- Generic.cpp - linalg operations with a body --------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The body is evaluated once for the whole iteration space. A reduction has to
// be a sum or an extremum of what the body computes, so that its error can be
// bounded for every order.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Indexing.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace llvm;
namespace arith = mlir::arith;
namespace linalg = mlir::linalg;

namespace moec::reference {

Expected<SmallVector<TensorRef>> evaluateForAll(mlir::Block &block,
                                                ArrayRef<TensorRef> arguments,
                                                const Shape &shape,
                                                Frame &frame) {
  Frame inner(frame.evaluator, &frame, /*isIteration=*/true);
  for (auto [argument, tensor] : zip_equal(block.getArguments(), arguments))
    inner.define(argument, tensor);
  if (Error error = frame.evaluator.evaluateBody(block, inner))
    return std::move(error);
  SmallVector<TensorRef> yielded;
  for (mlir::Value value : block.getTerminator()->getOperands())
    yielded.push_back(spread(inner.ref(value), shape));
  return yielded;
}

/// The size of each loop, read off the operands.
static Expected<Shape> iterationSpace(linalg::LinalgOp op, const Frame &frame) {
  SmallVector<int64_t> sizes(op.getNumLoops(), -1);
  for (auto [map, operand] :
       zip_equal(op.getIndexingMapsArray(), op->getOperands())) {
    const Shape &shape = frame[operand].shape;
    for (auto [dim, expr] : enumerate(map.getResults())) {
      if (auto place = dyn_cast<mlir::AffineConstantExpr>(expr);
          place && place.getValue() >= 0 && place.getValue() < shape[dim])
        continue;
      auto loop = dyn_cast<mlir::AffineDimExpr>(expr);
      if (!loop)
        return errorAt(op, "the reference takes indexing maps of loops and of "
                           "constants inside of the operand");
      int64_t &size = sizes[loop.getPosition()];
      if (size != -1 && size != shape[dim])
        return errorAt(op, fmt::format("loop {} runs over {} and {} elements",
                                       loop.getPosition(), size, shape[dim]));
      size = shape[dim];
    }
  }
  return checkedShape(op, sizes);
}

/// For each point of `space`, the element of an operand that `map` leads to.
static std::vector<int64_t> elementsAt(mlir::AffineMap map, const Shape &shape,
                                       const Shape &space) {
  Shape strides = stridesOf(shape), strideOfLoop(space.size(), 0);
  int64_t start = 0;
  for (auto [dim, expr] : enumerate(map.getResults())) {
    if (auto place = dyn_cast<mlir::AffineConstantExpr>(expr))
      start += place.getValue() * strides[dim];
    else
      strideOfLoop[cast<mlir::AffineDimExpr>(expr).getPosition()] +=
          strides[dim];
  }
  std::vector<int64_t> elements;
  forEachIndex(space, [&](ArrayRef<int64_t> index) {
    int64_t at = start;
    for (auto [i, stride] : zip_equal(index, strideOfLoop))
      at += i * stride;
    elements.push_back(at);
  });
  return elements;
}

/// The values of linalg.index in the body.
static void defineIndices(mlir::Block &body, const Shape &space, Frame &frame) {
  for (auto index : body.getOps<linalg::IndexOp>()) {
    Tensor values = Tensor::integers(space);
    int64_t next = 0;
    forEachIndex(space, [&](ArrayRef<int64_t> point) {
      values.ints[next++] = point[index.getDim()];
    });
    frame.define(index, std::move(values));
  }
}

/// Writes `values`, one for each point, where `map` leads them.
static Tensor scattered(const Tensor &init, const Tensor &values,
                        ArrayRef<int64_t> to) {
  Tensor result = init;
  if (result.kind == Kind::Float && result.error.empty())
    result.error.assign(result.value.size(), 0);
  if (result.kind != Kind::Float && !values.error.empty())
    result.error.assign(result.ints.size(), 0);
  for (auto [i, at] : enumerate(to)) {
    if (result.kind == Kind::Float)
      result.set(at, values.at(static_cast<int64_t>(i)));
    else
      result.ints[at] = values.ints[i];
    if (result.kind != Kind::Float && !values.error.empty())
      result.error[at] = values.error[i];
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

namespace {

/// How an output is reduced: `combiner` joins the output's element and `term`.
struct Reduction {
  mlir::Operation *combiner = nullptr;
  mlir::Value term;
};

} // namespace

static std::optional<Reduction> findReduction(linalg::LinalgOp op,
                                              unsigned output) {
  mlir::Block &body = op->getRegion(0).front();
  mlir::Value yielded = body.getTerminator()->getOperand(output);
  mlir::BlockArgument carried = body.getArgument(op.getNumDpsInputs() + output);
  mlir::Operation *combiner = yielded.getDefiningOp();
  if (!isa_and_present<arith::AddFOp, arith::MaximumFOp, arith::MaxNumFOp,
                       arith::MinimumFOp, arith::MinNumFOp>(combiner) ||
      !carried.hasOneUse() || !yielded.hasOneUse())
    return std::nullopt;
  if (combiner->getOperand(0) == carried)
    return Reduction{combiner, combiner->getOperand(1)};
  if (combiner->getOperand(1) == carried)
    return Reduction{combiner, combiner->getOperand(0)};
  return std::nullopt;
}

static Number combine(mlir::Operation *combiner, ArrayRef<Number> terms) {
  if (isa<arith::AddFOp>(combiner))
    return sum(terms);
  bool ignoreNaN = isa<arith::MaxNumFOp, arith::MinNumFOp>(combiner);
  bool isMaximum = isa<arith::MaxNumFOp, arith::MaximumFOp>(combiner);
  Number result = terms.front();
  for (Number term : terms.drop_front())
    result = isMaximum ? maximum(result, term, ignoreNaN)
                       : minimum(result, term, ignoreNaN);
  return result;
}

static Error evaluateReduction(linalg::LinalgOp op, const Shape &space,
                               Frame &inner, Frame &frame) {
  SmallVector<Reduction> reductions;
  SmallVector<mlir::Operation *> combiners;
  for (unsigned i = 0; i < op.getNumDpsInits(); ++i) {
    std::optional<Reduction> reduction = findReduction(op, i);
    if (!reduction)
      return errorAt(op, "the reference reduces by addf, maximumf, maxnumf, "
                         "minimumf or minnumf of the output and a term");
    reductions.push_back(*reduction);
    combiners.push_back(reduction->combiner);
  }
  mlir::Block &body = op->getRegion(0).front();
  if (Error error = frame.evaluator.evaluateBody(body, inner, combiners))
    return error;
  for (auto [i, reduction] : enumerate(reductions)) {
    mlir::OpOperand *init = op.getDpsInitOperand(i);
    Tensor result = frame[init->get()];
    std::vector<int64_t> to =
        elementsAt(op.getMatchingIndexingMap(init), result.shape, space);
    TensorRef terms = spread(inner.ref(reduction.term), space);
    std::vector<SmallVector<Number>> gathered(
        static_cast<size_t>(result.size()));
    for (int64_t element = 0; element < result.size(); ++element)
      gathered[element].push_back(result.at(element));
    for (auto [point, at] : enumerate(to))
      gathered[at].push_back(terms->at(static_cast<int64_t>(point)));
    result.error.assign(result.value.size(), 0);
    for (auto [element, numbers] : enumerate(gathered))
      result.set(static_cast<int64_t>(element),
                 combine(reduction.combiner, numbers));
    frame.define(op->getResult(i), std::move(result));
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

static Error evaluateLinalg(mlir::Operation *operation, Frame &frame) {
  auto op = cast<linalg::LinalgOp>(operation);
  if (!op.hasPureTensorSemantics())
    return errorAt(op, "the reference works on tensors, not on buffers");
  Expected<Shape> space = iterationSpace(op, frame);
  if (!space)
    return space.takeError();
  mlir::Block &body = op->getRegion(0).front();
  Frame inner(frame.evaluator, &frame, /*isIteration=*/true);
  for (auto [argument, operand, map] : zip_equal(
           body.getArguments(), op->getOperands(), op.getIndexingMapsArray())) {
    const Tensor &tensor = frame[operand];
    inner.define(argument, gathered(tensor, *space,
                                    elementsAt(map, tensor.shape, *space)));
  }
  defineIndices(body, *space, inner);
  if (op.getNumReductionLoops() > 0)
    return evaluateReduction(op, *space, inner, frame);

  if (Error error = frame.evaluator.evaluateBody(body, inner))
    return error;
  for (unsigned i = 0; i < op.getNumDpsInits(); ++i) {
    mlir::OpOperand *init = op.getDpsInitOperand(i);
    const Tensor &tensor = frame[init->get()];
    TensorRef values =
        spread(inner.ref(body.getTerminator()->getOperand(i)), *space);
    frame.define(op->getResult(i),
                 scattered(tensor, *values,
                           elementsAt(op.getMatchingIndexingMap(init),
                                      tensor.shape, *space)));
  }
  return Error::success();
}

/// Its values are defined with those of the arguments.
static Error evaluateIndex(linalg::IndexOp, Frame &) {
  return Error::success();
}

void addGeneric(OpTable &table) {
  table.add(linalg::GenericOp::getOperationName(), evaluateLinalg);
  table.add(linalg::MapOp::getOperationName(), evaluateLinalg);
  table.add(linalg::ReduceOp::getOperationName(), evaluateLinalg);
  table.add(linalg::BroadcastOp::getOperationName(), evaluateLinalg);
  table.add(linalg::TransposeOp::getOperationName(), evaluateLinalg);
  table.add(evaluateIndex);
}

} // namespace moec::reference
