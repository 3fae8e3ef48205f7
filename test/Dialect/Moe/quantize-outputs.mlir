// RUN: moe-opt %s --moe-quantize="weights=stored outputs=rows" --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-quantize="weights=stored" --split-input-file | FileCheck %s --check-prefix=AS-IS
// RUN: moe-opt %s --moe-quantize="weights=int8 activations=int8 outputs=rows" --split-input-file | FileCheck %s --check-prefix=INT8
// RUN: not moe-opt %s --moe-quantize="weights=stored outputs=f16" --split-input-file 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: outputs=f16 is not f32 or rows

// Experts' outputs are what their rows were, before these are encoded.
// CHECK-LABEL: func.func @bf16
// CHECK: moe.grouped_matmul {{.*}} -> tensor<?x64xbf16>
// CHECK: moe.combine {{.*}} : tensor<?x64xbf16>
// AS-IS-LABEL: func.func @bf16
// AS-IS: moe.combine {{.*}} : tensor<?x64xf32>
// INT8-LABEL: func.func @bf16
// INT8: moe.grouped_matmul {{.*}}#moe.int8>, tensor<9xi32>) -> tensor<?x64xbf16>
func.func @bf16(%x: tensor<?x32xf32>, %w: tensor<8x64x32xbf16>,
    %offsets: tensor<9xi32>, %p: tensor<?x2xf32>, %slots: tensor<?xi32>)
    -> tensor<?x64xf32> {
  %h = arith.truncf %x : tensor<?x32xf32> to tensor<?x32xbf16>
  %o = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// The range of f16 is smaller than that of f32.
// CHECK-LABEL: func.func @f16
// CHECK: moe.combine {{.*}} : tensor<?x64xf32>
func.func @f16(%h: tensor<?x32xf16>, %w: tensor<8x64x32xf16>,
    %offsets: tensor<9xi32>, %p: tensor<?x2xf32>, %slots: tensor<?xi32>)
    -> tensor<?x64xf32> {
  %o = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xf16>, tensor<8x64x32xf16>, tensor<9xi32>) -> tensor<?x64xf32>
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// Rows that something else reads stay what they are.
// CHECK-LABEL: func.func @read_twice
// CHECK: moe.combine {{.*}} : tensor<?x64xf32>
func.func @read_twice(%h: tensor<?x32xbf16>, %w: tensor<8x64x32xbf16>,
    %offsets: tensor<9xi32>, %p: tensor<?x2xf32>, %slots: tensor<?xi32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %o = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %o, %y : tensor<?x64xf32>, tensor<?x64xf32>
}
