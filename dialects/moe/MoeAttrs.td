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
include "MoeEnums.td"

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

    Constraints:
    - C1: `rows` and `cols` are at least 1.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$cols);
  let assemblyFormat = "`<` $rows `,` $cols `>`";
  let genVerifyDecl = 1;
}

def Moe_Int4Attr : Moe_Attr<"Int4", "int4"> {
  let summary = "int4 numbers with a scale for each group";
  let description = [{
    Along the last dimension every `group` numbers share a bf16 scale. A number
    is `code * scale` with a code from -8 to 7. The scale is the number of the
    largest magnitude (the first of several) divided by -8, rounded to nearest
    even, so it may be negative; a code is the number divided by it
    (`x * (1 / scale)`, each step in f32), rounded to nearest even and clamped.
    Tiny numbers, NaN and infinities are as in `#moe.int8`.

    Example:
    ```mlir
    func.func @encode(%w: tensor<8x32x64xbf16>)
        -> tensor<8x32x64xf32, #moe.int4<group = 32>> {
      %v = moe.encode %w : tensor<8x32x64xbf16>
          -> tensor<8x32x64xf32, #moe.int4<group = 32>>
      return %v : tensor<8x32x64xf32, #moe.int4<group = 32>>
    }
    ```

    Constraints:
    - C1: `group` is a multiple of 32, and at least that.
  }];
  let parameters = (ins "int64_t":$group);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Moe_UInt4Attr : Moe_Attr<"UInt4", "uint4"> {
  let summary = "four-bit numbers with a scale and a zero point for each group";
  let description = [{
    Along the last dimension every `group` numbers share a bf16 scale and a zero
    point. A number is `(code - zero) * scale` with a code and a zero from 0 to
    15, as in the checkpoints of AWQ and GPTQ. Against `#moe.int4` no code is
    lost on a group that lies to one side of 0.

    The range of a group is from the least of its numbers and 0 to the largest
    of them and 0. The scale is `high / 15 - low / 15`, rounded to nearest even;
    the zero is `-low` divided by it, rounded to nearest even and clamped; a code
    is the number divided by it, rounded to nearest even, plus the zero, clamped.
    To divide by the scale is `x * (1 / scale)`, each step in f32. Tiny numbers,
    NaN and infinities are as in `#moe.int8`.

    Example:
    ```mlir
    func.func @encode(%w: tensor<8x32x64xbf16>)
        -> tensor<8x32x64xf32, #moe.uint4<group = 32>> {
      %v = moe.encode %w : tensor<8x32x64xbf16>
          -> tensor<8x32x64xf32, #moe.uint4<group = 32>>
      return %v : tensor<8x32x64xf32, #moe.uint4<group = 32>>
    }
    ```

    Constraints:
    - C1: `group` is a multiple of 32, and at least that.
  }];
  let parameters = (ins "int64_t":$group);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Moe_Mxfp4Attr : Moe_Attr<"Mxfp4", "mxfp4"> {
  let summary = "fp4 e2m1 numbers with one power of two for each 32";
  let description = [{
    OCP Microscaling FP4, as in gpt-oss. Along the last dimension of the stored
    tensor every 32 numbers share a scale. A number is
    `e2m1(code) * 2^(scale - 127)`. A weight of a checkpoint has two sources: the
    codes `[.., K / 32, 16]`, two to a byte with the even one in the low nibble,
    and the scales `[.., K / 32]`, a byte each.

    `moe.encode` takes for the scale the power of two for which the exponent of
    the largest magnitude becomes 2 (that of 6, the largest code), and rounds
    to the nearest code, ties to even; numbers that are encoded so already stay
    what they are. Tiny numbers, NaN and infinities are as in `#moe.int8`.

    Example:
    ```mlir
    moe.weight @w from ["up_blocks", "up_scales"]
        : tensor<8x64x64xbf16, #moe.mxfp4>
    ```

    Constraints: none.
  }];
  let parameters = (ins);
}

def Moe_Int8Attr : Moe_Attr<"Int8", "int8"> {
  let summary = "int8 numbers with a scale for each row or group";
  let description = [{
    Along the last dimension every `group` numbers share a scale; without
    `group` (or with 0) all of a row do. A number is `code * scale` with a code
    from -127 to 127. The scale of a whole row is f32, that of a group bf16; it
    is the largest magnitude divided by 127, rounded to nearest even, and a code
    is the number divided by it (`x * (1 / scale)`, each step in f32), rounded to
    nearest even. Numbers whose largest magnitude is below 2^-100 are zero. With
    a NaN or an infinity among them, all numbers under one scale are NaN.

    Example:
    ```mlir
    func.func @encode(%x: tensor<?x64xf32>, %w: tensor<8x32x64xbf16>)
        -> (tensor<?x64xf32, #moe.int8>,
            tensor<8x32x64xf32, #moe.int8<group = 32>>) {
      %q = moe.encode %x : tensor<?x64xf32> -> tensor<?x64xf32, #moe.int8>
      %v = moe.encode %w : tensor<8x32x64xbf16>
          -> tensor<8x32x64xf32, #moe.int8<group = 32>>
      return %q, %v : tensor<?x64xf32, #moe.int8>,
                      tensor<8x32x64xf32, #moe.int8<group = 32>>
    }
    ```

    Constraints:
    - C1: `group` is 0 or a multiple of 32.
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "0">:$group);
  let assemblyFormat = "(`<` `group` `=` $group^ `>`)?";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Strategies: what a back end is told to do
//===----------------------------------------------------------------------===//

def Moe_CpuTileAttr : Moe_Attr<"CpuTile", "cpu_tile"> {
  let summary = "a product as register tiles over packed panels of weights";
  let description = [{
    Weights are packed into panels of `cols` columns, `depth` consecutive
    elements of K side by side. A tile keeps `rows` x `cols` accumulators in
    vectors of `lanes` numbers and runs over the whole of K, `unroll` steps at
    a time. With two weights (gate and up) a panel holds `cols / 2` columns of
    each.

    Life cycle: written by `moe-choose-strategy`, obeyed by `moe-lower-to-cpu`.

    Example:
    ```mlir
    func.func @scores(%x: tensor<?x64xf32>, %w: tensor<8x64xbf16>)
        -> tensor<?x8xf32> {
      %z = moe.linear %x, %w {strategy = #moe.cpu_tile<
             rows = 6, cols = 64, depth = 1, lanes = 16, unroll = 4>}
          : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
      return %z : tensor<?x8xf32>
    }
    ```

    Constraints:
    - C1: every number is at least 1, and `lanes` divides `cols`.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$cols, "int64_t":$depth,
                        "int64_t":$lanes, "int64_t":$unroll);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Moe_CpuRangeAttr : Moe_Attr<"CpuRange", "cpu_range"> {
  let summary = "how tiles run over an expert with so many rows";
  let description = [{
    Says how a product treats experts of `from` rows or more, up to the next
    range's `from`. K is taken in chunks of `chunk` steps, all rows on one chunk
    before the next chunk begins; with 0 it is taken whole. With `ahead`, tiles
    ask for the next panel (or chunk) while they work on the present one. With
    `decode`, encoded weights are decoded to memory first, once for all tiles;
    without, each tile decodes them in registers.

    None of it changes a result: the order of additions is the same in every
    range.

    Life cycle: written by `moe-choose-strategy`, obeyed by `moe-lower-to-cpu`,
    which makes one kernel that follows the ranges as it counts an expert's rows.

    Example:
    ```mlir
    func.func @experts(%h: tensor<?x32xbf16>, %offsets: tensor<9xi32>,
                       %w: tensor<8x64x32xbf16>) -> tensor<?x64xf32> {
      %y = moe.grouped_matmul %h weights(%w) by(%offsets) {
             strategy = #moe.cpu_tile<rows = 6, cols = 64, depth = 2,
                                      lanes = 16, unroll = 4>,
             ranges = [#moe.cpu_range<from = 1, chunk = 0, ahead = false>,
                       #moe.cpu_range<from = 7, chunk = 8, ahead = true>]}
          : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>)
          -> tensor<?x64xf32>
      return %y : tensor<?x64xf32>
    }
    ```

    Constraints:
    - C1: `from` is at least 1 and `chunk` at least 0.
  }];
  let parameters = (ins "int64_t":$from, "int64_t":$chunk, "bool":$ahead,
                        DefaultValuedParameter<"bool", "false">:$decode);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Moe_CpuRanges : TypedArrayAttrBase<Moe_CpuRangeAttr,
                                       "ranges of rows, in rising order">;

//===----------------------------------------------------------------------===//
// Packing: how a kernel wants its weights laid out
//===----------------------------------------------------------------------===//

def Moe_PanelOrderParameter : EnumParameter<Moe_PanelOrder> {
  let defaultValue = "PanelOrder::Columns";
}

def Moe_PanelsAttr : Moe_Attr<"Panels", "panels"> {
  let summary = "weights packed for a tiled product";
  let description = [{
    The weights number `args` of a layer, of one shape `[E, N, K]` or `[N, K]`,
    in one blob `[E][panel][step][cols][depth]` of `type`: element
    `(e, w, n, k)` of weight `w` of `W` lies in panel `n / (cols / W)`, column
    `w * (cols / W) + n % (cols / W)`, step `k / depth`, place `k % depth`. A
    panel has `steps` steps; what `N` and `K` do not fill is zero.

    With an `encoding` the numbers are encoded so, `type` is that of a code, and
    the scales stand in the stream: a panel is a sequence of *units*, a unit is
    the scales `[group][cols]` of as many groups as fill whole cache lines (64
    bytes), then the codes of these groups. Codes are stored as unsigned
    numbers: `code + 128` of `#moe.int8`, `code + 8` of `#moe.int4`, the code of
    `#moe.uint4`, the bits of `#moe.mxfp4` and of `#moe.fp8_block`, whose blocks
    are groups with a scale for each column. A scale of `#moe.uint4` is four
    bytes, the zero in the lower half and the bf16 in the upper one.

    `order` says where the codes of a step lie:
    - `columns`: `[cols][depth]`. Two codes of four bits share a byte: that of a
      column of the first half of the panel is the low nibble, that of the column
      in the same place of the second half the high one.
    - `fragments`: as the lanes of a warp need them for `mma.m16n8k16`. A step of
      32 numbers has 16 bytes for each lane, `128 / bits` columns. Lane `l` has
      8 codes of every column `c` with `c % 8 = l / 4`, those of
      `8 (l % 4)` to `8 (l % 4) + 7` of the step. The scales of these columns
      follow each other as well. Of 8 codes, the even ones are in the lower half
      of each 32-bit word and the odd ones in the upper one. A scale of
      `#moe.mxfp4` is stored 94 higher, the power of two that decodes the code
      and scales it; the zero of `#moe.uint4` as the bf16 number `-16 - zero`.
      Where the bits of 8 codes lie is documented in
      `include/moec/Support/Fragments.h`.

    Life cycle: written by `moe-lower-to-cpu` as an attribute of the kernel,
    obeyed by the packer.

    Example:
    ```mlir
    func.func private @kernel(tensor<?x64xf32>, tensor<8x32x64xbf16>,
                              tensor<8x32x64xbf16>) attributes {
      packing = [#moe.panels<args = [1, 2], cols = 64, depth = 2, steps = 32,
                             type = bf16>]
    }
    ```

    Example (codes for a tensor core):
    ```mlir
    func.func private @kernel(tensor<?x64xbf16>,
                              tensor<8x32x64xbf16, #moe.mxfp4>) attributes {
      packing = [#moe.panels<args = [1], cols = 32, depth = 32, steps = 2,
                             type = i4, encoding = #moe.mxfp4,
                             order = fragments>]
    }
    ```

    Constraints: none.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$args, "int64_t":$cols,
                        "int64_t":$depth, "int64_t":$steps, "Type":$type,
                        OptionalParameter<"Attribute">:$encoding,
                        Moe_PanelOrderParameter:$order);
  let assemblyFormat = [{
    `<` `args` `=` `[` $args `]` `,`
    struct($cols, $depth, $steps, $type, $encoding, $order) `>`
  }];
  let extraClassDeclaration = [{
    /// Numbers of a row under one scale; K if all are, or there is no scale.
    int64_t getGroup() const;
    /// Groups in a unit and in a panel.
    int64_t getUnitGroups() const;
    int64_t getGroups() const;
    /// Steps of a group and of a unit.
    int64_t getGroupSteps() const { return getGroup() / getDepth(); }
    int64_t getUnitSteps() const { return getUnitGroups() * getGroupSteps(); }
    /// Bytes of a step's codes, of a group's scales, of a unit and of a panel.
    int64_t getStepBytes() const;
    int64_t getScaleBytes() const;
    int64_t getUnitBytes() const;
    int64_t getPanelBytes() const;
    /// Where, in a panel, the scales and the codes of a group begin.
    int64_t getScaleOffset(int64_t group) const;
    int64_t getCodeOffset(int64_t group) const;
  }];
}

def Moe_PaddedRowsAttr : Moe_Attr<"PaddedRows", "padded_rows"> {
  let summary = "a weight as rows of padded width";
  let description = [{
    Weight number `arg` of a layer, row-major, its last dimension padded with
    zeros to `width` elements of `type`. Biases and tables are read like this.

    Life cycle: written by `moe-lower-to-cpu` as an attribute of the kernel,
    obeyed by the packer.

    Example:
    ```mlir
    func.func private @kernel(tensor<?x64xf32>, tensor<50xf32>) attributes {
      packing = [#moe.padded_rows<arg = 1, width = 64, type = f32>]
    }
    ```

    Constraints: none.
  }];
  let parameters = (ins "int64_t":$arg, "int64_t":$width, "Type":$type);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // MOE_ATTRS_TD
