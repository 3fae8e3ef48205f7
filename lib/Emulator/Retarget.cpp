//===- Retarget.cpp - From NVPTX to the host ------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The module as a whole: shared arrays get places, other variables names,
// kernels a caller that unpacks parameters.
//
//===----------------------------------------------------------------------===//

#include "Retarget.h"
#include "FunctionRewriter.h"
#include "Launch.h"
#include "moec/Support/Error.h"

#include "llvm/ADT/SCCIterator.h"
#include "llvm/Analysis/CallGraph.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/ReplaceConstant.h"
#include "llvm/IR/Verifier.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace moec::emulator {

Site &Program::addSite(std::string text, std::string location) {
  sites.push_back(std::make_unique<Site>());
  Site &site = *sites.back();
  site.text = std::move(text);
  site.location = std::move(location);
  site.index = sites.size() - 1;
  return site;
}

static constexpr unsigned sharedSpace = 3;

static Error checkModule(const Module &module) {
  if (!module.getModuleInlineAsm().empty())
    return inputError("the module has assembly outside of functions, which is "
                      "not modelled");
  for (const GlobalVariable &variable : module.globals())
    if (variable.isDeclaration() && variable.getAddressSpace() != sharedSpace)
      return inputError("the module does not define variable {}",
                        quote(variable.getName()));
  for (const GlobalVariable &variable : module.globals())
    if (variable.isThreadLocal())
      return inputError("variable {} is thread-local, which GPUs do not have",
                        quote(variable.getName()));
  return Error::success();
}

/// Stacks are small and of a size that is known before.
static Error checkStacks(Module &module) {
  CallGraph graph(module);
  for (auto part = scc_begin(&graph); !part.isAtEnd(); ++part)
    if (part.hasCycle())
      for (const CallGraphNode *node : *part)
        if (const Function *function = node->getFunction())
          return inputError("function {} calls itself, which is not modelled",
                            quote(function->getName()));
  for (const Function &function : module)
    for (const BasicBlock &block : function)
      for (const Instruction &instruction : block)
        if (auto *local = dyn_cast<AllocaInst>(&instruction))
          if (!isa<ConstantInt>(local->getArraySize()))
            return inputError("function {} has a local array of variable size, "
                              "which is not modelled",
                              quote(function.getName()));
  return Error::success();
}

/// Static arrays one after the other, then all dynamic ones at one place.
static SharedLayout placeShared(Module &module, Program &program) {
  const DataLayout &dataLayout = module.getDataLayout();
  SharedLayout layout;
  uint64_t end = 0;
  SmallVector<GlobalVariable *> dynamic;
  Align dynamicAlign(16);
  for (GlobalVariable &variable : module.globals()) {
    if (variable.getAddressSpace() != sharedSpace)
      continue;
    variable.removeDeadConstantUsers();
    uint64_t bytes = dataLayout.getTypeAllocSize(variable.getValueType());
    Align align = dataLayout.getPreferredAlign(&variable);
    if (bytes == 0 || variable.isDeclaration()) {
      dynamic.push_back(&variable);
      dynamicAlign = std::max(dynamicAlign, align);
      continue;
    }
    end = alignTo(end, align);
    layout[&variable] = end;
    end += bytes;
  }
  program.staticShared = end;
  program.dynamicOffset = dynamic.empty() ? end : alignTo(end, dynamicAlign);
  for (GlobalVariable *variable : dynamic)
    layout[variable] = program.dynamicOffset;
  return layout;
}

/// Variables elsewhere become symbols that can be looked up.
static void exposeVariables(Module &module, Program &program) {
  for (GlobalVariable &variable : module.globals()) {
    if (variable.getAddressSpace() == sharedSpace ||
        variable.getName().starts_with("llvm."))
      continue;
    variable.setName("moec.variable." + variable.getName());
    variable.setLinkage(GlobalValue::ExternalLinkage);
    variable.setVisibility(GlobalValue::DefaultVisibility);
    uint64_t bytes =
        module.getDataLayout().getTypeAllocSize(variable.getValueType());
    program.variables.push_back(
        {variable.getName().str(), bytes, variable.isConstant()});
  }
}

static uint64_t readMaxThreads(const Function &kernel) {
  for (const char *name : {"nvvm.reqntid", "nvvm.maxntid"}) {
    if (!kernel.hasFnAttribute(name))
      continue;
    uint64_t product = 1;
    SmallVector<StringRef> parts;
    kernel.getFnAttribute(name).getValueAsString().split(parts, ',');
    for (StringRef part : parts) {
      uint64_t value = 1;
      if (!part.trim().getAsInteger(10, value))
        product *= value;
    }
    return std::min<uint64_t>(product, 1024);
  }
  return 1024;
}

