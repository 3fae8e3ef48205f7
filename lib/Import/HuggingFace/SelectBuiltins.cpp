//===- SelectBuiltins.cpp - Functions of the language that choose -*- C++
//-*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Selection among scores, with the checks that tie numbers of the configuration
// together: experts, groups, choices.
//
//===----------------------------------------------------------------------===//

#include "CallArguments.h"
#include "llvm/ADT/Twine.h"
#include <cmath>

namespace moec::hf {

using Values = llvm::SmallVector<Operand, 2>;

/// top_k(scores, K): ids of the K largest.
BuiltinResult lowerTopK(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 2, 2, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult scores = arguments->row(0);
  if (!scores)
    return scores.takeError();
  llvm::Expected<Value> k = builder.lowerConstant(arguments->at(1));
  if (!k)
    return k.takeError();
  const LayerScope &scope = builder.context();
  std::string name = scope.nameForUser(arguments->at(1));
  RoutineType result = builder.type(*scores);
  int64_t from = result.shape[0];
  if (!k->isInt() || k->integer() < 1)
    return scope.blameConfig(
        call.loc, fmt::format("{} is {}; a token is sent to a whole number of "
                              "experts, at least 1",
                              name, k->str()));
  if (k->integer() > from)
    return scope.blameConfig(
        call.loc, fmt::format("{} is {}, but there are {} experts to choose "
                              "from; lower it to {} or less",
                              name, k->integer(), from, from));
  // What is masked with -inf would be chosen all the same.
  const Operation *source = builder.definition(*scores);
  if (source->op == Op::GroupLimit &&
      source->attribute("fill").number() == -HUGE_VAL) {
    int64_t groups = source->attribute("groups").integer();
    int64_t left = source->attribute("keep").integer() * (from / groups);
    if (k->integer() > left)
      return scope.blameConfig(
          call.loc, fmt::format("{} is {}, but the groups kept hold only {} "
                                "experts; keep more groups or lower it",
                                name, k->integer(), left));
  }
  result.shape = {k->integer()};
  result.element = ElementKind::Id;
  Operation &operation = builder.add(Op::TopK, call.loc, {*scores}, {result});
  operation.attributes["k"] = *k;
  return Values{operation.results[0]};
}

/// group_limit(scores, groups: G, keep: k, by: max|top2_sum, fill: f)
BuiltinResult lowerGroupLimit(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 1, 1,
                                        {"groups", "keep", "by", "fill"});
  if (!arguments)
    return arguments.takeError();
  ValueResult scores = arguments->row(0);
  if (!scores)
    return scores.takeError();
  llvm::Expected<int64_t> groups = arguments->integer("groups");
  if (!groups)
    return groups.takeError();
  llvm::Expected<int64_t> keep = arguments->integer("keep");
  if (!keep)
    return keep.takeError();
  llvm::Expected<std::string> by = arguments->word("by", {"max", "top2_sum"});
  if (!by)
    return by.takeError();
  if (!arguments->named("fill"))
    return builder.error(call, "'group_limit' needs the argument 'fill'; 0.0 "
                               "and -inf are different models");
  llvm::Expected<double> fill = arguments->number("fill", 0);
  if (!fill)
    return fill.takeError();

  const LayerScope &scope = builder.context();
  RoutineType result = builder.type(*scores);
  int64_t experts = result.shape[0];
  std::string groupsName = scope.nameForUser(*arguments->named("groups"));
  std::string keepName = scope.nameForUser(*arguments->named("keep"));
  if (*groups < 1 || experts % *groups != 0)
    return scope.blameConfig(
        call.loc, fmt::format("{} is {}, but {} experts do not fall into {} "
                              "equal groups; it must divide {}",
                              groupsName, *groups, experts, *groups, experts));
  if (*keep < 1 || *keep > *groups)
    return scope.blameConfig(
        call.loc, fmt::format("{} is {}, but {} is {}; from 1 to {} groups can "
                              "be kept",
                              keepName, *keep, groupsName, *groups, *groups));
  if (*keep == *groups)
    return Values{*scores}; // nothing is left out
  if (*by == "top2_sum" && experts / *groups < 2)
    return scope.blameConfig(
        call.loc, fmt::format("{} is {}, so a group has {} of the {} experts; "
                              "a group is scored by the sum of two",
                              groupsName, *groups, experts / *groups, experts));
  Operation &operation =
      builder.add(Op::GroupLimit, call.loc, {*scores}, {result});
  operation.attributes["groups"] = Value(*groups);
  operation.attributes["keep"] = Value(*keep);
  operation.attributes["by"] = Value(*by);
  operation.attributes["fill"] = Value(*fill);
  return Values{operation.results[0]};
}

