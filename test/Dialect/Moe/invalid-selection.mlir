// Every clause of the verifiers of MoeSelectionOps.td.
// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{'moe.top_k' op C1: k is 5, but 'scores' has 4 elements}}
  %y = moe.top_k %x, 5 : tensor<4xf32> -> tensor<5xi32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{'moe.top_k' op C1: k is 0, but 'scores' has 4 elements}}
  %y = moe.top_k %x, 0 : tensor<4xf32> -> tensor<0xi32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{'moe.top_k' op C2: result is 'tensor<3xi32>' with k of 2}}
  %y = moe.top_k %x, 2 : tensor<4xf32> -> tensor<3xi32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %i: tensor<?xi32>) {
  // expected-error @+1 {{'moe.take' op C1: 'ids' is 'tensor<?xi32>', not a static row of i32}}
  %y = moe.take %x[%i] : tensor<4xf32>, tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %i: tensor<?xi32>) {
  // expected-error @+1 {{'moe.exclude' op operand #1 must be static row of 32-bit signless integer values, but got 'tensor<?xi32>'}}
  %y = moe.exclude %x[%i] fill(0.0) : tensor<4xf32>, tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<8xf32>) {
  // expected-error @+1 {{'moe.group_limit' op C1: 3 groups do not divide 8 scores}}
  %y = moe.group_limit %x groups(3) keep(1) by(max) fill(0.0) : tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<8xf32>) {
  // expected-error @+1 {{'moe.group_limit' op C1: 0 groups do not divide 8 scores}}
  %y = moe.group_limit %x groups(0) keep(1) by(max) fill(0.0) : tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<8xf32>) {
  // expected-error @+1 {{'moe.group_limit' op C2: keeps 5 of 4 groups}}
  %y = moe.group_limit %x groups(4) keep(5) by(max) fill(0.0) : tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<8xf32>) {
  // expected-error @+1 {{'moe.group_limit' op C3: top2_sum needs groups of two or more, these have 1}}
  %y = moe.group_limit %x groups(8) keep(2) by(top2_sum) fill(0.0) : tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<8xf32>) {
  // expected-error @+1 {{'moe.group_limit' expected one of [max, top2_sum] for how a group of experts is scored, got: mean}}
  %y = moe.group_limit %x groups(4) keep(2) by(mean) fill(0.0) : tensor<8xf32>
  return
}

// -----

func.func @f(%token: i64, %table: tensor<1000x6xi64>) {
  // expected-error @+1 {{'moe.lookup' op C1: a row of the table 'tensor<1000x6xi64>' does not make 'tensor<4xi32>'}}
  %i = moe.lookup %table[%token] : tensor<1000x6xi64> -> tensor<4xi32>
  return
}

// -----

func.func @f(%ids: tensor<?x2xi32>, %w: tensor<?x3xf32>, %n: index) {
  // expected-error @+1 {{'moe.capacity' op C1: 'ids' is 'tensor<?x2xi32>', 'weights' 'tensor<?x3xf32>'; both take one shape [T, k]}}
  %a, %b = moe.capacity %ids, %w limit(%n) per(%n) order(token) experts(8) : tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @f(%ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %n: index) {
  // expected-error @+1 {{'moe.capacity' op C2: 'experts' is 0}}
  %a, %b = moe.capacity %ids, %w limit(%n) per(%n) order(token) experts(0) : tensor<?x2xi32>, tensor<?x2xf32>
  return
}
