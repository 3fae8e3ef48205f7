// Every clause of the verifiers of MoeExpertOps.td, but for moe.grouped_matmul.
// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @f(%ids: tensor<?xi32>) {
  // expected-error @+1 {{'moe.group' op C1: 'ids' has rank 1, not 2}}
  %o, %s = moe.group %ids, 8 : tensor<?xi32> -> tensor<9xi32>, tensor<?xi32>
  return
}

// -----

func.func @f(%ids: tensor<?x2xi32>) {
  // expected-error @+1 {{'moe.group' op C2: 'offsets' is 'tensor<8xi32>' for 8 experts}}
  %o, %s = moe.group %ids, 8 : tensor<?x2xi32> -> tensor<8xi32>, tensor<?xi32>
  return
}

// -----

func.func @f(%ids: tensor<?x2xi32>) {
  // expected-error @+1 {{'moe.group' op C2: 'offsets' is 'tensor<1xi32>' for 0 experts}}
  %o, %s = moe.group %ids, 0 : tensor<?x2xi32> -> tensor<1xi32>, tensor<?xi32>
  return
}

// -----

func.func @f(%ids: tensor<?x2xi32>) {
  // expected-error @+1 {{'moe.group' op C2: 'offsets' is 'tensor<2xi32>' for 9223372036854775807 experts}}
  %o, %s = moe.group %ids, 9223372036854775807 : tensor<?x2xi32> -> tensor<2xi32>, tensor<?xi32>
  return
}

// -----

func.func @f(%ids: tensor<?x2xi32>) {
  // expected-error @+1 {{'moe.group' op C3: 'slots' has rank 2, not 1}}
  %o, %s = moe.group %ids, 8 : tensor<?x2xi32> -> tensor<9xi32>, tensor<?x2xi32>
  return
}

// -----

func.func @f(%x: tensor<64xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.dispatch' op C1: 'x' has rank 1, not 2}}
  %r = moe.dispatch %x, %s top_k(2) : (tensor<64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.dispatch' op C1: 'result' has rank 1, not 2}}
  %r = moe.dispatch %x, %s top_k(2) : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %s: tensor<?x2xi32>) {
  // expected-error @+1 {{'moe.dispatch' op C1: 'slots' has rank 2, not 1}}
  %r = moe.dispatch %x, %s top_k(2) : (tensor<?x64xf32>, tensor<?x2xi32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.dispatch' op C1: 'x' is 64 wide, the result 32}}
  %r = moe.dispatch %x, %s top_k(2) : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x?xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.dispatch' op C1: 'x' is ? wide, the result ?}}
  %r = moe.dispatch %x, %s top_k(2) : (tensor<?x?xf32>, tensor<?xi32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.dispatch' op C2: 'top_k' is 0}}
  %r = moe.dispatch %x, %s top_k(0) : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32, #moe.int8>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.dispatch' op C5: 'x' is 'tensor<?x64xf32, #moe.int8>', the result 'tensor<?x64xf32>'}}
  %r = moe.dispatch %x, %s top_k(2) : (tensor<?x64xf32, #moe.int8>, tensor<?xi32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %s: tensor<?xi32>, %p: tensor<?xf32>) {
  // expected-error @+1 {{'moe.dispatch' op C3: 'scale' has rank 1, not 2}}
  %r = moe.dispatch %x, %s top_k(2) scale(%p) : (tensor<?x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %s: tensor<?xi32>, %p: tensor<?x3xf32>) {
  // expected-error @+1 {{'moe.dispatch' op C3: 'scale' has 3 columns, 'top_k' is 2}}
  %r = moe.dispatch %x, %s top_k(2) scale(%p) : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x3xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %s: tensor<8xi32>) {
  // expected-error @+1 {{'moe.dispatch' op C4: 'slots' has a first dimension of 8, 'result' of 7}}
  %r = moe.dispatch %x, %s top_k(2) : (tensor<?x64xf32>, tensor<8xi32>) -> tensor<7x64xf32>
  return
}

// -----

func.func @f(%r: tensor<64xf32>, %p: tensor<?x2xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.combine' op C1: 'rows' has rank 1, not 2}}
  %y = moe.combine %r, %p, %s : tensor<64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%r: tensor<?x64xf32>, %p: tensor<?xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.combine' op C1: 'weights' has rank 1, not 2}}
  %y = moe.combine %r, %p, %s : tensor<?x64xf32>, tensor<?xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%r: tensor<?x64xf32>, %p: tensor<?x2xf32>, %s: tensor<?x2xi32>) {
  // expected-error @+1 {{'moe.combine' op C1: 'slots' has rank 2, not 1}}
  %y = moe.combine %r, %p, %s : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%r: tensor<?x64xf32>, %p: tensor<?x2xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.combine' op C1: 'result' has rank 1, not 2}}
  %y = moe.combine %r, %p, %s : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<64xf32>
  return
}

// -----

func.func @f(%r: tensor<?x64xf32>, %p: tensor<?x2xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.combine' op C2: 'rows' is 64 wide, the result 32}}
  %y = moe.combine %r, %p, %s : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%r: tensor<14x64xf32>, %p: tensor<?x2xf32>, %s: tensor<13xi32>) {
  // expected-error @+1 {{'moe.combine' op C3: 'rows' has a first dimension of 14, 'slots' of 13}}
  %y = moe.combine %r, %p, %s : tensor<14x64xf32>, tensor<?x2xf32>, tensor<13xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%r: tensor<?x64xf32>, %p: tensor<7x2xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.combine' op C3: 'weights' has a first dimension of 7, 'result' of 6}}
  %y = moe.combine %r, %p, %s : tensor<?x64xf32>, tensor<7x2xf32>, tensor<?xi32> -> tensor<6x64xf32>
  return
}

// -----

func.func @f(%x: tensor<64xf32>, %i: tensor<?x2xi32>, %p: tensor<?x2xf32>) {
  // expected-error @+1 {{'moe.identity_experts' op C1: 'x' has rank 1, not 2}}
  %y = moe.identity_experts %x, %i, %p from(8) : tensor<64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %i: tensor<?xi32>, %p: tensor<?x2xf32>) {
  // expected-error @+1 {{'moe.identity_experts' op C1: 'ids' has rank 1, not 2}}
  %y = moe.identity_experts %x, %i, %p from(8) : tensor<?x64xf32>, tensor<?xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>, %p: tensor<?x3xf32>) {
  // expected-error @+1 {{'moe.identity_experts' op C1: 'ids' is 'tensor<?x2xi32>', 'weights' 'tensor<?x3xf32>'}}
  %y = moe.identity_experts %x, %i, %p from(8) : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>, %p: tensor<?x2xf32>) {
  // expected-error @+1 {{'moe.identity_experts' op C2: 'from' is -1}}
  %y = moe.identity_experts %x, %i, %p from(-1) : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%x: tensor<7x64xf32>, %i: tensor<6x2xi32>, %p: tensor<6x2xf32>) {
  // expected-error @+1 {{'moe.identity_experts' op C3: 'x' has a first dimension of 7, 'ids' of 6}}
  %y = moe.identity_experts %x, %i, %p from(8) : tensor<7x64xf32>, tensor<6x2xi32>, tensor<6x2xf32>
  return
}
