//===- Warpgroup.cpp - Barriers, boxes and products of sm_90a -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function for each instruction.
//
//===----------------------------------------------------------------------===//

#include "Warpgroup.h"
#include "TensorCore.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace moec::nvptx {

/// The address space of shared memory of a cluster's blocks.
static constexpr unsigned clusterSpace = 7;

//===----------------------------------------------------------------------===//
// Barriers and copies
//===----------------------------------------------------------------------===//

void SharedBarrier::initialize(DeviceKernel &k, Value barrier,
                               int64_t arrivals) {
  NVVM::MBarrierInitOp::create(k.b, barrier, k.i32(arrivals),
                               /*predicate=*/Value());
}

void SharedBarrier::fenceInitialized(DeviceKernel &k) {
  NVVM::FenceMbarrierInitOp::create(k.b);
}

void SharedBarrier::wait(DeviceKernel &k, Value barrier, Value parity) {
  // Nanoseconds after which the hardware lets the loop around it ask again.
  constexpr int64_t patience = 10'000'000;
  NVVM::MBarrierTryWaitParityOp::create(k.b, barrier, parity, k.i32(patience));
}

void SharedBarrier::arrive(DeviceKernel &k, Value barrier) {
  NVVM::MBarrierArriveOp::create(k.b, k.b.getI64Type(), barrier);
}

void SharedBarrier::arriveAt(DeviceKernel &k, Value barrier, Value rank) {
  auto type = LLVM::LLVMPointerType::get(k.b.getContext(), clusterSpace);
  Value there = NVVM::MapaOp::create(k.b, type, barrier, rank);
  NVVM::MBarrierArriveOp::create(k.b, TypeRange(), there, /*count=*/Value(),
                                 NVVM::MemScopeKind::CTA,
                                 /*relaxed=*/false);
}

void SharedBarrier::arriveExpecting(DeviceKernel &k, Value barrier,
                                    int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(
      k.b, TypeRange(), barrier, k.i32(bytes), NVVM::MemScopeKind::CTA,
      /*relaxed=*/false, /*predicate=*/Value());
}

Value readHint(DeviceKernel &k, Value isLast) {
  // What createpolicy makes of L2::evict_first and of no wish.
  constexpr int64_t evictFirst = 0x12F0000000000000, usual = 0x1000000000000000;
  return k.select(isLast, k.i64(evictFirst), k.i64(usual));
}

void copyBox(DeviceKernel &k, Value to, Value map, Value barrier, Value row,
             Value col, Value hint, int64_t blocks) {
  Value mask;
  if (blocks > 1)
    mask = arith::ConstantOp::create(k.b,
                                     k.b.getI16IntegerAttr((1 << blocks) - 1));
  Value inCluster = LLVM::AddrSpaceCastOp::create(
      k.b, LLVM::LLVMPointerType::get(k.b.getContext(), clusterSpace), to);
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      k.b, inCluster, map, ValueRange{col, row}, barrier,
      /*im2colOffsets=*/ValueRange(), /*multicastMask=*/mask, hint,
      NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
      /*group=*/nullptr, /*predicate=*/Value());
}

