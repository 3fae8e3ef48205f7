//===- SelectionOps.cpp - Which experts a token goes to -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers and shapes of the operations in MoeSelectionOps.td.
//
//===----------------------------------------------------------------------===//

#include "Verify.h"
#include "moec/Dialect/Moe/Moe.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult TopKOp::verify() {
  int64_t count = tensorType(getScores()).getDimSize(0);
  int64_t k = static_cast<int64_t>(getK());
  if (k < 1 || k > count)
    return broken(*this, "C1", "k is {0}, but 'scores' has {1} elements", k,
                  count);
  RankedTensorType ids = getIds().getType();
  if (ids.getRank() != 1 || ids.getDimSize(0) != k)
    return emitOpError("C2: result is ") << ids << " with k of " << k;
  return success();
}

LogicalResult TakeOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> location,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto ids = dyn_cast<RankedTensorType>(adaptor.getIds().getType());
  if (!ids || ids.getRank() != 1 || !ids.hasStaticShape())
    return emitOptionalError(location, "'moe.take' op C1: 'ids' is ",
                             adaptor.getIds().getType(),
                             ", not a static row of i32");
  types.push_back(
      RankedTensorType::get(ids.getShape(), Float32Type::get(context)));
  return success();
}

LogicalResult GroupLimitOp::verify() {
  int64_t count = getType().getDimSize(0);
  int64_t groups = static_cast<int64_t>(getGroups());
  int64_t keep = static_cast<int64_t>(getKeep());
  if (groups < 1 || count % groups != 0)
    return broken(*this, "C1", "{0} groups do not divide {1} scores", groups,
                  count);
  if (keep < 1 || keep > groups)
    return broken(*this, "C2", "keeps {0} of {1} groups", keep, groups);
  if (getBy() == GroupScore::Top2Sum && count / groups < 2)
    return broken(*this, "C3",
                  "top2_sum needs groups of two or more, these have {0}",
                  count / groups);
  return success();
}

LogicalResult LookupOp::verify() {
  RankedTensorType table = tensorType(getTable()), ids = getIds().getType();
  if (table.getRank() != 2 || !table.hasStaticShape() || ids.getRank() != 1 ||
      table.getDimSize(1) != ids.getDimSize(0))
    return emitOpError("C1: a row of the table ")
           << table << " does not make " << ids;
  return success();
}

LogicalResult CapacityOp::verify() {
  RankedTensorType ids = tensorType(getIds()),
                   weights = tensorType(getWeights());
  if (ids.getRank() != 2 || ids.getShape() != weights.getShape())
    return emitOpError("C1: 'ids' is ") << ids << ", 'weights' " << weights
                                        << "; both take one shape [T, k]";
  if (static_cast<int64_t>(getExperts()) < 1)
    return broken(*this, "C2", "'experts' is {0}",
                  static_cast<int64_t>(getExperts()));
  return success();
}

LogicalResult
CapacityOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  shapes.assign(2, tensor::getMixedSizes(builder, getLoc(), getIds()));
  return success();
}
