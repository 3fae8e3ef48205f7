//===- MoeAttrs.td - Storage encodings of weights ----------*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A weight's tensor type says what its numbers mean; the encoding on that type
// says how they are stored.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_ATTRS_TD
#define MOE_ATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "MoeDialect.td"

class Moe_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Moe_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Moe_Fp8BlockAttr : Moe_Attr<"Fp8Block", "fp8_block"> {
  let summary = "fp8 e4m3 numbers with one f32 scale for each block";
  let description = [{
    Storage of DeepSeek-V3 and its kin. The last two dimensions of the stored
    tensor are cut into blocks of `rows` x `cols`; blocks at the edges are
    partial. A number is `e4m3(data) * scale(block)`. The weight has two
    sources, the data `[.., N, K]` and the scales
    `[.., ceil(N / rows), ceil(K / cols)]`.

    Example:
    ```mlir
    moe.weight @w from ["up.weight", "up.weight_scale_inv"]
        : tensor<256x512xbf16, #moe.fp8_block<128, 128>>
    ```
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$cols);
  let assemblyFormat = "`<` $rows `,` $cols `>`";
  let genVerifyDecl = 1;
}

def Moe_Mxfp4Attr : Moe_Attr<"Mxfp4", "mxfp4"> {
  let summary = "fp4 e2m1 numbers with one power of two for each 32";
  let description = [{
    OCP Microscaling FP4, as in gpt-oss. Along the last dimension of the stored
    tensor every 32 numbers share a scale. A number is
    `e2m1(code) * 2^(scale - 127)`. The weight has two sources: the codes
    `[.., K / 32, 16]`, two to a byte with the even one in the low nibble, and
    the scales `[.., K / 32]`, a byte each.

    Example:
    ```mlir
    moe.weight @w from ["up_blocks", "up_scales"]
        : tensor<8x64x64xbf16, #moe.mxfp4>
    ```
  }];
  let parameters = (ins);
}

#endif // MOE_ATTRS_TD
