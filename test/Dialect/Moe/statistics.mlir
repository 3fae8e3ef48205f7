// A pass says how much it did, and nothing where there was nothing to decide.
// RUN: moe-opt %s --moe-fuse-router --moe-fuse-gather --moe-fuse-epilogue --moe-fuse-combine --moe-share-kernels --remarks-filter=moe-statistics --split-input-file 2>&1 >/dev/null | FileCheck %s

// CHECK: fuse-router | Category:moe-statistics | Remark="1 taken, 0 refused"
// CHECK: fuse-gather | Category:moe-statistics | Remark="1 taken, 1 refused"
// CHECK: fuse-combine | Category:moe-statistics | Remark="0 taken, 1 refused"
// CHECK: share-kernels | Category:moe-statistics | Remark="2 layers run 2 kernels"
// CHECK-NOT: moe-statistics
func.func @layers.0(%x: tensor<?x64xf32>, %gate: tensor<8x64xf32>,
    %w: tensor<8x64x64xf32>, %p: tensor<?x2xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %z = moe.linear %x, %gate
      : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x2xi32> {
  ^row(%row: tensor<8xf32>):
    %i = moe.top_k %row, 2 : tensor<8xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  %offsets, %slots = moe.group %ids, 8
      : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  %a = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %y = moe.grouped_matmul %a weights(%w) by(%offsets)
      : (tensor<?x64xf32>, tensor<8x64x64xf32>, tensor<9xi32>) -> tensor<?x64xf32>
  %b = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %c = moe.combine %b, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y, %c : tensor<?x64xf32>, tensor<?x64xf32>
}
func.func @layers.1(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  return %x : tensor<?x64xf32>
}

// -----

func.func private @nothing(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  return %x : tensor<?x64xf32>
}
