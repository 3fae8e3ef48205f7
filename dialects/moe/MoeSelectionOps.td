//===- MoeSelectionOps.td - Which experts a token goes to --*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Choosing indices of a row of scores and reading rows at them; and choices
// that depend on other tokens.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_SELECTION_OPS_TD
#define MOE_SELECTION_OPS_TD

include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "MoeEnums.td"

def Moe_TopKOp : Moe_Op<"top_k", [Pure]> {
  let summary = "indices of the k largest elements of a row";
  let description = [{
    In falling order of score. Of equal scores the lower index comes first,
    `-0.0` equals `+0.0`, NaN is below -inf. The indices are distinct, whatever
    the scores.

    Example:
    ```mlir
    func.func @best(%s: tensor<8xf32>) -> tensor<2xi32> {
      %i = moe.top_k %s, 2 : tensor<8xf32> -> tensor<2xi32>
      return %i : tensor<2xi32>
    }
    ```

    Constraints:
    - C1: `k` is at least 1 and at most the number of scores.
    - C2: the result has `k` elements.
  }];
  let arguments = (ins Moe_Row:$scores, I64Attr:$k);
  let results = (outs RankedTensorOf<[I32]>:$ids);
  let assemblyFormat = [{
    $scores `,` $k attr-dict `:` type($scores) `->` type($ids)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Moe_TakeOp : Moe_Op<"take", [
    Pure, InferTypeOpAdaptor]> {
  let summary = "the elements of a row at the given indices";
  let description = [{
    `result[j] = source[ids[j]]`, 0 where `ids[j]` is outside the row (an id of
    -1, say).

    Example:
    ```mlir
    func.func @chosen(%p: tensor<8xf32>, %i: tensor<2xi32>) -> tensor<2xf32> {
      %v = moe.take %p[%i] : tensor<8xf32>, tensor<2xi32>
      return %v : tensor<2xf32>
    }
    ```

    Constraints:
    - C1: `ids` is a static row of i32; the result has as many elements.
  }];
  let arguments = (ins Moe_Row:$source, RankedTensorOf<[I32]>:$ids);
  let results = (outs Moe_Row:$result);
  let assemblyFormat = [{
    $source `[` $ids `]` attr-dict `:` type($source) `,` type($ids)
  }];
  let hasFolder = 1;
}

def Moe_ExcludeOp : Moe_Op<"exclude", [
    Pure, AllTypesMatch<["source", "result"]>]> {
  let summary = "a row with the elements at the given indices replaced";
  let description = [{
    `fill` at every index in `ids`, `source` elsewhere; indices outside the row
    are passed over. Iterated selection (sparsemixer, second choices) removes
    what has been chosen with it.

    Example:
    ```mlir
    func.func @second(%z: tensor<8xf32>) -> tensor<1xi32> {
      %first = moe.top_k %z, 1 : tensor<8xf32> -> tensor<1xi32>
      %rest = moe.exclude %z[%first] fill(0xFF800000)
          : tensor<8xf32>, tensor<1xi32>
      %next = moe.top_k %rest, 1 : tensor<8xf32> -> tensor<1xi32>
      return %next : tensor<1xi32>
    }
    ```

    Constraints: `source` is a static row of f32, `ids` a static row of i32.
  }];
  let arguments = (ins Moe_Row:$source, Moe_IdRow:$ids, F32Attr:$fill);
  let results = (outs Moe_Row:$result);
  let assemblyFormat = [{
    $source `[` $ids `]` `fill` `(` $fill `)` attr-dict
    `:` type($source) `,` type($ids)
  }];
  let hasFolder = 1;
}

def Moe_GroupLimitOp : Moe_Op<"group_limit", [
    Pure, SameOperandsAndResultType]> {
  let summary = "keeps the scores of the best groups of experts";
  let description = [{
    Cuts the row into `groups` equal runs, scores each run by its largest
    element (`max`) or by the sum of its two largest (`top2_sum`), keeps the
    `keep` best (ties: the lower group; NaN: last) and puts `fill` where a
    group was not kept. `fill` 0.0 and -inf are different models.

    Source: DeepSeek-V2 and -V3 (group_limited_greedy, noaux_tc).

    Example:
    ```mlir
    func.func @deepseek_v2(%p: tensor<160xf32>) -> tensor<160xf32> {
      %m = moe.group_limit %p groups(8) keep(3) by(max) fill(0.0)
          : tensor<160xf32>
      return %m : tensor<160xf32>
    }
    func.func @deepseek_v3(%c: tensor<256xf32>) -> tensor<256xf32> {
      %m = moe.group_limit %c groups(8) keep(4) by(top2_sum) fill(0xFF800000)
          : tensor<256xf32>
      return %m : tensor<256xf32>
    }
    ```

    Constraints:
    - C1: `groups` is at least 1 and divides the number of scores.
    - C2: `keep` is at least 1 and at most `groups`.
    - C3: a group scored by `top2_sum` has at least two elements.
  }];
  let arguments = (ins Moe_Row:$scores, I64Attr:$groups, I64Attr:$keep,
                       Moe_GroupScoreAttr:$by, F32Attr:$fill);
  let results = (outs Moe_Row:$result);
  let assemblyFormat = [{
    $scores `groups` `(` $groups `)` `keep` `(` $keep `)` `by` `(` custom<Word>($by) `)`
    `fill` `(` $fill `)` attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Moe_LookupOp : Moe_Op<"lookup", [Pure]> {
  let summary = "a row of a table of expert ids";
  let description = [{
    `result = table[index]` as i32; every id is -1 when `index` is outside the
    table. Hash routing (Roller et al. 2021, DeepSeek-V4) looks experts up by
    token id.

    Example:
    ```mlir
    func.func @hash(%token: i64, %table: tensor<1000x6xi64>) -> tensor<6xi32> {
      %i = moe.lookup %table[%token] : tensor<1000x6xi64> -> tensor<6xi32>
      return %i : tensor<6xi32>
    }
    ```

    Constraints:
    - C1: `table` is a static matrix of i32 or i64 with as many columns as the
      result has elements.
  }];
  let arguments = (ins RankedTensorOf<[I32, I64]>:$table, I64:$index);
  let results = (outs RankedTensorOf<[I32]>:$ids);
  let assemblyFormat = [{
    $table `[` $index `]` attr-dict `:` type($table) `->` type($ids)
  }];
  let hasVerifier = 1;
}

def Moe_CapacityOp : Moe_Op<"capacity", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                    ["reifyResultShapes"]>, AllTypesMatch<["ids", "kept_ids"]>,
    AllTypesMatch<["weights", "kept_weights"]>]> {
  let summary = "drops the choices an expert has no room for";
  let description = [{
    Within every run of `per` consecutive tokens each of the `experts` experts
    takes at most `limit` choices. A choice that comes too late gets id -1 and
    weight 0. `token` order serves tokens in order, each with all its choices;
    `choice` order serves all first choices in token order, then all second
    ones. Ids outside `[0, experts)` take no room and stay.

    Sources: Switch Transformer (`token`, per sequence), GShard and NLLB
    (`choice`).

    Example:
    ```mlir
    func.func @switch(%ids: tensor<?x1xi32>, %w: tensor<?x1xf32>,
                      %sequence: index) -> tensor<?x1xi32> {
      %limit = arith.constant 64 : index
      %kept, %p = moe.capacity %ids, %w limit(%limit) per(%sequence)
          order(token) experts(8) : tensor<?x1xi32>, tensor<?x1xf32>
      return %kept : tensor<?x1xi32>
    }
    func.func @gshard(%ids: tensor<?x2xi32>, %w: tensor<?x2xf32>,
                      %sequence: index, %limit: index) -> tensor<?x2xi32> {
      %kept, %p = moe.capacity %ids, %w limit(%limit) per(%sequence)
          order(choice) experts(8) : tensor<?x2xi32>, tensor<?x2xf32>
      return %kept : tensor<?x2xi32>
    }
    ```

    Constraints:
    - C1: `ids` and `weights` have rank 2 and the same shape.
    - C2: `experts` is at least 1.
  }];
  let arguments = (ins RankedTensorOf<[I32]>:$ids, RankedTensorOf<[F32]>:$weights,
                       Index:$limit, Index:$per,
                       Moe_CapacityOrderAttr:$order, I64Attr:$experts);
  let results = (outs RankedTensorOf<[I32]>:$kept_ids,
                      RankedTensorOf<[F32]>:$kept_weights);
  let assemblyFormat = [{
    $ids `,` $weights `limit` `(` $limit `)` `per` `(` $per `)`
    `order` `(` custom<Word>($order) `)` `experts` `(` $experts `)` attr-dict
    `:` type($ids) `,` type($weights)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // MOE_SELECTION_OPS_TD
