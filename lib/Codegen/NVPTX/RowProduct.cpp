//===- RowProduct.cpp - A row times a small matrix ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowProduct.h"
#include "LayerLowering.h"

#include <numeric>

namespace moec::nvptx {

/// Reads of weights that a lane has under way.
static constexpr int64_t readsAtOnce = 8;

/// Neighbouring elements a lane reads at a time: 16 bytes, or as many as a warp
/// needs for rows of `stride`.
static int64_t elementsAtOnce(int64_t stride, Type element) {
  int64_t run = 16 / elementBytes(element);
  while (stride % (run * warpSize) != 0)
    run /= 2;
  return run;
}

void emitRowProduct(DeviceKernel &k, const Memory &x, Value row,
                    const Memory &matrix, OutputRange outputs, int64_t stride,
                    function_ref<void(Value, Value)> store) {
  if (!x.stored())
    return k.forTypes(x, [&](const Memory &known) {
      emitRowProduct(k, known, row, matrix, outputs, stride, store);
    });
  int64_t run = elementsAtOnce(stride, matrix.element);
  int64_t steps = stride / (run * warpSize), atOnce = outputs.atOnce;
  int64_t together = std::gcd(steps, readsAtOnce / atOnce);
  k.loop(outputs.first, outputs.end, outputs.step, [&](Value first) {
    SmallVector<Value> numbers;
    for (int64_t i = 0; i < atOnce; ++i)
      numbers.push_back(k.min(k.add(first, i), outputs.end - 1));
    auto addProducts = [&](Value col, ValueRange carried) {
      SmallVector<Value> sums(carried), cols;
      SmallVector<SmallVector<Value>> weights;
      for (int64_t i = 0; i < together; ++i) {
        cols.push_back(k.add(col, i * run * warpSize));
        for (Value number : numbers)
          weights.push_back(k.loadRun(matrix, number, cols[i], run));
      }
      for (int64_t i = 0; i < together; ++i) {
        SmallVector<Value> elements = k.loadRun(x, row, cols[i], run);
        for (auto [j, sum] : llvm::enumerate(sums))
          for (auto [weight, element] :
               llvm::zip(weights[i * atOnce + j], elements))
            sum = math::FmaOp::create(k.b, k.toF32(element), k.toF32(weight),
                                      sum);
      }
      return sums;
    };
    SmallVector<Value> zeros(atOnce, k.f32(0.0));
    SmallVector<Value> sums =
        k.loopCarried(k.mul(k.lane(), run), stride, together * run * warpSize,
                      zeros, addProducts);
    for (int64_t i = 0; i < atOnce; ++i) {
      Value sum = k.butterfly(sums[i], [&](Value a, Value b) -> Value {
        return arith::AddFOp::create(k.b, a, b);
      });
      Value number = k.add(first, i);
      k.when(k.both(k.equal(k.lane(), 0), k.less(number, outputs.end)),
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
        int64_t atOnce = std::min<int64_t>(result.cols, 4);
        OutputRange outputs{k.mul(part.warp, atOnce), result.cols,
                            part.warps * atOnce, atOnce};
        emitRowProduct(k, l.use(k, x), part.row, l.use(k, *matrix), outputs,
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
