//===- Builtins.cpp - Functions of the language on rows ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of functions, and those that compute numbers from numbers. What has
// a formula in simpler operations is expanded here, so that whatever works on
// routines knows few operations.
//
//===----------------------------------------------------------------------===//

#include "CallArguments.h"
#include "Formula.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {
namespace {

using Values = llvm::SmallVector<Operand, 2>;

BuiltinResult one(ValueResult value) {
  if (!value)
    return value.takeError();
  return Values{*value};
}

ValueResult unary(RoutineBuilder &builder, const Expr &call, Op op) {
  auto arguments = CallArguments::match(builder, call, 1, 1, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult x = arguments->value(0);
  if (!x)
    return x;
  return builder.elementwise(op, call, {*x});
}

ValueResult binary(RoutineBuilder &builder, const Expr &call, Op op) {
  auto arguments = CallArguments::match(builder, call, 2, 2, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult a = arguments->value(0);
  if (!a)
    return a;
  ValueResult b = arguments->value(1);
  if (!b)
    return b;
  return builder.elementwise(op, call, {*a, *b});
}

/// softplus(x) = log(1 + exp(x)), written so that it does not overflow.
ValueResult softplus(RoutineBuilder &builder, const Expr &at, ValueId x) {
  Formula f(builder, at);
  ValueId decay = f.op(Op::Exp, {f.op(Op::Neg, {f.op(Op::Abs, {x})})});
  return f.finish(f.op(
      Op::Add, {f.op(Op::Max, {x, f.number(0)}), f.op(Op::Log1p, {decay})}));
}

std::optional<double> constantNumber(const RoutineBuilder &builder,
                                     ValueId value) {
  const Operation *definition = builder.definition(value);
  if (!definition || definition->op != Op::Constant)
    return std::nullopt;
  return definition->attribute("value").number();
}

BuiltinResult lowerClamp(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 3, 3, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult x = arguments->value(0);
  if (!x)
    return x.takeError();
  ValueResult low = arguments->value(1);
  if (!low)
    return low.takeError();
  ValueResult high = arguments->value(2);
  if (!high)
    return high.takeError();
  std::optional<double> least = constantNumber(builder, *low),
                        most = constantNumber(builder, *high);
  if (least && most && *least > *most)
    return builder.context().blameConfig(
        call.loc, fmt::format("{} is {}; no number is from {} to {}",
                              builder.context().nameForUser(arguments->at(2)),
                              *most, *least, *most));
  Formula f(builder, call);
  return one(f.finish(f.op(Op::Min, {f.op(Op::Max, {*x, *low}), *high})));
}

BuiltinResult lowerWhere(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 3, 3, {});
  if (!arguments)
    return arguments.takeError();
  llvm::SmallVector<ValueId> operands;
  for (size_t i = 0; i < 3; ++i) {
    ValueResult operand = builder.lowerValue(arguments->at(i));
    if (!operand)
      return operand.takeError();
    operands.push_back(*operand);
  }
  builder.makeConstantLike(operands[1], operands[2]);
  builder.makeConstantLike(operands[2], operands[1]);
  return one(builder.elementwise(Op::Select, call, operands));
}

BuiltinResult lowerAct(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 2, 2, {});
  if (!arguments)
    return arguments.takeError();
  llvm::Expected<Value> name = builder.lowerConstant(arguments->at(0));
  if (!name)
    return name.takeError();
  ValueResult x = arguments->value(1);
  if (!x)
    return x.takeError();
  if (!name->isString())
    return builder.context().blameConfig(
        call.loc, fmt::format("{} is {}, expected the name of an activation",
                              builder.context().nameForUser(arguments->at(0)),
                              name->str()));
  return one(lowerActivation(builder, name->string(), arguments->at(0), *x));
}

/// A row to a number (sum, largest) or to a row (softmax).
BuiltinResult lowerRowOp(RoutineBuilder &builder, const Expr &call, Op op) {
  auto arguments = CallArguments::match(builder, call, 1, 1, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult row = arguments->row(0);
  if (!row)
    return row.takeError();
  RoutineType result = builder.type(*row);
  if (op != Op::Softmax)
    result.shape.clear();
  return one(builder.add(op, call.loc, {*row}, {result}).results[0]);
}

ValueId sumOf(RoutineBuilder &builder, const Expr &at, ValueId row) {
  RoutineType result = builder.type(row);
  result.shape.clear();
  return builder.add(Op::Sum, at.loc, {row}, {result}).results[0];
}

/// normalize(v): v / (sum v + eps); floor: v / max(sum v, floor);
/// norm: v / (sum |v|^p)^(1/p).
BuiltinResult lowerNormalize(RoutineBuilder &builder, const Expr &call) {
  auto arguments =
      CallArguments::match(builder, call, 1, 1, {"eps", "floor", "norm"});
  if (!arguments)
    return arguments.takeError();
  ValueResult row = arguments->row(0);
  if (!row)
    return row.takeError();
  llvm::Expected<double> eps = arguments->number("eps", 0);
  if (!eps)
    return eps.takeError();
  llvm::Expected<double> floor = arguments->number("floor", 0);
  if (!floor)
    return floor.takeError();
  llvm::Expected<double> norm = arguments->number("norm", 1);
  if (!norm)
    return norm.takeError();
  if (call.arguments.size() > 2)
    return builder.error(call, "'normalize' has one of eps, floor and norm");
  for (double bound : {*eps, *floor})
    if (!(bound >= 0 && bound <= 3e38))
      return builder.context().blameConfig(
          call.loc, fmt::format("normalize's eps or floor is {}; it must be "
                                "finite and not negative",
                                bound));
  if (!(*norm > 0 && *norm <= 64))
    return builder.context().blameConfig(
        call.loc, fmt::format("normalize's norm is {}; it must be above 0 and "
                              "at most 64",
                              *norm));
  if (arguments->named("floor")) {
    Formula f(builder, call);
    ValueId sum = sumOf(builder, call, *row);
    return one(f.finish(
        f.op(Op::Div, {*row, f.op(Op::Max, {sum, f.number(*floor)})})));
  }
  if (arguments->named("norm")) {
    Formula f(builder, call);
    ValueId size = f.op(Op::Abs, {*row});
    if (*norm == 1)
      return one(f.finish(f.op(Op::Div, {*row, sumOf(builder, call, size)})));
    ValueId power = f.op(
        Op::Exp, {f.op(Op::Mul, {f.op(Op::Log, {size}), f.number(*norm)})});
    ValueId sum = sumOf(builder, call, power);
    ValueId root =
        f.op(Op::Exp, {f.op(Op::Div, {f.op(Op::Log, {sum}), f.number(*norm)})});
    return one(f.finish(f.op(Op::Div, {*row, root})));
  }
  Operation &result =
      builder.add(Op::Normalize, call.loc, {*row}, {builder.type(*row)});
  result.attributes["eps"] = Value(*eps);
  return Values{result.results[0]};
}

/// rms_norm(x, weight, eps: e): x / sqrt(mean(x^2) + e) * weight.
BuiltinResult lowerRmsNorm(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 1, 2, {"eps"});
  if (!arguments)
    return arguments.takeError();
  ValueResult x = arguments->row(0);
  if (!x)
    return x.takeError();
  llvm::Expected<double> eps = arguments->number("eps", 0);
  if (!eps)
    return eps.takeError();
  Formula f(builder, call);
  ValueId squares = f.op(Op::Mul, {*x, *x});
  double size = static_cast<double>(builder.type(*x).shape[0]);
  ValueId mean = f.op(Op::Div, {sumOf(builder, call, squares), f.number(size)});
  ValueId norm = f.op(Op::Sqrt, {f.op(Op::Add, {mean, f.number(*eps)})});
  ValueId scaled = f.op(Op::Div, {*x, norm});
  if (arguments->size() == 2) {
    ValueResult weight = arguments->value(1);
    if (!weight) {
      llvm::consumeError(f.finish(scaled).takeError());
      return weight.takeError();
    }
    scaled = f.op(Op::Mul, {scaled, *weight});
  }
  return one(f.finish(scaled));
}

/// linear(x, w) = x w^T, linear(x, w, b) = x w^T + b.
BuiltinResult lowerLinear(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 2, 3, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult x = arguments->row(0);
  if (!x)
    return x.takeError();
  ValueResult weight = arguments->value(1);
  if (!weight)
    return weight.takeError();
  const RoutineType &matrix = builder.type(*weight);
  RoutineType result = builder.type(*x);
  if (matrix.shape.size() != 2 || matrix.shape[1] != result.shape[0] ||
      matrix.perToken)
    return builder.error(call, "a row of " + llvm::Twine(result.shape[0]) +
                                   " numbers is multiplied by a matrix " +
                                   matrix.str() + ", expected [.., " +
                                   llvm::Twine(result.shape[0]) + "]");
  result.shape[0] = matrix.shape[0];
  result.perExpert |= matrix.perExpert;
  llvm::SmallVector<ValueId> operands{*x, *weight};
  if (arguments->size() == 3) {
    ValueResult bias = arguments->row(2);
    if (!bias)
      return bias.takeError();
    if (builder.type(*bias).shape != result.shape)
      return builder.error(call, "a bias " + builder.type(*bias).str() +
                                     " is added to " + result.str());
    operands.push_back(*bias);
  }
  return one(builder.add(Op::Linear, call.loc, operands, {result}).results[0]);
}

BuiltinResult lowerSoftplus(RoutineBuilder &builder, const Expr &call) {
  auto arguments = CallArguments::match(builder, call, 1, 1, {});
  if (!arguments)
    return arguments.takeError();
  ValueResult x = arguments->value(0);
  if (!x)
    return x.takeError();
  return one(softplus(builder, call, *x));
}

template <Op op>
BuiltinResult lowerUnary(RoutineBuilder &b, const Expr &call) {
  return one(unary(b, call, op));
}
template <Op op>
BuiltinResult lowerBinary(RoutineBuilder &b, const Expr &call) {
  return one(binary(b, call, op));
}
template <Op op>
BuiltinResult lowerRow(RoutineBuilder &b, const Expr &call) {
  return lowerRowOp(b, call, op);
}

struct Builtin {
  llvm::StringLiteral name;
  BuiltinResult (*lower)(RoutineBuilder &, const Expr &);
};

constexpr Builtin builtins[] = {
    {"abs", lowerUnary<Op::Abs>},
    {"act", lowerAct},
    {"capacity", lowerCapacity},
    {"clamp", lowerClamp},
    {"concat", lowerConcat},
    {"every", lowerEvery},
    {"exclude", lowerExclude},
    {"exp", lowerUnary<Op::Exp>},
    {"experts", lowerExperts},
    {"group_limit", lowerGroupLimit},
    {"halves", lowerHalves},
    {"identity", lowerIdentity},
    {"largest", lowerRow<Op::Largest>},
    {"linear", lowerLinear},
    {"log", lowerUnary<Op::Log>},
    {"lookup", lowerLookup},
    {"max", lowerBinary<Op::Max>},
    {"min", lowerBinary<Op::Min>},
    {"normalize", lowerNormalize},
    {"outer_sum", lowerOuterSum},
    {"rms_norm", lowerRmsNorm},
    {"sigmoid", lowerUnary<Op::Sigmoid>},
    {"silu", lowerUnary<Op::Silu>},
    {"softmax", lowerRow<Op::Softmax>},
    {"softplus", lowerSoftplus},
    {"sqrt", lowerUnary<Op::Sqrt>},
    {"sum", lowerRow<Op::Sum>},
    {"take", lowerTake},
    {"tanh", lowerUnary<Op::Tanh>},
    {"top_k", lowerTopK},
    {"where", lowerWhere},
};

} // namespace

BuiltinResult lowerBuiltin(RoutineBuilder &builder, const Expr &call) {
  for (const Builtin &builtin : builtins)
    if (builtin.name == call.text)
      return builtin.lower(builder, call);
  auto names = llvm::map_range(
      builtins, [](const Builtin &b) -> llvm::StringRef { return b.name; });
  return builder.error(call, "'" + llvm::Twine(call.text) +
                                 "' is no function; there are " +
                                 llvm::join(names, ", "));
}

} // namespace moec::hf
