// What does not become an epilogue, and why.
// RUN: moe-opt %s --moe-fuse-epilogue --split-input-file --verify-diagnostics --remarks-filter=moe-fusion | FileCheck %s

#id = affine_map<(t, n) -> (t, n)>
// CHECK-LABEL: func.func @not_a_product
func.func @not_a_product(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>,
    %y: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{[Missed] fuse-epilogue | Category:moe-fusion | Remark="an operand is not a product"}}
  %h = linalg.generic {indexing_maps = [#id, #id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g, %y : tensor<?x32xf32>, tensor<?x32xf32>)
      outs(%y : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// CHECK-LABEL: func.func @other_reader
func.func @other_reader(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>,
    %init: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{a product has another reader}}
  %h = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x32xf32>) outs(%init : tensor<?x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    %m = moe.silu %a : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %g, %h : tensor<?x32xf32>, tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// CHECK-LABEL: func.func @other_block
func.func @other_block(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>,
    %init: tensor<?x32xf32>, %c: i1) -> tensor<?x32xf32> {
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %r = scf.if %c -> tensor<?x32xf32> {
    // CHECK: linalg.generic
    // expected-remark @+1 {{a product is in another block}}
    %h = linalg.generic {indexing_maps = [#id, #id],
                         iterator_types = ["parallel", "parallel"]}
        ins(%g : tensor<?x32xf32>) outs(%init : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %m = moe.silu %a : f32
      linalg.yield %m : f32
    } -> tensor<?x32xf32>
    scf.yield %h : tensor<?x32xf32>
  } else {
    scf.yield %init : tensor<?x32xf32>
  }
  return %r : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// CHECK-LABEL: func.func @rounded_product
func.func @rounded_product(%x: tensor<?x64xbf16>, %w: tensor<32x64xbf16>,
    %init: tensor<?x32xbf16>) -> tensor<?x32xbf16> {
  %g = moe.grouped_matmul %x weights(%w)
      : (tensor<?x64xbf16>, tensor<32x64xbf16>) -> tensor<?x32xbf16>
  // CHECK: linalg.generic
  // expected-remark @+1 {{a product is rounded to less than f32}}
  %h = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x32xbf16>) outs(%init : tensor<?x32xbf16>) {
  ^bb0(%a: bf16, %out: bf16):
    %e = arith.extf %a : bf16 to f32
    %m = moe.silu %e : f32
    %r = arith.truncf %m : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x32xbf16>
  return %h : tensor<?x32xbf16>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// Products of other rows.
// CHECK-LABEL: func.func @other_rows
func.func @other_rows(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>,
    %w1: tensor<32x64xf32>, %w3: tensor<32x64xf32>, %init: tensor<?x32xf32>)
    -> tensor<?x32xf32> {
  %g = moe.linear %x, %w1 : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %u = moe.linear %y, %w3 : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{the products have other rows, groups or shapes}}
  %h = linalg.generic {indexing_maps = [#id, #id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g, %u : tensor<?x32xf32>, tensor<?x32xf32>)
      outs(%init : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// Weights of another element type.
// CHECK-LABEL: func.func @other_types
func.func @other_types(%x: tensor<?x64xf32>, %w1: tensor<32x64xf32>,
    %w3: tensor<32x64xbf16>, %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %g = moe.linear %x, %w1 : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %u = moe.linear %x, %w3 : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{the products have other rows, groups or shapes}}
  %h = linalg.generic {indexing_maps = [#id, #id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g, %u : tensor<?x32xf32>, tensor<?x32xf32>)
      outs(%init : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// The body reads its output.
// CHECK-LABEL: func.func @accumulates
func.func @accumulates(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>,
    %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{the body is not element-wise f32}}
  %h = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x32xf32>) outs(%init : tensor<?x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    %m = arith.addf %a, %out : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// The body reads indices.
// CHECK-LABEL: func.func @indices
func.func @indices(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>,
    %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{the body is not element-wise f32}}
  %h = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x32xf32>) outs(%init : tensor<?x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    %n = linalg.index 1 : index
    %i = arith.index_cast %n : index to i32
    %f = arith.sitofp %i : i32 to f32
    %m = arith.mulf %a, %f : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// Rounded half way.
// CHECK-LABEL: func.func @rounds_inside
func.func @rounds_inside(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>,
    %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{the body is not element-wise f32}}
  %h = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x32xf32>) outs(%init : tensor<?x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    %t = arith.truncf %a : f32 to bf16
    %e = arith.extf %t : bf16 to f32
    %m = moe.silu %e : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// Computed in f64.
// CHECK-LABEL: func.func @wider
func.func @wider(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>,
    %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{the body is not element-wise f32}}
  %h = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x32xf32>) outs(%init : tensor<?x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    %e = arith.extf %a : f32 to f64
    %m = math.exp %e : f64
    %t = arith.truncf %m : f64 to f32
    linalg.yield %t : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
// Rounded toward zero.
// CHECK-LABEL: func.func @rounding_mode
func.func @rounding_mode(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>,
    %init: tensor<?x32xbf16>) -> tensor<?x32xbf16> {
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{the body is not element-wise f32}}
  %h = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x32xf32>) outs(%init : tensor<?x32xbf16>) {
  ^bb0(%a: f32, %out: bf16):
    %t = arith.truncf %a toward_zero : f32 to bf16
    linalg.yield %t : bf16
  } -> tensor<?x32xbf16>
  return %h : tensor<?x32xbf16>
}

// -----

#id = affine_map<(t, n) -> (t, n)>
#transposed = affine_map<(t, n) -> (n, t)>
// Not element by element.
// CHECK-LABEL: func.func @transposes
func.func @transposes(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>,
    %init: tensor<32x?xf32>) -> tensor<32x?xf32> {
  %g = moe.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: linalg.generic
  // expected-remark @+1 {{the body is not element-wise f32}}
  %h = linalg.generic {indexing_maps = [#transposed, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x32xf32>) outs(%init : tensor<32x?xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<32x?xf32>
  return %h : tensor<32x?xf32>
}
