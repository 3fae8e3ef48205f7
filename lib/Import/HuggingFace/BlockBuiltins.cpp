//===- BlockBuiltins.cpp - Functions of the language on all tokens -*- C++
//-*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The experts, identity experts and capacity; they stand in a block program.
//
//===----------------------------------------------------------------------===//

#include "CallArguments.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {

using Values = llvm::SmallVector<Operand, 2>;

namespace {

struct Routed {
  ValueId x, ids, weights;
};

/// ids and their weights: rows of one length.
llvm::Expected<std::pair<ValueId, ValueId>>
choices(const CallArguments &arguments, size_t first) {
  ValueResult ids = arguments.ids(first);
  if (!ids)
    return ids.takeError();
  ValueResult weights = arguments.row(first + 1);
  if (!weights)
    return weights.takeError();
  RoutineBuilder &builder = arguments.builder;
  if (builder.type(*ids).shape != builder.type(*weights).shape)
    return builder.error(arguments.call, "every id has one weight; here are " +
                                             builder.type(*ids).str() +
                                             " and weights " +
                                             builder.type(*weights).str());
  return std::make_pair(*ids, *weights);
}

llvm::Expected<Routed> routed(const CallArguments &arguments) {
  ValueResult x = arguments.row(0);
  if (!x)
    return x.takeError();
  auto chosen = choices(arguments, 1);
  if (!chosen)
    return chosen.takeError();
  return Routed{*x, chosen->first, chosen->second};
}

} // namespace

/// experts(x, ids, w, weight: after|before, program: expert)
BuiltinResult lowerExperts(RoutineBuilder &builder, const Expr &call) {
  auto arguments =
      CallArguments::match(builder, call, 3, 3, {"weight", "program"});
  if (!arguments)
    return arguments.takeError();
  llvm::Expected<Routed> operands = routed(*arguments);
  if (!operands)
    return operands.takeError();
  llvm::Expected<std::string> weight =
      arguments->word("weight", {"after", "before"});
  if (!weight)
    return weight.takeError();
  std::vector<llvm::StringRef> programs{"expert"};
  for (const Program &program : builder.context().family.experts)
    if (program.name != "expert")
      programs.push_back(program.name);
  llvm::Expected<std::string> program = arguments->word("program", programs);
  if (!program)
    return program.takeError();
  llvm::Expected<RoutineType> result = builder.context().expertType(
      *program, builder.type(operands->x), call.loc);
  if (!result)
    return result.takeError();
  RoutineType type = *result;
  type.perToken = true;
  type.perExpert = false;
  Operation &operation =
      builder.add(Op::Experts, call.loc,
                  {operands->x, operands->ids, operands->weights}, {type});
  operation.attributes["program"] = Value(*program);
  operation.attributes["before"] = Value(*weight == "before");
  return Values{operation.results[0]};
}

/// identity(x, ids, w, from: E): sum of w * x over the ids from E on.
BuiltinResult lowerIdentity(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 3, 3, {"from"});
  if (!arguments)
    return arguments.takeError();
  llvm::Expected<Routed> operands = routed(*arguments);
  if (!operands)
    return operands.takeError();
  llvm::Expected<int64_t> from = arguments->integer("from");
  if (!from)
    return from.takeError();
  if (*from < 0)
    return builder.error(call, "identity experts begin at " +
                                   llvm::Twine(*from) + ", which is negative");
  Operation &operation = builder.add(
      Op::Identity, call.loc, {operands->x, operands->ids, operands->weights},
      {builder.type(operands->x)});
  operation.attributes["from"] = Value(*from);
  return Values{operation.results[0]};
}

/// ids, w = capacity(ids, w, limit: C, per: batch|sequence, order:
/// token|choice) or with fraction: f, a limit of ceil(f * tokens).
BuiltinResult lowerCapacity(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(
      builder, call, 2, 2, {"limit", "fraction", "per", "order", "experts"});
  if (!arguments)
    return arguments.takeError();
  auto chosen = choices(*arguments, 0);
  if (!chosen)
    return chosen.takeError();
  bool hasLimit = arguments->named("limit") != nullptr;
  if (hasLimit == (arguments->named("fraction") != nullptr))
    return builder.error(call, "'capacity' has either a limit or a fraction");
  llvm::Expected<std::string> per =
      arguments->word("per", {"batch", "sequence"});
  if (!per)
    return per.takeError();
  llvm::Expected<std::string> order =
      arguments->word("order", {"token", "choice"});
  if (!order)
    return order.takeError();
  llvm::Expected<int64_t> experts = arguments->integer("experts");
  if (!experts)
    return experts.takeError();

  Value bound;
  if (hasLimit) {
    llvm::Expected<int64_t> limit = arguments->integer("limit");
    if (!limit)
      return limit.takeError();
    if (*limit < 0)
      return builder.context().blameConfig(
          call.loc,
          fmt::format("{} is {}; an expert's capacity is not negative",
                      builder.context().nameForUser(*arguments->named("limit")),
                      *limit));
    bound = Value(*limit);
  } else {
    llvm::Expected<double> fraction = arguments->number("fraction", 0);
    if (!fraction)
      return fraction.takeError();
    if (!(*fraction >= 0 && *fraction <= 1e6))
      return builder.context().blameConfig(
          call.loc,
          fmt::format(
              "{} is {}; an expert's capacity is a share of the tokens that is "
              "not negative",
              builder.context().nameForUser(*arguments->named("fraction")),
              *fraction));
    bound = Value(*fraction);
  }
  RoutineType ids = builder.type(chosen->first);
  RoutineType weights = builder.type(chosen->second);
  Operation &operation = builder.add(
      Op::Capacity, call.loc, {chosen->first, chosen->second}, {ids, weights});
  operation.attributes[hasLimit ? "limit" : "fraction"] = bound;
  operation.attributes["per"] = Value(*per);
  operation.attributes["order"] = Value(*order);
  operation.attributes["experts"] = Value(*experts);
  return Values{operation.results[0], operation.results[1]};
}

} // namespace moec::hf
