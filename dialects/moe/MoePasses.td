//===- MoePasses.td - Passes over the moe dialect ----------*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each decision of a fusion pass is a remark (--remarks-filter=moe-fusion), and
// so are their numbers (--remarks-filter=moe-statistics).
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PASSES_TD
#define MOE_PASSES_TD

include "mlir/Pass/PassBase.td"

def MoeQuantizePass : Pass<"moe-quantize", "::mlir::ModuleOp"> {
  let summary = "encodes weights, and the rows they are multiplied with";
  let description = [{
    Puts a `moe.encode` on the weights of every `moe.grouped_matmul` and
    `moe.linear`, and with `activations` one on their rows. Products whose
    result a `moe.router` reads, and those of fewer than 16 columns, are gates:
    they keep their weights. Runs on imported layers, before fusion.

    Weights that are `#moe.mxfp4` in the checkpoint stay so with
    `weights=stored`, and are decoded in registers.

    Rows are encoded before they are dispatched, and from what they were before
    a rounding to a narrower type: a token is encoded once, and rounded once.

    With `outputs=rows` the rows that a `moe.combine` adds up are rounded to
    bf16 if they are made of rows of bf16, as model code in bf16 does: half as
    many bytes wait in memory to be added up. Rows of f16 stay f32, whose range
    is larger.

    Before:
    ```mlir
    func.func @experts(%x: tensor<?x64xf32>, %offsets: tensor<9xi32>,
        %slots: tensor<?xi32>, %w: tensor<8x32x64xbf16>) -> tensor<?x32xf32> {
      %b = arith.truncf %x : tensor<?x64xf32> to tensor<?x64xbf16>
      %rows = moe.dispatch %b, %slots top_k(2)
          : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
      %y = moe.grouped_matmul %rows weights(%w) by(%offsets)
          : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>)
          -> tensor<?x32xf32>
      return %y : tensor<?x32xf32>
    }
    ```
    After `moe-quantize{weights=int8 activations=int8}`: the dispatch reads
    `moe.encode %x : tensor<?x64xf32> -> tensor<?x64xf32, #moe.int8>`, and the
    product multiplies its rows by `moe.encode %w : tensor<8x32x64xbf16> ->
    tensor<8x32x64xf32, #moe.int8>`.
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"int8\"",
           "stored (as in the checkpoint), int8, int4, uint4 or mxfp4">,
    Option<"group", "group", "int64_t", "0",
           "numbers of a row under one scale; 0: all of them, 32 of four bits">,
    Option<"activations", "activations", "std::string", "\"float\"",
           "float (as imported) or int8">,
    Option<"outputs", "outputs", "std::string", "\"f32\"",
           "f32 (as imported) or rows (bf16 where rows are)">
  ];
  let dependentDialects = ["::mlir::moe::MoeDialect"];
}

def MoeFuseRouterPass : Pass<"moe-fuse-router", "::mlir::ModuleOp"> {
  let summary = "moves the gating product into the router";
  let description = [{
    A `moe.linear` whose only reader is a `moe.router` that takes it as a row
    goes into the router's region, so that logits, scoring and selection are
    one kernel and the logits of a token never leave the core.

    Before:
    ```mlir
    func.func @layer(%x: tensor<?x64xf32>, %gate: tensor<8x64xbf16>)
        -> tensor<?x2xi32> {
      %z = moe.linear %x, %gate
          : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
      %ids = moe.router rows(%z) params()
          : (tensor<?x8xf32>) -> (tensor<?x2xi32>) {
      ^row(%row: tensor<8xf32>):
        %i = moe.top_k %row, 2 : tensor<8xf32> -> tensor<2xi32>
        moe.yield %i : tensor<2xi32>
      }
      return %ids : tensor<?x2xi32>
    }
    ```
    After: `moe.router rows(%x) params(%gate)`, with
    `%z = moe.linear %row, %gate` first in its region.

    When the logits are results of the function too, the router yields them.

    Refused, with a remark: logits read by something other than the router and
    the function's return; a product in another block; weights of dynamic shape;
    a product of a single row.
  }];
  let dependentDialects = ["::mlir::moe::MoeDialect"];
}

def MoeFuseGatherPass : Pass<"moe-fuse-gather", "::mlir::ModuleOp"> {
  let summary = "lets the first expert product read token rows in place";
  let description = [{
    A `moe.dispatch` read by `moe.grouped_matmul`s becomes their gather slot:
    rows are addressed where they are instead of being copied. A scale moves
    along: the accumulators are scaled instead of the rows (equal in exact
    arithmetic, and more precise than rounding the scaled row).

    Before:
    ```mlir
    func.func @layer(%x: tensor<?x64xbf16>, %slots: tensor<?xi32>,
                     %offsets: tensor<9xi32>, %w: tensor<8x32x64xbf16>)
        -> tensor<?x32xf32> {
      %rows = moe.dispatch %x, %slots top_k(2)
          : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
      %g = moe.grouped_matmul %rows weights(%w) by(%offsets)
          : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>)
          -> tensor<?x32xf32>
      return %g : tensor<?x32xf32>
    }
    ```
    After: `moe.grouped_matmul %x weights(%w) by(%offsets) gather(%slots, 2)`.

    Refused, with a remark: rows that nobody reads; a reader of the rows that is
    not a grouped matmul; a product that already gathers, has no groups or is in
    another block; a dispatch that changes the element type.
  }];
  let dependentDialects = ["::mlir::moe::MoeDialect"];
}

def MoeFuseEpiloguePass : Pass<"moe-fuse-epilogue", "::mlir::ModuleOp"> {
  let summary = "moves element-wise work onto the accumulators of its product";
  let description = [{
    An element-wise `linalg.generic` whose operands are all products of the same
    rows (gate and up of a gated unit, say) becomes the epilogue of one
    product with all their weights, so that neither half is ever written out.
    A `moe.linear` over a matrix of rows counts as a product of one group.

    Before:
    ```mlir
    #id = affine_map<(t, n) -> (t, n)>
    func.func @expert(%x: tensor<?x64xbf16>, %offsets: tensor<9xi32>,
        %w1: tensor<8x32x64xbf16>, %w3: tensor<8x32x64xbf16>,
        %init: tensor<?x32xbf16>) -> tensor<?x32xbf16> {
      %g = moe.grouped_matmul %x weights(%w1) by(%offsets)
          : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>)
          -> tensor<?x32xf32>
      %u = moe.grouped_matmul %x weights(%w3) by(%offsets)
          : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>)
          -> tensor<?x32xf32>
      %h = linalg.generic {indexing_maps = [#id, #id, #id],
                           iterator_types = ["parallel", "parallel"]}
          ins(%g, %u : tensor<?x32xf32>, tensor<?x32xf32>)
          outs(%init : tensor<?x32xbf16>) {
      ^bb0(%a: f32, %b: f32, %out: bf16):
        %s = moe.silu %a : f32
        %m = arith.mulf %s, %b : f32
        %r = arith.truncf %m : f32 to bf16
        linalg.yield %r : bf16
      } -> tensor<?x32xbf16>
      return %h : tensor<?x32xbf16>
    }
    ```
    After: one `moe.grouped_matmul %x weights(%w1, %w3)` with the body as its
    epilogue.

    Refused, with a remark: an operand that is not a product; a product with
    another reader, in another block or rounded to less than f32; products of
    different rows, groups or shapes; a body that reads its output or indices,
    or is not f32 arithmetic rounded at most at its end.
  }];
  let dependentDialects = ["::mlir::moe::MoeDialect", "::mlir::affine::AffineDialect"];
}

def MoeFuseCombinePass : Pass<"moe-fuse-combine", "::mlir::ModuleOp"> {
  let summary = "lets the last expert product add into its tokens";
  let description = [{
    A `moe.combine` of the rows of a `moe.grouped_matmul` becomes its combine
    slot. An addition of that sum and another f32 tensor (the shared expert,
    identity experts) becomes its `onto`.

    Before:
    ```mlir
    func.func @down(%h: tensor<?x32xbf16>, %w2: tensor<8x64x32xbf16>,
        %offsets: tensor<9xi32>, %p: tensor<?x2xf32>, %slots: tensor<?xi32>)
        -> tensor<?x64xf32> {
      %o = moe.grouped_matmul %h weights(%w2) by(%offsets)
          : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>)
          -> tensor<?x64xf32>
      %y = moe.combine %o, %p, %slots
          : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
      return %y : tensor<?x64xf32>
    }
    ```
    After: `moe.grouped_matmul %h weights(%w2) by(%offsets) combine(%p, %slots)`.
    Rows that are rounded to less than f32 are rounded in its epilogue.

    Refused, with a remark: rows that are not a grouped matmul's or have another
    reader; a product that already combines or is in another block.
  }];
  let dependentDialects = ["::mlir::moe::MoeDialect"];
}

def MoeShareKernelsPass : Pass<"moe-share-kernels", "::mlir::ModuleOp"> {
  let summary = "one kernel for layers that are equal up to their weights";
  let description = [{
    Turns the weights a layer function uses into arguments, merges functions
    that are then equal, and leaves a `moe.layer` for every layer: 94 layers
    of a model compile once.

    Before:
    ```mlir
    moe.weight @layers.0.up from ["layers.0.up.weight"] : tensor<32x64xbf16>
    moe.weight @layers.1.up from ["layers.1.up.weight"] : tensor<32x64xbf16>
    func.func @layers.0(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
      %w = moe.use @layers.0.up : tensor<32x64xbf16>
      %y = moe.linear %x, %w
          : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
      return %y : tensor<?x32xf32>
    }
    func.func @layers.1(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
      %w = moe.use @layers.1.up : tensor<32x64xbf16>
      %y = moe.linear %x, %w
          : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
      return %y : tensor<?x32xf32>
    }
    ```
    After: one private `@kernel_0(%x, %w)` and
    `moe.layer @layers.0 runs @kernel_0 with [@layers.0.up]`,
    `moe.layer @layers.1 runs @kernel_0 with [@layers.1.up]`.

    Functions that are private, have no body or are referred to (called) within
    the module are left alone.
  }];
  let dependentDialects = ["::mlir::moe::MoeDialect"];
}

#endif // MOE_PASSES_TD
