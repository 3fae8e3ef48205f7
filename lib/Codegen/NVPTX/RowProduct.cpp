//===- RowProduct.cpp - A row times a small matrix ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowProduct.h"
#include "LayerLowering.h"

namespace moec::nvptx {

/// Outputs a warp has at a time: so many reads are under way, and the row is
/// read once for them.
static constexpr int64_t outputsAtOnce = 4;

/// Neighbouring elements a lane reads at a time: 16 bytes, or as many as a warp
/// needs for rows of `stride`.
static int64_t elementsAtOnce(int64_t stride, Type element) {
  int64_t run = 16 / elementBytes(element);
  while (stride % (run * warpSize) != 0)
    run /= 2;
  return run;
}

void emitRowProduct(DeviceKernel &k, const Memory &x, Value row,
                    const Memory &matrix, int64_t outputs, int64_t stride,
                    function_ref<void(Value, Value)> store) {
  int64_t run = elementsAtOnce(stride, matrix.element);
  int64_t atOnce = std::min(outputs, outputsAtOnce);
  Value firstOutput = k.mul(k.warp(), atOnce);
  k.loop(firstOutput, outputs, k.threads / warpSize * atOnce, [&](Value first) {
    SmallVector<Value> numbers;
    for (int64_t i = 0; i < atOnce; ++i)
      numbers.push_back(k.min(k.add(first, i), outputs - 1));
    SmallVector<Value> zeros(atOnce, k.f32(0.0));
    SmallVector<Value> sums = k.loopCarried(
        k.mul(k.lane(), run), stride, run * warpSize, zeros,
        [&](Value col, ValueRange carried) {
          SmallVector<Value> next(carried);
          SmallVector<Value> elements = k.loadRun(x, row, col, run);
          for (auto [number, sum] : llvm::zip(numbers, next))
            for (auto [weight, element] :
                 llvm::zip(k.loadRun(matrix, number, col, run), elements))
              sum = math::FmaOp::create(k.b, k.toF32(element), k.toF32(weight),
                                        sum);
          return next;
        });
    for (int64_t i = 0; i < atOnce; ++i) {
      Value sum = k.butterfly(sums[i], [&](Value a, Value b) -> Value {
        return arith::AddFOp::create(k.b, a, b);
      });
      Value number = k.add(first, i);
      k.when(k.both(k.equal(k.lane(), 0), k.less(number, outputs)),
             [&] { store(number, sum); });
    }
  });
}

LogicalResult lowerRowProduct(LayerLowering &l, moe::LinearOp op) {
  FailureOr<Buffer> matrix = l.weightRows(
      op.getWeight(), getElementTypeOrSelf(op.getWeight().getType()), op);
  if (failed(matrix))
    return failure();
  std::optional<Buffer> bias;
  if (op.getBias()) {
    FailureOr<Buffer> row = l.weightRows(
        op.getBias(), getElementTypeOrSelf(op.getBias().getType()), op);
    if (failed(row))
      return failure();
    bias = *row;
  }
  Buffer x = l.get(op.getX()), result = l.allocateResult(op.getResult());
  return l.onRows(
      op.getLoc(), "gate", {result.rows},
      [=, &l](DeviceKernel &k, const RowPart &part) {
        Memory to = l.use(k, result);
        // What reads the result as rows of a product relies on zeros.
        part.forColumns(k, result.stride - result.cols, [&](Value col) {
          k.storeF32(k.f32(0.0), to, part.row, k.add(col, result.cols));
        });
        emitRowProduct(k, l.use(k, x), part.row, l.use(k, *matrix), result.cols,
                       x.stride, [&](Value output, Value sum) {
                         if (bias)
                           sum = arith::AddFOp::create(
                               k.b, sum, k.loadF32(l.use(k, *bias), 0, output));
                         k.storeF32(sum, to, part.row, output);
                       });
        return success();
      });
}

} // namespace moec::nvptx
