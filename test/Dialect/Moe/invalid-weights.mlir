// Every clause of the verifiers of MoeWeightOps.td and MoeAttrs.td.
// RUN: moe-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{'moe.weight' op C1: dimension 0 of the type is ?}}
moe.weight @w from ["w"] : tensor<?x64xf32>

// -----

// expected-error @+1 {{'moe.weight' op C1: dimension 1 of the type is 0}}
moe.weight @w from ["w"] : tensor<8x0xf32>

// -----

// expected-error @+1 {{'moe.weight' op C2: the encoding takes 1 source(s), 2 given}}
moe.weight @w from ["w", "v"] : tensor<8x64xf32>

// -----

// expected-error @+1 {{'moe.weight' op C2: the encoding takes 1 source(s), 0 given}}
moe.weight @w from [] : tensor<8x64xf32>

// -----

// expected-error @+1 {{'moe.weight' op C2: the encoding takes 2 source(s), 1 given}}
moe.weight @w from ["w"] : tensor<8x64xbf16, #moe.mxfp4>

// -----

// expected-error @+1 {{'moe.weight' op C2: unknown encoding "q4"}}
moe.weight @w from ["w"] : tensor<8x64xbf16, "q4">

// -----

// expected-error @+1 {{'moe.weight' op C3: 'at' takes 2 indices, the type has rank 3}}
moe.weight @w from ["w"] at affine_map<(e, i) -> (e, i)> : tensor<8x32x64xf32>

// -----

// expected-error @+1 {{'moe.weight' op C3: 'at' takes 3 indices, the type has rank 2}}
moe.weight @w from ["w"] at affine_map<(e, i)[s] -> (e, i + s)> : tensor<8x64xf32>

// -----

// expected-error @+1 {{'moe.weight' op C4: element type is 'f64', not f32, f16, bf16 or an integer}}
moe.weight @w from ["w"] : tensor<8x64xf64>

// -----

// expected-error @+1 {{'moe.weight' op C5: some sources contain {e} and some do not}}
moe.weight @w from ["{e}.w", "w_scale_inv"] : tensor<8x64xbf16, #moe.fp8_block<128, 128>>

// -----

// expected-error @+1 {{'moe.weight' op C5: sources contain {e}, but the type has rank 0}}
moe.weight @w from ["{e}.w"] : tensor<f32>

// -----

// expected-error @+1 {{'moe.weight' op C6: 'tensor<4294967296x4294967296xbf16>' has 2^62 elements or more}}
moe.weight @w from ["w"] : tensor<4294967296x4294967296xbf16>

// -----

// expected-error @+1 {{'moe.weight' op C6: 'tensor<2147483648x2147483648xbf16>' has 2^62 elements or more}}
moe.weight @w from ["w"] : tensor<2147483648x2147483648xbf16>

// -----

func.func @f() {
  // expected-error @+1 {{'moe.use' op C1: @none is not a moe.weight}}
  %w = moe.use @none : tensor<8x64xf32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'moe.use' op C1: @f is not a moe.weight}}
  %w = moe.use @f : tensor<8x64xf32>
  return
}

// -----

moe.weight @w from ["w"] : tensor<8x64xbf16>
func.func @f() {
  // expected-error @+1 {{'moe.use' op C2: result type is 'tensor<8x64xf32>', but @w has type 'tensor<8x64xbf16>'}}
  %w = moe.use @w : tensor<8x64xf32>
  return
}

// -----

// expected-error @+1 {{'moe.layer' op C1: @none is not a func.func}}
moe.layer @layer runs @none with []

// -----

func.func private @kernel(tensor<?x64xf32>, tensor<8x64xbf16>)
// expected-error @+1 {{'moe.layer' op C2: @none is not a moe.weight}}
moe.layer @layer runs @kernel with [@none]

// -----

moe.weight @w from ["w"] : tensor<8x64xbf16>
func.func private @kernel(tensor<8x64xbf16>)
// expected-error @+1 {{'moe.layer' op C3: 2 weights, but the kernel has 1 arguments}}
moe.layer @layer runs @kernel with [@w, @w]

// -----

moe.weight @w from ["w"] : tensor<8x64xbf16>
func.func private @kernel(tensor<?x64xf32>, tensor<8x64xf32>)
// expected-error @+1 {{'moe.layer' op C3: @w has type 'tensor<8x64xbf16>', but the kernel's argument has type 'tensor<8x64xf32>'}}
moe.layer @layer runs @kernel with [@w]

// -----

// expected-error @+1 {{#moe.fp8_block C1: a block of 0 x 128 numbers is empty}}
moe.weight @w from ["w", "s"] : tensor<256x512xbf16, #moe.fp8_block<0, 128>>

// -----

// expected-error @+1 {{#moe.cpu_tile C1: a tile of 6 x 24 cannot be made of vectors of 16 lanes}}
func.func private @f() attributes {tile = #moe.cpu_tile<rows = 6, cols = 24, depth = 1, lanes = 16, unroll = 4>}

// -----

// expected-error @+1 {{#moe.cpu_range C1: a range from 0 rows on with chunks of 8 steps}}
func.func private @f() attributes {range = #moe.cpu_range<from = 0, chunk = 8, ahead = false>}

// -----

// expected-error @+1 {{#moe.int8 C1: a group of 48 numbers is not a multiple of 32}}
func.func private @f(tensor<8x64xf32, #moe.int8<group = 48>>)

// -----

// expected-error @+1 {{#moe.int4 C1: a group of 0 numbers is not a multiple of 32}}
func.func private @f(tensor<8x64xf32, #moe.int4<group = 0>>)

// -----

// expected-error @+1 {{#moe.uint4 C1: a group of 48 numbers is not a multiple of 32}}
func.func private @f(tensor<8x64xf32, #moe.uint4<group = 48>>)

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{'moe.encode' op C1: makes 'tensor<?x32xf32, #moe.int8>' of 'tensor<?x64xf32>'; both have one shape and a static last dimension}}
  %q = moe.encode %x : tensor<?x64xf32> -> tensor<?x32xf32, #moe.int8>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{'moe.encode' op C2: the result is 'tensor<?x64xbf16, #moe.int8>', not f32 as #moe.int8, #moe.int4, #moe.uint4 or #moe.mxfp4}}
  %q = moe.encode %x : tensor<?x64xf32> -> tensor<?x64xbf16, #moe.int8>
  return
}
