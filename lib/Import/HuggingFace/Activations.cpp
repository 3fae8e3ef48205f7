//===- Activations.cpp - Activations by name --------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The activations that configurations name, as formulas of simpler operations.
//
//===----------------------------------------------------------------------===//

#include "CallArguments.h"
#include "Formula.h"

namespace moec::hf {

ValueResult lowerActivation(RoutineBuilder &builder, llvm::StringRef name,
                            const Expr &at, ValueId x) {
  Formula f(builder, at);
  if (name == "silu" || name == "swish")
    return f.finish(f.op(Op::Silu, {x}));
  if (name == "sigmoid")
    return f.finish(f.op(Op::Sigmoid, {x}));
  if (name == "tanh")
    return f.finish(f.op(Op::Tanh, {x}));
  if (name == "linear" || name == "identity")
    return f.finish(x);
  if (name == "relu")
    return f.finish(f.op(Op::Max, {x, f.number(0)}));
  if (name == "relu2") {
    ValueId positive = f.op(Op::Max, {x, f.number(0)});
    return f.finish(f.op(Op::Mul, {positive, positive}));
  }
  if (name == "quick_gelu")
    return f.finish(
        f.op(Op::Mul,
             {x, f.op(Op::Sigmoid, {f.op(Op::Mul, {x, f.number(1.702)})})}));
  if (name == "gelu") {
    ValueId erf =
        f.op(Op::Erf, {f.op(Op::Mul, {x, f.number(0.70710678118654752)})});
    ValueId half = f.op(Op::Mul, {x, f.number(0.5)});
    return f.finish(f.op(Op::Mul, {half, f.op(Op::Add, {erf, f.number(1)})}));
  }
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" ||
      name == "gelu_fast") {
    ValueId cube = f.op(Op::Mul, {f.op(Op::Mul, {x, x}), x});
    ValueId inner =
        f.op(Op::Add, {x, f.op(Op::Mul, {cube, f.number(0.044715)})});
    ValueId tanh =
        f.op(Op::Tanh, {f.op(Op::Mul, {inner, f.number(0.79788456080286536)})});
    ValueId half = f.op(Op::Mul, {x, f.number(0.5)});
    return f.finish(f.op(Op::Mul, {half, f.op(Op::Add, {tanh, f.number(1)})}));
  }
  llvm::consumeError(f.finish(x).takeError());
  return builder.context().blameConfig(
      at.loc, fmt::format("{} is {}, an activation that is not known; known "
                          "are silu (swish), gelu, gelu_new "
                          "(gelu_pytorch_tanh, gelu_fast), quick_gelu, relu, "
                          "relu2, sigmoid, tanh and linear",
                          builder.context().nameForUser(at), quote(name)));
}

} // namespace moec::hf
