//===- EncodedRows.cpp - Rows of int8 numbers in memory -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Their layout, and moe.encode of rows: a stage that encodes row by row.
//
//===----------------------------------------------------------------------===//

#include "EncodedRows.h"
#include "KernelLowering.h"
#include "moec/Dialect/Moe/NumberFormat.h"

#include "llvm/Support/MathExtras.h"

#include <bit>

namespace moec::cpu {

//===----------------------------------------------------------------------===//
// The layout
//===----------------------------------------------------------------------===//

RowStarts RowStarts::of(Attribute weightEncoding) {
  moe::NumberFormat format = *moe::NumberFormat::of(weightEncoding);
  switch (format.block.code) {
  case CodeType::UInt4:
    // A tile multiplies the start by the zero of each column.
    return {format.group, 1};
  case CodeType::E2M1:
    // fp4 numbers are multiplied as 12 + 2 * number.
    return {format.group, 12};
  default:
    return {format.group, format.block.bias()};
  }
}

/// Adds the ways in which the weights of products of `rows` are stored.
static void addStarts(Value rows, SmallVectorImpl<RowStarts> &starts) {
  auto add = [&](Value weight) {
    Attribute encoding = cast<RankedTensorType>(weight.getType()).getEncoding();
    if (encoding && !llvm::is_contained(starts, RowStarts::of(encoding)))
      starts.push_back(RowStarts::of(encoding));
  };
  for (Operation *user : rows.getUsers()) {
    if (auto product = dyn_cast<moe::GroupedMatmulOp>(user))
      add(product.getWeights()[0]);
    else if (auto linear = dyn_cast<moe::LinearOp>(user))
      add(linear.getWeight());
    else if (auto dispatch = dyn_cast<moe::DispatchOp>(user))
      addStarts(dispatch.getRows(), starts);
  }
}

std::optional<EncodedRows> EncodedRows::of(Value rows) {
  auto type = cast<RankedTensorType>(rows.getType());
  if (!type.getEncoding())
    return std::nullopt;
  EncodedRows layout;
  layout.k = type.getShape().back();
  while (auto dispatch = rows.getDefiningOp<moe::DispatchOp>())
    rows = dispatch.getX();
  addStarts(rows, layout.starts);
  return layout;
}

int64_t EncodedRows::codeBytes() const {
  // Panels are padded to whole units: at most eight groups, whose scales (a
  // byte or more for each of eight columns or more) fill a cache line.
  int64_t unit = 64;
  for (const RowStarts &start : starts)
    unit = std::max(unit, 8 * start.group);
  return llvm::alignTo(k, unit);
}

int64_t EncodedRows::groups(RowStarts starts) const {
  return starts.group ? codeBytes() / starts.group : 1;
}

int64_t EncodedRows::startOffset(RowStarts wanted) const {
  int64_t offset = codeBytes();
  for (const RowStarts &start : starts) {
    if (start == wanted)
      return offset;
    offset += groups(start) * int64_t(sizeof(int32_t));
  }
  llvm_unreachable("the products of a tensor have put their starts there");
}

int64_t EncodedRows::scaleOffset() const {
  int64_t offset = codeBytes();
  for (const RowStarts &start : starts)
    offset += groups(start) * int64_t(sizeof(int32_t));
  return offset;
}

//===----------------------------------------------------------------------===//
// moe.encode
//===----------------------------------------------------------------------===//

namespace {

/// Encodes one row, as quantizeInt8 does.
class RowEncoder {
public:
  RowEncoder(KernelEmitter &e, const EncodedRows &layout, const Buffer &source,
             const Buffer &destination, Value row)
      : e(e), layout(layout), source(source), destination(destination),
        row(row) {}

  void emit() {
    Value largest = largestMagnitude();
    Value finite =
        arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, largest,
                              bits(std::numeric_limits<float>::infinity()));
    Value counts = arith::CmpIOp::create(e.b, arith::CmpIPredicate::uge,
                                         largest, bits(kLeastMagnitude));
    Value magnitude = arith::BitcastOp::create(e.b, e.b.getF32Type(), largest);
    Value scale = arith::DivFOp::create(e.b, magnitude, e.f32(kLargestInt8));
    Value inverse = arith::DivFOp::create(e.b, e.f32(1.0), scale);
    // A row that is not encoded has codes of zero: its elements are masked.
    Value encodes = arith::AndIOp::create(e.b, finite, counts);
    Value mask = arith::ExtSIOp::create(e.b, e.b.getI32Type(), encodes);
    writeCodes(e.splat(inverse, e.lanes), e.splat(mask, e.lanes));
    for (const RowStarts &starts : layout.allStarts())
      writeStarts(starts);
    Value tiny = arith::SelectOp::create(e.b, counts, scale, e.f32(0.0));
    Value stored = arith::SelectOp::create(
        e.b, finite, tiny, e.f32(std::numeric_limits<double>::quiet_NaN()));
    e.storeAs(stored, destination.memref, row, e.index(layout.scaleOffset()));
  }

private:
  Value bits(float value) { return e.i32(std::bit_cast<int32_t>(value)); }

