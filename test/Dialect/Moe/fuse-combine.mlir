// RUN: moe-opt %s --moe-fuse-combine --split-input-file --verify-diagnostics --remarks-filter=moe-fusion | FileCheck %s
// A second run finds nothing to do.
// RUN: moe-opt %s --moe-fuse-combine --split-input-file > %t
// RUN: moe-opt %t --moe-fuse-combine --split-input-file | diff %t -

// The product moves to where its tokens' weights are.
// CHECK-LABEL: func.func @taken
// CHECK-SAME: %[[H:.*]]: tensor<?x32xbf16>, %[[W:.*]]: tensor<8x64x32xbf16>, %[[O:.*]]: tensor<9xi32>, %[[Z:.*]]: tensor<?x2xf32>, %[[S:.*]]: tensor<?xi32>
func.func @taken(%h: tensor<?x32xbf16>, %w: tensor<8x64x32xbf16>,
    %offsets: tensor<9xi32>, %z: tensor<?x2xf32>, %slots: tensor<?xi32>)
    -> tensor<?x64xf32> {
  // CHECK: %[[P:.*]] = math.exp
  // CHECK-NEXT: %[[Y:.*]] = moe.grouped_matmul %[[H]] weights(%[[W]]) by(%[[O]]) combine(%[[P]], %[[S]]) : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  // CHECK-NEXT: return %[[Y]]
  // expected-remark @+1 {{[Passed] fuse-combine | Category:moe-fusion | Remark="expert outputs are added into their tokens"}}
  %o = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  %p = math.exp %z : tensor<?x2xf32>
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// A sum with the shared expert's output, on either side.
// CHECK-LABEL: func.func @onto
// CHECK-SAME: %[[SHARED:.*]]: tensor<?x64xf32>
func.func @onto(%shared: tensor<?x64xf32>, %h: tensor<?x32xbf16>,
    %w: tensor<8x64x32xbf16>, %offsets: tensor<9xi32>, %p: tensor<?x2xf32>,
    %slots: tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: %[[Y:.*]] = moe.grouped_matmul %{{.*}} combine(%{{.*}}, %{{.*}}) onto(%[[SHARED]])
  // CHECK: %[[Z:.*]] = moe.grouped_matmul %{{.*}} combine(%{{.*}}, %{{.*}}) onto(%[[Y]])
  // CHECK-NOT: arith.addf
  // CHECK: return %[[Y]], %[[Z]]
  // expected-remark @+2 {{expert outputs are added into their tokens}}
  // expected-remark @+1 {{[Passed] fuse-combine | Category:moe-fusion | Remark="expert outputs are added onto another sum"}}
  %o = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %a = arith.addf %y, %shared : tensor<?x64xf32>
  // expected-remark @+2 {{expert outputs are added into their tokens}}
  // expected-remark @+1 {{expert outputs are added onto another sum}}
  %q = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  %z = moe.combine %q, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %b = arith.addf %a, %z : tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

// A sum that is read by others, or added to itself, is needed as it is.
// CHECK-LABEL: func.func @no_onto
func.func @no_onto(%shared: tensor<?x64xf32>, %h: tensor<?x32xbf16>,
    %w: tensor<8x64x32xbf16>, %offsets: tensor<9xi32>, %p: tensor<?x2xf32>,
    %slots: tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: %[[Y:.*]] = moe.grouped_matmul
  // CHECK-NOT: onto
  // CHECK: arith.addf %[[Y]], %{{.*}}
  // CHECK: arith.addf %[[Y]], %[[Y]]
  // expected-remark @+1 {{expert outputs are added into their tokens}}
  %o = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %a = arith.addf %y, %shared : tensor<?x64xf32>
  %b = arith.addf %y, %y : tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func.func @not_a_product
func.func @not_a_product(%rows: tensor<?x64xf32>, %p: tensor<?x2xf32>,
    %slots: tensor<?xi32>) -> tensor<?x64xf32> {
  // CHECK: moe.combine
  // expected-remark @+1 {{[Missed] fuse-combine | Category:moe-fusion | Remark="the rows are not a grouped matmul's"}}
  %y = moe.combine %rows, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func.func @no_groups
func.func @no_groups(%h: tensor<?x32xbf16>, %w: tensor<64x32xbf16>,
    %p: tensor<?x2xf32>, %slots: tensor<?xi32>) -> tensor<?x64xf32> {
  %o = moe.grouped_matmul %h weights(%w)
      : (tensor<?x32xbf16>, tensor<64x32xbf16>) -> tensor<?x64xf32>
  // CHECK: moe.combine
  // expected-remark @+1 {{the rows are not a grouped matmul's}}
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func.func @other_reader
func.func @other_reader(%h: tensor<?x32xbf16>, %w: tensor<8x64x32xbf16>,
    %offsets: tensor<9xi32>, %p: tensor<?x2xf32>, %slots: tensor<?xi32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %o = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  // CHECK: moe.combine
  // expected-remark @+1 {{the rows have another reader}}
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %o, %y : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func.func @rounded
func.func @rounded(%h: tensor<?x32xbf16>, %w: tensor<8x64x32xbf16>,
    %offsets: tensor<9xi32>, %p: tensor<?x2xf32>, %slots: tensor<?xi32>)
    -> tensor<?x64xf32> {
  // expected-remark @+1 {{expert outputs are added into their tokens}}
  %o = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xbf16>
  // CHECK: moe.grouped_matmul {{.*}} combine(
  // CHECK: ^bb0(%[[ACC:.*]]: f32):
  // CHECK-NEXT: %[[ROUNDED:.*]] = arith.truncf %[[ACC]] : f32 to bf16
  // CHECK-NEXT: %[[WIDE:.*]] = arith.extf %[[ROUNDED]] : bf16 to f32
  // CHECK-NEXT: moe.yield %[[WIDE]] : f32
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func.func @combines_already
func.func @combines_already(%h: tensor<?x32xbf16>, %w: tensor<8x64x32xbf16>,
    %offsets: tensor<9xi32>, %p: tensor<?x2xf32>, %slots: tensor<?xi32>)
    -> tensor<?x64xf32> {
  %o = moe.grouped_matmul %h weights(%w) by(%offsets) combine(%p, %slots)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>,
         tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  // CHECK: moe.combine
  // expected-remark @+1 {{the product already combines}}
  %y = moe.combine %o, %p, %slots
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func.func @other_block
func.func @other_block(%h: tensor<?x32xbf16>, %w: tensor<8x64x32xbf16>,
    %offsets: tensor<9xi32>, %p: tensor<?x2xf32>, %slots: tensor<?xi32>,
    %n: index, %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %o = moe.grouped_matmul %h weights(%w) by(%offsets)
      : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  // CHECK: scf.for
  // CHECK: moe.combine
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %init) -> tensor<?x64xf32> {
    // expected-remark @+1 {{the product is in another block}}
    %y = moe.combine %o, %p, %slots
        : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
    scf.yield %y : tensor<?x64xf32>
  }
  return %r : tensor<?x64xf32>
}
