// Routers and row operations that can be said in less, and those that look
// like it but would change a number.
// RUN: moe-opt %s --canonicalize --split-input-file | FileCheck %s

// Rows and params that are not read go, and so do results.
// CHECK-LABEL: func.func @idle_operands_and_results
// CHECK-SAME: %[[A:.*]]: tensor<?x8xf32>, %[[B:.*]]: tensor<?x4xf32>, %[[P:.*]]: tensor<8xf32>
func.func @idle_operands_and_results(%a: tensor<?x8xf32>, %b: tensor<?x4xf32>,
    %p: tensor<8xf32>, %q: tensor<3xf32>) -> tensor<?x8xf32> {
  // CHECK: moe.router rows(%[[A]]) params(%[[P]]) {tag = "kept"} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK-NEXT: ^bb0(%[[ROW:.*]]: tensor<8xf32>, %[[PARAM:.*]]: tensor<8xf32>):
  // CHECK-NEXT: %[[S:.*]] = arith.addf %[[ROW]], %[[PARAM]]
  // CHECK-NEXT: moe.yield %[[S]] : tensor<8xf32>
  %r:2 = moe.router rows(%b, %a) params(%q, %p) {tag = "kept"}
      : (tensor<?x4xf32>, tensor<?x8xf32>, tensor<3xf32>, tensor<8xf32>)
      -> (tensor<?x4xf32>, tensor<?x8xf32>) {
  ^row(%y: tensor<4xf32>, %x: tensor<8xf32>, %v: tensor<3xf32>, %u: tensor<8xf32>):
    %e = math.exp %y : tensor<4xf32>
    %s = arith.addf %x, %u : tensor<8xf32>
    moe.yield %e, %s : tensor<4xf32>, tensor<8xf32>
  }
  return %r#1 : tensor<?x8xf32>
}

// -----

// Operands that appear twice are passed once; a param is not a row.
// CHECK-LABEL: func.func @repeated_operands
// CHECK-SAME: %[[A:.*]]: tensor<8x8xf32>
func.func @repeated_operands(%a: tensor<8x8xf32>) -> tensor<8x8xf32> {
  // CHECK: moe.router rows(%[[A]]) params(%[[A]])
  // CHECK-NEXT: ^bb0(%[[ROW:.*]]: tensor<8xf32>, %[[PARAM:.*]]: tensor<8x8xf32>):
  // CHECK-NEXT: %[[Y:.*]] = moe.linear %[[ROW]], %[[PARAM]]
  // CHECK-NEXT: %[[Z:.*]] = moe.linear %[[Y]], %[[PARAM]]
  // CHECK-NEXT: %[[S:.*]] = arith.addf %[[Z]], %[[ROW]]
  %r = moe.router rows(%a, %a) params(%a, %a)
      : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>)
      -> tensor<8x8xf32> {
  ^row(%x: tensor<8xf32>, %y: tensor<8xf32>, %p: tensor<8x8xf32>, %q: tensor<8x8xf32>):
    %0 = moe.linear %x, %p : (tensor<8xf32>, tensor<8x8xf32>) -> tensor<8xf32>
    %1 = moe.linear %0, %q : (tensor<8xf32>, tensor<8x8xf32>) -> tensor<8xf32>
    %2 = arith.addf %1, %y : tensor<8xf32>
    moe.yield %2 : tensor<8xf32>
  }
  return %r : tensor<8x8xf32>
}

// -----

// A result that is a row, or another result, is not yielded.
// CHECK-LABEL: func.func @repeated_results
// CHECK-SAME: %[[A:.*]]: tensor<?x8xf32>
func.func @repeated_results(%a: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %[[R:.*]] = moe.router rows(%[[A]])
  // CHECK: moe.yield %{{.*}} : tensor<8xf32>
  %r:3 = moe.router rows(%a) params()
      : (tensor<?x8xf32>)
      -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  ^row(%x: tensor<8xf32>):
    %s = moe.softmax %x : tensor<8xf32>
    moe.yield %s, %x, %s : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  }
  // CHECK: return %[[R]], %[[A]], %[[R]]
  return %r#0, %r#1, %r#2 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// One row stays to say how many tokens there are.
// CHECK-LABEL: func.func @last_row
// CHECK-SAME: %[[A:.*]]: tensor<?x8xf32>, %{{.*}}: tensor<?xi64>, %[[P:.*]]: tensor<2xi32>
func.func @last_row(%a: tensor<?x8xf32>, %b: tensor<?xi64>, %p: tensor<2xi32>)
    -> tensor<?x2xi32> {
  // CHECK: moe.router rows(%[[A]]) params(%[[P]])
  %r = moe.router rows(%a, %b) params(%p)
      : (tensor<?x8xf32>, tensor<?xi64>, tensor<2xi32>) -> tensor<?x2xi32> {
  ^row(%x: tensor<8xf32>, %y: i64, %q: tensor<2xi32>):
    moe.yield %q : tensor<2xi32>
  }
  return %r : tensor<?x2xi32>
}

