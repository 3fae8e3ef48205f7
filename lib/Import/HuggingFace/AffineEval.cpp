//===- AffineEval.cpp - Subscripts of tensor declarations -------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Affine arithmetic with overflow checks.
//
//===----------------------------------------------------------------------===//

#include "AffineEval.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

namespace moec::hf {
namespace {

class AffineEvaluator {
public:
  AffineEvaluator(const LayerScope &scope, const TensorDeclaration &declaration)
      : scope(scope), declaration(declaration) {}

  llvm::Expected<AffineIndex> run(const Expr &expr);

private:
  llvm::Error tooLarge(const Expr &expr) {
    return scope.sources.error(expr.loc, "'" + llvm::Twine(toString(expr)) +
                                             "' does not fit in 64 bits");
  }
  /// a + factor * b
  llvm::Expected<AffineIndex> combine(const Expr &expr, AffineIndex a,
                                      const AffineIndex &b, int64_t factor);
  AffineIndex constant(int64_t value) {
    AffineIndex index;
    index.constant = value;
    index.coefficients.resize(declaration.indices.size());
    return index;
  }

  const LayerScope &scope;
  const TensorDeclaration &declaration;
};

bool isConstant(const AffineIndex &index) {
  return llvm::all_of(index.coefficients, [](int64_t c) { return c == 0; });
}

llvm::Expected<AffineIndex> AffineEvaluator::combine(const Expr &expr,
                                                     AffineIndex a,
                                                     const AffineIndex &b,
                                                     int64_t factor) {
  auto add = [&](int64_t &to, int64_t value) {
    int64_t product = 0;
    return llvm::MulOverflow(factor, value, product) ||
           llvm::AddOverflow(to, product, to);
  };
  bool overflow = add(a.constant, b.constant);
  for (auto [to, value] : llvm::zip(a.coefficients, b.coefficients))
    overflow |= add(to, value);
  if (overflow)
    return tooLarge(expr);
  return a;
}

llvm::Expected<AffineIndex> AffineEvaluator::run(const Expr &expr) {
  if (expr.kind == Expr::Kind::Name)
    for (auto [i, index] : llvm::enumerate(declaration.indices))
      if (index.name == expr.text) {
        AffineIndex result = constant(0);
        result.coefficients[i] = 1;
        return result;
      }
  bool affine = expr.kind == Expr::Kind::Binary &&
                (expr.text == "+" || expr.text == "-" || expr.text == "*");
  if (!affine) {
    llvm::Expected<Value> value = scope.evaluate(expr);
    if (!value)
      return value.takeError();
    if (!value->isInt())
      return scope.sources.error(expr.loc,
                                 "an index is an integer, not " + value->str());
    return constant(value->integer());
  }
  llvm::Expected<AffineIndex> lhs = run(*expr.operands[0]);
  if (!lhs)
    return lhs;
  llvm::Expected<AffineIndex> rhs = run(*expr.operands[1]);
  if (!rhs)
    return rhs;
  if (expr.text != "*")
    return combine(expr, *lhs, *rhs, expr.text == "+" ? 1 : -1);
  if (isConstant(*lhs))
    return combine(expr, constant(0), *rhs, lhs->constant);
  if (isConstant(*rhs))
    return combine(expr, constant(0), *lhs, rhs->constant);
  return scope.sources.error(expr.loc, "an index is multiplied by an index");
}

/// The smallest and largest value; none if they leave 64 bits.
std::optional<std::pair<int64_t, int64_t>>
range(const AffineIndex &index, llvm::ArrayRef<int64_t> shape) {
  int64_t low = index.constant, high = index.constant;
  for (auto [coefficient, size] : llvm::zip(index.coefficients, shape)) {
    int64_t span = 0;
    if (llvm::MulOverflow(coefficient, size - 1, span) ||
        llvm::AddOverflow(span > 0 ? high : low, span, span > 0 ? high : low))
      return std::nullopt;
  }
  return std::make_pair(low, high);
}

} // namespace

llvm::Expected<FileLayout> evaluateLayout(const LayerScope &scope,
                                          const TensorDeclaration &declaration,
                                          llvm::ArrayRef<int64_t> shape,
                                          bool stacked) {
  FileLayout layout;
  size_t rank = declaration.indices.size();
  if (declaration.hasSubscript) {
    AffineEvaluator evaluator(scope, declaration);
    for (const ExprPtr &expr : declaration.subscript) {
      llvm::Expected<AffineIndex> index = evaluator.run(*expr);
      if (!index)
        return index.takeError();
      if (stacked && index->coefficients[0] != 0)
        return scope.sources.error(expr->loc, "'e' is in the name already");
      layout.subscript.push_back(std::move(*index));
    }
  } else {
    for (size_t i = stacked ? 1 : 0; i < rank; ++i) {
      AffineIndex index;
      index.coefficients.resize(rank);
      index.coefficients[i] = 1;
      layout.subscript.push_back(std::move(index));
    }
  }
  if (layout.subscript.empty())
    return scope.sources.error(declaration.loc,
                               "the tensor has no index in its file");

  if (declaration.hasFileShape &&
      declaration.fileShape.size() != layout.subscript.size())
    return scope.sources.error(
        declaration.loc, "the file tensor has " +
                             llvm::Twine(declaration.fileShape.size()) +
                             " dimensions and " +
                             llvm::Twine(layout.subscript.size()) + " indices");
  for (auto [i, index] : llvm::enumerate(layout.subscript)) {
    auto bounds = range(index, shape);
    int64_t size =
        bounds && bounds->second < INT64_MAX ? bounds->second + 1 : 0;
    if (declaration.hasFileShape) {
      const Expr &expr = *declaration.fileShape[i];
      llvm::Expected<Value> value = scope.evaluate(expr);
      if (!value)
        return value.takeError();
      if (!value->isInt())
        return scope.sources.error(expr.loc,
                                   "a size is an integer, not " + value->str());
      size = value->integer();
    }
    if (!bounds || bounds->first < 0 || bounds->second >= size)
      return scope.sources.error(
          declaration.loc,
          "index " + llvm::Twine(i) + " of the file tensor of '" +
              declaration.name + "' " +
              (bounds ? ("goes from " + llvm::Twine(bounds->first) + " to " +
                         llvm::Twine(bounds->second) + ", but its size is " +
                         llvm::Twine(size))
                            .str()
                      : std::string("does not fit in 64 bits")));
    layout.shape.push_back(size);
  }
  if (!tensorBytes(layout.shape, DType::F64))
    return scope.blameConfig(declaration.loc,
                             fmt::format("the file tensor of '{}' would have "
                                         "the shape {}, which no memory holds",
                                         declaration.name,
                                         formatShape(layout.shape)));
  return layout;
}

} // namespace moec::hf
