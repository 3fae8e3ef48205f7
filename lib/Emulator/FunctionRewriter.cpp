//===- FunctionRewriter.cpp - One function for the host -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds what has to change and makes the sites; RewriteCode.cpp changes it.
//
//===----------------------------------------------------------------------===//

#include "FunctionRewriter.h"
#include "Launch.h"
#include "Ptx.h"
#include "moec/Support/Error.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace moec::emulator {

std::optional<unsigned> specialRegister(StringRef name) {
  if (name.size() > 2 && name[name.size() - 2] == '.') {
    unsigned base = StringSwitch<unsigned>(name.drop_back(2))
                        .Case("tid", RegTid)
                        .Case("ntid", RegNtid)
                        .Case("ctaid", RegCtaid)
                        .Case("nctaid", RegNctaid)
                        .Case("clusterid", RegClusterid)
                        .Case("nclusterid", RegNclusterid)
                        .Case("cluster.ctaid", RegClusterCtaid)
                        .Case("cluster.nctaid", RegClusterNctaid)
                        .Default(numSpecialRegisters);
    unsigned dimension = name.back() - 'x';
    if (base != numSpecialRegisters && dimension < 3)
      return base + dimension;
  }
  unsigned found = StringSwitch<unsigned>(name)
                       .Case("cluster.ctarank", RegClusterCtarank)
                       .Case("cluster.nctarank", RegClusterNctarank)
                       .Case("laneid", RegLaneid)
                       .Case("warpid", RegWarpid)
                       .Case("nwarpid", RegNwarpid)
                       .Case("warpsize", RegWarpSize)
                       .Case("lanemask.eq", RegLanemaskEq)
                       .Case("lanemask.le", RegLanemaskLe)
                       .Case("lanemask.lt", RegLanemaskLt)
                       .Case("lanemask.ge", RegLanemaskGe)
                       .Case("lanemask.gt", RegLanemaskGt)
                       .Case("smid", RegSmid)
                       .Case("nsmid", RegNsmid)
                       .Case("gridid", RegGridid)
                       .Case("dynamic_smem_size", RegDynamicSmemSize)
                       .Case("total_smem_size", RegTotalSmemSize)
                       .Default(numSpecialRegisters);
  if (found == numSpecialRegisters)
    return std::nullopt;
  return found;
}

FunctionRewriter::FunctionRewriter(Function &function, Device &device,
                                   const OperationTable &operations,
                                   const SharedLayout &layout,
                                   ModuleSlotTracker &slots)
    : function(function), device(device), operations(operations),
      layout(layout), slots(slots), program(device.program),
      int64(Type::getInt64Ty(function.getContext())),
      pointer(PointerType::get(function.getContext(), 0)) {}

std::string FunctionRewriter::printed(const Instruction &instruction) {
  std::string text;
  raw_string_ostream stream(text);
  instruction.print(stream, slots);
  StringRef line = StringRef(text).trim();
  line = line.take_front(line.find(", !"));
  return printable(line.size() > 120 ? line.take_front(117).str() + "..."
                                     : line.str());
}

std::string FunctionRewriter::located(const Instruction &instruction) const {
  if (const DebugLoc &location = instruction.getDebugLoc())
    return fmt::format("{}:{}:{}", printable(location->getFilename()),
                       location.getLine(), location.getCol());
  return fmt::format("in function {}", quote(function.getName()));
}

Site *FunctionRewriter::makeSite(const Instruction &instruction,
                                 std::string text) {
  return &program.addSite(std::move(text), located(instruction));
}

/// Whether the host can do a call to an LLVM intrinsic by itself.
static bool isHarmless(const IntrinsicInst &call) {
  if (call.getCalledFunction()->isTargetIntrinsic())
    return false;
  if (call.isAssumeLikeIntrinsic() || call.isLifetimeStartOrEnd())
    return true;
  if (!call.mayReadOrWriteMemory())
    return true;
  return llvm::none_of(call.args(), [](const Use &argument) {
    return argument->getType()->isPtrOrPtrVectorTy();
  });
}

Error FunctionRewriter::collectIntrinsic(CallInst &call) {
  StringRef name = call.getCalledFunction()->getName();
  StringRef nvvm = name;
  if (nvvm.consume_front("llvm.nvvm.")) {
    StringRef special = nvvm;
    if (special.consume_front("read.ptx.sreg."))
      if (std::optional<unsigned> index = specialRegister(special)) {
        registerReads.push_back({&call, *index});
        return Error::success();
      }
    Site *site = makeSite(call, name.str());
    site->operation = operations.findIntrinsic(nvvm);
    if (!site->operation)
      return inputError("{}: the operation {} is not modelled", site->location,
                        printable(name));
    operationCalls.push_back({&call, site});
    return Error::success();
  }
  if (isa<MemIntrinsic>(call)) {
    memoryCalls.push_back({&call, makeSite(call, printed(call))});
    return Error::success();
  }
  if (name == "llvm.trap" || name == "llvm.ubsantrap") {
    traps.push_back({&call, makeSite(call, name.str())});
    return Error::success();
  }
  if (!isHarmless(cast<IntrinsicInst>(call)))
    return inputError("{}: the operation {} is not modelled", located(call),
                      printable(name));
  return Error::success();
}

