//===- FunctionRewriter.h - One function for the host ----------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rewrites the body of one function. Sites are made first, while the text of
// instructions is still what the user knows.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_FUNCTIONREWRITER_H
#define MOEC_LIB_EMULATOR_FUNCTIONREWRITER_H

#include "Retarget.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/ModuleSlotTracker.h"

namespace moec::emulator {

/// Byte offsets of static and dynamic shared arrays.
using SharedLayout = llvm::MapVector<llvm::GlobalVariable *, uint64_t>;

class FunctionRewriter {
public:
  FunctionRewriter(llvm::Function &function, Device &device,
                   const OperationTable &operations, const SharedLayout &layout,
                   llvm::ModuleSlotTracker &slots);

  llvm::Error run();

private:
  using Work = std::pair<llvm::Instruction *, Site *>;

  llvm::Error collect();
  llvm::Error collectCall(llvm::CallInst &call);
  llvm::Error collectIntrinsic(llvm::CallInst &call);
  void collectMemory(llvm::Instruction &instruction);
  Site *makeSite(const llvm::Instruction &instruction, std::string text);
  std::string printed(const llvm::Instruction &instruction);
  std::string located(const llvm::Instruction &instruction) const;

  void countIterations();
  void rewriteOperation(llvm::CallInst &call, Site *site);
  void rewriteRegister(llvm::CallInst &call, unsigned index);
  void rewriteMemory(llvm::Instruction &instruction, Site *site);
  void rewriteMemoryIntrinsic(llvm::MemIntrinsic &call, Site *site);
  void rewriteDivision(llvm::BinaryOperator &division, Site *site);
  void rewriteTrap(llvm::Instruction &instruction, Site *site);
  void replaceShared();

  llvm::Value *callHost(llvm::IRBuilder<> &builder, const void *function,
                        llvm::Type *result,
                        llvm::ArrayRef<llvm::Value *> arguments);
  llvm::Value *pointerTo(const void *address);
  /// Room for at least `count` slots, shared by all operations.
  llvm::Value *slotArray(llvm::AllocaInst *&array, unsigned count);

  llvm::Function &function;
  Device &device;
  const OperationTable &operations;
  const SharedLayout &layout;
  llvm::ModuleSlotTracker &slots;
  Program &program;
  llvm::Type *int64, *pointer;
  /// The running thread.
  llvm::Value *self = nullptr;
  llvm::Instruction *afterSelf = nullptr;
  llvm::AllocaInst *inSlots = nullptr, *outSlots = nullptr;

  std::vector<Work> operationCalls, accesses, memoryCalls, divisions, traps;
  std::vector<std::pair<llvm::CallInst *, unsigned>> registerReads;
};

/// The place in Thread::registers that llvm.nvvm.read.ptx.sreg.NAME or PTX's
/// %NAME reads, if it is modelled.
std::optional<unsigned> specialRegister(llvm::StringRef name);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_FUNCTIONREWRITER_H
