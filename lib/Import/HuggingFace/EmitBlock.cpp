//===- EmitBlock.cpp - Experts, identity experts and capacity ---*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call of the experts becomes group, dispatch, products and combine; the
// expert program is emitted on the dispatched rows.
//
//===----------------------------------------------------------------------===//

#include "LayerEmitter.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "moec/Dialect/Moe/Moe.h"

namespace moec::hf {
namespace {

using namespace mlir;
using HfOperation = moec::hf::Operation;
using ExpectedValue = llvm::Expected<mlir::Value>;

/// Emits an expert program on rows in the order of their experts.
class ExpertEmitter : public BatchEmitter {
public:
  struct Grouping {
    mlir::Value offsets, slots, scale;
    int64_t topK;
  };

  ExpertEmitter(LayerEmission &emission, const Routine &routine,
                BatchEmitter &block, ValueId x, const Grouping &grouping)
      : BatchEmitter(emission, routine, grouping.slots), block(block), x(x),
        grouping(grouping) {}

protected:
  llvm::Error emitLinear(const HfOperation &operation) override;
  ExpectedValue makeInput(const HfOperation &operation, bool rounded) override;

private:
  BatchEmitter &block;
  ValueId x; // of the block
  Grouping grouping;
};

/// Rows are rounded before they are copied, which moves half the bytes.
ExpectedValue ExpertEmitter::makeInput(const HfOperation &operation,
                                       bool rounded) {
  ExpectedValue rows = block.get(x, rounded);
  if (!rows)
    return rows;
  Type element =
      rounded ? Type(builder.getBF16Type()) : Type(builder.getF32Type());
  return moe::DispatchOp::create(
             builder, emission.location(operation.loc),
             batchType(routine.types[operation.results[0]], element), *rows,
             grouping.slots, grouping.scale,
             builder.getI64IntegerAttr(grouping.topK))
      .getRows();
}

llvm::Error ExpertEmitter::emitLinear(const HfOperation &operation) {
  if (!routine.types[operation.operands[1]].perExpert)
    return BatchEmitter::emitLinear(operation);
  const ResolvedTensor &weight = tensorOf(operation.operands[1]);
  ExpectedValue rows = get(operation.operands[0], roundsRows(weight));
  if (!rows)
    return rows.takeError();
  ExpectedValue matrices = get(operation.operands[1]);
  if (!matrices)
    return matrices.takeError();
  ExpectedValue bias = biasOf(operation);
  if (!bias)
    return bias.takeError();
  if (*bias && !routine.types[operation.operands[2]].perExpert)
    return error(operation, "the bias of an expert's product is of one expert "
                            "too");
  Location loc = emission.location(operation.loc);
  ValueId result = operation.results[0];
  SmallVector<mlir::Value> columns;
  if (*bias)
    columns.push_back(*bias);
  auto product = moe::GroupedMatmulOp::create(
      builder, loc, batchType(routine.types[result], builder.getF32Type()),
      *rows, ValueRange{*matrices}, grouping.offsets, /*gather=*/nullptr,
      /*scale=*/nullptr, columns, /*combine_weights=*/nullptr,
      /*combine_slots=*/nullptr, /*onto=*/nullptr, /*top_k=*/nullptr,
      /*strategy=*/nullptr, /*ranges=*/nullptr);
  set(result, product.getResult());
  if (columns.empty())
    return llvm::Error::success();
  OpBuilder::InsertionGuard guard(builder);
  Type f32 = builder.getF32Type();
  Block *epilogue =
      builder.createBlock(&product.getEpilogue(), {}, {f32, f32}, {loc, loc});
  mlir::Value sum = arith::AddFOp::create(
      builder, loc, epilogue->getArgument(0), epilogue->getArgument(1));
  moe::YieldOp::create(builder, loc, sum);
  return llvm::Error::success();
}

} // namespace

llvm::Error BlockEmitter::emitOther(const HfOperation &operation) {
  switch (operation.op) {
  case Op::Experts:
    return emitExperts(operation);
  case Op::Capacity:
    return emitCapacity(operation);
  case Op::Identity: {
    SmallVector<mlir::Value> operands;
    for (ValueId id : operation.operands) {
      ExpectedValue value = get(id);
      if (!value)
        return value.takeError();
      operands.push_back(*value);
    }
    int64_t from = operation.attribute("from").integer();
    set(operation.results[0],
        moe::IdentityExpertsOp::create(
            builder, emission.location(operation.loc), operands[0].getType(),
            operands[0], operands[1], operands[2],
            builder.getI64IntegerAttr(from)));
    return llvm::Error::success();
  }
  default:
    return BatchEmitter::emitOther(operation);
  }
}

/// The number of experts of a program: the first dimension of its tensors.
static int64_t countExperts(const LayerEmission &emission,
                            const Routine &program) {
  for (const HfOperation &operation : program.operations)
    if (operation.op == Op::Tensor &&
        program.types[operation.results[0]].perExpert)
      return emission.findTensor(operation.attribute("name").string())
          ->shape[0];
  return emission.layer.experts;
}

llvm::Error BlockEmitter::emitExperts(const HfOperation &operation) {
  const Routine &program = emission.layer.expertPrograms
                               .find(operation.attribute("program").string())
                               ->second;
  Location loc = emission.location(operation.loc);
  ExpectedValue ids = get(operation.operands[1]);
  if (!ids)
    return ids.takeError();
  ExpectedValue weights = get(operation.operands[2]);
  if (!weights)
    return weights.takeError();
  int64_t experts = countExperts(emission, program);
  int64_t topK = routine.types[operation.operands[1]].shape[0];
  Type i32 = builder.getI32Type();
  auto group = moe::GroupOp::create(
      builder, loc, RankedTensorType::get({experts + 1}, i32),
      RankedTensorType::get({ShapedType::kDynamic}, i32), *ids,
      builder.getI64IntegerAttr(experts));

  bool before = operation.attribute("before").boolean();
  ExpertEmitter::Grouping grouping{group.getOffsets(), group.getSlots(),
                                   before ? *weights : mlir::Value(), topK};
  ExpertEmitter expert(emission, program, *this, operation.operands[0],
                       grouping);
  if (llvm::Error error = expert.run())
    return error;
  ExpectedValue y = expert.get(program.results.find("y")->second);
  if (!y)
    return y.takeError();

  mlir::Value shares = *weights;
  if (before) { // already in the rows
    mlir::Value count = tensor::DimOp::create(builder, loc, shares, 0);
    mlir::Value empty = tensor::EmptyOp::create(
        builder, loc, cast<RankedTensorType>(shares.getType()),
        ValueRange{count});
    mlir::Value one =
        arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(1.0f));
    shares =
        linalg::FillOp::create(builder, loc, ValueRange{one}, ValueRange{empty})
            .getResult(0);
  }
  ValueId result = operation.results[0];
  set(result,
      moe::CombineOp::create(
          builder, loc, batchType(routine.types[result], builder.getF32Type()),
          *y, shares, group.getSlots()));
  return llvm::Error::success();
}

