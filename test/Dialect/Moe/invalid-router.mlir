// Every clause of the verifiers of MoeRouterOps.td and MoeMathOps.td.
// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @f() {
  // expected-error @+1 {{'moe.router' op C1: 'rows' is empty}}
  %r = moe.router rows() params() : () -> tensor<?x2xf32> {
    %c = arith.constant dense<0.0> : tensor<2xf32>
    moe.yield %c : tensor<2xf32>
  }
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>, %b: tensor<5x8xf32>) {
  // expected-error @+1 {{'moe.router' op C1: 'rows' 1 has a first dimension of 5, 'rows' 0 of 4}}
  %r = moe.router rows(%a, %b) params()
      : (tensor<4x8xf32>, tensor<5x8xf32>) -> tensor<4x8xf32> {
  ^row(%x: tensor<8xf32>, %y: tensor<8xf32>):
    moe.yield %x : tensor<8xf32>
  }
  return
}

// -----

func.func @f(%a: tensor<f32>) {
  // expected-error @+1 {{'moe.router' op C1: 'rows' 0 has rank 0}}
  %r = moe.router rows(%a) params() : (tensor<f32>) -> tensor<?xf32> {
  ^row(%x: f32):
    moe.yield %x : f32
  }
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>) {
  // expected-error @+1 {{'moe.router' op C2: the region takes 2 arguments, not 1}}
  %r = moe.router rows(%a) params() : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^row(%x: tensor<8xf32>, %y: tensor<8xf32>):
    moe.yield %x : tensor<8xf32>
  }
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>) {
  // expected-error @+1 {{'moe.router' op C2: argument 0 of the region is 'tensor<4xf32>', not 'tensor<8xf32>'}}
  %r = moe.router rows(%a) params() : (tensor<?x8xf32>) -> tensor<?x4xf32> {
  ^row(%x: tensor<4xf32>):
    moe.yield %x : tensor<4xf32>
  }
  return
}

// -----

func.func @f(%a: tensor<?xi64>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'moe.router' op C2: argument 1 of the region is 'f32', not 'tensor<8xf32>'}}
  %r = moe.router rows(%a) params(%b) : (tensor<?xi64>, tensor<8xf32>) -> tensor<?xi64> {
  ^row(%x: i64, %y: f32):
    moe.yield %x : i64
  }
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>) {
  // expected-error @+1 {{'moe.router' op C3: the region does not end in moe.yield}}
  %r = moe.router rows(%a) params() : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^row(%x: tensor<8xf32>):
    llvm.unreachable
  }
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>) {
  // expected-error @+1 {{'moe.router' op C3: the region yields 2 values for 1 results}}
  %r = moe.router rows(%a) params() : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^row(%x: tensor<8xf32>):
    moe.yield %x, %x : tensor<8xf32>, tensor<8xf32>
  }
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>) {
  // expected-error @+1 {{'moe.router' op C3: result 0 is 'tensor<?x4xf32>', but its row is 'tensor<8xf32>'}}
  %r = moe.router rows(%a) params() : (tensor<?x8xf32>) -> tensor<?x4xf32> {
  ^row(%x: tensor<8xf32>):
    moe.yield %x : tensor<8xf32>
  }
  return
}

// -----

func.func @f(%a: tensor<?x?xf32>) {
  // expected-error @+1 {{'moe.router' op C4: a row of 'tensor<?x?xf32>' is not static}}
  %r = moe.router rows(%a) params() : (tensor<?x?xf32>) -> tensor<?x?xf32> {
  ^row(%x: tensor<?xf32>):
    moe.yield %x : tensor<?xf32>
  }
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<?xf32>) {
  // expected-error @+1 {{'moe.router' op C4: 'tensor<?xf32>' is not static}}
  %r = moe.router rows(%a) params(%b) : (tensor<?x8xf32>, tensor<?xf32>) -> tensor<?x8xf32> {
  ^row(%x: tensor<8xf32>, %y: tensor<?xf32>):
    moe.yield %x : tensor<8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<8xf32>) {
  // expected-error @+1 {{'moe.yield' op expects parent op to be one of 'moe.router, moe.grouped_matmul'}}
  moe.yield %x : tensor<8xf32>
}

// -----

func.func @f(%x: tensor<2x3x64xf32>, %w: tensor<8x64xf32>) {
  // expected-error @+1 {{'moe.linear' op C1: 'x' has rank 3, not 1 or 2}}
  %y = moe.linear %x, %w : (tensor<2x3x64xf32>, tensor<8x64xf32>) -> tensor<2x3x8xf32>
  return
}

// -----

func.func @f(%x: tensor<64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{'moe.linear' op C1: 'weight' has rank 1, not 2}}
  %y = moe.linear %x, %w : (tensor<64xf32>, tensor<64xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @f(%x: tensor<64xf32>, %w: tensor<8x64xf32>, %b: tensor<1x8xf32>) {
  // expected-error @+1 {{'moe.linear' op C1: 'bias' has rank 2, not 1}}
  %y = moe.linear %x, %w bias(%b) : (tensor<64xf32>, tensor<8x64xf32>, tensor<1x8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x32xf32>, %w: tensor<8x64xf32>) {
  // expected-error @+1 {{'moe.linear' op C2: 'x' is 32 wide, 'weight' 64}}
  %y = moe.linear %x, %w : (tensor<?x32xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<64xf32>, %w: tensor<8x64xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'moe.linear' op C3: 'bias' has 4 elements, 'weight' 8 rows}}
  %y = moe.linear %x, %w bias(%b) : (tensor<64xf32>, tensor<8x64xf32>, tensor<4xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<7x64xf32>, %w: tensor<8x64xf32>) {
  // expected-error @+1 {{'moe.linear' op C4: result is 'tensor<6x8xf32>', not 'tensor<7x8xf32>'}}
  %y = moe.linear %x, %w : (tensor<7x64xf32>, tensor<8x64xf32>) -> tensor<6x8xf32>
  return
}

// -----

func.func @f(%x: tensor<64xi32>, %w: tensor<8x64xf32>) {
  // expected-error @+1 {{'moe.linear' op operand #0 must be ranked tensor of 32-bit float or 16-bit float or bfloat16 type values, but got 'tensor<64xi32>'}}
  %y = moe.linear %x, %w : (tensor<64xi32>, tensor<8x64xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<?xf32>) {
  // expected-error @+1 {{'moe.softmax' op operand #0 must be static row of 32-bit float values, but got 'tensor<?xf32>'}}
  %y = moe.softmax %x : tensor<?xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>) {
  // expected-error @+1 {{'moe.reduce' op operand #0 must be static row of 32-bit float values, but got 'tensor<2x4xf32>'}}
  %y = moe.reduce sum %x : tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{'moe.normalize' op C1: 'eps' is -1.00, not a finite number from 0 up}}
  %y = moe.normalize %x eps(-1.0) : tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{'moe.normalize' op C1: 'eps' is nan, not a finite number from 0 up}}
  %y = moe.normalize %x eps(0x7FC00000) : tensor<4xf32>
  return
}

// -----

func.func @f(%a: tensor<8xf16>) {
  // expected-error @+1 {{'moe.sigmoid' op operand #0 must be f32 or a vector or tensor of f32, but got 'tensor<8xf16>'}}
  %b = moe.sigmoid %a : tensor<8xf16>
  return
}

// -----

func.func @f(%a: f64) {
  // expected-error @+1 {{'moe.silu' op operand #0 must be f32 or a vector or tensor of f32, but got 'f64'}}
  %b = moe.silu %a : f64
  return
}
