//===- DeviceThreads.cpp - What threads do together -----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who a thread is, barriers, and exchange among the lanes of a warp.
//
//===----------------------------------------------------------------------===//

#include "DeviceKernel.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

/// All lanes take part in everything a warp does together.
static constexpr int64_t allLanes = -1;
/// No segments, and the last lane of the warp as the limit.
static constexpr int64_t lastLane = warpSize - 1;

Value DeviceKernel::thread() { return threadNumber; }
Value DeviceKernel::lane() { return laneNumber; }
Value DeviceKernel::warp() { return warpNumber; }

void DeviceKernel::renewWarp() {
  // A shuffle shows the assembler that the number is one for the whole warp.
  warpNumber = shuffle(shiftRight(threadNumber, llvm::Log2_64(warpSize)), 0);
}

Value DeviceKernel::block() {
  return NVVM::BlockIdXOp::create(b, b.getI32Type());
}

Value DeviceKernel::blockColumn() {
  return NVVM::BlockIdYOp::create(b, b.getI32Type());
}

Value DeviceKernel::blocks() {
  return NVVM::GridDimXOp::create(b, b.getI32Type());
}

void DeviceKernel::syncBlock() { NVVM::Barrier0Op::create(b); }

void DeviceKernel::syncCluster(int64_t blocks) {
  if (blocks == 1)
    return syncBlock();
  NVVM::ClusterArriveOp::create(b, /*aligned=*/UnitAttr());
  NVVM::ClusterWaitOp::create(b, /*aligned=*/UnitAttr());
}

void DeviceKernel::syncThreads(Value barrier, int64_t count) {
  NVVM::BarrierOp::create(b, TypeRange(), barrier, i32(count),
                          NVVM::BarrierReductionAttr(), Value());
}

void DeviceKernel::syncWarp() { NVVM::SyncWarpOp::create(b, i32(allLanes)); }

void DeviceKernel::fence() {
  LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, "device");
}

void DeviceKernel::waitForLaunchBefore() {
  NVVM::GriddepcontrolOp::create(b, NVVM::GridDepActionKind::wait);
}

void DeviceKernel::letNextBegin() {
  NVVM::GriddepcontrolOp::create(b, NVVM::GridDepActionKind::launch_dependents);
}

Value DeviceKernel::countUpTo(Value pointer, Value most) {
  return LLVM::AtomicRMWOp::create(b, LLVM::AtomicBinOp::uinc_wrap, pointer,
                                   most, LLVM::AtomicOrdering::monotonic,
                                   "device");
}

void DeviceKernel::addInBlock(Value pointer, Value value) {
  LLVM::AtomicRMWOp::create(b, LLVM::AtomicBinOp::add, pointer, value,
                            LLVM::AtomicOrdering::monotonic, "block");
}

Value DeviceKernel::shuffleOp(Value value, Value offset, int64_t clamp,
                              NVVM::ShflKind kind) {
  return NVVM::ShflOp::create(b, value.getType(), i32(allLanes), value, offset,
                              i32(clamp), kind, UnitAttr());
}

Value DeviceKernel::shuffle(Value value, Number from) {
  Value lane = from.value ? from.value : i32(from.number);
  return shuffleOp(value, lane, lastLane, NVVM::ShflKind::idx);
}

Value DeviceKernel::shuffleXor(Value value, int64_t mask) {
  return shuffleOp(value, i32(mask), lastLane, NVVM::ShflKind::bfly);
}

Value DeviceKernel::shuffleUp(Value value, int64_t distance) {
  return shuffleOp(value, i32(distance), /*clamp=*/0, NVVM::ShflKind::up);
}

Value DeviceKernel::ballot(Value condition) {
  return NVVM::VoteSyncOp::create(b, b.getI32Type(), i32(allLanes), condition,
                                  NVVM::VoteSyncKind::ballot);
}

Value DeviceKernel::reduceMax(Value value) {
  return NVVM::ReduxOp::create(b, value.getType(), value, NVVM::ReduxKind::MAX,
                               i32(allLanes));
}

Value DeviceKernel::reduceMin(Value value) {
  return NVVM::ReduxOp::create(b, value.getType(), value, NVVM::ReduxKind::MIN,
                               i32(allLanes));
}

Value DeviceKernel::butterfly(Value value,
                              function_ref<Value(Value, Value)> combine) {
  for (int64_t mask = warpSize / 2; mask > 0; mask /= 2)
    value = combine(value, shuffleXor(value, mask));
  return value;
}

} // namespace moec::nvptx
