// Expert operations and weights that can be said in less, and those that look
// like it but would change a number.
// RUN: moe-opt %s --canonicalize --split-input-file | FileCheck %s

// Rows that go to no expert come back to their token.
// CHECK-LABEL: func.func @combine_of_dispatch
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>
func.func @combine_of_dispatch(%x: tensor<?x64xf32>, %z: tensor<?x8xf32>,
    %p: tensor<?x2xf32>) -> tensor<?x64xf32> {
  // CHECK: %[[IDS:.*]] = moe.router
  %ids = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x2xi32> {
  ^row(%row: tensor<8xf32>):
    %i = moe.top_k %row, 2 : tensor<8xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  // CHECK-NOT: moe.group
  // CHECK: %[[Y:.*]] = moe.identity_experts %[[X]], %[[IDS]], %{{.*}} from(0) : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  %o, %s = moe.group %ids, 8 : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  %rows = moe.dispatch %x, %s top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  // CHECK: return %[[Y]]
  %y = moe.combine %rows, %p, %s
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// Ids that nobody vouches for may be -1, or those of identity experts, and have
// no slot; one chosen among ten of which eight are grouped may be too.
// CHECK-LABEL: func.func @ids_without_slot
// CHECK-COUNT-2: moe.combine
func.func @ids_without_slot(%x: tensor<?x64xf32>, %given: tensor<?x2xi32>,
    %z: tensor<?x10xf32>, %p: tensor<?x2xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %o, %s = moe.group %given, 8 : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  %rows = moe.dispatch %x, %s top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %y = moe.combine %rows, %p, %s
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %ids = moe.router rows(%z) params() : (tensor<?x10xf32>) -> tensor<?x2xi32> {
  ^row(%row: tensor<10xf32>):
    %i = moe.top_k %row, 2 : tensor<10xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  %o1, %s1 = moe.group %ids, 8 : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  %rows1 = moe.dispatch %x, %s1 top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %y1 = moe.combine %rows1, %p, %s1
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y, %y1 : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

// Rows that are rounded or scaled, or come back by other slots, are not copies.
// CHECK-LABEL: func.func @rows_are_not_copies
// CHECK-COUNT-3: moe.combine
func.func @rows_are_not_copies(%x: tensor<?x64xf32>, %z: tensor<?x8xf32>,
    %p: tensor<?x2xf32>, %t: tensor<?xi32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %ids = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x2xi32> {
  ^row(%row: tensor<8xf32>):
    %i = moe.top_k %row, 2 : tensor<8xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  %o, %s = moe.group %ids, 8 : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  %a = moe.dispatch %x, %s top_k(2) scale(%p)
      : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x2xf32>) -> tensor<?x64xf32>
  %b = moe.dispatch %x, %s top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xbf16>
  %c = moe.dispatch %x, %t top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %u = moe.combine %a, %p, %s
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %v = moe.combine %b, %p, %s
      : tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %w = moe.combine %c, %p, %s
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %u, %v, %w : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

// Weights of zero do not make a result of zero: 0 times NaN or infinity is NaN.
// CHECK-LABEL: func.func @zero_weights
// CHECK: moe.combine
func.func @zero_weights(%rows: tensor<?x64xf32>, %s: tensor<?xi32>)
    -> tensor<7x64xf32> {
  %p = arith.constant dense<0.0> : tensor<7x2xf32>
  %y = moe.combine %rows, %p, %s
      : tensor<?x64xf32>, tensor<7x2xf32>, tensor<?xi32> -> tensor<7x64xf32>
  return %y : tensor<7x64xf32>
}

// One expert does not take all tokens: ids of -1 have no slot.
// CHECK-LABEL: func.func @one_expert
// CHECK: moe.group
func.func @one_expert(%ids: tensor<?x1xi32>) -> (tensor<2xi32>, tensor<?xi32>) {
  %o, %s = moe.group %ids, 1 : tensor<?x1xi32> -> tensor<2xi32>, tensor<?xi32>
  return %o, %s : tensor<2xi32>, tensor<?xi32>
}

// -----

// A scale of one changes nothing, unless the rows are rounded.
// CHECK-LABEL: func.func @scale_of_one
func.func @scale_of_one(%x: tensor<?x64xf32>, %s: tensor<?xi32>,
    %w: tensor<8x32x64xf32>, %o: tensor<9xi32>)
    -> (tensor<?x64xf32>, tensor<?x64xbf16>, tensor<?x32xf32>) {
  %one = arith.constant dense<1.0> : tensor<7x2xf32>
  // CHECK: moe.dispatch %{{.*}}, %{{.*}} top_k(2) : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %a = moe.dispatch %x, %s top_k(2) scale(%one)
      : (tensor<?x64xf32>, tensor<?xi32>, tensor<7x2xf32>) -> tensor<?x64xf32>
  // CHECK: moe.dispatch %{{.*}}, %{{.*}} top_k(2) scale(
  %b = moe.dispatch %x, %s top_k(2) scale(%one)
      : (tensor<?x64xf32>, tensor<?xi32>, tensor<7x2xf32>) -> tensor<?x64xbf16>
  // CHECK: moe.grouped_matmul %{{.*}} weights(%{{.*}}) by(%{{.*}}) gather(%{{.*}}, 2) : (
  %c = moe.grouped_matmul %x weights(%w) by(%o) gather(%s, 2) scale(%one)
      : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?xi32>,
         tensor<7x2xf32>) -> tensor<?x32xf32>
  return %a, %b, %c : tensor<?x64xf32>, tensor<?x64xbf16>, tensor<?x32xf32>
}

// -----

// Adding onto zero is what happens anyway; -0.0 would stay where no slot adds.
// CHECK-LABEL: func.func @onto_zero
func.func @onto_zero(%x: tensor<?x64xf32>, %s: tensor<?xi32>,
    %w: tensor<8x32x64xf32>, %o: tensor<9xi32>, %p: tensor<7x2xf32>)
    -> (tensor<7x32xf32>, tensor<7x32xf32>) {
  %zero = arith.constant dense<0.0> : tensor<7x32xf32>
  %negative = arith.constant dense<-0.0> : tensor<7x32xf32>
  // CHECK: moe.grouped_matmul %{{.*}} combine(%{{.*}}, %{{.*}}) : (
  %a = moe.grouped_matmul %x weights(%w) by(%o) combine(%p, %s) onto(%zero)
      : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<7x2xf32>,
         tensor<?xi32>, tensor<7x32xf32>) -> tensor<7x32xf32>
  // CHECK: moe.grouped_matmul %{{.*}} combine(%{{.*}}, %{{.*}}) onto(
  %b = moe.grouped_matmul %x weights(%w) by(%o) combine(%p, %s) onto(%negative)
      : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<7x2xf32>,
         tensor<?xi32>, tensor<7x32xf32>) -> tensor<7x32xf32>
  return %a, %b : tensor<7x32xf32>, tensor<7x32xf32>
}

// -----

// The map that stands for no map is not written.
// CHECK: moe.weight @plain from ["w"] : tensor<8x64xf32>
moe.weight @plain from ["w"] at affine_map<(n, k) -> (n, k)> : tensor<8x64xf32>
// CHECK: moe.weight @stacked from ["{e}.w"] : tensor<4x8x64xf32>
moe.weight @stacked from ["{e}.w"] at affine_map<(e, n, k) -> (n, k)>
    : tensor<4x8x64xf32>
// CHECK: moe.weight @transposed from ["w"] at #{{.*}} : tensor<8x64xf32>
moe.weight @transposed from ["w"] at affine_map<(n, k) -> (k, n)>
    : tensor<8x64xf32>
