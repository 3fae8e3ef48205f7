//===- MoeDeviceOps.td - Layers as launches on a device ----*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a GPU back end is told to do with a product, and what it leaves behind:
// the kernels of a layer with the order and the arguments of their launches.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DEVICE_OPS_TD
#define MOE_DEVICE_OPS_TD

include "mlir/IR/SymbolInterfaces.td"
include "MoeAttrs.td"
include "MoeEnums.td"

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

def Moe_MmaKind : Moe_Enum<"MmaKind", "what multiplies and adds", [
  I32EnumAttrCase<"Fma", 0, "fma">,
  I32EnumAttrCase<"M16N8K16", 1, "m16n8k16">,
  I32EnumAttrCase<"Wgmma", 2, "wgmma">
]>;

def Moe_When : Moe_Enum<"When", "in which calls a launch happens", [
  I32EnumAttrCase<"Always", 0, "always">,
  I32EnumAttrCase<"Routed", 1, "routed">,
  I32EnumAttrCase<"Given", 2, "given">
]>;

def Moe_ArgumentKind : Moe_Enum<"ArgumentKind", "what a kernel is passed", [
  I32EnumAttrCase<"Tokens", 0, "tokens">,
  I32EnumAttrCase<"Sequence", 1, "sequence">,
  I32EnumAttrCase<"Input", 2, "input">,
  I32EnumAttrCase<"InputType", 3, "input_type">,
  I32EnumAttrCase<"InputStride", 4, "input_stride">,
  I32EnumAttrCase<"Output", 5, "output">,
  I32EnumAttrCase<"OutputType", 6, "output_type">,
  I32EnumAttrCase<"OutputStride", 7, "output_stride">,
  I32EnumAttrCase<"Weight", 8, "weight">,
  I32EnumAttrCase<"Buffer", 9, "buffer">,
  I32EnumAttrCase<"TensorMap", 10, "tensor_map">
]>;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def Moe_GpuTileAttr : Moe_Attr<"GpuTile", "gpu_tile"> {
  let summary = "a product as tiles of thread blocks";
  let description = [{
    A block of `warps` warps computes `rows` rows of packed weights times
    `tokens` tokens, `depth` elements of K at a time through shared memory,
    with `stages` buffers of it. Weights lie on the long side: the tail of an
    expert's rows costs what it holds. `mma` says what multiplies: `fma` runs
    on f32 numbers one by one, `m16n8k16` on bf16 or f16 fragments of a tensor
    core, `wgmma` on bf16 or f16 tiles in shared memory, `tokens` being the most
    that a tile has: it takes half of them, a quarter and so on where an expert
    has no more. With a `cluster` of blocks each has as many tokens of its own,
    and reads a part of the weights for all of them.

    Life cycle: written by `moe-choose-nvptx-strategy`, obeyed by
    `moe-lower-to-nvptx`.

    Example:
    ```mlir
    func.func @scores(%x: tensor<?x64xf32>, %w: tensor<8x64xbf16>)
        -> tensor<?x8xf32> {
      %z = moe.linear %x, %w {strategy = #moe.gpu_tile<mma = fma, rows = 64,
             tokens = 32, depth = 16, warps = 4, stages = 1>}
          : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
      return %z : tensor<?x8xf32>
    }
    func.func private @tile() attributes {tile = #moe.gpu_tile<mma = m16n8k16,
      rows = 128, tokens = 128, depth = 64, warps = 4, stages = 2>}
    func.func private @hopper() attributes {tile = #moe.gpu_tile<mma = wgmma,
      rows = 128, tokens = 256, depth = 64, warps = 12, stages = 4>}
    func.func private @pair() attributes {tile = #moe.gpu_tile<mma = wgmma,
      rows = 256, tokens = 128, depth = 64, warps = 12, stages = 4,
      cluster = 2>}
    ```

    Constraints:
    - C1: every number is at least 1, and there are at most 32 warps.
    - C2: a cluster has 1 to 8 blocks and divides `rows`.
  }];
  let parameters = (ins EnumParameter<Moe_MmaKind>:$mma, "int64_t":$rows,
                        "int64_t":$tokens, "int64_t":$depth, "int64_t":$warps,
                        "int64_t":$stages,
                        DefaultValuedParameter<"int64_t", "1">:$cluster);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Moe_DeviceBufferAttr : Moe_Attr<"DeviceBuffer", "device_buffer"> {
  let summary = "memory that a layer's launches share";
  let description = [{
    `row_bytes * (per_token * T + fixed)` bytes in the workspace, whose contents
    are undefined when the layer begins.

    Life cycle: written by `moe-lower-to-nvptx`, becomes part of the manifest.

    Example (64 KiB, and 256 bytes for each token):
    ```mlir
    moe.plan @kernel_0 packs []
      buffers [#moe.device_buffer<per_token = 0, fixed = 1, row_bytes = 65536>,
               #moe.device_buffer<per_token = 1, fixed = 0, row_bytes = 256>]
      launches []
    ```

    Constraints:
    - C1: no number is negative, and `row_bytes` is at least 1.
  }];
  let parameters = (ins "int64_t":$per_token, "int64_t":$fixed,
                        "int64_t":$row_bytes);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Moe_TensorMapAttr : Moe_Attr<"TensorMap", "tensor_map"> {
  let summary = "packed weights as the copy engine of a GPU sees them";
  let description = [{
    A matrix of `rows` rows of `cols` numbers of `element_bytes` bytes, the
    packed weight `weight`, that kernels copy by boxes of `box_rows` rows and
    128 bytes, in shared memory with the 128-byte swizzle. What lies outside of
    the matrix is copied as zeros. The run time makes it into the device's
    tensor map (on CUDA, a `CUtensorMap`).

    Life cycle: written by `moe-lower-to-nvptx`, becomes part of the manifest.

    Example:
    ```mlir
    moe.plan @kernel_0
      packs [#moe.padded_rows<arg = 0, width = 64, type = bf16>] buffers []
      maps [#moe.tensor_map<weight = 0, rows = 256, cols = 64,
                            element_bytes = 2, box_rows = 128>]
      launches []
    ```

    Constraints:
    - C1: `weight` is not negative, the other numbers are at least 1, a row is a
      multiple of 16 bytes and a box has at most 256 rows.
  }];
  let parameters = (ins "int64_t":$weight, "int64_t":$rows, "int64_t":$cols,
                        "int64_t":$element_bytes, "int64_t":$box_rows);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Moe_ArgumentAttr : Moe_Attr<"Argument", "argument"> {
  let summary = "an argument of a launch";
  let description = [{
    `tokens` and `sequence` are i32 numbers of the call. The others say which
    input, output, weight or buffer, by its number: `input`, `output`, `weight`
    and `buffer` are its address, `input_type` and `output_type` the `moec_dtype`
    of its elements (i32), `input_stride` and `output_stride` the elements from
    one row to the next (i64). `tensor_map` is a tensor map of the plan, 128
    bytes by value.

    Life cycle: written by `moe-lower-to-nvptx`, becomes part of the manifest.

    Example (of every kind):
    ```mlir
    func.func private @kernel() attributes {arguments = [
      #moe.argument<tokens>, #moe.argument<sequence>,
      #moe.argument<input, 0>, #moe.argument<input_type, 0>,
      #moe.argument<input_stride, 0>, #moe.argument<output, 1>,
      #moe.argument<output_type, 1>, #moe.argument<output_stride, 1>,
      #moe.argument<weight, 2>, #moe.argument<buffer, 3>,
      #moe.argument<tensor_map, 0>
    ]}
    ```

    Constraints:
    - C1: `number` is not negative.
  }];
  let parameters = (ins EnumParameter<Moe_ArgumentKind>:$kind,
                        DefaultValuedParameter<"int64_t", "0">:$number);
  let assemblyFormat = "`<` $kind (`,` $number^)? `>`";
  let genVerifyDecl = 1;
}

def Moe_LaunchAttr : Moe_Attr<"Launch", "launch"> {
  let summary = "a kernel's launch";
  let description = [{
    `kernel` runs on a grid of `ceil((per_token * T + fixed) / per_block)` by
    `columns` blocks of `threads` threads with `shared` bytes of shared memory,
    after the launches before it. With `resident` blocks the grid has at most
    so many for each multiprocessor of the device, and they share the work.
    Blocks of a `cluster` follow each other and run side by side; the grid is
    rounded to whole clusters.
    A launch that `overlaps` may begin before the one before it has ended: its
    kernel waits for that (`nvvm.griddepcontrol wait`).
    `when` leaves a launch out of calls that are given a routing (`routed`) or
    of all others (`given`).

    Life cycle: written by `moe-lower-to-nvptx`, becomes part of the manifest.

    Example (two launches of which a call takes one):
    ```mlir
    moe.plan @kernel_0 packs [] buffers []
      launches [#moe.launch<kernel = "kernel_0_0_router", when = routed,
                            per_token = 1, fixed = 0, per_block = 4,
                            columns = 1, threads = 128, shared = 0,
                            arguments = [<tokens>, <input, 0>, <output, 1>]>,
                #moe.launch<kernel = "kernel_0_1_given", when = given,
                            per_token = 1, fixed = 0, per_block = 1,
                            columns = 1, threads = 128, shared = 0,
                            arguments = [<output, 1>]>]
    ```

    Constraints:
    - C1: `per_block`, `columns` and `threads` are at least 1, the other numbers
      are not negative, and a block has at most 1024 threads.
    - C2: a grid with `resident` blocks or clusters has one column.
    - C3: a cluster has 1 to 8 blocks.
  }];
  let parameters = (ins
      "StringAttr":$kernel, EnumParameter<Moe_When>:$when,
      "int64_t":$per_token, "int64_t":$fixed, "int64_t":$per_block,
      "int64_t":$columns, "int64_t":$threads, "int64_t":$shared,
      DefaultValuedParameter<"int64_t", "0">:$resident,
      DefaultValuedParameter<"int64_t", "1">:$cluster,
      DefaultValuedParameter<"bool", "false">:$overlaps,
      ArrayRefParameter<"ArgumentAttr">:$arguments);
  let assemblyFormat = [{
    `<` struct($kernel, $when, $per_token, $fixed, $per_block, $columns,
               $threads, $shared)
    `,` (`resident` `=` $resident^ `,`)? (`cluster` `=` $cluster^ `,`)?
    (`overlaps` `=` $overlaps^ `,`)? `arguments` `=` `[` $arguments `]` `>`
  }];
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

def Moe_PlanOp : Moe_Op<"plan", [Symbol]> {
  let summary = "a kernel of the model as launches on a device";
  let description = [{
    What is left of a scheduled kernel once its operations have become device
    functions: the memory they share, how they want the weights packed, and
    their launches in order. Tensors of the caller are numbered as in the
    kernel's signature.

    Life cycle: made by `moe-lower-to-nvptx`; becomes a kernel of the manifest.

    Example:
    ```mlir
    moe.plan @kernel_0
      packs [#moe.padded_rows<arg = 0, width = 64, type = bf16>]
      buffers [#moe.device_buffer<per_token = 1, fixed = 0, row_bytes = 256>]
      launches [#moe.launch<kernel = "kernel_0_rows", when = always,
                            per_token = 1, fixed = 0, per_block = 1,
                            columns = 1, threads = 128, shared = 0,
                            arguments = [<tokens>, <input, 0>, <buffer, 0>]>]
    ```

    Constraints:
    - C1: weights, buffers and tensor maps that launches name are in `packs`,
      `buffers` and `maps`.
    - C2: weights that tensor maps name are in `packs`.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       ArrayAttr:$packs,
                       TypedArrayAttrBase<Moe_DeviceBufferAttr,
                                          "buffers">:$buffers,
                       DefaultValuedOptionalAttr<
                           TypedArrayAttrBase<Moe_TensorMapAttr, "maps">,
                           "{}">:$maps,
                       TypedArrayAttrBase<Moe_LaunchAttr,
                                          "launches">:$launches);
  let assemblyFormat = [{
    $sym_name `packs` $packs `buffers` $buffers (`maps` $maps^)?
    `launches` $launches attr-dict
  }];
  let hasVerifier = 1;
}

#endif // MOE_DEVICE_OPS_TD