/// void moec.kernel.NAME(void **params), which calls the kernel.
static void addEntry(Function &kernel, Program &program) {
  Module &module = *kernel.getParent();
  LLVMContext &context = module.getContext();
  const DataLayout &dataLayout = module.getDataLayout();
  Type *pointer = PointerType::get(context, 0);
  auto *entry = Function::Create(
      FunctionType::get(Type::getVoidTy(context), {pointer}, false),
      GlobalValue::ExternalLinkage, kernelEntryPrefix + kernel.getName(),
      module);
  IRBuilder<> builder(BasicBlock::Create(context, "", entry));
  Kernel &info = program.kernels[kernel.getName()];
  info.name = kernel.getName();
  info.maxThreads = readMaxThreads(kernel);
  SmallVector<Value *> arguments;
  for (Argument &argument : kernel.args()) {
    Value *place = builder.CreateLoad(
        pointer, builder.CreateConstGEP1_64(pointer, entry->getArg(0),
                                            argument.getArgNo()));
    Type *type = argument.hasByValAttr() ? argument.getParamByValType()
                                         : argument.getType();
    uint64_t bytes = dataLayout.getTypeAllocSize(type);
    info.parameterBytes.push_back(bytes);
    if (!argument.hasByValAttr()) {
      arguments.push_back(builder.CreateAlignedLoad(type, place, Align(1)));
      continue;
    }
    // Passed by value, so the thread owns it.
    AllocaInst *copy = builder.CreateAlloca(type);
    copy->setAlignment(argument.getParamAlign().value_or(Align(16)));
    builder.CreateMemCpy(copy, copy->getAlign(), place, Align(1), bytes);
    arguments.push_back(builder.CreateAddrSpaceCast(copy, argument.getType()));
    argument.removeAttr(Attribute::ByVal);
  }
  builder.CreateCall(&kernel, arguments);
  builder.CreateRetVoid();
}

static void setHost(Module &module, const DataLayout &dataLayout) {
  module.setTargetTriple(Triple(sys::getProcessTriple()));
  module.setDataLayout(dataLayout);
  for (Function &function : module) {
    function.removeFnAttr("target-cpu");
    function.removeFnAttr("target-features");
    function.removeFnAttr("tune-cpu");
  }
}

static uint64_t localBytes(const Function &function) {
  uint64_t bytes = 0;
  const DataLayout &dataLayout = function.getParent()->getDataLayout();
  for (const BasicBlock &block : function)
    for (const Instruction &instruction : block)
      if (auto *local = dyn_cast<AllocaInst>(&instruction))
        if (std::optional<TypeSize> size = local->getAllocationSize(dataLayout))
          bytes += *size;
  return bytes;
}

Error retarget(Module &module, Device &device, const DataLayout &hostLayout) {
  Program &program = device.program;
  if (Error error = checkModule(module))
    return error;
  if (Error error = checkStacks(module))
    return error;
  program.addSite("the start of the kernel", "before its first operation");
  setHost(module, hostLayout);
  SharedLayout layout = placeShared(module, program);
  SmallVector<Constant *> shared;
  for (auto &entry : layout)
    shared.push_back(entry.first);
  convertUsersOfConstantsToInstructions(shared);

  OperationTable operations;
  ModuleSlotTracker slots(&module);
  std::vector<Function *> kernels;
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    if (function.getCallingConv() == CallingConv::PTX_Kernel)
      kernels.push_back(&function);
    program.localBytes += localBytes(function);
    FunctionRewriter rewriter(function, device, operations, layout, slots);
    if (Error error = rewriter.run())
      return error;
  }
  if (kernels.empty())
    return inputError("the module has no kernel: no function with the calling "
                      "convention ptx_kernel");
  for (Function &function : module) {
    function.setCallingConv(CallingConv::C);
    for (User *user : function.users())
      if (auto *call = dyn_cast<CallBase>(user))
        call->setCallingConv(CallingConv::C);
  }
  for (Function *kernel : kernels)
    addEntry(*kernel, program);
  exposeVariables(module, program);
  for (auto &[variable, offset] : layout) {
    variable->replaceAllUsesWith(PoisonValue::get(variable->getType()));
    variable->eraseFromParent();
  }
  StripDebugInfo(module);
  std::string problem;
  raw_string_ostream stream(problem);
  if (verifyModule(module, &stream))
    return inputError("the module is not valid for the host: {}", problem);
  return Error::success();
}

} // namespace moec::emulator