/// take(row, ids): the elements at ids.
BuiltinResult lowerTake(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 2, 2, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult row = arguments->row(0);
  if (!row)
    return row.takeError();
  ValueResult ids = arguments->ids(1);
  if (!ids)
    return ids.takeError();
  RoutineType result = builder.type(*ids);
  result.element = ElementKind::Number;
  result.perToken |= builder.type(*row).perToken;
  return Values{
      builder.add(Op::Take, call.loc, {*row, *ids}, {result}).results[0]};
}

/// exclude(row, ids, fill: f): f at ids.
BuiltinResult lowerExclude(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 2, 2, {"fill"});
  if (!arguments)
    return arguments.takeError();
  ValueResult row = arguments->row(0);
  if (!row)
    return row.takeError();
  ValueResult ids = arguments->ids(1);
  if (!ids)
    return ids.takeError();
  llvm::Expected<double> fill = arguments->number("fill", -HUGE_VAL);
  if (!fill)
    return fill.takeError();
  RoutineType result = builder.type(*row);
  result.perToken |= builder.type(*ids).perToken;
  Operation &operation =
      builder.add(Op::Exclude, call.loc, {*row, *ids}, {result});
  operation.attributes["fill"] = Value(*fill);
  return Values{operation.results[0]};
}

/// outer_sum(a, b): element i * size(b) + j is a[i] + b[j].
BuiltinResult lowerOuterSum(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 2, 2, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult a = arguments->row(0);
  if (!a)
    return a.takeError();
  ValueResult b = arguments->row(1);
  if (!b)
    return b.takeError();
  RoutineType result = builder.type(*a);
  std::optional<int64_t> size =
      numElements({result.shape[0], builder.type(*b).shape[0]});
  if (!size)
    return builder.error(call, "the sums do not fit in 64 bits");
  result.shape[0] = *size;
  result.perToken |= builder.type(*b).perToken;
  return Values{
      builder.add(Op::OuterSum, call.loc, {*a, *b}, {result}).results[0]};
}

/// lookup(table, token_id): a row of a table of ids.
BuiltinResult lowerLookup(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 2, 2, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult table = builder.lowerValue(arguments->at(0));
  if (!table)
    return table.takeError();
  ValueResult token = builder.lowerValue(arguments->at(1));
  if (!token)
    return token.takeError();
  const RoutineType &matrix = builder.type(*table);
  if (matrix.element != ElementKind::Number || matrix.shape.size() != 2 ||
      builder.type(*token).element != ElementKind::TokenId)
    return builder.error(
        call, "expected a table [V, K] and a token id, found " + matrix.str() +
                  " and " + builder.type(*token).str());
  RoutineType result;
  result.element = ElementKind::Id;
  result.shape = {matrix.shape[1]};
  result.perToken = true;
  return Values{
      builder.add(Op::Lookup, call.loc, {*table, *token}, {result}).results[0]};
}

/// every(S): the ids 0 .. S - 1 for each token.
BuiltinResult lowerEvery(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 1, 1, {});
  if (!arguments)
    return arguments.takeError();
  llvm::Expected<Value> count = builder.lowerConstant(arguments->at(0));
  if (!count)
    return count.takeError();
  if (!count->isInt() || count->integer() < 1 || count->integer() > (1 << 16))
    return builder.context().blameConfig(
        call.loc, fmt::format("{} is {}; it must be from 1 to 65536",
                              builder.context().nameForUser(arguments->at(0)),
                              count->str()));
  RoutineType result;
  result.element = ElementKind::Id;
  result.shape = {count->integer()};
  result.perToken = true;
  Operation &operation =
      builder.add(Op::Every, call.loc, {builder.tokenRow()}, {result});
  operation.attributes["count"] = *count;
  return Values{operation.results[0]};
}

/// halves(z): the rows of all tokens, [T, 2n], read as [2, T, n].
BuiltinResult lowerHalves(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 1, 1, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult row = arguments->row(0);
  if (!row)
    return row.takeError();
  RoutineType result = builder.type(*row);
  if (result.shape[0] % 2 != 0 || !result.perToken)
    return builder.error(call, "expected a token's row of even size, found " +
                                   result.str());
  return Values{builder.add(Op::Halves, call.loc, {*row}, {result}).results[0]};
}

/// concat(a, b): a row behind another, of numbers or of ids.
BuiltinResult lowerConcat(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 2, 2, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult a = builder.lowerValue(arguments->at(0));
  if (!a)
    return a.takeError();
  ValueResult b = builder.lowerValue(arguments->at(1));
  if (!b)
    return b.takeError();
  RoutineType result = builder.type(*a);
  const RoutineType &other = builder.type(*b);
  if (result.shape.size() != 1 || other.shape.size() != 1 ||
      result.element != other.element)
    return builder.error(call, "expected two rows, found " + result.str() +
                                   " and " + other.str());
  result.shape[0] += other.shape[0];
  result.perToken |= other.perToken;
  return Values{
      builder.add(Op::Concat, call.loc, {*a, *b}, {result}).results[0]};
}

} // namespace moec::hf
