// RUN: moe-opt %s --moe-fuse-router --split-input-file --verify-diagnostics --remarks-filter=moe-fusion | FileCheck %s
// A second run finds nothing to do.
// RUN: moe-opt %s --moe-fuse-router --split-input-file > %t
// RUN: moe-opt %t --moe-fuse-router --split-input-file | diff %t -

// The logits are read by the router only.
// CHECK-LABEL: func.func @taken
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[W:.*]]: tensor<8x64xbf16>, %[[C:.*]]: tensor<8xf32>
func.func @taken(%x: tensor<?x64xf32>, %gate: tensor<8x64xbf16>,
    %c: tensor<8xf32>) -> tensor<?x2xi32> {
  // CHECK: moe.router rows(%[[X]]) params(%[[C]], %[[W]]) {tag = "kept"} : (tensor<?x64xf32>, tensor<8xf32>, tensor<8x64xbf16>) -> tensor<?x2xi32>
  // CHECK-NEXT: ^bb0(%[[ROW:.*]]: tensor<64xf32>, %[[CORRECTION:.*]]: tensor<8xf32>, %[[GATE:.*]]: tensor<8x64xbf16>):
  // CHECK-NEXT: %[[Z:.*]] = moe.linear %[[ROW]], %[[GATE]] : (tensor<64xf32>, tensor<8x64xbf16>) -> tensor<8xf32>
  // CHECK-NEXT: %[[S:.*]] = arith.addf %[[Z]], %[[CORRECTION]]
  %z = moe.linear %x, %gate
      : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  // expected-remark @+1 {{[Passed] fuse-router | Category:moe-fusion | Remark="the gating product runs inside the router"}}
  %ids = moe.router rows(%z) params(%c) {tag = "kept"}
      : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x2xi32> {
  ^row(%row: tensor<8xf32>, %b: tensor<8xf32>):
    %s = arith.addf %row, %b : tensor<8xf32>
    %i = moe.top_k %s, 2 : tensor<8xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  return %ids : tensor<?x2xi32>
}

// -----

// Logits that are results of the layer are yielded; a bias becomes a param.
// CHECK-LABEL: func.func @returned_logits
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[W:.*]]: tensor<8x64xbf16>, %[[B:.*]]: tensor<8xbf16>
func.func @returned_logits(%x: tensor<?x64xf32>, %gate: tensor<8x64xbf16>,
    %b: tensor<8xbf16>) -> (tensor<?x2xi32>, tensor<?x8xf32>) {
  // CHECK: %[[R:.*]]:2 = moe.router rows(%[[X]]) params(%[[W]], %[[B]])
  // CHECK: %[[Z:.*]] = moe.linear %{{.*}}, %{{.*}} bias(%{{.*}})
  // CHECK: moe.yield %{{.*}}, %[[Z]]
  %z = moe.linear %x, %gate bias(%b)
      : (tensor<?x64xf32>, tensor<8x64xbf16>, tensor<8xbf16>) -> tensor<?x8xf32>
  // expected-remark @+1 {{the gating product runs inside the router}}
  %ids = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x2xi32> {
  ^row(%row: tensor<8xf32>):
    %i = moe.top_k %row, 2 : tensor<8xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  // CHECK: return %[[R]]#0, %[[R]]#1
  return %ids, %z : tensor<?x2xi32>, tensor<?x8xf32>
}

// -----

// Two products, each a row; a row that is no product stays one.
// CHECK-LABEL: func.func @two_products
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[Y:.*]]: tensor<?x32xbf16>, %[[T:.*]]: tensor<?xi64>
func.func @two_products(%x: tensor<?x64xf32>, %y: tensor<?x32xbf16>,
    %t: tensor<?xi64>, %v: tensor<8x64xbf16>, %w: tensor<8x32xbf16>)
    -> tensor<?x8xf32> {
  // CHECK: moe.router rows(%[[X]], %[[T]], %[[Y]])
  // CHECK-NEXT: ^bb0(%[[RX:.*]]: tensor<64xf32>, %{{.*}}: i64, %[[RY:.*]]: tensor<32xbf16>,
  // CHECK-DAG: %[[A:.*]] = moe.linear %[[RX]]
  // CHECK-DAG: %[[B:.*]] = moe.linear %[[RY]]
  // CHECK: arith.addf %[[A]], %[[B]]
  %a = moe.linear %x, %v : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %b = moe.linear %y, %w : (tensor<?x32xbf16>, tensor<8x32xbf16>) -> tensor<?x8xf32>
  // expected-remark @+1 {{the gating product runs inside the router}}
  %r = moe.router rows(%a, %t, %b) params()
      : (tensor<?x8xf32>, tensor<?xi64>, tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^row(%p: tensor<8xf32>, %token: i64, %q: tensor<8xf32>):
    %s = arith.addf %p, %q : tensor<8xf32>
    moe.yield %s : tensor<8xf32>
  }
  return %r : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @read_elsewhere
func.func @read_elsewhere(%x: tensor<?x64xf32>, %gate: tensor<8x64xbf16>)
    -> (tensor<?x2xi32>, tensor<?x8xf32>) {
  // CHECK: moe.linear %{{.*}} -> tensor<?x8xf32>
  // CHECK: moe.router
  %z = moe.linear %x, %gate
      : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  // expected-remark @+1 {{[Missed] fuse-router | Category:moe-fusion | Remark="the logits are read by something other than the router"}}
  %ids = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x2xi32> {
  ^row(%row: tensor<8xf32>):
    %i = moe.top_k %row, 2 : tensor<8xf32> -> tensor<2xi32>
    moe.yield %i : tensor<2xi32>
  }
  %e = math.exp %z : tensor<?x8xf32>
  return %ids, %e : tensor<?x2xi32>, tensor<?x8xf32>
}

// -----

// Read twice by the router itself.
// CHECK-LABEL: func.func @row_and_param
func.func @row_and_param(%x: tensor<8x64xf32>, %gate: tensor<8x64xbf16>)
    -> tensor<8x8xf32> {
  // CHECK: moe.linear %{{.*}} -> tensor<8x8xf32>
  %z = moe.linear %x, %gate
      : (tensor<8x64xf32>, tensor<8x64xbf16>) -> tensor<8x8xf32>
  // expected-remark @+1 {{the logits are read by something other than the router}}
  %r = moe.router rows(%z) params(%z)
      : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32> {
  ^row(%row: tensor<8xf32>, %all: tensor<8x8xf32>):
    %y = moe.linear %row, %all : (tensor<8xf32>, tensor<8x8xf32>) -> tensor<8xf32>
    moe.yield %y : tensor<8xf32>
  }
  return %r : tensor<8x8xf32>
}

// -----

// A product of one row makes scalars for eight tokens.
// CHECK-LABEL: func.func @one_row
func.func @one_row(%x: tensor<64xf32>, %w: tensor<8x64xbf16>) -> tensor<8xf32> {
  // CHECK: moe.linear %{{.*}} -> tensor<8xf32>
  %z = moe.linear %x, %w : (tensor<64xf32>, tensor<8x64xbf16>) -> tensor<8xf32>
  // expected-remark @+1 {{the product is of one row, not of a row for each token}}
  %r = moe.router rows(%z) params() : (tensor<8xf32>) -> tensor<8xf32> {
  ^row(%s: f32):
    %e = math.exp %s : f32
    moe.yield %e : f32
  }
  return %r : tensor<8xf32>
}

// -----

// CHECK-LABEL: func.func @dynamic_width
func.func @dynamic_width(%x: tensor<?x?xf32>, %w: tensor<8x?xf32>)
    -> tensor<?x8xf32> {
  // CHECK: moe.linear %{{.*}} -> tensor<?x8xf32>
  %z = moe.linear %x, %w : (tensor<?x?xf32>, tensor<8x?xf32>) -> tensor<?x8xf32>
  // expected-remark @+1 {{the product's weights are not of static shape}}
  %r = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^row(%row: tensor<8xf32>):
    %s = moe.softmax %row : tensor<8xf32>
    moe.yield %s : tensor<8xf32>
  }
  return %r : tensor<?x8xf32>
}

// -----

// Not into a loop or a branch.
// CHECK-LABEL: func.func @other_block
func.func @other_block(%x: tensor<?x64xf32>, %w: tensor<8x64xbf16>, %c: i1,
    %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: moe.linear
  // CHECK: scf.if
  %z = moe.linear %x, %w : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %r = scf.if %c -> tensor<?x8xf32> {
    // expected-remark @+1 {{the product is in another block}}
    %s = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x8xf32> {
    ^row(%row: tensor<8xf32>):
      %p = moe.softmax %row : tensor<8xf32>
      moe.yield %p : tensor<8xf32>
    }
    scf.yield %s : tensor<?x8xf32>
  } else {
    scf.yield %y : tensor<?x8xf32>
  }
  return %r : tensor<?x8xf32>
}

// -----

// Nothing to fuse, nothing to say.
// CHECK-LABEL: func.func @no_product
func.func @no_product(%z: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %r = moe.router rows(%z) params() : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^row(%row: tensor<8xf32>):
    %s = moe.softmax %row : tensor<8xf32>
    moe.yield %s : tensor<8xf32>
  }
  return %r : tensor<?x8xf32>
}
