// The ranges follow from the shape and the target: few rows stream the panel,
// more look ahead, and what does not fit the second cache is taken in chunks.
// DEFINE: %{zen4} = bf16-dot=true l2-bytes=1048576 multiplies-per-cycle=1 multiply-latency=6 read-rate=6 fetch-rate=5.6 l3-rate=10 reorder-window=320
// RUN: moe-opt %s --moe-choose-strategy="cpu={%{zen4}}" | FileCheck %s
// RUN: moe-opt %s --moe-choose-strategy="cpu={%{zen4}}" --remarks-filter="moe-strategy" 2>&1 | FileCheck %s --check-prefix=REMARK
// A faster memory makes looking ahead pay later or never.
// RUN: moe-opt %s --moe-choose-strategy="cpu={%{zen4} read-rate=1000 fetch-rate=10 memory-latency=1}" | FileCheck %s --check-prefix=FAST

// CHECK-LABEL: func.func @short
// CHECK: ranges = [#moe.cpu_range<from = 1, chunk = 0, ahead = false>, #moe.cpu_range<from = {{[0-9]+}}, chunk = 0, ahead = true>]
// FAST-LABEL: func.func @short
// FAST: ranges = [#moe.cpu_range<from = 1, chunk = 0, ahead = false>]
// REMARK: Remark="tiles of 6 x 64, pairs of bf16; from 1 rows: K whole, {{[0-9]+}}k cycles a panel; {{.*}}K whole, looking ahead
func.func @short(%x: tensor<?x768xbf16>, %o: tensor<129xi32>,
                 %w: tensor<128x2048x768xbf16>) -> tensor<?x2048xf32> {
  %y = moe.grouped_matmul %x weights(%w) by(%o)
      : (tensor<?x768xbf16>, tensor<128x2048x768xbf16>, tensor<129xi32>)
      -> tensor<?x2048xf32>
  return %y : tensor<?x2048xf32>
}

// CHECK-LABEL: func.func @long
// CHECK: ranges = [#moe.cpu_range<from = 1, chunk = 0, ahead = false>, {{.*}}#moe.cpu_range<from = {{[0-9]+}}, chunk = {{[1-9][0-9]*}}, ahead = true>]
// REMARK: from 7 rows: chunks of 896, looking ahead
func.func @long(%x: tensor<?x14336xbf16>, %o: tensor<9xi32>,
                %w: tensor<8x4096x14336xbf16>) -> tensor<?x4096xf32> {
  %y = moe.grouped_matmul %x weights(%w) by(%o)
      : (tensor<?x14336xbf16>, tensor<8x4096x14336xbf16>, tensor<9xi32>)
      -> tensor<?x4096xf32>
  return %y : tensor<?x4096xf32>
}

// Where decoding takes longer than multiplying, one pass does it for many rows.
// CHECK-LABEL: func.func @encoded
// CHECK: ranges = [#moe.cpu_range<from = 1, chunk = 0, ahead = {{true|false}}>, {{.*}}#moe.cpu_range<from = {{[0-9]+}}, chunk = 0, ahead = true, decode = true>]
func.func @encoded(%x: tensor<?x2048xbf16>, %o: tensor<9xi32>,
                   %w: tensor<8x768x2048xf32, #moe.int8<group = 128>>)
    -> tensor<?x768xf32> {
  %y = moe.grouped_matmul %x weights(%w) by(%o)
      : (tensor<?x2048xbf16>, tensor<8x768x2048xf32, #moe.int8<group = 128>>,
         tensor<9xi32>) -> tensor<?x768xf32>
  return %y : tensor<?x768xf32>
}