void fenceForProducts(DeviceKernel &k) {
  MLIRContext *context = k.b.getContext();
  NVVM::FenceProxyOp::create(
      k.b, NVVM::ProxyKindAttr::get(context, NVVM::ProxyKind::async_shared),
      NVVM::SharedSpaceAttr::get(context, NVVM::SharedSpace::shared_cta));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

MatrixDescriptor MatrixDescriptor::of(DeviceKernel &k, Value address) {
  // Bits 4 to 17 of the address. The distance between columns of swizzled
  // chunks is not used, and is 1.
  constexpr int64_t addressBits = 0x3fff, leadingOffset = 1 << 16;
  Value chunk = k.bitAnd(k.shiftRight(address, 4), addressBits);
  return {k.bitOr(chunk, leadingOffset)};
}

Value MatrixDescriptor::at(DeviceKernel &k, int64_t bytes) const {
  // 128-byte swizzle, and 1024 bytes from 8 rows to the next 8.
  constexpr uint32_t high = 1u << 30 | Swizzle::alignment >> 4;
  std::string ptx = llvm::formatv("{{ .reg .b32 low; add.u32 low, $1, {0}; "
                                  "mov.b64 $0, {{low, {1}}; }",
                                  bytes >> 4, high);
  return LLVM::InlineAsmOp::create(
             k.b, k.b.getI64Type(), low, ptx, "=l,r",
             /*has_side_effects=*/true, /*is_align_stack=*/false,
             LLVM::tailcallkind::TailCallKind::None,
             /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr)
      .getRes();
}

Type WgmmaAtom::accumulatorType() const {
  MLIRContext *context = element.getContext();
  SmallVector<Type> types(n / 2, Float32Type::get(context));
  return LLVM::LLVMStructType::getLiteral(context, types);
}

Value WgmmaAtom::zeros(DeviceKernel &builder) const {
  Value result = LLVM::UndefOp::create(builder.b, accumulatorType());
  Value zero = builder.f32(0.0);
  for (int64_t i = 0; i < n / 2; ++i)
    result = LLVM::InsertValueOp::create(builder.b, result, zero, i);
  return result;
}

Value WgmmaAtom::multiply(DeviceKernel &builder, Value weights, Value tokens,
                          Value accumulators) const {
  MLIRContext *context = element.getContext();
  auto type = NVVM::WGMMATypesAttr::get(context, element.isBF16()
                                                     ? NVVM::WGMMATypes::bf16
                                                     : NVVM::WGMMATypes::f16);
  auto one = NVVM::WGMMAScaleInAttr::get(context, NVVM::WGMMAScaleIn::one);
  return NVVM::WgmmaMmaAsyncOp::create(
      builder.b, accumulatorType(), accumulators, weights, tokens,
      NVVM::MMAShapeAttr::get(context, m, n, k), type, type,
      NVVM::WGMMATypesAttr::get(context, NVVM::WGMMATypes::f32),
      NVVM::WGMMAScaleOutAttr::get(context, NVVM::WGMMAScaleOut::one), one, one,
      NVVM::MMALayoutAttr::get(context, NVVM::MMALayout::row),
      NVVM::MMALayoutAttr::get(context, NVVM::MMALayout::col),
      /*satfinite=*/nullptr);
}

/// "{$first, ...}" for `count` operands of inline assembly.
static std::string operandList(int64_t first, int64_t count) {
  auto operand = [](int64_t i) { return "$" + std::to_string(i); };
  return "{" +
         llvm::join(llvm::map_range(llvm::seq(first, first + count), operand),
                    ", ") +
         "}";
}

void WgmmaAtom::multiply(DeviceKernel &builder, ValueRange weights,
                         Value tokens, MutableArrayRef<Value> accumulators,
                         bool adds) const {
  int64_t sums = accumulators.size(), registers = weights.size();
  SmallVector<Value> operands;
  std::string constraints;
  for (int64_t i = 0; i < sums; ++i)
    constraints += "=f,";
  for (int64_t i = 0; i < sums && adds; ++i) {
    constraints += std::to_string(i) + ",";
    operands.push_back(accumulators[i]);
  }
  int64_t first = sums + operands.size();
  for (int64_t i = 0; i < registers; ++i)
    constraints += "r,";
  llvm::append_range(operands, weights);
  operands.push_back(tokens);
  std::string ptx = llvm::formatv(
      "{{ .reg .pred adds; setp.ne.b32 adds, {0}, 0; "
      "wgmma.mma_async.sync.aligned.m{1}n{2}k{3}.f32.{4}.{4} {5}, {6}, ${7}, "
      "adds, 1, 1, 0; }",
      int(adds), m, n, k, element.isBF16() ? "bf16" : "f16",
      operandList(0, sums), operandList(first, registers), first + registers);
  Value result =
      LLVM::InlineAsmOp::create(
          builder.b, accumulatorType(), operands, ptx, constraints + "l",
          /*has_side_effects=*/true, /*is_align_stack=*/false,
          LLVM::tailcallkind::TailCallKind::None,
          /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr)
          .getRes();
  llvm::copy(unpack(builder, result), accumulators.begin());
}

SmallVector<Value> WgmmaAtom::unpack(DeviceKernel &builder,
                                     Value accumulators) const {
  SmallVector<Value> values;
  for (int64_t i = 0; i < n / 2; ++i)
    values.push_back(LLVM::ExtractValueOp::create(builder.b, accumulators, i));
  return values;
}

void WgmmaAtom::fence(DeviceKernel &builder) {
  NVVM::WgmmaFenceAlignedOp::create(builder.b);
}

void WgmmaAtom::commit(DeviceKernel &builder) {
  NVVM::WgmmaGroupSyncAlignedOp::create(builder.b);
}

void WgmmaAtom::wait(DeviceKernel &builder, int64_t groups) {
  NVVM::WgmmaWaitGroupSyncOp::create(builder.b, groups);
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

void storeTransposed(DeviceKernel &k, Value pointer, ValueRange matrices) {
  NVVM::StMatrixOp::create(
      k.b, pointer, matrices, NVVM::MMALayout::col,
      NVVM::LdStMatrixShapeAttr::get(k.b.getContext(), 8, 8),
      NVVM::LdStMatrixEltType::B16);
}

void releaseRegisters(DeviceKernel &k, int64_t keep) {
  NVVM::SetMaxRegisterOp::create(k.b, keep,
                                 NVVM::SetMaxRegisterAction::decrease);
}

void takeRegisters(DeviceKernel &k, int64_t total) {
  NVVM::SetMaxRegisterOp::create(k.b, total,
                                 NVVM::SetMaxRegisterAction::increase);
}

} // namespace moec::nvptx
