//===- MoeCpuPasses.td - Passes of the CPU back end --------*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CPU_PASSES_TD
#define MOE_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def MoeChooseStrategyPass : Pass<"moe-choose-strategy", "::mlir::ModuleOp"> {
  let summary = "decides how each product runs on the CPU";
  let description = [{
    Writes a `#moe.cpu_tile` on every `moe.linear` and `moe.grouped_matmul` that
    has no strategy yet, from the operand types and what the target offers, and
    the `#moe.cpu_range`s that the cost model finds best for each number of
    rows. Nothing else changes; the choices are left as remarks
    (`--remarks-filter=moe-strategy`), each with the predicted cost of the ways
    that were not taken. `moe-lower-to-cpu` obeys them.

    Pairs of bf16 (`depth` 2) are taken when both operands are bf16 and the
    target multiplies such pairs, fours of int8 (`depth` 4) when both are
    encoded; otherwise weights are widened to f32 in registers. A tile has as many
    rows as leave the registers that a step needs besides the accumulators, so
    that nothing spills.

    Before:
    ```mlir
    func.func @gate(%x: tensor<?x64xf32>, %w: tensor<8x64xbf16>)
        -> tensor<?x8xf32> {
      %z = moe.linear %x, %w
          : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
      return %z : tensor<?x8xf32>
    }
    ```
    After, for 16 lanes: `strategy = #moe.cpu_tile<rows = 6, cols = 16,
    depth = 1, lanes = 16, unroll = 4>, ranges = [#moe.cpu_range<from = 1,
    chunk = 0, ahead = false>]`.

    `cpu={FACT=VALUE ...}` describes the CPU. The facts are

    | fact | what it is |
    |---|---|
    | `arch` | whose instructions are used: `x86_64`, `aarch64` |
    | `lanes`, `registers` | f32 numbers in a vector register; such registers |
    | `bf16-dot`, `int8-dot` | there is a dot product of bf16 pairs into f32, of four int8 numbers into i32: `true`, `false` |
    | `l2-bytes` | bytes of the second cache |
    | `multiplies-per-cycle`, `multiply-latency` | whole vectors multiplied and added in a cycle; cycles until the result can be added to |
    | `read-rate`, `fetch-rate`, `l3-rate` | bytes in a cycle: read from memory in one stream, fetched from memory by instructions, read from the third cache |
    | `memory-latency`, `reorder-window` | cycles until a number in memory arrives; instructions that a core has under way meanwhile |

    Rates are those of one core, while the others work too.
  }];
  let options = [Option<"cpu", "cpu", "::moec::CpuTarget", "",
                        "what is known of the CPU">];
  let dependentDialects = ["::mlir::moe::MoeDialect"];
}

def MoeLowerToCpuPass : Pass<"moe-lower-to-cpu", "::mlir::ModuleOp"> {
  let summary = "lowers layers to loops over vectors";
  let description = [{
    Turns every kernel (a function that a `moe.layer` runs) into two functions,
    `moec_KERNEL` and `moec_KERNEL_workspace`, with the signatures of
    include/moec-c/Kernel.h. The attribute `moe.packs` of the first lists how it
    wants its weights laid out, `moe.stages` what it does from one barrier to the
    next; `weight N` is the product with the N-th of these weights. Layers, weights and the kernels themselves are
    erased.

    Before:
    ```mlir
    moe.weight @up from ["up.weight"] : tensor<32x64xbf16>
    func.func private @kernel_0(%x: tensor<?x64xf32> {moe.name = "hidden"},
                                %w: tensor<32x64xbf16>)
        -> (tensor<?x32xf32> {moe.name = "hidden"}) {
      %y = moe.linear %x, %w {strategy = #moe.cpu_tile<
             rows = 6, cols = 32, depth = 1, lanes = 16, unroll = 4>}
          : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
      return %y : tensor<?x32xf32>
    }
    moe.layer @layers.0 runs @kernel_0 with [@up]
    ```
    After: `@moec_kernel_0(!llvm.ptr, i32, i32)` in scf, vector and memref.

    Fails on an operation without a lowering, and on a strategy that does not
    fit its operands; the message says which.
  }];
  let options = [Option<"cpu", "cpu", "::moec::CpuTarget", "",
                        "the CPU: see moe-choose-strategy">];
  let dependentDialects = [
    "::mlir::moe::MoeDialect", "::mlir::scf::SCFDialect",
    "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect"
  ];
}

def MoeExpandMathPass : Pass<"moe-expand-math"> {
  let summary = "writes activations and transcendental functions out";
  let description = [{
    `moe.silu` and `moe.sigmoid` become arithmetic and `math.exp`; functions of
    the math dialect on f32 become polynomials that run on vectors, with an
    error of a few units in the last place.

    Before:
    ```mlir
    func.func @silu(%x: vector<16xf32>) -> vector<16xf32> {
      %y = moe.silu %x : vector<16xf32>
      return %y : vector<16xf32>
    }
    ```
    After: negation, a polynomial for the exponential, an addition, a division.

    With `bf16` conversions from and to bf16 are written out too, for targets
    that have no instruction for them.
  }];
  let options = [
    Option<"bf16", "bf16", "bool", "false", "write bf16 conversions out">
  ];
  let dependentDialects = [
    "::mlir::moe::MoeDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"
  ];
}

#endif // MOE_CPU_PASSES_TD