// -----

// CHECK-LABEL: func.func @dead_router
// CHECK-NEXT: return
func.func @dead_router(%a: tensor<?x8xf32>) {
  %r = moe.router rows(%a) params() : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^row(%x: tensor<8xf32>):
    moe.yield %x : tensor<8xf32>
  }
  return
}

// -----

// All groups are kept.
// CHECK-LABEL: func.func @all_groups
// CHECK-SAME: %[[X:.*]]: tensor<8xf32>
// CHECK-NEXT: return %[[X]]
func.func @all_groups(%x: tensor<8xf32>) -> tensor<8xf32> {
  %y = moe.group_limit %x groups(4) keep(4) by(max) fill(0.0) : tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// k = E: what does not depend on the order needs no selection.
// CHECK-LABEL: func.func @all_experts
// CHECK-SAME: %[[S:.*]]: tensor<4xf32>, %[[P:.*]]: tensor<4xf32>
func.func @all_experts(%s: tensor<4xf32>, %p: tensor<4xf32>)
    -> (f32, tensor<4xf32>) {
  // CHECK-DAG: %[[NONE:.*]] = arith.constant dense<0xFF800000> : tensor<4xf32>
  // CHECK-DAG: %[[M:.*]] = moe.reduce max %[[P]] : tensor<4xf32>
  %i = moe.top_k %s, 4 : tensor<4xf32> -> tensor<4xi32>
  %v = moe.take %p[%i] : tensor<4xf32>, tensor<4xi32>
  %m = moe.reduce max %v : tensor<4xf32>
  %e = moe.exclude %p[%i] fill(0xFF800000) : tensor<4xf32>, tensor<4xi32>
  // CHECK: return %[[M]], %[[NONE]]
  return %m, %e : f32, tensor<4xf32>
}

// The ids and what is taken at them have an order, and a sum in f32 depends on
// it; a maximum of four elements out of eight is not one of all.
// CHECK-LABEL: func.func @order_matters
func.func @order_matters(%s: tensor<4xf32>, %l: tensor<8xf32>)
    -> (tensor<4xi32>, tensor<4xf32>, f32, f32) {
  // CHECK: %[[I:.*]] = moe.top_k
  // CHECK: %[[V:.*]] = moe.take %{{.*}}[%[[I]]]
  // CHECK: moe.reduce sum %[[V]]
  // CHECK: %[[W:.*]] = moe.take
  // CHECK: moe.reduce max %[[W]]
  %i = moe.top_k %s, 4 : tensor<4xf32> -> tensor<4xi32>
  %v = moe.take %s[%i] : tensor<4xf32>, tensor<4xi32>
  %sum = moe.reduce sum %v : tensor<4xf32>
  %w = moe.take %l[%i] : tensor<8xf32>, tensor<4xi32>
  %max = moe.reduce max %w : tensor<4xf32>
  return %i, %v, %sum, %max : tensor<4xi32>, tensor<4xf32>, f32, f32
}

// -----

// One expert: it is chosen whatever its score. Its softmax is 1 if the score is
// finite and NaN if not.
// CHECK-LABEL: func.func @one_expert
// CHECK-SAME: %[[Z:.*]]: tensor<1xf32>
func.func @one_expert(%z: tensor<1xf32>) -> (tensor<1xi32>, tensor<1xf32>) {
  // CHECK-DAG: %[[I:.*]] = arith.constant dense<0> : tensor<1xi32>
  // CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<1xf32>
  // CHECK: %[[D:.*]] = arith.subf %[[Z]], %[[Z]]
  // CHECK: %[[P:.*]] = arith.addf %[[D]], %[[ONE]]
  // CHECK: return %[[I]], %[[P]]
  %p = moe.softmax %z : tensor<1xf32>
  %i = moe.top_k %p, 1 : tensor<1xf32> -> tensor<1xi32>
  %v = moe.take %p[%i] : tensor<1xf32>, tensor<1xi32>
  return %i, %v : tensor<1xi32>, tensor<1xf32>
}

// -----

// CHECK-LABEL: func.func @take_in_order
// CHECK-SAME: %[[X:.*]]: tensor<3xf32>
func.func @take_in_order(%x: tensor<3xf32>)
    -> (tensor<3xf32>, tensor<3xf32>, tensor<2xf32>) {
  %a = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  %b = arith.constant dense<[0, 2, 1]> : tensor<3xi32>
  %c = arith.constant dense<[0, 1]> : tensor<2xi32>
  // CHECK: %[[V:.*]] = moe.take %[[X]]
  // CHECK: %[[W:.*]] = moe.take %[[X]]
  %u = moe.take %x[%a] : tensor<3xf32>, tensor<3xi32>
  %v = moe.take %x[%b] : tensor<3xf32>, tensor<3xi32>
  %w = moe.take %x[%c] : tensor<3xf32>, tensor<2xi32>
  // CHECK: return %[[X]], %[[V]], %[[W]]
  return %u, %v, %w : tensor<3xf32>, tensor<3xf32>, tensor<2xf32>
}

// -----

// Normalising twice is not normalising once: the sum is 1 only about, and eps
// counts each time. A sum of 0 gives NaN, which stays.
// CHECK-LABEL: func.func @normalize_twice
// CHECK-COUNT-2: moe.normalize
func.func @normalize_twice(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = moe.normalize %x : tensor<4xf32>
  %b = moe.normalize %a : tensor<4xf32>
  return %b : tensor<4xf32>
}

// Softmax and sigmoid keep the order of scores but make new ties, and softmax
// makes every element NaN if one is.
// CHECK-LABEL: func.func @select_on_scores
// CHECK: moe.softmax
// CHECK: moe.top_k
// CHECK: moe.sigmoid
// CHECK: moe.top_k
func.func @select_on_scores(%z: tensor<8xf32>) -> (tensor<2xi32>, tensor<2xi32>) {
  %p = moe.softmax %z : tensor<8xf32>
  %i = moe.top_k %p, 2 : tensor<8xf32> -> tensor<2xi32>
  %s = moe.sigmoid %z : tensor<8xf32>
  %j = moe.top_k %s, 2 : tensor<8xf32> -> tensor<2xi32>
  return %i, %j : tensor<2xi32>, tensor<2xi32>
}

// -----

// A bias of zero, of either sign, adds nothing.
// CHECK-LABEL: func.func @zero_bias
func.func @zero_bias(%x: tensor<4xf32>, %w: tensor<2x4xf32>)
    -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %a = arith.constant dense<0.0> : tensor<2xf32>
  %b = arith.constant dense<-0.0> : tensor<2xbf16>
  %c = arith.constant dense<[0.0, 1.0]> : tensor<2xf32>
  // CHECK-COUNT-2: moe.linear %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<2xf32>
  // CHECK: moe.linear %{{.*}}, %{{.*}} bias(
  %0 = moe.linear %x, %w bias(%a) : (tensor<4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = moe.linear %x, %w bias(%b) : (tensor<4xf32>, tensor<2x4xf32>, tensor<2xbf16>) -> tensor<2xf32>
  %2 = moe.linear %x, %w bias(%c) : (tensor<4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0, %1, %2 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// A limit of all choices of a run drops none.
// CHECK-LABEL: func.func @capacity_for_all
// CHECK-SAME: %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<?x2xf32>
// CHECK-NEXT: return %[[IDS]], %[[W]]
func.func @capacity_for_all(%ids: tensor<?x2xi32>, %w: tensor<?x2xf32>)
    -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %limit = arith.constant 64 : index
  %per = arith.constant 32 : index
  %a, %b = moe.capacity %ids, %w limit(%limit) per(%per) order(token) experts(8)
      : tensor<?x2xi32>, tensor<?x2xf32>
  return %a, %b : tensor<?x2xi32>, tensor<?x2xf32>
}

// One less can bind, for nothing says that a token's ids differ; and so can any
// limit when the run's length is not known, or the product overflows.
// CHECK-LABEL: func.func @capacity_may_bind
// CHECK-COUNT-3: moe.capacity
func.func @capacity_may_bind(%ids: tensor<?x2xi32>, %w: tensor<?x2xf32>,
    %n: index) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %limit = arith.constant 63 : index
  %per = arith.constant 32 : index
  %huge = arith.constant 9223372036854775807 : index
  %a, %b = moe.capacity %ids, %w limit(%limit) per(%per) order(token) experts(8)
      : tensor<?x2xi32>, tensor<?x2xf32>
  %c, %d = moe.capacity %a, %b limit(%limit) per(%n) order(token) experts(8)
      : tensor<?x2xi32>, tensor<?x2xf32>
  %e, %f = moe.capacity %c, %d limit(%huge) per(%huge) order(token) experts(8)
      : tensor<?x2xi32>, tensor<?x2xf32>
  return %e, %f : tensor<?x2xi32>, tensor<?x2xf32>
}
