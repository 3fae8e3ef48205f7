//===- IndexMap.cpp - where a weight's numbers lie in a file ----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The map is evaluated expression by expression at the start of every run of
// neighbours (indices that differ in the last dimension), and along the run too
// unless it is linear.
//
//===----------------------------------------------------------------------===//

#include "IndexMap.h"

#include "Indexing.h"
#include "moec/Support/Error.h"

#include "llvm/Support/MathExtras.h"

using namespace llvm;
using mlir::AffineExprKind;

namespace moec::reference {

/// `expr` at `index`, dimensions first and then symbols; none if it divides by
/// zero or overflows.
static std::optional<int64_t>
evaluate(mlir::AffineExpr expr, ArrayRef<int64_t> index, unsigned numDims) {
  if (auto constant = dyn_cast<mlir::AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto dim = dyn_cast<mlir::AffineDimExpr>(expr))
    return index[dim.getPosition()];
  if (auto symbol = dyn_cast<mlir::AffineSymbolExpr>(expr))
    return index[numDims + symbol.getPosition()];
  auto binary = cast<mlir::AffineBinaryOpExpr>(expr);
  std::optional<int64_t> a = evaluate(binary.getLHS(), index, numDims);
  std::optional<int64_t> b = evaluate(binary.getRHS(), index, numDims);
  if (!a || !b)
    return std::nullopt;
  int64_t result = 0;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return AddOverflow(*a, *b, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::Mul:
    return MulOverflow(*a, *b, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::Mod:
    return *b > 0 ? std::optional(mod(*a, *b)) : std::nullopt;
  case AffineExprKind::FloorDiv:
    return *b > 0 ? std::optional(divideFloorSigned(*a, *b)) : std::nullopt;
  case AffineExprKind::CeilDiv:
    return *b > 0 ? std::optional(divideCeilSigned(*a, *b)) : std::nullopt;
  default:
    return std::nullopt;
  }
}

static bool isLinear(mlir::AffineMap map) {
  bool linear = true;
  map.walkExprs([&](mlir::AffineExpr expr) {
    linear &= expr.getKind() != AffineExprKind::Mod &&
              expr.getKind() != AffineExprKind::FloorDiv &&
              expr.getKind() != AffineExprKind::CeilDiv;
  });
  return linear;
}

/// The position that `map` leads to from `index`.
static Expected<int64_t> positionOf(mlir::AffineMap map,
                                    ArrayRef<int64_t> index,
                                    ArrayRef<int64_t> stored, StringRef name) {
  int64_t position = 0;
  for (auto [dim, expr] : enumerate(map.getResults())) {
    std::optional<int64_t> at = evaluate(expr, index, map.getNumDims());
    if (!at)
      return inputError("tensor {}: the index map has no value for dimension "
                        "{} at {}",
                        quote(name), dim, formatShape(index));
    if (*at < 0 || *at >= stored[dim])
      return inputError("tensor {} has the shape {}, but the index map takes "
                        "{} to {} in dimension {}",
                        quote(name), formatShape(stored), formatShape(index),
                        *at, dim);
    position = position * stored[dim] + *at;
  }
  return position;
}

Expected<StoredPositions> storedPositions(mlir::AffineMap map,
                                          ArrayRef<int64_t> begin,
                                          ArrayRef<int64_t> size,
                                          ArrayRef<int64_t> stored,
                                          StringRef name) {
  if (map.getNumResults() != stored.size() || map.getNumInputs() != size.size())
    return inputError("tensor {} has the shape {}, but the index map takes {} "
                      "indices to {}",
                      quote(name), formatShape(stored), map.getNumInputs(),
                      map.getNumResults());
  StoredPositions result;
  std::optional<int64_t> count = numElements(size);
  if (!count)
    return inputError("tensor {}: a weight {} is too large", quote(name),
                      formatShape(size));
  result.positions.reserve(static_cast<size_t>(*count));
  bool linear = isLinear(map);
  Shape runs(size);
  int64_t run = runs.empty() ? 1 : runs.pop_back_val();

  Error failure = Error::success();
  forEachIndex(runs, [&](ArrayRef<int64_t> start) {
    if (failure)
      return;
    SmallVector<int64_t> index;
    for (auto [i, first] : zip(start, begin))
      index.push_back(i + first);
    if (!size.empty())
      index.push_back(begin.back());
    // The ends of a run say where it goes if the map is linear.
    int64_t first = 0, step = 0;
    for (int64_t i = 0; i < run; ++i) {
      bool isKnown = linear && i >= 2 && i < run - 1;
      if (isKnown) {
        result.positions.push_back(first + i * step);
        continue;
      }
      if (!size.empty())
        index.back() = begin.back() + i;
      Expected<int64_t> position = positionOf(map, index, stored, name);
      if (!position) {
        failure = joinErrors(std::move(failure), position.takeError());
        return;
      }
      result.positions.push_back(*position);
      if (i == 0)
        first = *position;
      if (i == 1)
        step = *position - first;
    }
  });
  if (failure)
    return std::move(failure);
  auto [lowest, highest] =
      std::minmax_element(result.positions.begin(), result.positions.end());
  result.lowest = *lowest;
  result.highest = *highest;
  return result;
}

} // namespace moec::reference
