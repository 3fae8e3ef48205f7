//===- Encodings.cpp - Storage encodings and their layout -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of the encodings, moe.encode, and where the bytes of a packed panel
// are: the code that reads panels and the packer that writes them both ask
// here.
//
//===----------------------------------------------------------------------===//

#include "Verify.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/NumberFormat.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;

/// Bytes in a cache line.
static constexpr int64_t lineBytes = 64;

/// Rows are padded to whole blocks: of wider ones it does not pay.
static constexpr int64_t largestFp8Group = 1024;

LogicalResult Fp8BlockAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t rows, int64_t cols) {
  if (rows < 1 || cols < 1)
    return emitError() << "#moe.fp8_block C1: a block of " << rows << " x "
                       << cols << " numbers is empty";
  return success();
}

LogicalResult Int8Attr::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t group) {
  if (group < 0 || group % 32 != 0)
    return emitError() << "#moe.int8 C1: a group of " << group
                       << " numbers is not a multiple of 32";
  return success();
}

LogicalResult Int4Attr::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t group) {
  if (group < 32 || group % 32 != 0)
    return emitError() << "#moe.int4 C1: a group of " << group
                       << " numbers is not a multiple of 32";
  return success();
}

LogicalResult UInt4Attr::verify(function_ref<InFlightDiagnostic()> emitError,
                                int64_t group) {
  if (group < 32 || group % 32 != 0)
    return emitError() << "#moe.uint4 C1: a group of " << group
                       << " numbers is not a multiple of 32";
  return success();
}

std::optional<NumberFormat> NumberFormat::of(Attribute encoding) {
  using namespace moec;
  if (auto int8 = dyn_cast_if_present<Int8Attr>(encoding))
    return NumberFormat{
        {CodeType::Int8, int8.getGroup() ? ScaleType::BF16 : ScaleType::F32},
        int8.getGroup()};
  if (auto int4 = dyn_cast_if_present<Int4Attr>(encoding))
    return NumberFormat{{CodeType::Int4, ScaleType::BF16}, int4.getGroup()};
  if (auto uint4 = dyn_cast_if_present<UInt4Attr>(encoding))
    return NumberFormat{{CodeType::UInt4, ScaleType::BF16Zero},
                        uint4.getGroup()};
  if (isa_and_present<Mxfp4Attr>(encoding))
    return NumberFormat{{CodeType::E2M1, ScaleType::E8M0}, 32};
  if (auto fp8 = dyn_cast_if_present<Fp8BlockAttr>(encoding))
    if (fp8.getCols() % 32 == 0 && fp8.getCols() <= largestFp8Group)
      return NumberFormat{{CodeType::E4M3, ScaleType::F32}, fp8.getCols()};
  return std::nullopt;
}

StringRef NumberFormat::name() const {
  switch (block.code) {
  case moec::CodeType::Int8:
    return Int8Attr::getMnemonic();
  case moec::CodeType::Int4:
    return Int4Attr::getMnemonic();
  case moec::CodeType::UInt4:
    return UInt4Attr::getMnemonic();
  case moec::CodeType::E2M1:
    return Mxfp4Attr::getMnemonic();
  case moec::CodeType::E4M3:
    return "fp8";
  }
  llvm_unreachable("covered above");
}

//===----------------------------------------------------------------------===//
// moe.encode
//===----------------------------------------------------------------------===//

LogicalResult EncodeOp::verify() {
  auto from = tensorType(getX()), to = tensorType(getResult());
  if (from.getShape() != to.getShape() || to.getRank() < 1 ||
      to.isDynamicDim(to.getRank() - 1))
    return emitOpError("C1: makes ")
           << to << " of " << from
           << "; both have one shape and a static last dimension";
  if (!isa_and_present<Int8Attr, Int4Attr, UInt4Attr, Mxfp4Attr>(
          to.getEncoding()) ||
      !to.getElementType().isF32())
    return emitOpError("C2: the result is ")
           << to
           << ", not f32 as #moe.int8, #moe.int4, #moe.uint4 or #moe.mxfp4";
  return success();
}

LogicalResult EncodeOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, getLoc(), getX()));
  return success();
}

//===----------------------------------------------------------------------===//
// Packed panels
//===----------------------------------------------------------------------===//

int64_t PanelsAttr::getGroup() const {
  std::optional<NumberFormat> format = NumberFormat::of(getEncoding());
  int64_t all = getSteps() * getDepth();
  return format ? format->groupOf(all) : all;
}

int64_t PanelsAttr::getGroups() const {
  return getSteps() * getDepth() / getGroup();
}

int64_t PanelsAttr::getScaleBytes() const {
  std::optional<NumberFormat> format = NumberFormat::of(getEncoding());
  return format ? getCols() * format->block.scaleBits() / 8 : 0;
}

int64_t PanelsAttr::getUnitGroups() const {
  if (getScaleBytes() == 0 || getGroups() == 1)
    return 1;
  return std::max<int64_t>(1, lineBytes / getScaleBytes());
}

int64_t PanelsAttr::getStepBytes() const {
  return getCols() * getDepth() * getType().getIntOrFloatBitWidth() / 8;
}

int64_t PanelsAttr::getUnitBytes() const {
  return getUnitGroups() * getScaleBytes() + getUnitSteps() * getStepBytes();
}

int64_t PanelsAttr::getPanelBytes() const {
  return getGroups() / getUnitGroups() * getUnitBytes();
}

int64_t PanelsAttr::getScaleOffset(int64_t group) const {
  return group / getUnitGroups() * getUnitBytes() +
         group % getUnitGroups() * getScaleBytes();
}

int64_t PanelsAttr::getCodeOffset(int64_t group) const {
  return group / getUnitGroups() * getUnitBytes() +
         getUnitGroups() * getScaleBytes() +
         group % getUnitGroups() * getGroupSteps() * getStepBytes();
}
