//===- MoeRouterOps.td - Routing: from hidden rows to experts -*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The router region and what it makes scores with. The small operations work on
// one row (a tensor of rank 1); what is purely element-wise is arith and math.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_ROUTER_OPS_TD
#define MOE_ROUTER_OPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "MoeAttrs.td"
include "MoeEnums.td"

def Moe_RouterOp : Moe_Op<"router", [
    Pure, AttrSizedOperandSegments, IsolatedFromAbove, SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface,
                              ["getAsmResultNames", "getAsmBlockArgumentNames"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>]> {
  let summary = "chooses experts, one token at a time";
  let description = [{
    Runs its region once for each token. The region's arguments are that
    token's row of every tensor in `rows`, then `params` as they are (weights,
    biases, tables). What it yields becomes the token's row of the results, so
    rows are independent of each other by construction. By convention the first
    two results are the expert ids and their weights.

    A row of `tensor<Tx..xf32>` is `tensor<..xf32>`, a row of `tensor<Txi64>` is
    the scalar `i64`.

    Life cycle: made by an importer with logits as its row; `moe-fuse-router`
    moves the gating product into the region; lowered by the back end.

    Example (Mixtral, top 2 of softmax, renormalised):
    ```mlir
    func.func @route(%z: tensor<?x8xf32>)
        -> (tensor<?x2xi32>, tensor<?x2xf32>) {
      %ids, %w = moe.router rows(%z) params()
          : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
      ^row(%row: tensor<8xf32>):
        %p = moe.softmax %row : tensor<8xf32>
        %i = moe.top_k %p, 2 : tensor<8xf32> -> tensor<2xi32>
        %v = moe.take %p[%i] : tensor<8xf32>, tensor<2xi32>
        %n = moe.normalize %v : tensor<2xf32>
        moe.yield %i, %n : tensor<2xi32>, tensor<2xf32>
      }
      return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
    }
    ```

    Constraints:
    - C1: at least one tensor in `rows`; all have the same first dimension.
    - C2: the region takes a row of each of `rows`, then each of `params`.
    - C3: the region yields one value for each result, and a result has the
      yielded type with the token dimension in front.
    - C4: all types but the token dimension are static.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$rows,
                       Variadic<AnyRankedTensor>:$params);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `rows` `(` $rows `)` `params` `(` $params `)` attr-dict
    `:` functional-type(operands, results) $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// The block argument that is the row of `rows()[i]`.
    BlockArgument getRowArg(unsigned i) { return getBody().getArgument(i); }
    /// The block argument that stands for `params()[i]`.
    BlockArgument getParamArg(unsigned i) {
      return getBody().getArgument(getRows().size() + i);
    }
    /// Whether `value` is the row of one of `rows()`.
    bool isRowArg(Value value);
    /// What a block argument of the region stands for outside.
    Value getOutside(Value argument);
    YieldOp getYield();
  }];
}

