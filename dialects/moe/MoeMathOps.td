//===- MoeMathOps.td - Element-wise activations ------------*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The activations that have a name of their own in every model but no operation
// upstream. All other element-wise mathematics is arith and math.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_MATH_OPS_TD
#define MOE_MATH_OPS_TD

include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "MoeDialect.td"

// f32, or a vector or tensor of it.
def F32Like : TypeConstraint<Or<[
    F32.predicate, VectorOfNonZeroRankOf<[F32]>.predicate,
    TensorOf<[F32]>.predicate]>, "f32 or a vector or tensor of f32">;

class Moe_UnaryOp<string mnemonic> : Moe_Op<mnemonic, [
    Pure, SameOperandsAndResultType]# ElementwiseMappable.traits> {
  let arguments = (ins F32Like:$x);
  let results = (outs F32Like:$result);
  let assemblyFormat = "$x attr-dict `:` type($result)";
}

def Moe_SigmoidOp : Moe_UnaryOp<"sigmoid"> {
  let summary = "logistic function, 1 / (1 + exp(-x))";
  let description = [{
    0 at -inf, 1 at +inf, NaN at NaN.

    Example:
    ```mlir
    func.func @sigmoid(%z: tensor<8xf32>) -> tensor<8xf32> {
      %p = moe.sigmoid %z : tensor<8xf32>
      return %p : tensor<8xf32>
    }
    ```

    Constraints: operand and result have one type, f32 or a vector or tensor of
    f32.
  }];
}

def Moe_SiluOp : Moe_UnaryOp<"silu"> {
  let summary = "SiLU (swish), x * sigmoid(x)";
  let description = [{
    Computed as x / (1 + exp(-x)): +inf at +inf, NaN at NaN and at -inf.
    Source: Hendrycks and Gimpel 2016, Elfwing et al. 2017.

    Example:
    ```mlir
    func.func @swiglu(%g: f32, %u: f32) -> f32 {
      %a = moe.silu %g : f32
      %h = arith.mulf %a, %u : f32
      return %h : f32
    }
    ```

    Constraints: operand and result have one type, f32 or a vector or tensor of
    f32.
  }];
}

#endif // MOE_MATH_OPS_TD
