//===- RewriteCode.cpp - One function for the host ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The changes to a function's code.
//
//===----------------------------------------------------------------------===//

#include "FunctionRewriter.h"
#include "HostCalls.h"
#include "Launch.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace moec::emulator {

Value *FunctionRewriter::pointerTo(const void *address) {
  return ConstantExpr::getIntToPtr(
      ConstantInt::get(int64, reinterpret_cast<uintptr_t>(address)), pointer);
}

Value *FunctionRewriter::callHost(IRBuilder<> &builder, const void *callee,
                                  Type *result, ArrayRef<Value *> arguments) {
  SmallVector<Type *> types;
  for (Value *argument : arguments)
    types.push_back(argument->getType());
  return builder.CreateCall(FunctionType::get(result, types, false),
                            pointerTo(callee), arguments);
}

/// The elements of a value that have a slot each: scalars, vectors of at most
/// 64 bits, and the same inside of aggregates.
static void forEachElement(Type *type, SmallVectorImpl<unsigned> &path,
                           function_ref<void(Type *, ArrayRef<unsigned>)> fn) {
  unsigned count = 0;
  if (auto *structure = dyn_cast<StructType>(type))
    count = structure->getNumElements();
  else if (auto *array = dyn_cast<ArrayType>(type))
    count = array->getNumElements();
  else if (!type->isVoidTy())
    return fn(type, path);
  for (unsigned i = 0; i < count; ++i) {
    path.push_back(i);
    forEachElement(GetElementPtrInst::getTypeAtIndex(type, uint64_t(i)), path,
                   fn);
    path.pop_back();
  }
}

static Value *toSlot(IRBuilder<> &builder, Value *value) {
  Type *int64 = builder.getInt64Ty();
  if (value->getType()->isPointerTy())
    return builder.CreatePtrToInt(value, int64);
  unsigned bits = value->getType()->getPrimitiveSizeInBits();
  Value *integer = builder.CreateBitCast(value, builder.getIntNTy(bits));
  return builder.CreateZExtOrTrunc(integer, int64);
}

static Value *fromSlot(IRBuilder<> &builder, Value *slot, Type *type) {
  if (type->isPointerTy())
    return builder.CreateIntToPtr(slot, type);
  unsigned bits = type->getPrimitiveSizeInBits();
  Value *integer = builder.CreateZExtOrTrunc(slot, builder.getIntNTy(bits));
  return builder.CreateBitCast(integer, type);
}

Value *FunctionRewriter::slotArray(AllocaInst *&array, unsigned count) {
  if (!array) {
    IRBuilder<> builder(&*function.getEntryBlock().begin());
    array = builder.CreateAlloca(int64, builder.getInt64(count));
  }
  uint64_t have = cast<ConstantInt>(array->getArraySize())->getZExtValue();
  if (have < count)
    array->setOperand(0, ConstantInt::get(int64, count));
  return array;
}

void FunctionRewriter::rewriteOperation(CallInst &call, Site *site) {
  IRBuilder<> builder(&call);
  SmallVector<Value *> values;
  SmallVector<unsigned> path;
  for (Use &argument : call.args())
    forEachElement(argument->getType(), path,
                   [&](Type *, ArrayRef<unsigned> at) {
                     Value *value = argument;
                     if (!at.empty())
                       value = builder.CreateExtractValue(value, at);
                     values.push_back(toSlot(builder, value));
                   });
  unsigned numResults = 0;
  forEachElement(call.getType(), path,
                 [&](Type *, ArrayRef<unsigned>) { ++numResults; });
  Value *in = slotArray(inSlots, std::max<unsigned>(values.size(), 1));
  Value *out = slotArray(outSlots, std::max(numResults, 1u));
  for (auto [i, value] : llvm::enumerate(values))
    builder.CreateStore(value, builder.CreateConstGEP1_64(int64, in, i));
  callHost(builder, reinterpret_cast<const void *>(&hostExecute),
           builder.getVoidTy(), {self, pointerTo(site), in, out});
  Value *result =
      PoisonValue::get(call.getType()->isVoidTy() ? int64 : call.getType());
  unsigned slot = 0;
  forEachElement(call.getType(), path, [&](Type *type, ArrayRef<unsigned> at) {
    Value *value =
        fromSlot(builder,
                 builder.CreateLoad(
                     int64, builder.CreateConstGEP1_64(int64, out, slot++)),
                 type);
    result = at.empty() ? value : builder.CreateInsertValue(result, value, at);
  });
  if (!call.getType()->isVoidTy())
    call.replaceAllUsesWith(result);
  call.eraseFromParent();
}

void FunctionRewriter::rewriteRegister(CallInst &call, unsigned index) {
  IRBuilder<> builder(&call);
  Value *place = builder.CreateConstGEP1_64(builder.getInt8Ty(), self,
                                            offsetof(Thread, registers) +
                                                index * sizeof(uint32_t));
  Value *value = builder.CreateLoad(builder.getInt32Ty(), place);
  call.replaceAllUsesWith(builder.CreateZExtOrTrunc(value, call.getType()));
  call.eraseFromParent();
}

