// Every operation in every form of its syntax, through text, generic text and
// bytecode.
// RUN: moe-opt %s | FileCheck %s
// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s --emit-bytecode | moe-opt | FileCheck %s

// CHECK: #[[$UP:.+]] = affine_map<(d0, d1, d2) -> (d0, d2, d1 * 2 + 1)>

// CHECK: moe.weight @gate from ["gate.weight"] : tensor<8x64xbf16>
moe.weight @gate from ["gate.weight"] : tensor<8x64xbf16>
// CHECK: moe.weight @w2 from ["experts.{e}.w2.weight"] : tensor<8x64x32xbf16>
moe.weight @w2 from ["experts.{e}.w2.weight"] : tensor<8x64x32xbf16>
// CHECK: moe.weight @up from ["gate_up_proj"] at #[[$UP]] : tensor<8x32x64xbf16>
moe.weight @up from ["gate_up_proj"]
    at affine_map<(e, i, h) -> (e, h, i * 2 + 1)> : tensor<8x32x64xbf16>
// CHECK: moe.weight @fp8 from ["w", "w_scale_inv"] : tensor<256x512xbf16, #moe.fp8_block<128, 128>>
moe.weight @fp8 from ["w", "w_scale_inv"]
    : tensor<256x512xbf16, #moe.fp8_block<128, 128>>
// CHECK: moe.weight @mxfp4 from ["blocks", "scales"] : tensor<8x64x64xbf16, #moe.mxfp4>
moe.weight @mxfp4 from ["blocks", "scales"] : tensor<8x64x64xbf16, #moe.mxfp4>
// CHECK: moe.weight @table from ["tid2eid"] : tensor<1000x6xi64>
moe.weight @table from ["tid2eid"] : tensor<1000x6xi64>

// CHECK-LABEL: func.func @use
func.func @use() -> tensor<8x64xbf16> {
  // CHECK: %gate = moe.use @gate : tensor<8x64xbf16>
  %0 = moe.use @gate : tensor<8x64xbf16>
  return %0 : tensor<8x64xbf16>
}

