// A Mixtral layer as an importer makes it, scheduled: a router, two products
// and nothing else that reads a token's row.
// RUN: moe-opt %s --moe-schedule | FileCheck %s
// Without fusion the same layer goes down to LLVM, and so does the fused one.
// RUN: moe-opt %s --moe-schedule=fuse=false --moe-cpu-loops | FileCheck %s --check-prefix=LOOPS
// RUN: moe-opt %s --moe-cpu | FileCheck %s --check-prefix=LLVM

// CHECK-NOT: moe.dispatch
// CHECK-NOT: moe.combine
// CHECK-NOT: linalg.generic
// CHECK-LABEL: func.func private @kernel_0
// CHECK: moe.router
// CHECK: moe.linear
// CHECK: moe.group
// CHECK: moe.grouped_matmul %{{.*}} weights(%{{.*}}, %{{.*}}) by(%{{.*}}) gather(%{{.*}}, 2)
// CHECK: moe.grouped_matmul %{{.*}} weights(%{{.*}}) by(%{{.*}}) combine(%{{.*}}, %{{.*}})
// CHECK: moe.layer @layers.0 runs @kernel_0 with [@gate, @w1, @w3, @w2]

// LOOPS-NOT: moe.grouped_matmul
// LOOPS-LABEL: func.func @moec_kernel_0(
// LOOPS: scf.for

// LLVM-NOT: func.func
// LLVM-LABEL: llvm.func @moec_kernel_0(

moe.weight @gate from ["gate.weight"] : tensor<8x64xbf16>
moe.weight @w1 from ["experts.{e}.w1.weight"] : tensor<8x32x64xbf16>
moe.weight @w3 from ["experts.{e}.w3.weight"] : tensor<8x32x64xbf16>
moe.weight @w2 from ["experts.{e}.w2.weight"] : tensor<8x64x32xbf16>
#id = affine_map<(t, n) -> (t, n)>
func.func @layers.0(%x: tensor<?x64xf32> {moe.name = "hidden"})
    -> (tensor<?x64xf32> {moe.name = "hidden"},
        tensor<?x2xi32> {moe.name = "topk_ids"},
        tensor<?x2xf32> {moe.name = "topk_weights"},
        tensor<?x8xf32> {moe.name = "router_logits"}) {
  %gate = moe.use @gate : tensor<8x64xbf16>
  %w1 = moe.use @w1 : tensor<8x32x64xbf16>
  %w3 = moe.use @w3 : tensor<8x32x64xbf16>
  %w2 = moe.use @w2 : tensor<8x64x32xbf16>
  %z = moe.linear %x, %gate
      : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %ids, %p = moe.router rows(%z) params()
      : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  ^row(%row: tensor<8xf32>):
    %s = moe.softmax %row : tensor<8xf32>
    %i = moe.top_k %s, 2 : tensor<8xf32> -> tensor<2xi32>
    %v = moe.take %s[%i] : tensor<8xf32>, tensor<2xi32>
    %n = moe.normalize %v : tensor<2xf32>
    moe.yield %i, %n : tensor<2xi32>, tensor<2xf32>
  }
  %offsets, %slots = moe.group %ids, 8
      : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  %xb = arith.truncf %x : tensor<?x64xf32> to tensor<?x64xbf16>
  %rows = moe.dispatch %xb, %slots top_k(2)
      : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
  %g = moe.grouped_matmul %rows weights(%w1) by(%offsets)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  %u = moe.grouped_matmul %rows weights(%w3) by(%offsets)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  %c0 = arith.constant 0 : index
  %count = tensor.dim %g, %c0 : tensor<?x32xf32>
  %init = tensor.empty(%count) : tensor<?x32xbf16>
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
  %o = moe.grouped_matmul %h weights(%w2) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y, %ids, %p, %z : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>,
                            tensor<?x8xf32>
}
