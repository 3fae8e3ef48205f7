//===- DeviceMemory.cpp - Loads and stores of a device function -----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared memory, elements, runs of them, and what they are as f32.
//
//===----------------------------------------------------------------------===//

#include "DeviceKernel.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

/// The block's shared memory, whose size the launch says.
static constexpr StringLiteral sharedName = "moec_shared";
/// Elements of transposed rows from one word of a run to the next; those of a
/// word stay together.
static constexpr int64_t wordStride = 8;

Value DeviceKernel::sharedBase() {
  if (smem)
    return smem;
  auto module = function->getParentOfType<ModuleOp>();
  auto global = module.lookupSymbol<LLVM::GlobalOp>(sharedName);
  OpBuilder::InsertionGuard guard(b);
  if (!global) {
    b.setInsertionPointToStart(module.getBody());
    global = LLVM::GlobalOp::create(
        b, LLVM::LLVMArrayType::get(b.getI8Type(), 0), /*isConstant=*/false,
        LLVM::Linkage::External, sharedName, Attribute(), /*alignment=*/1024,
        sharedSpace);
  }
  b.setInsertionPointToStart(&function.getBody().front());
  smem = LLVM::AddressOfOp::create(b, global);
  return smem;
}

Memory DeviceKernel::allocateShared(Type element, int64_t rows, int64_t cols,
                                    int64_t alignment) {
  sharedEnd = llvm::alignTo(sharedEnd, alignment);
  Value base = sharedBase();
  Value pointer = LLVM::GEPOp::create(
      b, base.getType(), b.getI8Type(), base,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(sharedEnd)});
  sharedEnd += rows * cols * elementBytes(element);
  sharedMost = std::max(sharedMost, sharedEnd);
  return {pointer, element, i32(cols)};
}

/// Where element `col` of a row lies whose words are transposed: word 4 t + c
/// of 16 is the one at 4 c + t.
Value DeviceKernel::transposedColumn(Number col) {
  Value x = number(col, b.getI32Type());
  Value t = bitAnd(shiftRight(x, 3), 3), c = bitAnd(shiftRight(x, 1), 3);
  constexpr int64_t wordBits = 0b11110;
  return bitOr(bitAnd(x, ~wordBits), bitOr(shiftLeft(c, 3), shiftLeft(t, 1)));
}

Value DeviceKernel::address(const Memory &memory, Number row, Number col) {
  auto pointer = cast<LLVM::LLVMPointerType>(memory.pointer.getType());
  Type type = pointer.getAddressSpace() == sharedSpace ? b.getI32Type()
                                                       : b.getI64Type();
  auto as = [&](Number x) {
    Value value = number(x, type);
    return type.isInteger(64) ? widen(value) : value;
  };
  Number place = memory.transposed ? Number(transposedColumn(col)) : col;
  Value offset = add(mul(as(row), as(memory.stride)), as(place));
  return LLVM::GEPOp::create(b, pointer, memory.element, memory.pointer,
                             ArrayRef<LLVM::GEPArg>{offset});
}

Value DeviceKernel::load(const Memory &memory, Number row, Number col) {
  if (memory.caller)
    return loadRun(memory, row, col, 1)[0];
  return LLVM::LoadOp::create(b, memory.element, address(memory, row, col));
}

/// What a run is aligned to: no instruction takes more than 16 bytes.
static unsigned runAlignment(VectorType type) {
  return std::min<int64_t>(
      type.getNumElements() * elementBytes(type.getElementType()), 16);
}

