//===- EncodedRows.cpp - Rows of int8 numbers -----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.encode of rows. Every code of eight bits is a number of bf16, so products
// take codes as they take rows of bf16, and multiply sums by the row's scale.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "moec/Dialect/Moe/NumberFormat.h"

#include <bit>

namespace moec::nvptx {

Type storedElement(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.getEncoding() ? BFloat16Type::get(tensor.getContext())
                            : type.getElementType();
}

Memory LayerLowering::useScales(DeviceKernel &k, const Buffer &rows) {
  return {k.parameter(rows.scales), k.b.getF32Type(), k.i64(1)};
}

namespace {

/// Encodes one row, as quantize() does.
class RowEncoder {
public:
  /// Of a row of `from`, which lie as it is known.
  RowEncoder(LayerLowering &l, DeviceKernel &k, const Buffer &source,
             const Memory &from, const Buffer &result, const RowPart &part)
      : k(k), source(source), result(result), part(part), from(from),
        to(l.use(k, result)), scales(l.useScales(k, result)) {}

  void emit() {
    Value largest = overRow(largestOfThread());
    Value finite =
        k.less(largest,
               std::bit_cast<int32_t>(std::numeric_limits<float>::infinity()));
    Value counts = k.compare(arith::CmpIPredicate::uge, largest,
                             std::bit_cast<int32_t>(kLeastMagnitude));
    Value magnitude = arith::BitcastOp::create(k.b, k.b.getF32Type(), largest);
    Value scale = arith::DivFOp::create(k.b, magnitude, k.f32(kLargestInt8));
    Value inverse = arith::DivFOp::create(k.b, k.f32(1.0), scale);
    writeCodes(inverse, k.both(finite, counts));
    Value nan = k.f32(std::numeric_limits<double>::quiet_NaN());
    Value stored = k.select(finite, k.select(counts, scale, k.f32(0.0)), nan);
    part.forColumns(k, /*end=*/1,
                    [&](Value col) { k.store(stored, scales, part.row, col); });
  }

private:
  /// The bits of the largest magnitude. Those of floats compare as integers.
  Value largestOfThread() {
    return k.loopCarried(
        part.first, source.cols, part.step, k.i32(0),
        [&](Value col, ValueRange carried) -> SmallVector<Value> {
          Value bits = arith::BitcastOp::create(k.b, k.b.getI32Type(),
                                                k.loadF32(from, part.row, col));
          return {arith::MaxSIOp::create(k.b, carried[0],
                                         k.bitAnd(bits, 0x7fffffff))};
        })[0];
  }

  /// The largest number of all threads that have the row.
  Value overRow(Value number) {
    Value ofWarp = k.reduceMax(number);
    if (part.warps == 1)
      return ofWarp;
    // The row has the whole block.
    Memory ofWarps = k.allocateShared(k.b.getI32Type(), 1, part.warps);
    k.when(k.equal(k.lane(), 0),
           [&] { k.store(ofWarp, ofWarps, 0, part.warp); });
    k.syncBlock();
    Value largest = ofWarp;
    for (Value other : k.loadRun(ofWarps, 0, 0, part.warps))
      largest = arith::MaxSIOp::create(k.b, largest, other);
    return largest;
  }

  /// A row that is not encoded has codes of zero, as there are behind a row.
  void writeCodes(Value inverse, Value encodes) {
    part.forColumns(k, result.stride, [&](Value col) {
      Value inside = k.both(encodes, k.less(col, source.cols));
      Value x = k.valueWhen(inside, k.f32(0.0),
                            [&] { return k.loadF32(from, part.row, col); });
      Value code = math::RoundEvenOp::create(
          k.b, arith::MulFOp::create(k.b, x, inverse));
      k.storeF32(k.select(inside, code, k.f32(0.0)), to, part.row, col);
    });
  }

  DeviceKernel &k;
  const Buffer &source, &result;
  const RowPart &part;
  const Memory from, to, scales;
};

} // namespace

LogicalResult lowerEncode(LayerLowering &l, moe::EncodeOp op) {
  // The packer encodes weights.
  if (l.weightNumber(op.getX()))
    return success();
  RankedTensorType from = op.getX().getType(), to = op.getType();
  moe::NumberFormat format = *moe::NumberFormat::of(to.getEncoding());
  if (to.getRank() != 2 || from.getEncoding() ||
      format.block.code != CodeType::Int8 || format.group)
    return op.emitOpError("encodes ")
           << from << " as " << to.getEncoding()
           << "; the NVPTX back end encodes weights, and rows of floats as "
              "#moe.int8 with one scale for each";
  Buffer source = l.get(op.getX()), result = l.allocateResult(op.getResult());
  return l.onRows(op.getLoc(), "encode", {result.rows},
                  [=, &l](DeviceKernel &k, const RowPart &part) {
                    k.forTypes(l.use(k, source), [&](const Memory &from) {
                      RowEncoder(l, k, source, from, result, part).emit();
                    });
                    return success();
                  });
}

} // namespace moec::nvptx
