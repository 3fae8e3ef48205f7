//===- MoeExpertOps.td - Grouping, dispatch, experts, combine -*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_EXPERT_OPS_TD
#define MOE_EXPERT_OPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "MoeAttrs.td"

def Moe_GroupOp : Moe_Op<"group", [Pure]> {
  let summary = "sorts the choices of all tokens by expert";
  let description = [{
    Lists the slots (`token * k + j`) of expert 0, then of expert 1, and so on;
    within an expert in rising order. `offsets[e]` is where expert `e` begins,
    `offsets[E]` the number of slots in use. Ids outside `[0, E)` take no
    place: -1 is a dropped choice, ids from `E` up are experts that are not
    matrices (`moe.identity_experts`). `slots` has `offsets[E]` elements, a
    size that depends on the data; there are at most `T * k`.

    This is the form that `jax.lax.ragged_dot`, `torch._grouped_mm` and cuDNN
    read.

    Example:
    ```mlir
    func.func @group(%ids: tensor<?x2xi32>)
        -> (tensor<9xi32>, tensor<?xi32>) {
      %offsets, %slots = moe.group %ids, 8
          : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
      return %offsets, %slots : tensor<9xi32>, tensor<?xi32>
    }
    ```

    Constraints:
    - C1: `ids` has rank 2.
    - C2: `offsets` has `experts` + 1 elements.
    - C3: `slots` has rank 1.
  }];
  let arguments = (ins RankedTensorOf<[I32]>:$ids, I64Attr:$experts);
  let results = (outs RankedTensorOf<[I32]>:$offsets,
                      RankedTensorOf<[I32]>:$slots);
  let assemblyFormat = [{
    $ids `,` $experts attr-dict `:` type($ids) `->` type($offsets) `,` type($slots)
  }];
  let hasVerifier = 1;
}

