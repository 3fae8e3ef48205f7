// RUN: moe-opt %s --moe-fuse-epilogue --split-input-file --verify-diagnostics --remarks-filter=moe-fusion | FileCheck %s
// A second run finds nothing to do.
// RUN: moe-opt %s --moe-fuse-epilogue --split-input-file > %t
// RUN: moe-opt %t --moe-fuse-epilogue --split-input-file | diff %t -

#id = affine_map<(t, n) -> (t, n)>
// Gate and up of a gated unit, with the sizes of their results asked for.
// CHECK-LABEL: func.func @gated
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[O:.*]]: tensor<9xi32>, %[[W1:.*]]: tensor<8x32x64xbf16>, %[[W3:.*]]: tensor<8x32x64xbf16>, %[[S:.*]]: tensor<?xi32>
func.func @gated(%x: tensor<?x64xbf16>, %offsets: tensor<9xi32>,
    %w1: tensor<8x32x64xbf16>, %w3: tensor<8x32x64xbf16>, %slots: tensor<?xi32>)
    -> tensor<?x32xbf16> {
  %g = moe.grouped_matmul %x weights(%w1) by(%offsets) gather(%slots, 2)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>, tensor<?xi32>)
      -> tensor<?x32xf32>
  %u = moe.grouped_matmul %x weights(%w3) by(%offsets) gather(%slots, 2)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>, tensor<?xi32>)
      -> tensor<?x32xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %g, %c0 : tensor<?x32xf32>
  %init = tensor.empty(%n) : tensor<?x32xbf16>
  // CHECK: %[[H:.*]] = moe.grouped_matmul %[[X]] weights(%[[W1]], %[[W3]]) by(%[[O]]) gather(%[[S]], 2) : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>, tensor<?xi32>) -> tensor<?x32xbf16> {
  // CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
  // CHECK-NEXT: %[[SILU:.*]] = moe.silu %[[A]] : f32
  // CHECK-NEXT: %[[M:.*]] = arith.mulf %[[SILU]], %[[B]] : f32
  // CHECK-NEXT: moe.yield %[[M]] : f32
  // CHECK-NOT: moe.grouped_matmul
  // CHECK: return %[[H]]
  // expected-remark @+1 {{[Passed] fuse-epilogue | Category:moe-fusion | Remark="element-wise work runs on the accumulators"}}
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

// -----

#id = affine_map<(t, n) -> (t, n)>
// A shared expert: linears are products of one group, their biases columns.
// CHECK-LABEL: func.func @linears
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[W1:.*]]: tensor<32x64xf32>, %[[W3:.*]]: tensor<32x64xf32>, %[[B:.*]]: tensor<32xf32>
func.func @linears(%x: tensor<?x64xf32>, %w1: tensor<32x64xf32>,
    %w3: tensor<32x64xf32>, %bias: tensor<32xf32>, %init: tensor<?x32xf32>)
    -> tensor<?x32xf32> {
  // CHECK: moe.grouped_matmul %[[X]] weights(%[[W1]], %[[W3]]) columns(%[[B]]) :
  // CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[U:.*]]: f32, %[[C:.*]]: f32):
  // CHECK-NEXT: %[[UB:.*]] = arith.addf %[[U]], %[[C]] : f32
  // CHECK-NEXT: %[[M:.*]] = arith.mulf %[[A]], %[[UB]] : f32
  // CHECK-NEXT: moe.yield %[[M]]
  %g = moe.linear %x, %w1 : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %u = moe.linear %x, %w3 bias(%bias)
      : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  // expected-remark @+1 {{element-wise work runs on the accumulators}}
  %h = linalg.generic {indexing_maps = [#id, #id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g, %u : tensor<?x32xf32>, tensor<?x32xf32>)
      outs(%init : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// An epilogue that is there is continued; a product read twice is made once;
// scalars from outside are read where they are.
// CHECK-LABEL: func.func @continued
// CHECK-SAME: %[[LIMIT:arg[0-9]+]]: f32
func.func @continued(%x: tensor<?x64xf32>, %offsets: tensor<9xi32>,
    %w: tensor<8x32x64xf32>, %columns: tensor<8x32xf32>, %limit: f32,
    %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %g = moe.grouped_matmul %x weights(%w) by(%offsets) columns(%columns)
      : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<8x32xf32>)
      -> tensor<?x32xf32> {
  ^epilogue(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    moe.yield %s : f32
  }
  // CHECK: moe.grouped_matmul %{{.*}} weights(%{{[^,]*}}) by(%{{.*}}) columns(%{{[^,]*}}) :
  // CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
  // CHECK-NEXT: %[[S:.*]] = arith.addf %[[A]], %[[B]] : f32
  // CHECK-NEXT: %[[C:.*]] = arith.minimumf %[[S]], %[[LIMIT]] : f32
  // CHECK-NEXT: %[[M:.*]] = arith.mulf %[[C]], %[[S]] : f32
  // CHECK-NEXT: moe.yield %[[M]]
  // expected-remark @+1 {{element-wise work runs on the accumulators}}
  %h = linalg.generic {indexing_maps = [#id, #id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g, %g : tensor<?x32xf32>, tensor<?x32xf32>)
      outs(%init : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %c = arith.minimumf %a, %limit : f32
    %m = arith.mulf %c, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// The product's own place is written to.
// CHECK-LABEL: func.func @in_place
func.func @in_place(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>)
    -> tensor<?x32xf32> {
  // CHECK-NEXT: moe.grouped_matmul %{{.*}} weights(%{{.*}}) :
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT: moe.silu
  // CHECK-NEXT: moe.yield
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // expected-remark @+1 {{element-wise work runs on the accumulators}}
  %h = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x32xf32>) outs(%g : tensor<?x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    %m = moe.silu %a : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// Element-wise work on anything else is no business of the pass.
// CHECK-LABEL: func.func @no_product
func.func @no_product(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: linalg.generic
  %h = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x32xf32>) outs(%x : tensor<?x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    %m = moe.silu %a : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}
