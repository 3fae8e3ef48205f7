// RUN: moe-opt %s --moe-lower-to-cpu --split-input-file --verify-diagnostics

moe.weight @w from ["w"] : tensor<64x64xf32>
func.func private @kernel(%x: tensor<?x64xf32> {moe.name = "hidden"},
                          %w: tensor<64x64xf32>)
    -> (tensor<?x64xf32> {moe.name = "hidden"}) {
  // expected-error @+1 {{range #moe.cpu_range<from = 2, chunk = 0, ahead = false> does not follow one from 0 rows on; ranges begin at 1 row and rise}}
  %y = moe.linear %x, %w {strategy = #moe.cpu_tile<
         rows = 6, cols = 64, depth = 1, lanes = 16, unroll = 4>,
         ranges = [#moe.cpu_range<from = 2, chunk = 0, ahead = false>]}
      : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
moe.layer @layers.0 runs @kernel with [@w]

// -----

moe.weight @w from ["w"] : tensor<64x64xf32>
func.func private @kernel(%x: tensor<?x64xf32> {moe.name = "hidden"},
                          %w: tensor<64x64xf32>)
    -> (tensor<?x64xf32> {moe.name = "hidden"}) {
  // expected-error @+1 {{range #moe.cpu_range<from = 1, chunk = 6, ahead = true> has chunks of 6 steps, not a multiple of the 4 that a tile takes at a time}}
  %y = moe.linear %x, %w {strategy = #moe.cpu_tile<
         rows = 6, cols = 64, depth = 1, lanes = 16, unroll = 4>,
         ranges = [#moe.cpu_range<from = 1, chunk = 6, ahead = true>]}
      : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
moe.layer @layers.0 runs @kernel with [@w]

// -----

moe.weight @w from ["w"] : tensor<64x64xf32>
func.func private @kernel(%x: tensor<?x64xf32> {moe.name = "hidden"},
                          %w: tensor<64x64xf32>)
    -> (tensor<?x64xf32> {moe.name = "hidden"}) {
  // expected-error @+1 {{range #moe.cpu_range<from = 1, chunk = 0, ahead = true, decode = true> decodes weights that are not encoded}}
  %y = moe.linear %x, %w {strategy = #moe.cpu_tile<
         rows = 6, cols = 64, depth = 1, lanes = 16, unroll = 4>,
         ranges = [#moe.cpu_range<from = 1, chunk = 0, ahead = true, decode = true>]}
      : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
moe.layer @layers.0 runs @kernel with [@w]