  /// Elements from `col` on as the bits of f32; those beyond the row are zero.
  Value load(Value col, Value mask) {
    VectorType type = e.vector(source.elementType(), e.lanes);
    Value x =
        vector::LoadOp::create(e.b, type, source.memref, ValueRange{row, col});
    if (!source.elementType().isF32())
      x = arith::ExtFOp::create(e.b, e.f32Vector(), x);
    if (mask)
      x = arith::SelectOp::create(e.b, mask, x, e.splat(e.f32(0.0), e.lanes));
    return vector::BitCastOp::create(e.b, e.i32Vector(), x);
  }

  /// The bits of the largest magnitude. Those of floats compare as integers.
  Value largestMagnitude() {
    Value magnitudeBits = e.splat(e.i32(0x7fffffff), e.lanes);
    auto larger = [&](Value largest, Value col, Value mask) {
      Value magnitude =
          arith::AndIOp::create(e.b, load(col, mask), magnitudeBits);
      return arith::MaxUIOp::create(e.b, largest, magnitude);
    };
    int64_t whole = source.cols / e.lanes * e.lanes;
    Value largest =
        e.loopCarried(e.index(0), e.index(whole), e.index(e.lanes),
                      ValueRange(e.splat(e.i32(0), e.lanes)),
                      [&](Value col, ValueRange carried) -> SmallVector<Value> {
                        return {larger(carried[0], col, Value())};
                      })[0];
    if (Value mask = e.tailMask(source.cols))
      largest = larger(largest, e.index(whole), mask);
    return vector::ReductionOp::create(e.b, vector::CombiningKind::MAXUI,
                                       largest);
  }

  void writeCodes(Value inverse, Value encodes) {
    Type codeType = e.vector(e.b.getI8Type(), e.lanes);
    e.forVectors(source.cols, [&](Value col, Value mask) {
      Value x = vector::BitCastOp::create(
          e.b, e.f32Vector(),
          arith::AndIOp::create(e.b, load(col, mask), encodes));
      Value code = math::RoundEvenOp::create(
          e.b, arith::MulFOp::create(e.b, x, inverse));
      Value integer = arith::FPToSIOp::create(e.b, e.i32Vector(), code);
      vector::StoreOp::create(e.b,
                              arith::TruncIOp::create(e.b, codeType, integer),
                              destination.memref, ValueRange{row, col});
    });
    e.clearColumns(destination.memref, row, llvm::alignTo(source.cols, e.lanes),
                   layout.codeBytes());
  }

  /// -zero times the sum of the codes, for every group.
  void writeStarts(RowStarts starts) {
    int64_t group = starts.group ? starts.group : layout.codeBytes();
    e.loop(e.index(0), e.index(layout.groups(starts)), [&](Value number) {
      Value first = e.mul(number, e.index(group));
      Value sums = e.loopCarried(
          first, e.add(first, e.index(group)), e.index(e.lanes),
          ValueRange(e.splat(e.i32(0), e.lanes)),
          [&](Value col, ValueRange carried) -> SmallVector<Value> {
            Value codes = vector::LoadOp::create(
                e.b, e.vector(e.b.getI8Type(), e.lanes), destination.memref,
                ValueRange{row, col});
            return {e.add(carried[0],
                          arith::ExtSIOp::create(e.b, e.i32Vector(), codes))};
          })[0];
      Value sum =
          vector::ReductionOp::create(e.b, vector::CombiningKind::ADD, sums);
      Value at = e.add(e.mul(number, e.index(sizeof(int32_t))),
                       e.index(layout.startOffset(starts)));
      e.storeAs(e.mul(sum, e.i32(-starts.zero)), destination.memref, row, at);
    });
  }

  KernelEmitter &e;
  const EncodedRows &layout;
  const Buffer &source, &destination;
  Value row;
};

} // namespace

LogicalResult lowerEncode(KernelLowering &k, moe::EncodeOp op) {
  // A weight is encoded by the packer.
  if (k.weightNumber(op.getX()))
    return success();
  KernelEmitter &e = k.e;
  if (op.getType().getRank() != 2 || op.getX().getType().getEncoding())
    return op.emitOpError("encodes ")
           << op.getX().getType()
           << "; the CPU back end encodes weights and rows of floats";
  Buffer source = k.get(op.getX());
  EncodedRows layout = *EncodedRows::of(op.getResult());
  RowCount count = k.rowCount(op.getResult());
  Buffer destination = k.allocateResult(op.getResult());
  e.beginStage(count.perToken == 1 && count.fixed == 0 ? Split::TokenRows
                                                       : Split::Other);
  auto [from, to] = e.share(destination.rows);
  e.loop(from, to, [&](Value row) {
    RowEncoder(e, layout, source, destination, row).emit();
  });
  return success();
}

} // namespace moec::cpu
