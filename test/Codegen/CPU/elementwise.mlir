// A linalg.generic runs on vectors where every operand is read at the element's
// own row and column or repeated, and on scalars where its body says where it
// reads; then all rows have to be there before it starts. It moves up to what it
// reads, before the router.
// RUN: moe-opt %s --moe-schedule --moe-cpu-loops | FileCheck %s

// CHECK-LABEL: func.func @moec_kernel_0(
// CHECK: %[[LAST:.*]] = arith.subi %{{.*}}, %c1
// CHECK: %[[OTHER:.*]] = arith.subi %[[LAST]], %{{.*}} : index
// CHECK: memref.load %{{.*}}[%[[OTHER]], %{{.*}}]
// CHECK: arith.addf %{{.*}} : f32
// CHECK: %[[J:.*]] = arith.divui %{{.*}}, %c2 : index
// CHECK: memref.load %{{.*}}[%{{.*}}, %[[J]]]
// CHECK: arith.mulf %{{.*}} : vector<

#id = affine_map<(t, n) -> (t, n)>
#first = affine_map<(t, n) -> (t, 0)>
func.func @layers.0(%x: tensor<?x24xf32> {moe.name = "hidden"})
    -> (tensor<?x24xf32> {moe.name = "hidden"},
        tensor<?x1xi32> {moe.name = "topk_ids"},
        tensor<?x1xf32> {moe.name = "topk_weights"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %count = tensor.dim %x, %c0 : tensor<?x24xf32>
  %ids, %p = moe.router rows(%x) params()
      : (tensor<?x24xf32>) -> (tensor<?x1xi32>, tensor<?x1xf32>) {
  ^row(%row: tensor<24xf32>):
    %c2 = arith.constant 2 : index
    %doubled = tensor.generate {
    ^at(%i: index):
      %j = arith.divui %i, %c2 : index
      %e = tensor.extract %row[%j] : tensor<24xf32>
      tensor.yield %e : f32
    } : tensor<48xf32>
    %i = moe.top_k %doubled, 1 : tensor<48xf32> -> tensor<1xi32>
    %v = moe.take %doubled[%i] : tensor<48xf32>, tensor<1xi32>
    moe.yield %i, %v : tensor<1xi32>, tensor<1xf32>
  }
  // The row of the token at the other end of the batch, plus the own row.
  %init = tensor.empty(%count) : tensor<?x24xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id],
                         iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x24xf32>) outs(%init : tensor<?x24xf32>) {
  ^bb0(%own: f32, %out: f32):
    %t = linalg.index 0 : index
    %n = linalg.index 1 : index
    %last = arith.subi %count, %c1 : index
    %other = arith.subi %last, %t : index
    %e = tensor.extract %x[%other, %n] : tensor<?x24xf32>
    %s = arith.addf %own, %e : f32
    linalg.yield %s : f32
  } -> tensor<?x24xf32>
  %y = linalg.generic {indexing_maps = [#id, #first, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%sum, %p : tensor<?x24xf32>, tensor<?x1xf32>)
      outs(%init : tensor<?x24xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x24xf32>
  return %y, %ids, %p
      : tensor<?x24xf32>, tensor<?x1xi32>, tensor<?x1xf32>
}
