//===- TensorCore.cpp - Fragments, swizzles and asynchronous copies -------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function for each instruction.
//
//===----------------------------------------------------------------------===//

#include "TensorCore.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

Value Swizzle::at(DeviceKernel &k, Value row, Value chunk) {
  Value swizzled = k.bitXor(chunk, k.bitAnd(row, rows - 1));
  return k.add(k.mul(row, rowBytes), k.mul(swizzled, chunkBytes));
}

void MmaAtom::multiply(DeviceKernel &builder, ValueRange weights,
                       ValueRange tokens,
                       MutableArrayRef<Value> accumulators) const {
  ImplicitLocOpBuilder &b = builder.b;
  Type f32 = b.getF32Type();
  // f16 operands come as pairs, bf16 ones as their bits.
  SmallVector<Value> weightOperands(weights), tokenOperands(tokens);
  NVVM::MMATypes type = NVVM::MMATypes::bf16;
  if (element.isF16()) {
    type = NVVM::MMATypes::f16;
    auto pair = VectorType::get({2}, element);
    auto toPair = [&](Value &bits) {
      bits = LLVM::BitcastOp::create(b, pair, bits);
    };
    llvm::for_each(weightOperands, toPair);
    llvm::for_each(tokenOperands, toPair);
  }
  auto resultType = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(accumulators.size(), f32));
  Value result = NVVM::MmaOp::create(
      b, resultType, weightOperands, tokenOperands, accumulators,
      ArrayRef<int64_t>{m, n, k}, /*b1Op=*/std::nullopt,
      /*intOverflow=*/std::nullopt, std::array{type, type},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  for (auto [i, accumulator] : llvm::enumerate(accumulators))
    accumulator = LLVM::ExtractValueOp::create(b, result, i);
}

SmallVector<Value, 4> loadMatrices(DeviceKernel &k, Value pointer) {
  constexpr int64_t count = 4;
  SmallVector<Type> types(count, k.b.getI32Type());
  auto type = LLVM::LLVMStructType::getLiteral(k.b.getContext(), types);
  auto shape = NVVM::LdStMatrixShapeAttr::get(k.b.getContext(), 8, 8);
  Value loaded =
      NVVM::LdMatrixOp::create(k.b, type, pointer, count, NVVM::MMALayout::row,
                               shape, NVVM::LdStMatrixEltType::B16);
  SmallVector<Value, 4> registers;
  for (int64_t i = 0; i < count; ++i)
    registers.push_back(LLVM::ExtractValueOp::create(k.b, loaded, i));
  return registers;
}

void AsyncCopies::copy(DeviceKernel &k, Value to, Value from, Value enabled) {
  NVVM::CpAsyncOp::create(k.b, to, from, uint32_t(Swizzle::chunkBytes),
                          NVVM::LoadCacheModifierKind::CG, enabled);
}

void AsyncCopies::commit(DeviceKernel &k) {
  NVVM::CpAsyncCommitGroupOp::create(k.b);
}

void AsyncCopies::wait(DeviceKernel &k, int64_t groups) {
  NVVM::CpAsyncWaitGroupOp::create(k.b, uint32_t(groups));
}

} // namespace moec::nvptx
