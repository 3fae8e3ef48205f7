// RUN: moe-opt %s --moe-quantize="weights=int8 activations=int8" --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-quantize="weights=int8 group=32" --split-input-file | FileCheck %s --check-prefix=GROUP
// RUN: moe-opt %s --moe-quantize="weights=int4" --split-input-file | FileCheck %s --check-prefix=INT4
// RUN: moe-opt %s --moe-quantize="weights=uint4 group=64" --split-input-file | FileCheck %s --check-prefix=UINT4
// RUN: moe-opt %s --moe-quantize="weights=int8 group=128" --split-input-file | FileCheck %s --check-prefix=ROW8
// RUN: moe-opt %s --moe-quantize="weights=int4 group=128" --split-input-file | FileCheck %s --check-prefix=ROW4
// RUN: moe-opt %s --moe-quantize=weights=stored --split-input-file | FileCheck %s --check-prefix=STORED
// RUN: not moe-opt %s --moe-quantize="weights=stored activations=int8" 2>&1 | FileCheck %s --check-prefix=ALONE
// RUN: not moe-opt %s --moe-quantize="weights=int8 group=33" 2>&1 | FileCheck %s --check-prefix=ODD
// RUN: not moe-opt %s --moe-quantize=weights=int3 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// ALONE: error: activations=int8 multiplies encoded weights, and there are none; choose weights too
// ODD: error: group=33 is not 0 or a multiple of 32
// UNKNOWN: error: weights=int3 is not stored, int8, int4, uint4 or mxfp4

// A token is encoded once, from what it was before it was rounded, and
// dispatched encoded.
// CHECK-LABEL: func.func @experts
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x64xf32>
// CHECK-DAG: %[[W:.*]] = moe.encode %{{.*}} : tensor<8x32x64xbf16> -> tensor<8x32x64xf32, #moe.int8>
// CHECK-DAG: %[[Q:.*]] = moe.encode %[[X]] : tensor<?x64xf32> -> tensor<?x64xf32, #moe.int8>
// CHECK-NOT: moe.encode
// CHECK-NOT: arith.truncf
// CHECK: %[[R:.*]] = moe.dispatch %[[Q]]
// CHECK: moe.grouped_matmul %[[R]] weights(%[[W]])
// CHECK: moe.grouped_matmul %[[R]] weights(%[[W]])
// GROUP-LABEL: func.func @experts
// GROUP: moe.encode %{{.*}} -> tensor<8x32x64xf32, #moe.int8<group = 32>>
// GROUP: arith.truncf
// GROUP-NOT: moe.encode
// INT4-LABEL: func.func @experts
// INT4: moe.encode %{{.*}} -> tensor<8x32x64xf32, #moe.int4<group = 32>>
// UINT4-LABEL: func.func @experts
// UINT4: moe.encode %{{.*}} -> tensor<8x32x64xf32, #moe.uint4<group = 64>>
// A group is no longer than a row.
// ROW8-LABEL: func.func @experts
// ROW8: moe.encode %{{.*}} -> tensor<8x32x64xf32, #moe.int8>
// ROW4-LABEL: func.func @experts
// ROW4: moe.encode %{{.*}} -> tensor<8x32x64xf32, #moe.int4<group = 64>>
// STORED-NOT: moe.encode
func.func @experts(%x: tensor<?x64xf32>, %offsets: tensor<9xi32>,
    %slots: tensor<?xi32>, %w: tensor<8x32x64xbf16>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %b = arith.truncf %x : tensor<?x64xf32> to tensor<?x64xbf16>
  %rows = moe.dispatch %b, %slots top_k(2)
      : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
  %y = moe.grouped_matmul %rows weights(%w) by(%offsets)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  %z = moe.grouped_matmul %rows weights(%w) by(%offsets)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  return %y, %z : tensor<?x32xf32>, tensor<?x32xf32>
}

// -----

// What a router reads, and what is narrow, keeps its weights; a rounding that
// something else reads stays.
// CHECK-LABEL: func.func @gates
// GROUP-LABEL: func.func @gates
// CHECK-NOT: moe.encode %{{.*}} : tensor<24x64xbf16>
// CHECK: %[[Q:.*]] = moe.encode %{{.*}} : tensor<?x64xf32>
// CHECK: moe.linear %{{.*}} : (tensor<?x64xf32>, tensor<24x64xbf16>)
// CHECK: arith.truncf
// CHECK: moe.linear %{{.*}} : (tensor<?x64xbf16>, tensor<1x64xbf16>)
// CHECK: moe.linear %[[Q]], %{{.*}} : (tensor<?x64xf32, #moe.int8>, tensor<32x64xf32, #moe.int8>)
func.func @gates(%x: tensor<?x64xf32>, %g: tensor<24x64xbf16>, %one: tensor<1x64xbf16>,
    %w: tensor<32x64xbf16>) -> (tensor<?x2xi32>, tensor<?x1xf32>, tensor<?x32xf32>) {
  %z = moe.linear %x, %g : (tensor<?x64xf32>, tensor<24x64xbf16>) -> tensor<?x24xf32>
  %ids = moe.router rows(%z) params() : (tensor<?x24xf32>) -> (tensor<?x2xi32>) {
  ^row(%row: tensor<24xf32>):
    %i = moe.top_k %row, 2 : tensor<24xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  %b = arith.truncf %x : tensor<?x64xf32> to tensor<?x64xbf16>
  %s = moe.linear %b, %one : (tensor<?x64xbf16>, tensor<1x64xbf16>) -> tensor<?x1xf32>
  %y = moe.linear %b, %w : (tensor<?x64xbf16>, tensor<32x64xbf16>) -> tensor<?x32xf32>
  return %ids, %s, %y : tensor<?x2xi32>, tensor<?x1xf32>, tensor<?x32xf32>
}
