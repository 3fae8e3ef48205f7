//===- MoeDialect.td - The moe dialect ---------------------*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialect itself and the base classes of its operations.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_TD
#define MOE_DIALECT_TD

include "mlir/IR/OpBase.td"

def Moe_Dialect : Dialect {
  let name = "moe";
  let cppNamespace = "::mlir::moe";
  let summary = "Mixture-of-Experts layers: routing, dispatch, experts, combine";
  let description = [{
    Represents a Mixture-of-Experts layer with its whole semantics, on tensors.

    A layer is a function from the hidden rows of `T` tokens to new hidden
    rows. Its parts are

    * the **router**, a `moe.router` whose region sees one token's row and is
      composed of small operations, so that a new routing rule is a new
      composition and not a new operation;
    * the **grouping**, `moe.group`: plain tensors `offsets` and `slots`;
    * the **experts**, `moe.grouped_matmul` with three slots: gathered input
      rows, an epilogue region on the accumulators and a weighted combine;
    * **weights**, `moe.weight`: named externals with a storage encoding,
      never constants.

    Letters used throughout: `T` tokens, `H` hidden size, `E` experts, `k`
    experts chosen for a token, `I` width of an expert, `S` slots in use.

    ### Semantics that hold everywhere
    * A *slot* is the integer `token * k + j`, `j` counting the token's choices.
    * An expert id of -1 means "dropped" or "padding" and is legal everywhere.
    * `T = 0`, experts without tokens, all tokens on one expert and `k = E` are
      legal.
    * Scores are compared as numbers, `-0.0` equals `+0.0`, a NaN is below
      everything, and of equal scores the one with the lower index wins.
    * Matrix products accumulate in f32. The order in which the experts of one
      token are added is fixed by that token's own ids: results depend neither
      on the number of threads nor on the other tokens of the batch.

    ### Interfaces
    Operations are Pure, say the shapes of their results where these follow
    from the operands' (`ReifyRankedShapedTypeOpInterface`; not the slots of
    `moe.group`, whose number depends on the data), and infer their types
    where the format leaves them out. They take part neither in destination
    passing nor in bufferization: the back end lowers tensors straight to
    places in its workspace, and one-shot bufferization would drop the
    encodings of weights. Tiling is no rewrite either: it is a strategy
    attribute that the back end obeys.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

class Moe_Op<string mnemonic, list<Trait> traits = []>
    : Op<Moe_Dialect, mnemonic, traits>;

// The types that operands are made of.
def Moe_Row : RankedTensorOf<
    [F32], [HasStaticShapePred, HasAnyRankOfPred<[1]>], "static row">;
def Moe_IdRow : RankedTensorOf<
    [I32], [HasStaticShapePred, HasAnyRankOfPred<[1]>], "static row">;

// What matrix products read.
def Moe_Floats : RankedTensorOf<[F32, F16, BF16]>;

#endif // MOE_DIALECT_TD
