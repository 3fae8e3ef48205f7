//===- MoeNvptxPasses.td - Passes of the NVPTX back end ----*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_NVPTX_PASSES_TD
#define MOE_NVPTX_PASSES_TD

include "mlir/Pass/PassBase.td"

def MoeChooseNvptxStrategyPass
    : Pass<"moe-choose-nvptx-strategy", "::mlir::ModuleOp"> {
  let summary = "decides how each product runs on an NVIDIA GPU";
  let description = [{
    Writes two `#moe.gpu_tile` on every `moe.linear` and `moe.grouped_matmul` that
    has no strategy yet: for calls in which experts have at most four rows on
    average, and for all others. Linears of at most 8 outputs get none; a block
    does a row of them. Nothing else changes; the choice is left as a remark
    (`--remarks-filter=moe-strategy`). `moe-lower-to-nvptx` obeys it.

    Two operands of bf16, or of f16, go to the tensor cores, with `wgmma` as
    tiles that lie in shared memory; so do encoded weights of rows of either
    type, decoded in registers. All others are multiplied in f32.

    Encoded weights on a chip with `wgmma` get a third tile, `some`, for calls in
    which experts have more than four rows and at most 64, and the layer
    `moe.many_from`, where these end.

    With `wgmma` layers also get `moe.overlap`: launches that may ask for weights
    before they need rows begin before the one before them has ended.

    Before:
    ```mlir
    func.func @up(%x: tensor<?x64xf32>, %w: tensor<32x64xbf16>)
        -> tensor<?x32xf32> {
      %z = moe.linear %x, %w
          : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
      return %z : tensor<?x32xf32>
    }
    ```
    After: `strategy = {few = #moe.gpu_tile<mma = fma, rows = 64, tokens = 8,
    depth = 16, warps = 4, stages = 1>, many = #moe.gpu_tile<mma = fma,
    rows = 64, tokens = 32, depth = 16, warps = 4, stages = 1>}`, and
    `moe.few_below = 65 : i64` on the function.
  }];
  let options = [
    Option<"wgmma", "wgmma", "bool", "false",
           "the chip has wgmma and a copy engine for tensors">
  ];
  let dependentDialects = ["::mlir::moe::MoeDialect"];
}

def MoeLowerToNvptxPass : Pass<"moe-lower-to-nvptx", "::mlir::ModuleOp"> {
  let summary = "lowers layers to GPU kernels and their launches";
  let description = [{
    Turns every kernel (a function that a `moe.layer` runs) into device
    functions and a `moe.plan` that launches them. Operations that can share a
    launch do; products with tiles for few tokens make two sets of launches. Layers,
    weights and the kernels themselves are erased.

    Before:
    ```mlir
    moe.weight @up from ["up.weight"] : tensor<32x64xbf16>
    func.func private @kernel_0(%x: tensor<?x64xf32> {moe.name = "hidden"},
                                %w: tensor<32x64xbf16>)
        -> (tensor<?x32xf32> {moe.name = "hidden"}) {
      %y = moe.linear %x, %w {strategy = #moe.gpu_tile<mma = fma, rows = 64,
             tokens = 32, depth = 16, warps = 4, stages = 1>}
          : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
      return %y : tensor<?x32xf32>
    }
    moe.layer @layers.0 runs @kernel_0 with [@up]
    ```
    After: `llvm.func @kernel_0_0_rows(...)` and two more in scf, arith, nvvm
    and llvm, and `moe.plan @kernel_0`.

    Fails on an operation without a lowering, and on a strategy that does not
    fit its operands; the message says which.
  }];
  let dependentDialects = [
    "::mlir::moe::MoeDialect", "::mlir::scf::SCFDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"
  ];
}

#endif // MOE_NVPTX_PASSES_TD
