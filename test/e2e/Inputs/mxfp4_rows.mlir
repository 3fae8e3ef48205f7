moe.weight @layers.0.w from ["w"] : tensor<32x64xbf16>
func.func @layers.0(%x: tensor<?x64xf32> {moe.name = "hidden"})
    -> (tensor<?x32xf32> {moe.name = "hidden"}) {
  %w = moe.use @layers.0.w : tensor<32x64xbf16>
  %rows = moe.encode %x : tensor<?x64xf32> -> tensor<?x64xf32, #moe.mxfp4>
  %codes = moe.encode %w : tensor<32x64xbf16> -> tensor<32x64xf32, #moe.mxfp4>
  %y = moe.linear %rows, %codes
      : (tensor<?x64xf32, #moe.mxfp4>, tensor<32x64xf32, #moe.mxfp4>)
      -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
