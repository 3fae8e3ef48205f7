//===- Canonicalize.cpp - Folders and canonicalisations -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every rewrite gives the same numbers for all inputs, NaN, infinities and ids
// of -1 included. Those that would hold only in exact arithmetic, or only for
// finite numbers, are left out: see the negative cases in the tests.
//
//===----------------------------------------------------------------------===//

#include "moec/Dialect/Moe/Moe.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

static int64_t rowSize(Value row) {
  return cast<RankedTensorType>(row.getType()).getDimSize(0);
}

/// Whether `ids` is every index from 0 to `size` - 1, each once.
static bool isPermutation(Value ids, int64_t size) {
  auto topK = ids.getDefiningOp<TopKOp>();
  return topK && static_cast<int64_t>(topK.getK()) == size &&
         rowSize(topK.getScores()) == size;
}

/// Whether `value` is a constant with `number` everywhere. +0.0 is not -0.0.
static bool isSplatOf(Value value, double number) {
  DenseFPElementsAttr constant;
  if (!value || !matchPattern(value, m_Constant(&constant)) ||
      !constant.isSplat())
    return false;
  APFloat splat = constant.getSplatValue<APFloat>();
  bool inexact = false;
  APFloat wanted(number);
  wanted.convert(splat.getSemantics(), APFloat::rmNearestTiesToEven, &inexact);
  return splat.bitwiseIsEqual(wanted);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// The best of one score is score 0, whatever it is.
OpFoldResult TopKOp::fold(FoldAdaptor) {
  if (rowSize(getScores()) != 1)
    return {};
  return DenseElementsAttr::get(getIds().getType(), APInt(32, 0));
}

/// The elements 0, 1, 2 .. of a row are the row.
OpFoldResult TakeOp::fold(FoldAdaptor adaptor) {
  auto ids = dyn_cast_if_present<DenseIntElementsAttr>(adaptor.getIds());
  if (!ids || ids.getNumElements() != rowSize(getSource()))
    return {};
  for (auto [i, id] : llvm::enumerate(ids.getValues<APInt>()))
    if (id.getSExtValue() != static_cast<int64_t>(i))
      return {};
  return getSource();
}

/// Nothing is left of a row that all indices are taken from.
OpFoldResult ExcludeOp::fold(FoldAdaptor) {
  if (!isPermutation(getIds(), rowSize(getSource())))
    return {};
  return DenseElementsAttr::get(getType(), getFill());
}

OpFoldResult GroupLimitOp::fold(FoldAdaptor) {
  return getKeep() == getGroups() ? getScores() : OpFoldResult();
}

/// A bias of zero adds nothing: a sum that starts at +0.0 is never -0.0.
OpFoldResult LinearOp::fold(FoldAdaptor) {
  if (!isSplatOf(getBias(), 0.0) && !isSplatOf(getBias(), -0.0))
    return {};
  getBiasMutable().clear();
  return getResult();
}

/// Of one element: 1 if it is finite, else NaN, which is x - x + 1.
LogicalResult SoftmaxOp::canonicalize(SoftmaxOp op, PatternRewriter &rewriter) {
  if (rowSize(op.getX()) != 1)
    return rewriter.notifyMatchFailure(op, "more than one element");
  Value one = arith::ConstantOp::create(
      rewriter, op.getLoc(), DenseElementsAttr::get(op.getType(), 1.0f));
  Value zero =
      arith::SubFOp::create(rewriter, op.getLoc(), op.getX(), op.getX());
  rewriter.replaceOpWithNewOp<arith::AddFOp>(op, zero, one);
  return success();
}

/// The largest element does not depend on the order of the elements. A sum
/// does, in f32.
LogicalResult ReduceOp::canonicalize(ReduceOp op, PatternRewriter &rewriter) {
  auto take = op.getX().getDefiningOp<TakeOp>();
  if (op.getKind() != ReduceKind::Max || !take ||
      !isPermutation(take.getIds(), rowSize(take.getSource())))
    return rewriter.notifyMatchFailure(op, "not the maximum of all elements");
  rewriter.modifyOpInPlace(op, [&] { op.setOperand(take.getSource()); });
  return success();
}

/// A limit of all choices of a run of tokens drops none of them.
LogicalResult CapacityOp::fold(FoldAdaptor adaptor,
                               SmallVectorImpl<OpFoldResult> &results) {
  auto limit = dyn_cast_if_present<IntegerAttr>(adaptor.getLimit());
  auto per = dyn_cast_if_present<IntegerAttr>(adaptor.getPer());
  int64_t k = getIds().getType().getDimSize(1), most = 0;
  if (!limit || !per || per.getInt() < 1 || ShapedType::isDynamic(k) ||
      llvm::MulOverflow(per.getInt(), k, most) || limit.getInt() < most)
    return failure();
  results.append({getIds(), getWeights()});
  return success();
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

/// Rows are not changed by a scale of one.
OpFoldResult DispatchOp::fold(FoldAdaptor) {
  if (!isSplatOf(getScale(), 1.0) ||
      getX().getType().getElementType() != getRows().getType().getElementType())
    return {};
  getScaleMutable().clear();
  return getRows();
}

/// Accumulators are not changed by a scale of one, and adding onto +0.0 is
/// what happens without a base. (-0.0 would stay where no slot adds to it.)
OpFoldResult GroupedMatmulOp::fold(FoldAdaptor) {
  bool scaled = isSplatOf(getScale(), 1.0), onZero = isSplatOf(getOnto(), 0.0);
  if (!scaled && !onZero)
    return {};
  if (scaled)
    getScaleMutable().clear();
  if (onZero)
    getOntoMutable().clear();
  return getResult();
}

/// Whether no id can be outside [0, `experts`): a router chose them among at
/// most as many scores.
static bool areInRange(Value ids, uint64_t experts) {
  auto router = ids.getDefiningOp<RouterOp>();
  if (!router)
    return false;
  unsigned number = cast<OpResult>(ids).getResultNumber();
  auto topK = router.getYield().getOperand(number).getDefiningOp<TopKOp>();
  return topK && static_cast<uint64_t>(rowSize(topK.getScores())) <= experts;
}

/// Rows that go to no expert between dispatch and combine come back to their
/// token: sum_j p_j x, which needs no copies.
LogicalResult CombineOp::canonicalize(CombineOp op, PatternRewriter &rewriter) {
  auto dispatch = op.getRows().getDefiningOp<DispatchOp>();
  auto group = op.getSlots().getDefiningOp<GroupOp>();
  if (!dispatch || !group || dispatch.getSlots() != op.getSlots())
    return rewriter.notifyMatchFailure(op, "the rows are not a dispatch's");
  auto ids = cast<RankedTensorType>(group.getIds().getType());
  if (dispatch.getScale() || dispatch.getX().getType() != op.getType() ||
      op.getRows().getType().getElementType() !=
          op.getType().getElementType() ||
      ids.getShape() != op.getWeights().getType().getShape() ||
      ids.getDimSize(1) != static_cast<int64_t>(dispatch.getTopK()))
    return rewriter.notifyMatchFailure(op, "the rows are not copies");
  if (!areInRange(group.getIds(), group.getExperts()))
    return rewriter.notifyMatchFailure(op, "some choices may have no slot");
  rewriter.replaceOpWithNewOp<IdentityExpertsOp>(
      op, op.getType(), dispatch.getX(), group.getIds(), op.getWeights(),
      rewriter.getI64IntegerAttr(0));
  return success();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// `at` with the map that its absence stands for is not written.
LogicalResult WeightOp::canonicalize(WeightOp op, PatternRewriter &rewriter) {
  if (!op.getAt() || *op.getAt() != op.getDefaultIndexMap())
    return rewriter.notifyMatchFailure(op, "the indices are changed");
  rewriter.modifyOpInPlace(op, [&] { op.removeAtAttr(); });
  return success();
}

Operation *MoeDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}
