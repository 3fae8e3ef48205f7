// Every clause of the verifier of moe.grouped_matmul.
// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C1: 'input' has rank 1, not 2}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C1: 'result' has rank 3, not 2}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32x1xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C2: no weight}}
  %y = moe.grouped_matmul %x weights() by(%o) : (tensor<?x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C2: weight 0 is 'tensor<32x64xf32>', not a static tensor of rank 3}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C2: weight 0 is 'tensor<8x32x64xf32>', not a static tensor of rank 2}}
  %y = moe.grouped_matmul %x weights(%w0) : (tensor<?x64xf32>, tensor<8x32x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<?x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C2: weight 0 is 'tensor<?x32x64xf32>', not a static tensor of rank 3}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<?x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %w1: tensor<8x16x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C2: weight 1 is 'tensor<8x16x64xf32>', weight 0 is 'tensor<8x32x64xf32>'}}
  %y = moe.grouped_matmul %x weights(%w0, %w1) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<8x16x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %w1: tensor<8x32x64xbf16>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C2: weight 1 is 'tensor<8x32x64xbf16>', weight 0 is 'tensor<8x32x64xf32>'}}
  %y = moe.grouped_matmul %x weights(%w0, %w1) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x48xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C3: 'input' is 48 wide, the weights take 64}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x48xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x?xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C3: 'input' is ? wide, the weights take 64}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x?xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C3: the result is 16 wide, the weights give 32}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<8xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C4: 'offsets' is 'tensor<8xi32>' for 8 experts}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<8xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %b0: tensor<32xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C5: column operand 0 is 'tensor<32xf32>', not 'tensor<8x32xf32>'}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) columns(%b0) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<32xf32>) -> tensor<?x32xf32> {
  ^epilogue(%a: f32, %b: f32):
    moe.yield %a : f32
  }
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<32x64xf32>, %b0: tensor<8x32xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C5: column operand 0 is 'tensor<8x32xf32>', not 'tensor<32xf32>'}}
  %y = moe.grouped_matmul %x weights(%w0) columns(%b0) : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<8x32xf32>) -> tensor<?x32xf32> {
  ^epilogue(%a: f32, %b: f32):
    moe.yield %a : f32
  }
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %w1: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C6: 2 weights and 0 columns, but no epilogue}}
  %y = moe.grouped_matmul %x weights(%w0, %w1) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %b0: tensor<8x32xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C6: 1 weights and 1 columns, but no epilogue}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) columns(%b0) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<8x32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C6: the epilogue takes 2 arguments, not 1}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32> {
  ^epilogue(%a: f32, %b: f32):
    moe.yield %a : f32
  }
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C6: argument 0 of the epilogue is 'f64', not f32}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32> {
  ^epilogue(%a: f64):
    %c = arith.truncf %a : f64 to f32
    moe.yield %c : f32
  }
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C6: the epilogue does not yield one f32}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32> {
  ^epilogue(%a: f32):
    moe.yield %a, %a : f32, f32
  }
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C6: the epilogue does not yield one f32}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32> {
  ^epilogue(%a: f32):
    %c = arith.extf %a : f32 to f64
    moe.yield %c : f64
  }
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C6: the epilogue does not yield one f32}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32> {
  ^epilogue(%a: f32):
    llvm.unreachable
  }
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<32x64xf32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C7: 'gather' without 'by'}}
  %y = moe.grouped_matmul %x weights(%w0) gather(%s, 2) : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<32x64xf32>, %p: tensor<?x2xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C7: 'combine' without 'by'}}
  %y = moe.grouped_matmul %x weights(%w0) combine(%p, %t) : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %c: tensor<?x2xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C7: 'scale' without 'gather'}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) scale(%c) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?x2xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C7: 'onto' without 'combine'}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) onto(%z) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C7: 'gather' and 'top_k' come together}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) {top_k = 2} : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<8x32x64xf32>, %o: tensor<9xi32>, %p: tensor<?x2xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C7: the weights and slots of 'combine' come together}}
  %y = "moe.grouped_matmul"(%x, %w, %o, %p) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1, 0, 0>}> ({
  }) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?x2xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %s: tensor<?x2xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C8: 'gather' has rank 2, not 1}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) gather(%s, 2) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?x2xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %s: tensor<?xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C8: 'top_k' is 0}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) gather(%s, 0) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %s: tensor<?xi32>, %c: tensor<?xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C8: 'scale' has rank 1, not 2}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) gather(%s, 2) scale(%c) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %s: tensor<?xi32>, %c: tensor<?x3xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C8: 'scale' has 3 columns, 'top_k' is 2}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) gather(%s, 2) scale(%c) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?xi32>, tensor<?x3xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %p: tensor<?xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C8: 'combine weights' has rank 1, not 2}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) combine(%p, %t) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %p: tensor<?x2xf32>, %t: tensor<?x2xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C8: 'combine slots' has rank 2, not 1}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) combine(%p, %t) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %p: tensor<?x2xf32>, %t: tensor<?xi32>, %z: tensor<?xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C9: 'onto' has rank 1, not 2}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) combine(%p, %t) onto(%z) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?x2xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %p: tensor<?x2xf32>, %t: tensor<?xi32>, %z: tensor<?x16xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C9: 'onto' is 16 wide, the result 32}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) combine(%p, %t) onto(%z) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?x2xf32>, tensor<?xi32>, tensor<?x16xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf64>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C10: weights are of 'f64', not f32, f16 or bf16}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<?x64xf32>, tensor<8x32x64xf64>, tensor<9xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %b0: tensor<8x32xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C10: column operand 0 is of 'i32', not f32, f16 or bf16}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) columns(%b0) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<8x32xi32>) -> tensor<?x32xf32> {
  ^epilogue(%a: f32, %b: f32):
    moe.yield %a : f32
  }
  return
}

// -----

func.func @f(%x: tensor<7x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C11: 'input' has a first dimension of 7, 'result' of 6}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) : (tensor<7x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @f(%x: tensor<7x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %s: tensor<14xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C11: 'gather' has a first dimension of 14, 'result' of 7}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) gather(%s, 2) : (tensor<7x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<14xi32>) -> tensor<7x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %p: tensor<7x2xf32>, %t: tensor<14xi32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C11: 'combine weights' has a first dimension of 7, 'result' of 14}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) combine(%p, %t) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<7x2xf32>, tensor<14xi32>) -> tensor<14x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w0: tensor<8x32x64xf32>, %o: tensor<9xi32>, %p: tensor<?x2xf32>, %t: tensor<14xi32>, %z: tensor<6x32xf32>) {
  // expected-error @+1 {{'moe.grouped_matmul' op C11: 'onto' has a first dimension of 6, 'result' of 7}}
  %y = moe.grouped_matmul %x weights(%w0) by(%o) combine(%p, %t) onto(%z) : (tensor<?x64xf32>, tensor<8x32x64xf32>, tensor<9xi32>, tensor<?x2xf32>, tensor<14xi32>, tensor<6x32xf32>) -> tensor<7x32xf32>
  return
}
