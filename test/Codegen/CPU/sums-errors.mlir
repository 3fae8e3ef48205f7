// RUN: moe-opt %s --moe-lower-to-cpu --split-input-file --verify-diagnostics

// 127 * 127 * 133144 is the most that i32 holds.
moe.weight @w from ["w"] : tensor<64x133152xf32>
func.func private @kernel(%x: tensor<?x133152xf32> {moe.name = "hidden"},
                          %w: tensor<64x133152xf32>)
    -> (tensor<?x64xf32> {moe.name = "hidden"}) {
  %q = moe.encode %x : tensor<?x133152xf32> -> tensor<?x133152xf32, #moe.int8>
  %v = moe.encode %w : tensor<64x133152xf32> -> tensor<64x133152xf32, #moe.int8>
  // expected-error @+1 {{adds up 133152 products of int8 rows and int8 weights under one scale, of which i32 is sure to hold 133144; give groups of weights scales of their own}}
  %y = moe.linear %q, %v {strategy = #moe.cpu_tile<
         rows = 6, cols = 64, depth = 4, lanes = 16, unroll = 4>}
      : (tensor<?x133152xf32, #moe.int8>, tensor<64x133152xf32, #moe.int8>)
      -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
moe.layer @layers.0 runs @kernel with [@w]
