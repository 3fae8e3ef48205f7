//===- KernelMemory.cpp - The workspace and the call's memory -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The workspace is one piece of memory whose size depends on the numbers of
// tokens and threads. Kernel and workspace function add up the same list of
// allocations, so they cannot disagree.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "llvm/Support/MathExtras.h"

namespace moec::cpu {

/// Columns in the widest panel a product writes.
static constexpr int64_t panelCols = 64;

int64_t elementBytes(Type element) {
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

int64_t paddedStride(int64_t cols, int64_t elementBytes) {
  int64_t stride = llvm::alignTo(cols, panelCols);
  if (stride * elementBytes % 4096 == 0)
    stride += lineBytes / elementBytes;
  return stride;
}

Value KernelEmitter::loadField(Value base, int64_t offset, Type type) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value address =
      LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  return LLVM::LoadOp::create(b, type, address);
}

Value KernelEmitter::elementPointer(Value base, int64_t i, int64_t bytes) {
  return LLVM::GEPOp::create(
      b, base.getType(), b.getI8Type(), base,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i * bytes)});
}

Value KernelEmitter::viewPointer(Value pointer, MemRefType type,
                                 ValueRange sizes, ValueRange strides) {
  LLVMTypeConverter converter(b.getContext());
  Type descriptorType = converter.convertType(type);
  auto i64 = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(b, b.getI64Type(),
                                    b.getI64IntegerAttr(value));
  };
  auto fromIndex = [&](Value value) -> Value {
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  };
  Value descriptor = LLVM::PoisonOp::create(b, descriptorType);
  auto set = [&](Value value, ArrayRef<int64_t> position) {
    descriptor = LLVM::InsertValueOp::create(b, descriptor, value, position);
  };
  set(pointer, 0);
  set(pointer, 1);
  set(i64(0), 2);
  auto [staticStrides, offset] = type.getStridesAndOffset();
  assert(offset == 0 && "a pointer has no offset");
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    bool dynamic = type.isDynamicDim(dim);
    set(dynamic ? fromIndex(sizes.front()) : i64(type.getDimSize(dim)),
        {3, dim});
    if (dynamic)
      sizes = sizes.drop_front();
    dynamic = ShapedType::isDynamic(staticStrides[dim]);
    set(dynamic ? fromIndex(strides.front()) : i64(staticStrides[dim]),
        {4, dim});
    if (dynamic)
      strides = strides.drop_front();
  }
  return UnrealizedConversionCastOp::create(b, type, descriptor).getResult(0);
}

Value KernelEmitter::address(Value memref) {
  return memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
}

void KernelEmitter::prefetch(Value address) {
  Value integer = arith::IndexCastOp::create(b, b.getI64Type(), address);
  Value pointer = LLVM::IntToPtrOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext()), integer);
  // A read of data; 2 is the second cache's locality.
  LLVM::Prefetch::create(b, pointer, /*rw=*/0, /*hint=*/2, /*cache=*/1);
}

/// The vector of the elements of `memref` that one number of `type` takes.
static VectorType partsOf(Value memref, Type type) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return VectorType::get({elementBytes(type) / elementBytes(element)}, element);
}

Value KernelEmitter::loadAs(Value memref, Value row, Value col, Type type) {
  Value parts = vector::LoadOp::create(b, partsOf(memref, type), memref,
                                       ValueRange{row, col});
  Value whole = vector::BitCastOp::create(b, vector(type, 1), parts);
  return vector::ExtractOp::create(b, whole, 0);
}

void KernelEmitter::storeAs(Value number, Value memref, Value row, Value col) {
  Value parts = vector::BitCastOp::create(b, partsOf(memref, number.getType()),
                                          splat(number, 1));
  vector::StoreOp::create(b, parts, memref, ValueRange{row, col});
}

Value KernelEmitter::count(RowCount rows) {
  Value total = index(rows.fixed);
  if (rows.perToken)
    total = add(total, mul(tokens, index(rows.perToken)));
  if (rows.perThread)
    total = add(total, mul(threads, index(rows.perThread)));
  return total;
}

Value KernelEmitter::allocationBytes(const Allocation &allocation,
                                     Value tokenCount, Value threadCount) {
  const RowCount &rows = allocation.rows;
  Value total = index(rows.fixed);
  total = add(total, mul(tokenCount, index(rows.perToken)));
  total = add(total, mul(threadCount, index(rows.perThread)));
  Value bytes = mul(total, index(allocation.rowBytes));
  Value lines = div(add(bytes, index(lineBytes - 1)), index(lineBytes));
  return mul(lines, index(lineBytes));
}

Buffer KernelEmitter::allocate(RowCount rows, int64_t cols, int64_t stride,
                               Type element) {
  // Allocations belong to the whole kernel, wherever the builder stands.
  return atEntry([&]() -> Buffer {
    allocations.push_back({rows, stride * elementBytes(element)});
    auto type = MemRefType::get({ShapedType::kDynamic, stride}, element);
    Value number = count(rows);
    Value view = memref::ViewOp::create(b, type, workspace, workspaceEnd,
                                        ValueRange{number});
    workspaceEnd =
        add(workspaceEnd, allocationBytes(allocations.back(), tokens, threads));
    return {view, number, cols};
  });
}

Buffer KernelEmitter::allocate(RowCount rows, int64_t cols, Type element) {
  return allocate(rows, cols, paddedStride(cols, elementBytes(element)),
                  element);
}

Buffer KernelEmitter::allocateDense(RowCount rows, int64_t cols, Type element) {
  return allocate(rows, cols, cols, element);
}

void KernelEmitter::clearColumns(Value memref, Value row, int64_t from,
                                 int64_t to) {
  VectorType type =
      vector(cast<MemRefType>(memref.getType()).getElementType(), lanes);
  Value zeros = arith::ConstantOp::create(b, type, b.getZeroAttr(type));
  loop(index(from), index(to), index(lanes), [&](Value col) {
    mlir::vector::StoreOp::create(b, zeros, memref, ValueRange{row, col});
  });
}

void KernelEmitter::emitWorkspaceFunction() {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(entry);
  auto function = func::FuncOp::create(
      b, name + "_workspace",
      b.getFunctionType({b.getI64Type(), b.getI32Type()}, b.getI64Type()));
  b.setInsertionPointToStart(function.addEntryBlock());
  Value tokenCount = toIndex(function.getArgument(0));
  Value threadCount = toIndex(function.getArgument(1));
  Value total = index(0);
  for (const Allocation &allocation : allocations)
    total = add(total, allocationBytes(allocation, tokenCount, threadCount));
  func::ReturnOp::create(
      b, ValueRange{arith::IndexCastOp::create(b, b.getI64Type(), total)});
}

} // namespace moec::cpu