void FunctionRewriter::rewriteMemory(Instruction &instruction, Site *site) {
  unsigned operand =
      isa<StoreInst>(instruction) ? StoreInst::getPointerOperandIndex() : 0;
  IRBuilder<> builder(&instruction);
  Value *address = instruction.getOperand(operand);
  Type *type = address->getType();
  Value *checked = callHost(
      builder, reinterpret_cast<const void *>(&hostAccess), pointer,
      {self, pointerTo(site), builder.CreateAddrSpaceCast(address, pointer)});
  instruction.setOperand(operand, builder.CreateAddrSpaceCast(checked, type));
  // The host only has one thread: what it does is one after the other.
  if (auto *update = dyn_cast<AtomicRMWInst>(&instruction))
    update->setSyncScopeID(SyncScope::System);
  else if (auto *exchange = dyn_cast<AtomicCmpXchgInst>(&instruction))
    exchange->setSyncScopeID(SyncScope::System);
  else if (auto *load = dyn_cast<LoadInst>(&instruction))
    load->setAtomic(AtomicOrdering::NotAtomic);
  else if (auto *store = dyn_cast<StoreInst>(&instruction))
    store->setAtomic(AtomicOrdering::NotAtomic);
}

void FunctionRewriter::rewriteMemoryIntrinsic(MemIntrinsic &call, Site *site) {
  IRBuilder<> builder(&call);
  auto plain = [&](Value *value) {
    return builder.CreateAddrSpaceCast(value, pointer);
  };
  Value *bytes = builder.CreateZExtOrTrunc(call.getLength(), int64);
  Value *to = plain(call.getRawDest());
  if (auto *fill = dyn_cast<MemSetInst>(&call))
    callHost(builder, reinterpret_cast<const void *>(&hostFill),
             builder.getVoidTy(),
             {self, pointerTo(site), to, fill->getValue(), bytes});
  else
    callHost(builder, reinterpret_cast<const void *>(&hostCopy),
             builder.getVoidTy(),
             {self, pointerTo(site), to,
              plain(cast<MemTransferInst>(call).getRawSource()), bytes});
  call.eraseFromParent();
}

/// Where the hardware gives some number, the host traps: a divisor of zero, and
/// the least number divided by -1.
void FunctionRewriter::rewriteDivision(BinaryOperator &division, Site *site) {
  if (!division.getType()->isIntegerTy() ||
      division.getType()->getIntegerBitWidth() > 64)
    return;
  IRBuilder<> builder(&division);
  Type *type = division.getType();
  Value *divisor = builder.CreateZExtOrTrunc(
      callHost(builder, reinterpret_cast<const void *>(&hostDivisor), int64,
               {self, pointerTo(site),
                builder.CreateZExtOrTrunc(division.getOperand(1), int64)}),
      type);
  division.setOperand(1, divisor);
  bool isRemainder = division.getOpcode() == Instruction::SRem;
  if (division.getOpcode() != Instruction::SDiv && !isRemainder)
    return;
  Value *isMinusOne =
      builder.CreateICmpEQ(divisor, Constant::getAllOnesValue(type));
  division.setOperand(
      1, builder.CreateSelect(isMinusOne, ConstantInt::get(type, 1), divisor));
  builder.SetInsertPoint(division.getNextNode());
  Value *negated = isRemainder ? Constant::getNullValue(type)
                               : builder.CreateNeg(division.getOperand(0));
  auto *result =
      cast<Instruction>(builder.CreateSelect(isMinusOne, negated, &division));
  division.replaceUsesWithIf(result,
                             [&](Use &use) { return use.getUser() != result; });
}

void FunctionRewriter::rewriteTrap(Instruction &instruction, Site *site) {
  IRBuilder<> builder(&instruction);
  callHost(builder, reinterpret_cast<const void *>(&hostTrap),
           builder.getVoidTy(), {self, pointerTo(site)});
  if (isa<CallInst>(instruction))
    instruction.eraseFromParent();
}

void FunctionRewriter::countIterations() {
  DominatorTree dominators(function);
  LoopInfo loops(dominators);
  for (Loop *loop : loops.getLoopsInPreorder()) {
    IRBuilder<> builder(&*loop->getHeader()->getFirstInsertionPt());
    callHost(builder, reinterpret_cast<const void *>(&hostTick),
             builder.getVoidTy(), {self});
  }
}

void FunctionRewriter::replaceShared() {
  IRBuilder<> builder(afterSelf);
  Value *base = nullptr;
  for (auto &[variable, offset] : layout) {
    SmallVector<Use *> uses;
    for (Use &use : variable->uses())
      if (auto *user = dyn_cast<Instruction>(use.getUser()))
        if (user->getFunction() == &function)
          uses.push_back(&use);
    if (uses.empty())
      continue;
    if (!base)
      base = builder.CreateLoad(
          pointer, builder.CreateConstGEP1_64(builder.getInt8Ty(), self,
                                              offsetof(Thread, shared)));
    Value *place = builder.CreateAddrSpaceCast(
        builder.CreateConstGEP1_64(builder.getInt8Ty(), base, offset),
        variable->getType());
    for (Use *use : uses)
      use->set(place);
  }
}

Error FunctionRewriter::run() {
  slots.incorporateFunction(function);
  if (Error error = collect())
    return error;
  IRBuilder<> builder(&*function.getEntryBlock().getFirstInsertionPt());
  self = builder.CreateLoad(pointer, pointerTo(&device.running));
  afterSelf = &*builder.GetInsertPoint();
  replaceShared();
  countIterations();
  for (auto [call, site] : operationCalls)
    rewriteOperation(cast<CallInst>(*call), site);
  for (auto [call, index] : registerReads)
    rewriteRegister(*call, index);
  for (auto [instruction, site] : accesses)
    rewriteMemory(*instruction, site);
  for (auto [call, site] : memoryCalls)
    rewriteMemoryIntrinsic(cast<MemIntrinsic>(*call), site);
  for (auto [division, site] : divisions)
    rewriteDivision(cast<BinaryOperator>(*division), site);
  for (auto [instruction, site] : traps)
    rewriteTrap(*instruction, site);
  return Error::success();
}

} // namespace moec::emulator
