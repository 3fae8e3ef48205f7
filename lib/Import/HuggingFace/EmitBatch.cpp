//===- EmitBatch.cpp - Operations on all rows at once -----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products become moe.linear, element-wise formulas one linalg.generic each,
// selection and reductions a moe.router of their own.
//
//===----------------------------------------------------------------------===//

#include "LayerEmitter.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/TypeUtilities.h"
#include "moec/Dialect/Moe/Moe.h"
#include "llvm/ADT/STLExtras.h"

namespace moec::hf {

using namespace mlir;
using HfOperation = moec::hf::Operation;
using ExpectedValue = llvm::Expected<mlir::Value>;

Location LayerEmission::location(llvm::SMLoc loc) const {
  std::optional<Sources::Position> at = sources.position(loc);
  if (!at)
    return builder.getUnknownLoc();
  return FileLineColLoc::get(builder.getContext(), at->file, at->line,
                             at->column);
}

const ResolvedTensor *LayerEmission::findTensor(llvm::StringRef name) const {
  for (const ResolvedTensor &tensor : layer.tensors)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

BatchEmitter::BatchEmitter(LayerEmission &emission, const Routine &routine,
                           mlir::Value rows)
    : emission(emission), routine(routine), builder(emission.builder),
      rows(rows), definitions(routine.types.size()) {
  for (const HfOperation &operation : routine.operations)
    for (ValueId id : operation.results)
      definitions[id] = &operation;
}

RankedTensorType BatchEmitter::batchType(const RoutineType &type,
                                         Type element) {
  SmallVector<int64_t> shape{ShapedType::kDynamic};
  llvm::append_range(shape, type.shape);
  return RankedTensorType::get(shape, element);
}

/// Whether an operation adds what the experts made to something else; kept
/// apart from other element-wise work, since it can move into the experts.
static bool addsExperts(const std::vector<const HfOperation *> &definitions,
                        const std::set<ValueId> &sums,
                        const HfOperation &operation) {
  return operation.op == Op::Add &&
         llvm::any_of(operation.operands, [&](ValueId id) {
           return definitions[id]->op == Op::Experts || sums.count(id);
         });
}

llvm::Error BatchEmitter::run() {
  std::set<ValueId> sums;
  for (const HfOperation &operation : routine.operations) {
    llvm::Error error = llvm::Error::success();
    const RoutineType &type = routine.types[operation.results[0]];
    if (addsExperts(definitions, sums, operation) &&
        llvm::all_of(operation.operands, [&](ValueId id) {
          return routine.types[id].shape == type.shape &&
                 routine.types[id].perToken;
        })) {
      sums.insert(operation.results[0]);
      ExpectedValue a = get(operation.operands[0]);
      if (!a)
        return a.takeError();
      ExpectedValue b = get(operation.operands[1]);
      if (!b)
        return b.takeError();
      set(operation.results[0],
          arith::AddFOp::create(builder, emission.location(operation.loc), *a,
                                *b));
      continue;
    }
    if (isElementwise(operation.op) || operation.op == Op::Constant ||
        operation.op == Op::Input)
      continue;
    if (operation.op == Op::Tensor)
      set(operation.results[0],
          emission.weights.lookup(operation.attribute("name").string()));
    else if (operation.op == Op::Linear)
      error = emitLinear(operation);
    else if (operation.op == Op::Halves)
      error = emitHalves(operation);
    else
      error = emitOther(operation);
    if (error)
      return error;
  }
  return llvm::Error::success();
}

/// bf16, rounded to nearest.
static mlir::Value roundRows(OpBuilder &builder, mlir::Value full) {
  auto type = cast<RankedTensorType>(full.getType());
  return arith::TruncFOp::create(builder, full.getLoc(),
                                 type.clone(builder.getBF16Type()), full);
}

ExpectedValue BatchEmitter::makeInput(const HfOperation &operation,
                                      bool rounded) {
  mlir::Value full =
      emission.arguments.lookup(operation.attribute("name").string());
  if (!full)
    return error(operation, "the input has no value here");
  return rounded ? roundRows(builder, full) : full;
}

ExpectedValue BatchEmitter::get(ValueId value, bool rounded) {
  if (mlir::Value known = values[{value, rounded}])
    return known;
  const HfOperation &operation = *definitions[value];
  mlir::Value full = values[{value, false}];
  ExpectedValue made = full;
  if (operation.op == Op::Input)
    made = makeInput(operation, rounded);
  else if (isElementwise(operation.op) && !full)
    made = emitGeneric(value, rounded ? Type(builder.getBF16Type())
                                      : getElementTypeOrSelf(rowType(
                                            builder, routine.types[value])));
  else if (!full)
    made = error(operation, "'" + opName(operation.op) +
                                "' has no value here that could be written "
                                "out");
  else if (rounded)
    made = roundRows(builder, full);
  if (!made)
    return made;
  return values[{value, rounded}] = *made;
}

const ResolvedTensor &BatchEmitter::tensorOf(ValueId value) const {
  return *emission.findTensor(definitions[value]->attribute("name").string());
}

bool BatchEmitter::roundsRows(const ResolvedTensor &weight) const {
  // A product with one column is a gate: cheap, and worth its precision.
  return emission.roundRows && weight.element == DType::BF16 &&
         weight.shape[weight.shape.size() - 2] > 1;
}

ExpectedValue BatchEmitter::biasOf(const HfOperation &linear) {
  if (linear.operands.size() < 3)
    return mlir::Value();
  ValueId bias = linear.operands[2];
  if (definitions[bias]->op != Op::Tensor)
    return error(linear, "the bias of a product is a tensor of the model");
  return get(bias);
}

llvm::Error BatchEmitter::emitLinear(const HfOperation &operation) {
  if (definitions[operation.operands[1]]->op != Op::Tensor)
    return error(operation, "a row is multiplied by a tensor of the model");
  const ResolvedTensor &weight = tensorOf(operation.operands[1]);
  ExpectedValue x = get(operation.operands[0], roundsRows(weight));
  if (!x)
    return x.takeError();
  ExpectedValue matrix = get(operation.operands[1]);
  if (!matrix)
    return matrix.takeError();
  ExpectedValue bias = biasOf(operation);
  if (!bias)
    return bias.takeError();
  ValueId result = operation.results[0];
  set(result, moe::LinearOp::create(
                  builder, emission.location(operation.loc),
                  batchType(routine.types[result], builder.getF32Type()), *x,
                  *matrix, *bias, /*strategy=*/nullptr, /*ranges=*/nullptr));
  return llvm::Error::success();
}

llvm::Error BatchEmitter::emitOther(const HfOperation &operation) {
  llvm::Expected<SmallVector<mlir::Value>> results = emitRowRegion(
      emission, routine, {&operation}, operation.results,
      emission.location(operation.loc), [&](ValueId id) { return get(id); });
  if (!results)
    return results.takeError();
  for (auto [id, value] : llvm::zip(operation.results, *results))
    set(id, value);
  return llvm::Error::success();
}

/// Element [t, c] of the result is element `(c / n) T n + t n + c % n` of the
/// rows laid end to end.
llvm::Error BatchEmitter::emitHalves(const HfOperation &operation) {
  Location loc = emission.location(operation.loc);
  ExpectedValue source = get(operation.operands[0]);
  if (!source)
    return source.takeError();
  const RoutineType &type = routine.types[operation.results[0]];
  mlir::Value count = tensor::DimOp::create(builder, loc, rows, 0);
  RankedTensorType resultType = batchType(type, builder.getF32Type());
  mlir::Value empty =
      tensor::EmptyOp::create(builder, loc, resultType, ValueRange{count});
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, resultType, ValueRange{}, ValueRange{empty},
      {builder.getMultiDimIdentityMap(2)}, iterators,
      [&](OpBuilder &body, Location, ValueRange) {
        auto constant = [&](int64_t value) -> mlir::Value {
          return arith::ConstantIndexOp::create(body, loc, value);
        };
        auto binary = [&]<typename OpTy>(mlir::Value a, mlir::Value b) {
          return OpTy::create(body, loc, a, b).getResult();
        };
        mlir::Value half = constant(type.shape[0] / 2);
        mlir::Value width = constant(type.shape[0]);
        mlir::Value token = linalg::IndexOp::create(body, loc, 0);
        mlir::Value column = linalg::IndexOp::create(body, loc, 1);
        mlir::Value which = binary.operator()<arith::DivUIOp>(column, half);
        mlir::Value within = binary.operator()<arith::RemUIOp>(column, half);
        mlir::Value row = binary.operator()<arith::AddIOp>(
            binary.operator()<arith::MulIOp>(which, count), token);
        mlir::Value at = binary.operator()<arith::AddIOp>(
            binary.operator()<arith::MulIOp>(row, half), within);
        mlir::Value element = tensor::ExtractOp::create(
            body, loc, *source,
            ValueRange{binary.operator()<arith::DivUIOp>(at, width),
                       binary.operator()<arith::RemUIOp>(at, width)});
        linalg::YieldOp::create(body, loc, element);
      });
  set(operation.results[0], generic.getResult(0));
  return llvm::Error::success();
}

/// The element-wise operations that `value` is made of, in order, and the
/// values they start from.
static void collectFormula(const Routine &routine,
                           const std::vector<const HfOperation *> &definitions,
                           llvm::function_ref<bool(ValueId)> hasValue,
                           ValueId value,
                           std::vector<const HfOperation *> &formula,
                           std::vector<ValueId> &leaves) {
  std::set<const HfOperation *> members{definitions[value]};
  std::vector<ValueId> open(definitions[value]->operands.begin(),
                            definitions[value]->operands.end());
  std::set<ValueId> seen;
  while (!open.empty()) {
    ValueId id = open.back();
    open.pop_back();
    if (!seen.insert(id).second)
      continue;
    if (isElementwise(definitions[id]->op) && !hasValue(id)) {
      members.insert(definitions[id]);
      llvm::append_range(open, definitions[id]->operands);
    }
  }
  for (const HfOperation &operation : routine.operations) {
    if (members.count(&operation)) {
      formula.push_back(&operation);
      continue;
    }
    for (ValueId result : operation.results)
      if (seen.count(result))
        leaves.push_back(result);
  }
}

ExpectedValue BatchEmitter::emitGeneric(ValueId value, Type element) {
  Location loc = emission.location(definitions[value]->loc);
  const RoutineType &type = routine.types[value];
  size_t rank = type.shape.size() + 1;
  std::vector<const HfOperation *> formula;
  std::vector<ValueId> leaves;
  collectFormula(
      routine, definitions,
      [&](ValueId id) { return values[{id, false}] != nullptr; }, value,
      formula, leaves);

  for (ValueId leaf : leaves)
    if (routine.types[leaf].perExpert && !routine.types[leaf].perToken)
      return error(*definitions[value],
                   "an expert's row can be added by linear(x, w, row) only");

  // A leaf of one element is read at 0, one that is the same for all tokens (a
  // norm's scale) by columns.
  SmallVector<mlir::Value> inputs;
  SmallVector<AffineMap> maps;
  std::vector<ValueId> inputIds;
  for (ValueId leaf : leaves) {
    if (definitions[leaf]->op == Op::Constant)
      continue;
    const RoutineType &leafType = routine.types[leaf];
    ExpectedValue input = get(leaf);
    if (!input)
      return input;
    SmallVector<AffineExpr> index;
    if (leafType.perToken)
      index.push_back(builder.getAffineDimExpr(0));
    for (auto [i, size] : llvm::enumerate(leafType.shape)) {
      bool repeated = size == 1 && type.shape[i] != 1;
      index.push_back(repeated ? builder.getAffineConstantExpr(0)
                               : builder.getAffineDimExpr(i + 1));
    }
    maps.push_back(AffineMap::get(rank, 0, index, builder.getContext()));
    inputs.push_back(*input);
    inputIds.push_back(leaf);
  }
  maps.push_back(builder.getMultiDimIdentityMap(rank));

  mlir::Value count = tensor::DimOp::create(builder, loc, rows, 0);
  RankedTensorType resultType = batchType(type, element);
  mlir::Value empty =
      tensor::EmptyOp::create(builder, loc, resultType, ValueRange{count});
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, resultType, inputs, ValueRange{empty}, maps, iterators,
      [&](OpBuilder &body, Location, ValueRange arguments) {
        llvm::DenseMap<ValueId, mlir::Value> scalars;
        for (auto [id, argument] : llvm::zip(inputIds, arguments)) {
          mlir::Value scalar = argument;
          if (isa<FloatType>(scalar.getType()) && !scalar.getType().isF32())
            scalar =
                arith::ExtFOp::create(body, loc, body.getF32Type(), scalar);
          scalars[id] = scalar;
        }
        for (ValueId leaf : leaves)
          if (definitions[leaf]->op == Op::Constant) {
            double number = definitions[leaf]->attribute("value").number();
            Type scalar =
                getElementTypeOrSelf(rowType(body, routine.types[leaf]));
            scalars[leaf] =
                isa<FloatType>(scalar)
                    ? arith::ConstantOp::create(body, loc,
                                                FloatAttr::get(scalar, number))
                    : arith::ConstantOp::create(
                          body, loc,
                          IntegerAttr::get(scalar,
                                           static_cast<int64_t>(number)));
          }
        for (const HfOperation *operation : formula) {
          SmallVector<mlir::Value> operands;
          for (ValueId id : operation->operands)
            operands.push_back(scalars[id]);
          scalars[operation->results[0]] = emitElementwise(
              body, emission.location(operation->loc), *operation, operands);
        }
        mlir::Value result = scalars[value];
        if (result.getType() != element)
          result = arith::TruncFOp::create(body, loc, element, result);
        linalg::YieldOp::create(body, loc, result);
      });
  return generic.getResult(0);
}

} // namespace moec::hf
