//===- TokenOps.cpp - Operations on rows of tokens ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.dispatch, moe.combine and moe.identity_experts: a loop over rows, vectors
// along a row. The first two are what is left of a layer that was not fused.
//
//===----------------------------------------------------------------------===//

#include "EncodedRows.h"
#include "KernelLowering.h"

namespace moec::cpu {

/// A vector of `buffer` at the row and column, as f32.
static Value loadF32(KernelEmitter &e, const Buffer &buffer, Value row,
                     Value col) {
  Value x = vector::LoadOp::create(e.b, e.vector(buffer.elementType(), e.lanes),
                                   buffer.memref, ValueRange{row, col});
  if (buffer.elementType().isF32())
    return x;
  return arith::ExtFOp::create(e.b, e.f32Vector(), x);
}

static void storeF32(KernelEmitter &e, Value x, const Buffer &buffer, Value row,
                     Value col) {
  if (!buffer.elementType().isF32())
    x = arith::TruncFOp::create(e.b, e.vector(buffer.elementType(), e.lanes),
                                x);
  vector::StoreOp::create(e.b, x, buffer.memref, ValueRange{row, col});
}

/// Every vector of a row, with the room behind it: padding is copied along.
static void forStride(KernelEmitter &e, const Buffer &buffer,
                      function_ref<void(Value col)> body) {
  int64_t stride = cast<MemRefType>(buffer.memref.getType()).getDimSize(1);
  e.loop(e.index(0), e.index(stride), e.index(e.lanes), body);
}

static Value loadScalar(KernelEmitter &e, const Buffer &buffer, Value row,
                        Value col) {
  return memref::LoadOp::create(e.b, buffer.memref, ValueRange{row, col});
}

/// Slots in use: the last of the offsets the slots were made with.
static FailureOr<Value> slotsInUse(KernelLowering &k, Operation *op,
                                   Value slots) {
  auto group = slots.getDefiningOp<moe::GroupOp>();
  if (!group)
    return op->emitOpError("reads slots that are not a moe.group's");
  Buffer offsets = k.get(group.getOffsets());
  return k.e.toIndex(
      loadScalar(k.e, offsets, k.e.index(0), k.e.index(offsets.cols - 1)));
}

/// Copies an encoded row, as it is but for a factor of its scale.
static void copyEncoded(KernelEmitter &e, const EncodedRows &layout,
                        const Buffer &from, Value fromRow, const Buffer &to,
                        Value toRow, Value factor) {
  VectorType type = e.vector(e.b.getI8Type(), e.lanes);
  forStride(e, to, [&](Value col) {
    Value x = vector::LoadOp::create(e.b, type, from.memref,
                                     ValueRange{fromRow, col});
    vector::StoreOp::create(e.b, x, to.memref, ValueRange{toRow, col});
  });
  if (!factor)
    return;
  Value at = e.index(layout.scaleOffset());
  Value scale = e.loadAs(from.memref, fromRow, at, e.b.getF32Type());
  e.storeAs(arith::MulFOp::create(e.b, scale, factor), to.memref, toRow, at);
}

LogicalResult lowerDispatch(KernelLowering &k, moe::DispatchOp op) {
  KernelEmitter &e = k.e;
  Buffer x = k.get(op.getX()), slots = k.get(op.getSlots());
  std::optional<EncodedRows> encoded = EncodedRows::of(op.getRows());
  Buffer rows = k.allocateResult(op.getRows());
  e.beginStage(Split::Other);
  FailureOr<Value> used = slotsInUse(k, op, op.getSlots());
  if (failed(used))
    return failure();
  auto [from, to] = e.share(*used);
  Value choices = e.index(op.getTopK());
  e.loop(from, to, [&](Value row) {
    Value slot = e.toIndex(loadScalar(e, slots, e.index(0), row));
    Value token = e.div(slot, choices);
    Value scale;
    if (op.getScale()) {
      Value choice = arith::RemUIOp::create(e.b, slot, choices);
      scale = loadScalar(e, k.get(op.getScale()), token, choice);
    }
    if (encoded)
      return copyEncoded(e, *encoded, x, token, rows, row, scale);
    forStride(e, rows, [&](Value col) {
      Value value = loadF32(e, x, token, col);
      if (scale)
        value = arith::MulFOp::create(e.b, value, e.splat(scale, e.lanes));
      storeF32(e, value, rows, row, col);
    });
  });
  return success();
}

LogicalResult lowerCombine(KernelLowering &k, moe::CombineOp op) {
  KernelEmitter &e = k.e;
  Buffer rows = k.get(op.getRows()), weights = k.get(op.getWeights()),
         slots = k.get(op.getSlots());
  Buffer result = k.allocateResult(op.getResult());
  e.beginStage(Split::Other);
  FailureOr<Value> used = slotsInUse(k, op, op.getSlots());
  if (failed(used))
    return failure();
  // Every thread owns columns, as in the fused form.
  int64_t stride = cast<MemRefType>(result.memref.getType()).getDimSize(1);
  auto [from, to] = e.share(e.index(stride / e.lanes));
  Value first = e.mul(from, e.index(e.lanes));
  Value end = e.mul(to, e.index(e.lanes));
  auto forColumns = [&](function_ref<void(Value)> body) {
    e.loop(first, end, e.index(e.lanes), body);
  };
  e.loop(e.index(0), e.tokens, [&](Value token) {
    forColumns([&](Value col) {
      storeF32(e, e.splat(e.f32(0.0), e.lanes), result, token, col);
    });
  });
  Value choices = e.index(weights.cols);
  e.loop(e.index(0), *used, [&](Value row) {
    Value slot = e.toIndex(loadScalar(e, slots, e.index(0), row));
    Value token = e.div(slot, choices);
    Value choice = arith::RemUIOp::create(e.b, slot, choices);
    Value weight = e.splat(loadScalar(e, weights, token, choice), e.lanes);
    forColumns([&](Value col) {
      Value sum = vector::FMAOp::create(e.b, weight, loadF32(e, rows, row, col),
                                        loadF32(e, result, token, col));
      storeF32(e, sum, result, token, col);
    });
  });
  return success();
}

LogicalResult lowerIdentityExperts(KernelLowering &k,
                                   moe::IdentityExpertsOp op) {
  KernelEmitter &e = k.e;
  Buffer x = k.get(op.getX()), ids = k.get(op.getIds()),
         weights = k.get(op.getWeights());
  Buffer result = k.allocateResult(op.getResult());
  e.forTokenRows([&](Value token) {
    // The sum of the weights, and whether there is one at all: a token without
    // identity experts gives zero, even if it is infinite.
    Value no = arith::ConstantOp::create(e.b, e.b.getBoolAttr(false));
    SmallVector<Value> sums = e.loopCarried(
        e.index(0), e.index(ids.cols), e.index(1), {e.f32(0.0), no},
        [&](Value choice, ValueRange sum) -> SmallVector<Value> {
          Value id = loadScalar(e, ids, token, choice);
          Value counts = arith::CmpIOp::create(e.b, arith::CmpIPredicate::sge,
                                               id, e.i32(op.getFrom()));
          Value weight = arith::SelectOp::create(
              e.b, counts, loadScalar(e, weights, token, choice), e.f32(0.0));
          return {arith::AddFOp::create(e.b, sum[0], weight),
                  arith::OrIOp::create(e.b, sum[1], counts)};
        });
    Value total = e.splat(sums[0], e.lanes), any = e.splat(sums[1], e.lanes);
    forStride(e, result, [&](Value col) {
      Value product =
          arith::MulFOp::create(e.b, loadF32(e, x, token, col), total);
      Value value = arith::SelectOp::create(e.b, any, product,
                                            e.splat(e.f32(0.0), e.lanes));
      storeF32(e, value, result, token, col);
    });
  });
  return success();
}

} // namespace moec::cpu