/// Slots have 64 bits.
static bool fitsSlots(Type *type) {
  if (type->isAggregateType())
    return llvm::all_of(type->subtypes(), fitsSlots);
  return type->getPrimitiveSizeInBits() <= 64;
}

static bool hasWideValue(const CallInst &call) {
  return !fitsSlots(call.getType()) ||
         llvm::any_of(call.args(), [](const Use &argument) {
           return !fitsSlots(argument->getType());
         });
}

Error FunctionRewriter::collectCall(CallInst &call) {
  if (call.isInlineAsm()) {
    if (hasWideValue(call))
      return inputError("{}: inline PTX with values of more than 64 bits is "
                        "not modelled",
                        located(call));
    auto *assembly = cast<InlineAsm>(call.getCalledOperand());
    Expected<PtxCode> code = parsePtx(*assembly, operations);
    if (!code)
      return inputError("{}: {}", located(call), toString(code.takeError()));
    Site *site = makeSite(call, code->title);
    site->operation = std::move(code->run);
    operationCalls.push_back({&call, site});
    return Error::success();
  }
  Function *callee = call.getCalledFunction();
  if (!callee)
    return inputError("{}: a call through a pointer is not modelled",
                      located(call));
  if (callee->isIntrinsic() || callee->getName().starts_with("llvm."))
    return collectIntrinsic(call);
  if (callee->isDeclaration())
    return inputError("{}: the module does not define function {}; link it in "
                      "before",
                      located(call), quote(callee->getName()));
  return Error::success();
}

void FunctionRewriter::collectMemory(Instruction &instruction) {
  const Value *place = getLoadStorePointerOperand(&instruction);
  if (place && isa<AllocaInst>(place->stripInBoundsConstantOffsets()))
    return;
  Site *site = makeSite(instruction, printed(instruction));
  const DataLayout &dataLayout = function.getParent()->getDataLayout();
  const Value *address = nullptr;
  Type *type = nullptr;
  if (auto *load = dyn_cast<LoadInst>(&instruction)) {
    site->access = AccessKind::Load;
    site->isVolatile = load->isVolatile() || load->isAtomic();
    site->align = load->getAlign().value();
    address = load->getPointerOperand();
    type = load->getType();
  } else if (auto *store = dyn_cast<StoreInst>(&instruction)) {
    site->access = AccessKind::Store;
    site->align = store->getAlign().value();
    address = store->getPointerOperand();
    type = store->getValueOperand()->getType();
  } else if (auto *update = dyn_cast<AtomicRMWInst>(&instruction)) {
    site->access = AccessKind::Atomic;
    site->align = update->getAlign().value();
    address = update->getPointerOperand();
    type = update->getType();
  } else {
    auto &exchange = cast<AtomicCmpXchgInst>(instruction);
    site->access = AccessKind::Atomic;
    site->align = exchange.getAlign().value();
    address = exchange.getPointerOperand();
    type = exchange.getCompareOperand()->getType();
  }
  site->bytes = dataLayout.getTypeStoreSize(type);
  site->addressSpace = address->getType()->getPointerAddressSpace();
  accesses.push_back({&instruction, site});
}

static bool accessesMemory(const Instruction &instruction) {
  return isa<LoadInst, StoreInst, AtomicRMWInst, AtomicCmpXchgInst>(
      instruction);
}

static bool isIntegerDivision(const Instruction &instruction) {
  switch (instruction.getOpcode()) {
  case Instruction::SDiv:
  case Instruction::UDiv:
  case Instruction::SRem:
  case Instruction::URem:
    return true;
  default:
    return false;
  }
}

Error FunctionRewriter::collect() {
  for (Instruction &instruction : instructions(function)) {
    if (auto *call = dyn_cast<CallInst>(&instruction)) {
      if (Error error = collectCall(*call))
        return error;
    } else if (accessesMemory(instruction)) {
      collectMemory(instruction);
    } else if (isIntegerDivision(instruction)) {
      if (!isa<Constant>(instruction.getOperand(1)))
        divisions.push_back(
            {&instruction, makeSite(instruction, printed(instruction))});
    } else if (isa<UnreachableInst>(instruction)) {
      traps.push_back({&instruction, makeSite(instruction, "unreachable")});
    } else if (isa<InvokeInst, CallBrInst, IndirectBrInst, VAArgInst>(
                   instruction)) {
      return inputError("{}: {} is not modelled", located(instruction),
                        quote(printed(instruction)));
    }
  }
  return Error::success();
}

} // namespace moec::emulator
