// RUN: moe-opt %s --moe-fuse-gather --split-input-file --verify-diagnostics --remarks-filter=moe-fusion | FileCheck %s
// A second run finds nothing to do.
// RUN: moe-opt %s --moe-fuse-gather --split-input-file > %t
// RUN: moe-opt %t --moe-fuse-gather --split-input-file | diff %t -

// Both halves of a gated unit read the same rows.
// CHECK-LABEL: func.func @taken
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[S:.*]]: tensor<?xi32>
func.func @taken(%x: tensor<?x64xbf16>, %slots: tensor<?xi32>,
    %offsets: tensor<9xi32>, %w1: tensor<8x32x64xbf16>,
    %w3: tensor<8x32x64xbf16>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-NOT: moe.dispatch
  %rows = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
  // CHECK: moe.grouped_matmul %[[X]] weights(%{{.*}}) by(%{{.*}}) gather(%[[S]], 2) : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>, tensor<?xi32>) -> tensor<?x32xf32>
  // expected-remark @+1 {{[Passed] fuse-gather | Category:moe-fusion | Remark="rows are read where they are"}}
  %g = moe.grouped_matmul %rows weights(%w1) by(%offsets)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  // CHECK: moe.grouped_matmul %[[X]] weights(%{{.*}}) by(%{{.*}}) gather(%[[S]], 2)
  // expected-remark @+1 {{rows are read where they are}}
  %u = moe.grouped_matmul %rows weights(%w3) by(%offsets)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  return %g, %u : tensor<?x32xf32>, tensor<?x32xf32>
}

// -----

// The scale moves along.
// CHECK-LABEL: func.func @scaled
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[S:.*]]: tensor<?xi32>, %[[P:.*]]: tensor<?x1xf32>
func.func @scaled(%x: tensor<?x64xbf16>, %slots: tensor<?xi32>,
    %p: tensor<?x1xf32>, %offsets: tensor<9xi32>, %w: tensor<8x32x64xbf16>)
    -> tensor<?x32xf32> {
  %rows = moe.dispatch %x, %slots top_k(1) scale(%p)
      : (tensor<?x64xbf16>, tensor<?xi32>, tensor<?x1xf32>) -> tensor<?x64xbf16>
  // CHECK: moe.grouped_matmul %[[X]] weights(%{{.*}}) by(%{{.*}}) gather(%[[S]], 1) scale(%[[P]])
  // expected-remark @+1 {{rows are read where they are}}
  %g = moe.grouped_matmul %rows weights(%w) by(%offsets)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  return %g : tensor<?x32xf32>
}

// -----

// CHECK-LABEL: func.func @not_read
func.func @not_read(%x: tensor<?x64xbf16>, %slots: tensor<?xi32>) {
  // CHECK: moe.dispatch
  // expected-remark @+1 {{[Missed] fuse-gather | Category:moe-fusion | Remark="the rows are not read"}}
  %rows = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
  return
}

// -----

// CHECK-LABEL: func.func @changes_type
func.func @changes_type(%x: tensor<?x64xf32>, %slots: tensor<?xi32>,
    %offsets: tensor<9xi32>, %w: tensor<8x32x64xbf16>) -> tensor<?x32xf32> {
  // CHECK: moe.dispatch
  // expected-remark @+1 {{the dispatch changes the element type}}
  %rows = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xbf16>
  %g = moe.grouped_matmul %rows weights(%w) by(%offsets)
      : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  return %g : tensor<?x32xf32>
}

// -----

// One reader that cannot read in place, and the rows are copied anyway.
// CHECK-LABEL: func.func @other_reader
func.func @other_reader(%x: tensor<?x64xf32>, %slots: tensor<?xi32>,
    %offsets: tensor<9xi32>, %w: tensor<8x32x64xf32>, %p: tensor<?x2xf32>)
    -> (tensor<?x32xf32>, tensor<?x64xf32>) {
  // CHECK: moe.dispatch
  // expected-remark @+1 {{the rows are read by something other than a grouped matmul}}
  %rows = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  // CHECK-NOT: gather
  %g = moe.grouped_matmul %rows weights(%w) by(%offsets)
      : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  %y = moe.combine %rows, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %g, %y : tensor<?x32xf32>, tensor<?x64xf32>
}

// -----

// A grouped matmul that reads the rows by another operand than its input.
// CHECK-LABEL: func.func @other_operand
func.func @other_operand(%x: tensor<?x64xf32>, %slots: tensor<?xi32>,
    %offsets: tensor<9xi32>, %w: tensor<8x64x64xf32>, %p: tensor<?x2xf32>)
    -> tensor<?x64xf32> {
  // CHECK: moe.dispatch
  // expected-remark @+1 {{the rows are read by something other than a grouped matmul}}
  %rows = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %y = moe.grouped_matmul %x weights(%w) by(%offsets) combine(%p, %slots) onto(%rows)
      : (tensor<?x64xf32>, tensor<8x64x64xf32>, tensor<9xi32>, tensor<?x2xf32>,
         tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func.func @gathers_already
func.func @gathers_already(%x: tensor<?x64xf32>, %slots: tensor<?xi32>,
    %t: tensor<?xi32>, %offsets: tensor<9xi32>, %w: tensor<8x32x64xf32>)
    -> tensor<?x32xf32> {
  // CHECK: moe.dispatch
  // expected-remark @+1 {{the product already gathers}}
  %rows = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %g = moe.grouped_matmul %rows weights(%w) by(%offsets) gather(%t, 1)
      : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?xi32>)
      -> tensor<?x32xf32>
  return %g : tensor<?x32xf32>
}

// -----

// CHECK-LABEL: func.func @no_groups
func.func @no_groups(%x: tensor<?x64xf32>, %slots: tensor<?xi32>,
    %w: tensor<32x64xf32>) -> tensor<?x32xf32> {
  // CHECK: moe.dispatch
  // expected-remark @+1 {{the product has no groups}}
  %rows = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %g = moe.grouped_matmul %rows weights(%w)
      : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  return %g : tensor<?x32xf32>
}

// -----

// CHECK-LABEL: func.func @other_block
func.func @other_block(%x: tensor<?x64xf32>, %slots: tensor<?xi32>,
    %offsets: tensor<9xi32>, %w: tensor<8x32x64xf32>, %n: index,
    %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: moe.dispatch
  // expected-remark @+1 {{the product is in another block}}
  %rows = moe.dispatch %x, %slots top_k(2)
      : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %init) -> tensor<?x32xf32> {
    %g = moe.grouped_matmul %rows weights(%w) by(%offsets)
        : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
    scf.yield %g : tensor<?x32xf32>
  }
  return %y : tensor<?x32xf32>
}
