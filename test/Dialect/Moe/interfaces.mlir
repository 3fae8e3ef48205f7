// Sizes of results are found without the operations that make them.
// RUN: moe-opt %s --resolve-ranked-shaped-type-result-dims --cse --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @sizes
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[W:.*]]: tensor<8x64xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[P:.*]]: tensor<?x2xf32>, %[[SLOTS:.*]]: tensor<?xi32>
// CHECK: %[[C0:.*]] = arith.constant 0 : index
func.func @sizes(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>,
    %ids: tensor<?x2xi32>, %p: tensor<?x2xf32>, %slots: tensor<?xi32>,
    %n: index) -> (index, index, index, index, index, index) {
  %c0 = arith.constant 0 : index
  // CHECK-DAG: %[[T:.*]] = tensor.dim %[[X]], %[[C0]]
  %z = moe.linear %x, %w : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %linear = tensor.dim %z, %c0 : tensor<?x8xf32>
  %r = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x2xi32> {
  ^row(%row: tensor<8xf32>):
    %i = moe.top_k %row, 2 : tensor<8xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  %router = tensor.dim %r, %c0 : tensor<?x2xi32>
  // CHECK-DAG: %[[TI:.*]] = tensor.dim %[[IDS]], %[[C0]]
  %kept, %q = moe.capacity %ids, %p limit(%n) per(%n) order(token) experts(8)
      : tensor<?x2xi32>, tensor<?x2xf32>
  %capacity = tensor.dim %q, %c0 : tensor<?x2xf32>
  // CHECK-DAG: %[[S:.*]] = tensor.dim %[[SLOTS]], %[[C0]]
  %rows = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %dispatch = tensor.dim %rows, %c0 : tensor<?x64xf32>
  // CHECK-DAG: %[[TP:.*]] = tensor.dim %[[P]], %[[C0]]
  %y = moe.combine %rows, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %combine = tensor.dim %y, %c0 : tensor<?x64xf32>
  %e = moe.identity_experts %x, %ids, %p from(8)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  %identity = tensor.dim %e, %c0 : tensor<?x64xf32>
  // CHECK: return %[[T]], %[[T]], %[[TI]], %[[S]], %[[TP]], %[[T]]
  return %linear, %router, %capacity, %dispatch, %combine, %identity
      : index, index, index, index, index, index
}

// CHECK-LABEL: func.func @grouped_matmul
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[W:.*]]: tensor<8x32x64xf32>, %[[O:.*]]: tensor<9xi32>, %[[SLOTS:.*]]: tensor<?xi32>, %[[P:.*]]: tensor<?x2xf32>
func.func @grouped_matmul(%x: tensor<?x64xf32>, %w: tensor<8x32x64xf32>,
    %o: tensor<9xi32>, %slots: tensor<?xi32>, %p: tensor<?x2xf32>)
    -> (index, index, index) {
  // CHECK: %[[C0:.*]] = arith.constant 0 : index
  %c0 = arith.constant 0 : index
  // CHECK-DAG: %[[R:.*]] = tensor.dim %[[X]], %[[C0]]
  %a = moe.grouped_matmul %x weights(%w) by(%o)
      : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  %rows = tensor.dim %a, %c0 : tensor<?x32xf32>
  // CHECK-DAG: %[[S:.*]] = tensor.dim %[[SLOTS]], %[[C0]]
  %b = moe.grouped_matmul %x weights(%w) by(%o) gather(%slots, 2)
      : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?xi32>)
      -> tensor<?x32xf32>
  %gathered = tensor.dim %b, %c0 : tensor<?x32xf32>
  // CHECK-DAG: %[[T:.*]] = tensor.dim %[[P]], %[[C0]]
  %c = moe.grouped_matmul %x weights(%w) by(%o) gather(%slots, 2) combine(%p, %slots)
      : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?xi32>,
         tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  %combined = tensor.dim %c, %c0 : tensor<?x32xf32>
  // CHECK: return %[[R]], %[[S]], %[[T]]
  return %rows, %gathered, %combined : index, index, index
}

// The number of slots in use depends on the data.
// CHECK-LABEL: func.func @slots
func.func @slots(%ids: tensor<?x2xi32>) -> index {
  %c0 = arith.constant 0 : index
  // CHECK: %[[OFFSETS:.*]], %[[SLOTS:.*]] = moe.group
  %o, %s = moe.group %ids, 8 : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  // CHECK: tensor.dim %[[SLOTS]]
  %n = tensor.dim %s, %c0 : tensor<?xi32>
  return %n : index
}