/// Emits `body` for what lies together of a run, of transposed rows each of at
/// most four words: its address, the number of its first element in the run,
/// and what it is.
void DeviceKernel::forPieces(
    const Memory &memory, Number row, Number col, int64_t count,
    function_ref<void(Value, int64_t, VectorType)> body) {
  bool isSplit = memory.transposed && count > wordElements;
  auto type = VectorType::get({isSplit ? wordElements : count}, memory.element);
  Value first = address(memory, row, col);
  for (int64_t i = 0; i < count; i += type.getNumElements()) {
    int64_t offset = i / wordElements * wordStride;
    Value pointer = LLVM::GEPOp::create(
        b, first.getType(), memory.element, first,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
    body(pointer, i, type);
  }
}

SmallVector<Value> DeviceKernel::loadRun(const Memory &memory, Number row,
                                         Number col, int64_t count) {
  if (memory.caller)
    return loadCallers(memory, row, col, count);
  SmallVector<Value> elements;
  forPieces(
      memory, row, col, count, [&](Value pointer, int64_t, VectorType type) {
        Value piece =
            LLVM::LoadOp::create(b, type, pointer, runAlignment(type));
        for (int64_t i = 0; i < type.getNumElements(); ++i)
          elements.push_back(LLVM::ExtractElementOp::create(b, piece, i32(i)));
      });
  return elements;
}

void DeviceKernel::store(Value value, const Memory &memory, Number row,
                         Number col) {
  if (memory.caller)
    return storeRun(value, memory, row, col);
  LLVM::StoreOp::create(b, value, address(memory, row, col));
}

void DeviceKernel::storeRun(ValueRange values, const Memory &memory, Number row,
                            Number col) {
  if (memory.caller)
    return storeCallers(values, memory, row, col);
  forPieces(memory, row, col, values.size(),
            [&](Value pointer, int64_t first, VectorType type) {
              Value piece = LLVM::UndefOp::create(b, type);
              for (int64_t i = 0; i < type.getNumElements(); ++i)
                piece = LLVM::InsertElementOp::create(
                    b, piece, values[first + i], i32(i));
              LLVM::StoreOp::create(b, piece, pointer, runAlignment(type));
            });
}

Value DeviceKernel::toF32(Value value) {
  if (value.getType().isF32())
    return value;
  return arith::ExtFOp::create(b, b.getF32Type(), value);
}

Value DeviceKernel::fromF32(Value value, Type element) {
  if (element.isF32())
    return value;
  return arith::TruncFOp::create(b, element, value);
}

static Value makePair(ImplicitLocOpBuilder &b, Value low, Value high) {
  Value pair = LLVM::UndefOp::create(b, VectorType::get({2}, low.getType()));
  Value halves[] = {low, high};
  for (auto [i, x] : llvm::enumerate(halves)) {
    Value place = arith::ConstantOp::create(b, b.getI32IntegerAttr(i));
    pair = LLVM::InsertElementOp::create(b, pair, x, place);
  }
  return pair;
}

Value DeviceKernel::pack(Value low, Value high, Type element) {
  Value narrow = LLVM::FPTruncOp::create(b, VectorType::get({2}, element),
                                         makePair(b, low, high));
  return LLVM::BitcastOp::create(b, b.getI32Type(), narrow);
}

Value DeviceKernel::pack(Value low, Value high) {
  return LLVM::BitcastOp::create(b, b.getI32Type(), makePair(b, low, high));
}

SmallVector<Value> DeviceKernel::loadRunF32(const Memory &memory, Number row,
                                            Number col, int64_t count) {
  SmallVector<Value> run = loadRun(memory, row, col, count);
  for (Value &x : run)
    x = toF32(x);
  return run;
}

void DeviceKernel::storeRunF32(ValueRange values, const Memory &memory,
                               Number row, Number col) {
  SmallVector<Value> run(values);
  for (Value &x : run)
    x = fromF32(x, memory.element);
  storeRun(run, memory, row, col);
}

Value DeviceKernel::loadF32(const Memory &memory, Number row, Number col) {
  return toF32(load(memory, row, col));
}

void DeviceKernel::storeF32(Value value, const Memory &memory, Number row,
                            Number col) {
  store(fromF32(value, memory.element), memory, row, col);
}

} // namespace moec::nvptx