// CHECK-LABEL: func.func private @kernel
func.func private @kernel(%x: tensor<?x64xf32>, %w: tensor<8x64xbf16>)
    -> tensor<?x8xf32> {
  // CHECK: moe.linear %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %y = moe.linear %x, %w
      : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
// CHECK: moe.layer @layers.0 runs @kernel with [@gate]
moe.layer @layers.0 runs @kernel with [@gate]

// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<64xf16>, %w: tensor<8x64xf16>, %b: tensor<8xf16>)
    -> tensor<8xf32> {
  // CHECK: moe.linear %{{.*}}, %{{.*}} bias(%{{.*}}) {strategy = #moe.cpu_tile<rows = 6, cols = 64, depth = 1, lanes = 16, unroll = 4>} : (tensor<64xf16>, tensor<8x64xf16>, tensor<8xf16>) -> tensor<8xf32>
  %y = moe.linear %x, %w bias(%b) {strategy = #moe.cpu_tile<
         rows = 6, cols = 64, depth = 1, lanes = 16, unroll = 4>}
      : (tensor<64xf16>, tensor<8x64xf16>, tensor<8xf16>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// CHECK-LABEL: func.func @router
// CHECK: %ids, %weights, %[[Z:.*]] = moe.router rows(%{{.*}}, %{{.*}}) params(%{{.*}}) : (tensor<?x8xf32>, tensor<?xi64>, tensor<8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32>) {
// CHECK-NEXT: ^bb0(%row: tensor<8xf32>, %row_{{.*}}: i64, %param: tensor<8xf32>):
func.func @router(%z: tensor<?x8xf32>, %tokens: tensor<?xi64>,
    %bias: tensor<8xf32>)
    -> (tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32>) {
  %r:3 = moe.router rows(%z, %tokens) params(%bias)
      : (tensor<?x8xf32>, tensor<?xi64>, tensor<8xf32>)
      -> (tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32>) {
  ^row(%row: tensor<8xf32>, %token: i64, %b: tensor<8xf32>):
    // CHECK: moe.sigmoid %{{.*}} : tensor<8xf32>
    %s = moe.sigmoid %row : tensor<8xf32>
    // CHECK: moe.silu %{{.*}} : tensor<8xf32>
    %t = moe.silu %s : tensor<8xf32>
    // CHECK: moe.softmax %{{.*}} : tensor<8xf32>
    %p = moe.softmax %t : tensor<8xf32>
    %c = arith.addf %p, %b : tensor<8xf32>
    // CHECK: moe.group_limit %{{.*}} groups(4) keep(2) by(top2_sum) fill(0xFF800000) : tensor<8xf32>
    %g = moe.group_limit %c groups(4) keep(2) by(top2_sum) fill(0xFF800000)
        : tensor<8xf32>
    // CHECK: moe.group_limit %{{.*}} groups(4) keep(2) by(max) fill(0.000000e+00) : tensor<8xf32>
    %h = moe.group_limit %g groups(4) keep(2) by(max) fill(0.0) : tensor<8xf32>
    // CHECK: moe.top_k %{{.*}}, 2 : tensor<8xf32> -> tensor<2xi32>
    %i = moe.top_k %h, 2 : tensor<8xf32> -> tensor<2xi32>
    // CHECK: moe.exclude %{{.*}}[%{{.*}}] fill(0xFF800000) : tensor<8xf32>, tensor<2xi32>
    %e = moe.exclude %p[%i] fill(0xFF800000) : tensor<8xf32>, tensor<2xi32>
    // CHECK: moe.take %{{.*}}[%{{.*}}] : tensor<8xf32>, tensor<2xi32>
    %v = moe.take %e[%i] : tensor<8xf32>, tensor<2xi32>
    // CHECK: moe.reduce sum %{{.*}} : tensor<2xf32>
    %sum = moe.reduce sum %v : tensor<2xf32>
    // CHECK: moe.reduce max %{{.*}} : tensor<2xf32>
    %max = moe.reduce max %v : tensor<2xf32>
    %f = arith.addf %sum, %max : f32
    %u = tensor.splat %f : tensor<2xf32>
    // CHECK: moe.normalize %{{.*}} : tensor<2xf32>
    %n = moe.normalize %u : tensor<2xf32>
    // CHECK: moe.normalize %{{.*}} eps(9.99999968E-21) : tensor<2xf32>
    %m = moe.normalize %n eps(1.0e-20) : tensor<2xf32>
    // CHECK: moe.yield %{{.*}}, %{{.*}}, %{{.*}} : tensor<2xi32>, tensor<2xf32>, tensor<8xf32>
    moe.yield %i, %m, %row : tensor<2xi32>, tensor<2xf32>, tensor<8xf32>
  }
  return %r#0, %r#1, %r#2 : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func.func @lookup
func.func @lookup(%token: i64, %table: tensor<1000x6xi64>) -> tensor<6xi32> {
  // CHECK: moe.lookup %{{.*}}[%{{.*}}] : tensor<1000x6xi64> -> tensor<6xi32>
  %i = moe.lookup %table[%token] : tensor<1000x6xi64> -> tensor<6xi32>
  return %i : tensor<6xi32>
}

// CHECK-LABEL: func.func @capacity
func.func @capacity(%ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %n: index)
    -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  // CHECK: %kept_ids, %kept_weights = moe.capacity %{{.*}}, %{{.*}} limit(%{{.*}}) per(%{{.*}}) order(token) experts(8) : tensor<?x2xi32>, tensor<?x2xf32>
  %a, %b = moe.capacity %ids, %w limit(%n) per(%n) order(token) experts(8)
      : tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: moe.capacity %{{.*}}, %{{.*}} limit(%{{.*}}) per(%{{.*}}) order(choice) experts(8) : tensor<?x2xi32>, tensor<?x2xf32>
  %c, %d = moe.capacity %a, %b limit(%n) per(%n) order(choice) experts(8)
      : tensor<?x2xi32>, tensor<?x2xf32>
  return %c, %d : tensor<?x2xi32>, tensor<?x2xf32>
}

// CHECK-LABEL: func.func @unfused
func.func @unfused(%x: tensor<?x64xbf16>, %ids: tensor<?x2xi32>,
    %p: tensor<?x2xf32>, %w: tensor<8x64x64xbf16>) -> tensor<?x64xf32> {
  // CHECK: %offsets, %slots = moe.group %{{.*}}, 8 : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  %offsets, %slots = moe.group %ids, 8
      : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  // CHECK: moe.dispatch %{{.*}}, %slots top_k(2) : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
  %a = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
  // CHECK: moe.dispatch %{{.*}}, %slots top_k(2) scale(%{{.*}}) : (tensor<?x64xbf16>, tensor<?xi32>, tensor<?x2xf32>) -> tensor<?x64xbf16>
  %b = moe.dispatch %x, %slots top_k(2) scale(%p)
      : (tensor<?x64xbf16>, tensor<?xi32>, tensor<?x2xf32>) -> tensor<?x64xbf16>
  // CHECK: moe.grouped_matmul %{{.*}} weights(%{{.*}}) by(%offsets) : (tensor<?x64xbf16>, tensor<8x64x64xbf16>, tensor<9xi32>) -> tensor<?x64xbf16>
  %c = moe.grouped_matmul %a weights(%w) by(%offsets)
      : (tensor<?x64xbf16>, tensor<8x64x64xbf16>, tensor<9xi32>)
      -> tensor<?x64xbf16>
  // CHECK: moe.combine %{{.*}}, %{{.*}}, %slots : tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %y = moe.combine %c, %p, %slots
      : tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  // CHECK: moe.identity_experts %{{.*}}, %{{.*}}, %{{.*}} from(8) : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  %z = moe.identity_experts %y, %ids, %p from(8)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return %z : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @every_slot
func.func @every_slot(%x: tensor<?x64xbf16>, %w: tensor<8x64x64xbf16>,
    %b: tensor<8x64xf32>, %offsets: tensor<9xi32>, %slots: tensor<?xi32>,
    %p: tensor<?x2xf32>, %base: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: moe.grouped_matmul %{{.*}} weights(%{{.*}}, %{{.*}}) by(%{{.*}}) gather(%{{.*}}, 2) scale(%{{.*}}) columns(%{{.*}}) combine(%{{.*}}, %{{.*}}) onto(%{{.*}}) :
  // CHECK-NEXT: ^bb0(%acc: f32, %acc_{{.*}}: f32, %column: f32):
  %y = moe.grouped_matmul %x weights(%w, %w) by(%offsets) gather(%slots, 2)
      scale(%p) columns(%b) combine(%p, %slots) onto(%base)
      : (tensor<?x64xbf16>, tensor<8x64x64xbf16>, tensor<8x64x64xbf16>,
         tensor<9xi32>, tensor<?xi32>, tensor<?x2xf32>, tensor<8x64xf32>,
         tensor<?x2xf32>, tensor<?xi32>, tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^epilogue(%g: f32, %u: f32, %c: f32):
    %a = arith.addf %g, %c : f32
    %r = arith.mulf %a, %u : f32
    // CHECK: moe.yield %{{.*}} : f32
    moe.yield %r : f32
  }
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @one_group
func.func @one_group(%x: tensor<7x64xf32>, %w: tensor<32x64xf32>)
    -> tensor<7x32xf16> {
  // CHECK: moe.grouped_matmul %{{.*}} weights(%{{.*}}) : (tensor<7x64xf32>, tensor<32x64xf32>) -> tensor<7x32xf16>
  %y = moe.grouped_matmul %x weights(%w)
      : (tensor<7x64xf32>, tensor<32x64xf32>) -> tensor<7x32xf16>
  return %y : tensor<7x32xf16>
}

// CHECK-LABEL: func.func @scalars_and_vectors
func.func @scalars_and_vectors(%a: f32, %b: vector<16xf32>)
    -> (f32, vector<16xf32>) {
  // CHECK: moe.sigmoid %{{.*}} : f32
  %c = moe.sigmoid %a : f32
  // CHECK: moe.silu %{{.*}} : vector<16xf32>
  %d = moe.silu %b : vector<16xf32>
  return %c, %d : f32, vector<16xf32>
}
