// RUN: moe-opt %s --moe-quantize="weights=stored activations=int8" | FileCheck %s

// Weights of a checkpoint that are encoded already keep their encoding.
// CHECK-LABEL: func.func @stored
// CHECK-DAG: %[[W:.*]] = moe.encode %{{.*}} : tensor<32x64xbf16, #moe.mxfp4> -> tensor<32x64xf32, #moe.mxfp4>
// CHECK-DAG: %[[Q:.*]] = moe.encode %{{.*}} : tensor<?x64xf32> -> tensor<?x64xf32, #moe.int8>
// CHECK: moe.linear %[[Q]], %[[W]]
func.func @stored(%x: tensor<?x64xf32>, %w: tensor<32x64xbf16, #moe.mxfp4>) -> tensor<?x32xf32> {
  %y = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xbf16, #moe.mxfp4>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
