// RUN: moe-opt %s --moe-share-kernels --split-input-file | FileCheck %s

// Equal up to the weights: one kernel, a binding each.
// CHECK-DAG: moe.layer @layers.0 runs @[[K:kernel_0]] with [@layers.0.up, @layers.0.bias]
// CHECK-DAG: moe.layer @layers.1 runs @[[K]] with [@layers.1.up, @layers.1.bias]
// CHECK-DAG: func.func private @[[K]](%{{.*}}: tensor<?x64xf32>, %{{.*}}: tensor<32x64xbf16>, %{{.*}}: tensor<32xf32>) -> tensor<?x32xf32>
// A weight of another type: another kernel.
// CHECK-DAG: moe.layer @layers.2 runs @[[L:kernel_1]] with [@layers.2.up, @layers.2.bias]
// CHECK-DAG: func.func private @[[L]](%{{.*}}: tensor<?x64xf32>, %{{.*}}: tensor<32x64xf32>, %{{.*}}: tensor<32xf32>) -> tensor<?x32xf32>
// CHECK-NOT: moe.use
// CHECK-NOT: @kernel_2
moe.weight @layers.0.up from ["0.up"] : tensor<32x64xbf16>
moe.weight @layers.1.up from ["1.up"] : tensor<32x64xbf16>
moe.weight @layers.2.up from ["2.up"] : tensor<32x64xf32>
moe.weight @layers.0.bias from ["0.bias"] : tensor<32xf32>
moe.weight @layers.1.bias from ["1.bias"] : tensor<32xf32>
moe.weight @layers.2.bias from ["2.bias"] : tensor<32xf32>
func.func @layers.0(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %w = moe.use @layers.0.up : tensor<32x64xbf16>
  %b = moe.use @layers.0.bias : tensor<32xf32>
  %y = moe.linear %x, %w bias(%b)
      : (tensor<?x64xf32>, tensor<32x64xbf16>, tensor<32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
func.func @layers.1(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %w = moe.use @layers.1.up : tensor<32x64xbf16>
  %b = moe.use @layers.1.bias : tensor<32xf32>
  %y = moe.linear %x, %w bias(%b)
      : (tensor<?x64xf32>, tensor<32x64xbf16>, tensor<32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
func.func @layers.2(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %w = moe.use @layers.2.up : tensor<32x64xf32>
  %b = moe.use @layers.2.bias : tensor<32xf32>
  %y = moe.linear %x, %w bias(%b)
      : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// A weight used twice is one argument, and then another layer that uses two
// weights in its place is not equal.
// CHECK-DAG: func.func private @kernel_0(%{{.*}}: tensor<?x64xf32>, %{{.*}}: tensor<64x64xf32>) ->
// CHECK-DAG: func.func private @kernel_1(%{{.*}}: tensor<?x64xf32>, %{{.*}}: tensor<64x64xf32>, %{{.*}}: tensor<64x64xf32>) ->
// CHECK-DAG: moe.layer @tied runs @kernel_0 with [@a]
// CHECK-DAG: moe.layer @untied runs @kernel_1 with [@a, @b]
moe.weight @a from ["a"] : tensor<64x64xf32>
moe.weight @b from ["b"] : tensor<64x64xf32>
func.func @tied(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = moe.use @a : tensor<64x64xf32>
  %y = moe.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %v = moe.use @a : tensor<64x64xf32>
  %z = moe.linear %y, %v : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}
func.func @untied(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = moe.use @a : tensor<64x64xf32>
  %y = moe.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %v = moe.use @b : tensor<64x64xf32>
  %z = moe.linear %y, %v : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// -----

// A name that is taken; a function that is private, called or without a body.
// CHECK-DAG: func.func private @kernel_0(%{{.*}}: f32) -> f32
// CHECK-DAG: func.func private @kernel_0_{{[0-9]+}}(%{{.*}}: tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK-DAG: func.func @called(%{{.*}}: f32) -> f32
// CHECK-DAG: func.func private @outside(f32) -> f32
// CHECK-DAG: moe.layer @layer runs @kernel_0_{{[0-9]+}} with []
// CHECK-NOT: moe.layer
func.func private @kernel_0(%x: f32) -> f32 {
  %0 = call @called(%x) : (f32) -> f32
  return %0 : f32
}
func.func @called(%x: f32) -> f32 {
  %y = moe.silu %x : f32
  return %y : f32
}
func.func private @outside(f32) -> f32
func.func @layer(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
