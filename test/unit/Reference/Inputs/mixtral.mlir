moe.weight @layers.0.gate from ["model.layers.0.block_sparse_moe.gate.weight"] : tensor<8x64xbf16>
moe.weight @layers.0.w1 from ["model.layers.0.block_sparse_moe.experts.{e}.w1.weight"] : tensor<8x32x64xbf16>
moe.weight @layers.0.w3 from ["model.layers.0.block_sparse_moe.experts.{e}.w3.weight"] : tensor<8x32x64xbf16>
moe.weight @layers.0.w2 from ["model.layers.0.block_sparse_moe.experts.{e}.w2.weight"] : tensor<8x64x32xbf16>
#id = affine_map<(t, n) -> (t, n)>
func.func @layers.0(%x: tensor<?x64xf32> {moe.name = "hidden"}) -> (tensor<?x64xf32> {moe.name = "hidden"}, tensor<?x2xi32> {moe.name = "topk_ids"}, tensor<?x2xf32> {moe.name = "topk_weights"}, tensor<?x8xf32> {moe.name = "router_logits"}) {
  %gate = moe.use @layers.0.gate : tensor<8x64xbf16>
  %z = moe.linear %x, %gate : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %ids, %p = moe.router rows(%z) params() : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  ^row(%r: tensor<8xf32>):
    %s = moe.softmax %r : tensor<8xf32>
    %i = moe.top_k %s, 2 : tensor<8xf32> -> tensor<2xi32>
    %v = moe.take %s[%i] : tensor<8xf32>, tensor<2xi32>
    %n = moe.normalize %v : tensor<2xf32>
    moe.yield %i, %n : tensor<2xi32>, tensor<2xf32>
  }
  %offsets, %slots = moe.group %ids, 8 : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>
  %xb = arith.truncf %x : tensor<?x64xf32> to tensor<?x64xbf16>
  %rows = moe.dispatch %xb, %slots top_k(2) : (tensor<?x64xbf16>, tensor<?xi32>) -> tensor<?x64xbf16>
  %w1 = moe.use @layers.0.w1 : tensor<8x32x64xbf16>
  %g = moe.grouped_matmul %rows weights(%w1) by(%offsets) : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  %w3 = moe.use @layers.0.w3 : tensor<8x32x64xbf16>
  %u = moe.grouped_matmul %rows weights(%w3) by(%offsets) : (tensor<?x64xbf16>, tensor<8x32x64xbf16>, tensor<9xi32>) -> tensor<?x32xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %u, %c0 : tensor<?x32xf32>
  %e = tensor.empty(%n) : tensor<?x32xbf16>
  %h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%g, %u : tensor<?x32xf32>, tensor<?x32xf32>) outs(%e : tensor<?x32xbf16>) {
  ^bb0(%a: f32, %b: f32, %out: bf16):
    %s = moe.silu %a : f32
    %m = arith.mulf %s, %b : f32
    %r = arith.truncf %m : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x32xbf16>
  %w2 = moe.use @layers.0.w2 : tensor<8x64x32xbf16>
  %o = moe.grouped_matmul %h weights(%w2) by(%offsets) : (tensor<?x32xbf16>, tensor<8x64x32xbf16>, tensor<9xi32>) -> tensor<?x64xf32>
  %y = moe.combine %o, %p, %slots : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return %y, %ids, %p, %z : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32>
}