def Moe_YieldOp : Moe_Op<"yield", [
    Pure, Terminator, ReturnLike,
    ParentOneOf<["RouterOp", "GroupedMatmulOp"]>]> {
  let summary = "the result of a router's or an epilogue's region";
  let description = [{
    Example:
    ```mlir
    func.func @logits(%x: tensor<?x64xf32>, %gate: tensor<8x64xf32>)
        -> tensor<?x8xf32> {
      %z = moe.router rows(%x) params(%gate)
          : (tensor<?x64xf32>, tensor<8x64xf32>) -> (tensor<?x8xf32>) {
      ^row(%row: tensor<64xf32>, %g: tensor<8x64xf32>):
        %r = moe.linear %row, %g
            : (tensor<64xf32>, tensor<8x64xf32>) -> tensor<8xf32>
        moe.yield %r : tensor<8xf32>
      }
      return %z : tensor<?x8xf32>
    }
    ```

    Constraints: those of the parent on the types yielded.
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Moe_LinearOp : Moe_Op<"linear", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>]> {
  let summary = "rows times a matrix transposed: x W^T + b";
  let description = [{
    `y[.., n] = sum_k x[.., k] * weight[n, k] + bias[n]`, products and sum in
    f32, whatever the element types. Works on one row or on a matrix of rows.

    Example:
    ```mlir
    func.func @gate(%x: tensor<?x64xf32>, %w: tensor<8x64xbf16>,
                    %b: tensor<8xf32>) -> tensor<?x8xf32> {
      %z = moe.linear %x, %w bias(%b)
          : (tensor<?x64xf32>, tensor<8x64xbf16>, tensor<8xf32>)
          -> tensor<?x8xf32>
      return %z : tensor<?x8xf32>
    }
    ```

    Constraints:
    - C1: `x` has rank 1 or 2, `weight` rank 2, `bias` rank 1.
    - C2: the last dimension of `x` is the last of `weight`.
    - C3: `bias` has as many elements as `weight` has rows.
    - C4: the result has the shape of `x` with the rows of `weight` as its last
      dimension.
  }];
  let arguments = (ins Moe_Floats:$x, Moe_Floats:$weight,
                       Optional<Moe_Floats>:$bias,
                       OptionalAttr<AnyAttr>:$strategy,
                       OptionalAttr<Moe_CpuRanges>:$ranges);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $x `,` $weight (`bias` `(` $bias^ `)`)? attr-dict
    `:` functional-type(operands, $result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Moe_SoftmaxOp : Moe_Op<"softmax", [Pure, SameOperandsAndResultType]> {
  let summary = "softmax of a row";
  let description = [{
    `exp(x - max x) / sum exp(x - max x)`. Elements of -inf give 0. If an element
    is NaN, or the largest is +inf or -inf, every result is NaN.

    Example:
    ```mlir
    func.func @softmax(%z: tensor<8xf32>) -> tensor<8xf32> {
      %p = moe.softmax %z : tensor<8xf32>
      return %p : tensor<8xf32>
    }
    ```

    Constraints: operand and result have one type, a static row of f32.
  }];
  let arguments = (ins Moe_Row:$x);
  let results = (outs Moe_Row:$result);
  let assemblyFormat = "$x attr-dict `:` type($result)";
  let hasCanonicalizeMethod = 1;
}

def Moe_ReduceOp : Moe_Op<"reduce", [Pure]> {
  let summary = "sum or largest element of a row";
  let description = [{
    NaN if an element is NaN. Of no elements the sum is 0, the largest -inf.

    Example:
    ```mlir
    func.func @shares(%w: tensor<4xf32>) -> tensor<4xf32> {
      %s = moe.reduce sum %w : tensor<4xf32>
      %d = tensor.splat %s : tensor<4xf32>
      %n = arith.divf %w, %d : tensor<4xf32>
      return %n : tensor<4xf32>
    }
    func.func @distances(%z: tensor<8xf32>) -> tensor<8xf32> {
      %m = moe.reduce max %z : tensor<8xf32>
      %s = tensor.splat %m : tensor<8xf32>
      %d = arith.subf %s, %z : tensor<8xf32>
      return %d : tensor<8xf32>
    }
    ```

    Constraints: the operand is a static row of f32.
  }];
  let arguments = (ins Moe_ReduceKindAttr:$kind, Moe_Row:$x);
  let results = (outs F32:$result);
  let assemblyFormat = "custom<Word>($kind) $x attr-dict `:` type($x)";
  let hasCanonicalizeMethod = 1;
}

def Moe_NormalizeOp : Moe_Op<"normalize", [Pure, SameOperandsAndResultType]> {
  let summary = "divides a row by its sum";
  let description = [{
    `x / (sum x + eps)`. A sum of zero without `eps` gives NaN, as IEEE division
    does. Models differ in `eps`, so it is kept exactly.

    Example:
    ```mlir
    func.func @deepseek_v3(%w: tensor<8xf32>) -> tensor<8xf32> {
      %n = moe.normalize %w eps(1.0e-20) : tensor<8xf32>
      return %n : tensor<8xf32>
    }
    ```

    Constraints:
    - C1: `eps` is finite and not negative.
  }];
  let arguments = (ins Moe_Row:$x,
                       DefaultValuedAttr<F32Attr, "0.0f">:$eps);
  let results = (outs Moe_Row:$result);
  let assemblyFormat = [{
    $x (`eps` `(` $eps^ `)`)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

#endif // MOE_ROUTER_OPS_TD