/// The capacity as an index: a constant, or ceil(fraction * tokens).
ExpectedValue BlockEmitter::capacityLimit(const HfOperation &operation) {
  Location loc = emission.location(operation.loc);
  if (operation.attributes.count("limit")) {
    int64_t limit = operation.attribute("limit").integer();
    return arith::ConstantIndexOp::create(builder, loc, limit).getResult();
  }
  mlir::Value count = tensor::DimOp::create(builder, loc, rows, 0);
  Type i64 = builder.getI64Type(), f64 = builder.getF64Type();
  mlir::Value tokens = arith::IndexCastOp::create(builder, loc, i64, count);
  tokens = arith::SIToFPOp::create(builder, loc, f64, tokens);
  mlir::Value fraction = arith::ConstantOp::create(
      builder, loc,
      builder.getF64FloatAttr(operation.attribute("fraction").number()));
  mlir::Value share = arith::MulFOp::create(builder, loc, tokens, fraction);
  // Rounded up: whatever is left behind the point is one more.
  mlir::Value whole = arith::FPToSIOp::create(builder, loc, i64, share);
  mlir::Value exact = arith::SIToFPOp::create(builder, loc, f64, whole);
  mlir::Value more = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OLT, exact, share);
  mlir::Value one = arith::ExtUIOp::create(builder, loc, i64, more);
  mlir::Value limit = arith::AddIOp::create(builder, loc, whole, one);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), limit)
      .getResult();
}

llvm::Error BlockEmitter::emitCapacity(const HfOperation &operation) {
  Location loc = emission.location(operation.loc);
  ExpectedValue ids = get(operation.operands[0]);
  if (!ids)
    return ids.takeError();
  ExpectedValue weights = get(operation.operands[1]);
  if (!weights)
    return weights.takeError();
  ExpectedValue limit = capacityLimit(operation);
  if (!limit)
    return limit.takeError();
  mlir::Value per =
      operation.attribute("per").string() == "sequence"
          ? emission.arguments.lookup("sequence")
          : mlir::Value(tensor::DimOp::create(builder, loc, rows, 0));
  auto order = operation.attribute("order").string() == "token"
                   ? moe::CapacityOrder::Token
                   : moe::CapacityOrder::Choice;
  auto capacity = moe::CapacityOp::create(
      builder, loc, ids->getType(), weights->getType(), *ids, *weights, *limit,
      per, moe::CapacityOrderAttr::get(builder.getContext(), order),
      builder.getI64IntegerAttr(operation.attribute("experts").integer()));
  set(operation.results[0], capacity.getKeptIds());
  set(operation.results[1], capacity.getKeptWeights());
  return llvm::Error::success();
}

} // namespace moec::hf
