//===- MoeWeightOps.td - Weights as named externals --------*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_WEIGHT_OPS_TD
#define MOE_WEIGHT_OPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "MoeAttrs.td"

def Moe_WeightOp : Moe_Op<"weight", [Symbol]> {
  let summary = "a weight tensor that lives in a checkpoint";
  let description = [{
    Declares a weight by the name of the tensor (or tensors) it is stored in.
    The type is the logical tensor: a matrix is `[out, in]`, experts are
    stacked in front. Its encoding says how the numbers are stored.

    A source name that contains `{e}` stands for one file tensor per index of
    the first logical dimension; `{e+8}` counts them from 8 on. `at` takes a logical index to the index in
    the file tensor, so transposed, interleaved, concatenated and packed
    tensors are all the same thing. Without `at` the file tensor has the
    logical shape (less the first dimension, if the name contains `{e}`).

    Life cycle: made by an importer; read through `moe.use`; the back end packs
    it into the bundle.

    Example:
    ```mlir
    // One file tensor for each expert.
    moe.weight @w2 from ["experts.{e}.w2.weight"] : tensor<8x64x32xbf16>
    // Gate and up interleaved in one tensor stored [E, H, 2I].
    moe.weight @up from ["experts.gate_up_proj"]
        at affine_map<(e, i, h) -> (e, h, i * 2 + 1)> : tensor<8x32x64xbf16>
    ```

    Constraints:
    - C1: the type has a static shape, no dimension is zero.
    - C2: the number of sources is what the encoding asks for: one for plain
      numbers, two (data, scales) for `#moe.fp8_block` and `#moe.mxfp4`.
    - C3: `at` takes as many indices as the type has dimensions.
    - C4: the element type is f32, f16, bf16 or an integer.
    - C5: all source names contain `{e}` or `{e+N}`, or none does; with it the type has at
      least one dimension.
    - C6: the number of elements fits in 62 bits.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       StrArrayAttr:$sources,
                       OptionalAttr<AffineMapAttr>:$at,
                       TypeAttrOf<AnyRankedTensor>:$type);
  let assemblyFormat = [{
    $sym_name `from` $sources (`at` $at^)? attr-dict `:` $type
  }];
  let extraClassDeclaration = [{
    RankedTensorType getTensorType() {
      return ::llvm::cast<RankedTensorType>(getType());
    }
    /// Whether the sources are one file tensor per expert.
    bool isStacked();
    /// `at`, or the default when it is absent.
    AffineMap getIndexMap();
    /// The map of a file tensor that has the logical shape.
    AffineMap getDefaultIndexMap();
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def Moe_UseOp : Moe_Op<"use", [
    Pure, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a weight";
  let description = [{
    Example:
    ```mlir
    moe.weight @gate from ["gate.weight"] : tensor<8x64xbf16>
    func.func @weight() -> tensor<8x64xbf16> {
      %w = moe.use @gate : tensor<8x64xbf16>
      return %w : tensor<8x64xbf16>
    }
    ```

    Constraints:
    - C1: the symbol names a `moe.weight`.
    - C2: the result type is the type of that weight.
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

def Moe_EncodeOp : Moe_Op<"encode", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>]> {
  let summary = "the same tensor in another storage encoding";
  let description = [{
    Every number becomes the one that the encoding of the result puts in its
    place; the encoding says how. From then on these are the tensor's numbers:
    what is computed with them is exact but for the usual rounding of f32.
    A product of encoded rows and encoded weights multiplies their codes as
    integers, one group at a time.

    What a weight is encoded as is what a bundle stores. Rows are encoded while
    the layer runs.

    Life cycle: written by `moe-quantize`; of weights obeyed by the packer, of
    rows lowered by the back end.

    Example:
    ```mlir
    func.func @quantized(%x: tensor<?x64xf32>, %w: tensor<32x64xbf16>)
        -> tensor<?x32xf32> {
      %q = moe.encode %x : tensor<?x64xf32> -> tensor<?x64xf32, #moe.int8>
      %v = moe.encode %w
          : tensor<32x64xbf16> -> tensor<32x64xf32, #moe.int8>
      %y = moe.linear %q, %v
          : (tensor<?x64xf32, #moe.int8>, tensor<32x64xf32, #moe.int8>)
          -> tensor<?x32xf32>
      return %y : tensor<?x32xf32>
    }
    ```

    Constraints:
    - C1: operand and result have one shape, of rank 1 at least, and a static
      last dimension.
    - C2: the result is encoded as `#moe.int8`, `#moe.int4`, `#moe.uint4` or
      `#moe.mxfp4`, and its element type is f32.
  }];
  let arguments = (ins Moe_Floats:$x);
  let results = (outs Moe_Floats:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def Moe_LayerOp : Moe_Op<"layer", [
    Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a layer of the model: a kernel and the weights to run it with";
  let description = [{
    Binds weights to the trailing arguments of a function. Layers that are
    equal up to their weights share one function, which is compiled once.

    Life cycle: made by `moe-share-kernels`; becomes a row of the manifest's
    layer table.

    Example:
    ```mlir
    moe.weight @a from ["layers.0.up.weight"] : tensor<32x64xbf16>
    moe.weight @b from ["layers.1.up.weight"] : tensor<32x64xbf16>
    func.func private @kernel(%x: tensor<?x64xf32>, %w: tensor<32x64xbf16>)
        -> tensor<?x32xf32> {
      %y = moe.linear %x, %w
          : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
      return %y : tensor<?x32xf32>
    }
    moe.layer @layers.0 runs @kernel with [@a]
    moe.layer @layers.1 runs @kernel with [@b]
    ```

    Constraints:
    - C1: `kernel` names a `func.func`.
    - C2: every element of `weights` names a `moe.weight`.
    - C3: the function has at least as many arguments as there are weights,
      and its last arguments have the types of the weights.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       FlatSymbolRefAttr:$kernel,
                       TypedArrayAttrBase<FlatSymbolRefAttr,
                                          "weight symbols">:$weights);
  let assemblyFormat = [{
    $sym_name `runs` $kernel `with` $weights attr-dict
  }];
}

#endif // MOE_WEIGHT_OPS_TD
