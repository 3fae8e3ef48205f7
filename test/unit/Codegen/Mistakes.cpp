//===- Mistakes.cpp - Changes to a kernel's code --------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mistakes.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Module.h"

#include <gtest/gtest.h>

using namespace llvm;

namespace moec {

/// The exclusive or nearest to `value` among what it is computed from.
static Instruction *swizzleOf(Value *value) {
  SetVector<Value *> seen;
  seen.insert(value);
  for (size_t i = 0; i < seen.size(); ++i) {
    auto *instruction = dyn_cast<Instruction>(seen[i]);
    if (!instruction || isa<PHINode>(instruction))
      continue;
    if (instruction->getOpcode() == Instruction::Xor)
      return instruction;
    seen.insert(instruction->op_begin(), instruction->op_end());
  }
  ADD_FAILURE() << "no swizzle";
  return nullptr;
}

void drop(const Calls &calls) {
  EXPECT_FALSE(calls.empty());
  for (CallInst *call : calls) {
    if (!call->use_empty())
      call->replaceAllUsesWith(Constant::getNullValue(call->getType()));
    call->eraseFromParent();
  }
}

void add(const Calls &calls, unsigned operand, int64_t n) {
  EXPECT_FALSE(calls.empty());
  for (CallInst *call : calls) {
    IRBuilder<> builder(call);
    Value *old = call->getArgOperand(operand);
    Value *sum =
        old->getType()->isPointerTy()
            ? builder.CreateConstGEP1_64(builder.getInt8Ty(), old, n)
            : builder.CreateAdd(
                  old, builder.getIntN(old->getType()->getIntegerBitWidth(),
                                       uint64_t(n)));
    call->setArgOperand(operand, sum);
  }
}

void invertParity(const Calls &calls) {
  EXPECT_FALSE(calls.empty());
  for (CallInst *call : calls) {
    IRBuilder<> builder(call);
    call->setArgOperand(1, builder.CreateXor(call->getArgOperand(1), 1));
  }
}

void replacePtx(const Calls &calls, StringRef from, StringRef to) {
  EXPECT_FALSE(calls.empty());
  for (CallInst *call : calls) {
    auto *ptx = cast<InlineAsm>(call->getCalledOperand());
    std::string text = ptx->getAsmString().str();
    size_t at = text.find(from.str());
    ASSERT_NE(at, std::string::npos) << text;
    text.replace(at, from.size(), to.str());
    call->setCalledOperand(InlineAsm::get(ptx->getFunctionType(), text,
                                          ptx->getConstraintString(),
                                          ptx->hasSideEffects()));
  }
}

void rename(const Calls &calls, StringRef from, StringRef to) {
  EXPECT_FALSE(calls.empty());
  for (CallInst *call : calls) {
    std::string name = call->getCalledFunction()->getName().str();
    name.replace(name.find(from.str()), from.size(), to.str());
    call->setCalledFunction(
        call->getModule()->getOrInsertFunction(name, call->getFunctionType()));
  }
}

void dropSwizzle(Value *address) {
  if (Instruction *swizzle = swizzleOf(address))
    swizzle->replaceAllUsesWith(swizzle->getOperand(1));
}

void always(ArrayRef<Instruction *> instructions) {
  EXPECT_FALSE(instructions.empty());
  for (Instruction *instruction : instructions) {
    BasicBlock *block = instruction->getParent();
    BasicBlock *before = block->getSinglePredecessor();
    auto *branch =
        before ? dyn_cast<BranchInst>(before->getTerminator()) : nullptr;
    ASSERT_TRUE(branch && branch->isConditional());
    branch->setCondition(ConstantInt::getBool(
        block->getContext(), branch->getSuccessor(0) == block));
  }
}

} // namespace moec
