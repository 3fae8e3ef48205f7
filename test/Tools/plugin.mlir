// The dialect and its passes in a stock mlir-opt. One flag is enough; both do
// no harm.
// UNSUPPORTED: sanitizer
// RUN: %llvm_bin/mlir-opt %s --load-dialect-plugin=%moec_lib/MoePlugin.so --pass-pipeline='builtin.module(moe-fuse-router,canonicalize)' | FileCheck %s
// RUN: %llvm_bin/mlir-opt %s --load-dialect-plugin=%moec_lib/MoePlugin.so --load-pass-plugin=%moec_lib/MoePlugin.so --pass-pipeline='builtin.module(moe-fuse-router,canonicalize)' | FileCheck %s
// So are the passes for the CPU and the pipelines.
// RUN: %llvm_bin/mlir-opt %s --load-dialect-plugin=%moec_lib/MoePlugin.so --pass-pipeline='builtin.module(moe-schedule,moe-lower-to-cpu)' | FileCheck %s --check-prefix=LOOPS
// Without it, mlir-opt does not know the dialect.
// RUN: not %llvm_bin/mlir-opt %s 2>&1 | FileCheck %s --check-prefix=STOCK

// LLVM comes as a shared library: a second copy in the plugin would have types
// of its own.
// RUN: llvm-nm --defined-only --demangle %moec_lib/MoePlugin.so | FileCheck %s --check-prefix=SYMBOLS

// STOCK: Dialect `moe' not found for custom op 'moe.linear'

// SYMBOLS-NOT: {{ [TtDdBb] }}mlir::MLIRContext::
// SYMBOLS-DAG: {{ [TW] }}mlirGetDialectPluginInfo
// SYMBOLS-DAG: {{ [TW] }}mlirGetPassPluginInfo

// CHECK-LABEL: func.func @layer
// LOOPS: func.func {{.*}}@moec_kernel_0
// LOOPS: vector.fma
func.func @layer(%x: tensor<?x64xf32> {moe.name = "hidden"}, %gate: tensor<8x64xbf16>)
    -> (tensor<?x2xi32> {moe.name = "topk_ids"}) {
  // CHECK: moe.router rows(%{{.*}}) params(%{{.*}}) : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x2xi32>
  // CHECK: moe.linear
  %z = moe.linear %x, %gate
      : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %ids = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x2xi32> {
  ^row(%row: tensor<8xf32>):
    %i = moe.top_k %row, 2 : tensor<8xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  return %ids : tensor<?x2xi32>
}