def Moe_DispatchOp : Moe_Op<"dispatch", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>]> {
  let summary = "copies token rows into the order of their experts";
  let description = [{
    `rows[i] = x[slots[i] / k]`, times `scale[slots[i] / k, slots[i] % k]` when a
    scale is given (models that apply the weight before the expert, as
    Llama 4). The product is rounded to the element type of the result.

    Life cycle: made by an importer, moved into a `moe.grouped_matmul` by
    `moe-fuse-gather`.

    Example:
    ```mlir
    func.func @dispatch(%x: tensor<?x64xbf16>, %slots: tensor<?xi32>)
        -> tensor<?x64xbf16> {
      %rows = moe.dispatch %x, %slots top_k(2)
          : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
      return %rows : tensor<?x64xbf16>
    }
    ```

    Constraints:
    - C1: `x` and the result have rank 2 and one width; `slots` has rank 1.
    - C2: `top_k` is at least 1.
    - C3: `scale`, if given, has rank 2 and `top_k` columns.
    - C4: the result has as many rows as there are slots.
    - C5: `x` and the result have one encoding.
  }];
  let arguments = (ins RankedTensorOf<[F32, F16, BF16]>:$x,
                       RankedTensorOf<[I32]>:$slots,
                       Optional<RankedTensorOf<[F32]>>:$scale,
                       I64Attr:$top_k);
  let results = (outs RankedTensorOf<[F32, F16, BF16]>:$rows);
  let assemblyFormat = [{
    $x `,` $slots `top_k` `(` $top_k `)` (`scale` `(` $scale^ `)`)? attr-dict
    `:` functional-type(operands, $rows)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Moe_GroupedMatmulOp : Moe_Op<"grouped_matmul", [
    Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>]> {
  let summary = "each expert's rows times that expert's matrices";
  let description = [{
    For every expert `e` and every row `i` in
    `offsets[e] <= i < offsets[e + 1]`, and for every `weights[j]`,
    `acc_j[i, n] = sum_k input[i, k] * weights[j][e, n, k]` in f32. Without
    `by` there is one group, the matrices have rank 2, and all rows are in it.

    Three slots take what stands next to the product:

    * `gather(%slots, k)`: the rows are read as `input[slots[i] / k]`. With
      `scale(%p)` the row's accumulators are multiplied by
      `p[slots[i] / k, slots[i] % k]`.
    * the **epilogue** region runs on the accumulators of one element, then on
      the elements of `columns` that belong to its expert and column (biases);
      it yields the element of the result. Without a region the only
      accumulator is the result.
    * `combine(%p, %slots)`: the result has a row for each token `t`,
      `sum_j p[t, j] * value[row of slot (t, j)]` in f32 over the slots in use,
      0 if there is none. `onto(%base)` adds to `base[t]` instead of 0.

    Results are rounded to the element type of the result.

    Life cycle: made by an importer with empty slots, filled by
    `moe-fuse-gather`, `moe-fuse-epilogue` and `moe-fuse-combine`, lowered by
    the back end in either form.

    Example (both halves of a SwiGLU expert, fused):
    ```mlir
    func.func @experts(%x: tensor<?x64xbf16>, %offsets: tensor<9xi32>,
        %slots: tensor<?xi32>, %p: tensor<?x2xf32>,
        %w1: tensor<8x32x64xbf16>, %w3: tensor<8x32x64xbf16>,
        %w2: tensor<8x64x32xbf16>) -> tensor<?x64xf32> {
      %h = moe.grouped_matmul %x weights(%w1, %w3) by(%offsets)
          gather(%slots, 2)
          : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<8x32x64xbf16>,
             tensor<9xi32>, tensor<?xi32>) -> tensor<?x32xbf16> {
      ^epilogue(%g: f32, %u: f32):
        %a = moe.silu %g : f32
        %r = arith.mulf %a, %u : f32
        moe.yield %r : f32
      }
      %y = moe.grouped_matmul %h weights(%w2) by(%offsets) combine(%p, %slots)
          : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>,
             tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x64xf32>
      return %y : tensor<?x64xf32>
    }
    ```

    Constraints:
    - C1: `input` and the result have rank 2.
    - C2: there is a weight; with `by` weights are `[E, N, K]`, without
      `[N, K]`, all of one shape, element type and encoding.
    - C3: `K` is the width of `input`, `N` the width of the result.
    - C4: `offsets` has `E` + 1 elements.
    - C5: every one of `columns` is `[E, N]`, or `[N]` without `by`.
    - C6: the epilogue takes an f32 for each weight and each of `columns` and
      yields one f32; without it there is one weight and no column.
    - C7: `gather` and `combine` need `by`; `scale` needs `gather`, `onto` needs
      `combine`.
    - C8: slots have rank 1, `scale` and the weights of `combine` rank 2;
      `top_k` is at least 1 and `scale` has as many columns.
    - C9: `onto` has rank 2 and the width of the result.
    - C10: the element types of `weights` and `columns` are f32, f16 or bf16.
    - C11: the result has a row for each row of `combine`'s weights and of
      `onto`, else for each of `gather`'s slots, else for each of `input`.
  }];
  let arguments = (ins
      RankedTensorOf<[F32, F16, BF16]>:$input,
      Variadic<AnyRankedTensor>:$weights,
      Optional<RankedTensorOf<[I32]>>:$offsets,
      Optional<RankedTensorOf<[I32]>>:$gather,
      Optional<RankedTensorOf<[F32]>>:$scale,
      Variadic<AnyRankedTensor>:$columns,
      Optional<RankedTensorOf<[F32]>>:$combine_weights,
      Optional<RankedTensorOf<[I32]>>:$combine_slots,
      Optional<RankedTensorOf<[F32]>>:$onto,
      OptionalAttr<I64Attr>:$top_k,
      OptionalAttr<AnyAttr>:$strategy,
      OptionalAttr<Moe_CpuRanges>:$ranges);
  let results = (outs RankedTensorOf<[F32, F16, BF16]>:$result);
  let regions = (region MaxSizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    $input `weights` `(` $weights `)`
    (`by` `(` $offsets^ `)`)?
    (`gather` `(` $gather^ `,` $top_k `)`)?
    (`scale` `(` $scale^ `)`)?
    (`columns` `(` $columns^ `)`)?
    (`combine` `(` $combine_weights^ `,` $combine_slots `)`)?
    (`onto` `(` $onto^ `)`)?
    attr-dict `:` functional-type(operands, $result) ($epilogue^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasFolder = 1;
  let extraClassDeclaration = [{
    bool isGrouped() { return getOffsets() != nullptr; }
    bool hasEpilogue() { return !getEpilogue().empty(); }
    /// Experts, 1 when not grouped.
    int64_t getNumExperts();
    /// Columns of the result.
    int64_t getN();
    /// Width of the input.
    int64_t getK();
    /// The element type of the weights.
    Type getWeightType();
    /// Choices of a token, read off the operand that has them.
    int64_t getChoices();
    /// The operand with as many rows as the result.
    Value getRowsOperand();
  }];
}

def Moe_CombineOp : Moe_Op<"combine", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>]> {
  let summary = "adds up the weighted expert outputs of each token";
  let description = [{
    `y[t] = sum_j p[t, j] * rows[i]` where `slots[i]` is `t * k + j`, in f32, over
    the slots in use; 0 for a token without any.

    Life cycle: made by an importer, moved into a `moe.grouped_matmul` by
    `moe-fuse-combine`.

    Example:
    ```mlir
    func.func @combine(%rows: tensor<?x64xf32>, %p: tensor<?x2xf32>,
                       %slots: tensor<?xi32>) -> tensor<?x64xf32> {
      %y = moe.combine %rows, %p, %slots
          : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
      return %y : tensor<?x64xf32>
    }
    ```

    Constraints:
    - C1: `rows`, `weights` and the result have rank 2, `slots` rank 1.
    - C2: the result is as wide as `rows`.
    - C3: there are as many rows as slots, and results as rows of weights.
  }];
  let arguments = (ins RankedTensorOf<[F32, F16, BF16]>:$rows,
                       RankedTensorOf<[F32]>:$weights,
                       RankedTensorOf<[I32]>:$slots);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $rows `,` $weights `,` $slots attr-dict
    `:` type($rows) `,` type($weights) `,` type($slots) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def Moe_IdentityExpertsOp : Moe_Op<"identity_experts", [
    Pure, AllTypesMatch<["x", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>]> {
  let summary = "the part of experts that return their input";
  let description = [{
    `y[t] = sum_j p[t, j] * x[t]` over the choices with `ids[t, j] >= from`: an
    axpy, no matrix. Source: zero-computation experts of LongCat-Flash, copy
    experts of MoE++.

    Example:
    ```mlir
    func.func @identity(%x: tensor<?x64xf32>, %ids: tensor<?x2xi32>,
                        %p: tensor<?x2xf32>) -> tensor<?x64xf32> {
      %y = moe.identity_experts %x, %ids, %p from(8)
          : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
      return %y : tensor<?x64xf32>
    }
    ```

    Constraints:
    - C1: all operands have rank 2; `ids` and `weights` have one shape.
    - C2: `from` is not negative.
    - C3: `x` and `ids` have as many rows.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$x, RankedTensorOf<[I32]>:$ids,
                       RankedTensorOf<[F32]>:$weights, I64Attr:$from);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $x `,` $ids `,` $weights `from` `(` $from `)` attr-dict
    `:` type($x) `,` type($ids) `,` type($weights)
  }];
  let hasVerifier = 1;
}

#endif // MOE_EXPERT_OPS_TD
