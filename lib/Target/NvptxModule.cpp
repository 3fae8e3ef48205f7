//===- NvptxModule.cpp - Device functions to PTX --------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM ends the process when a chip lacks an instruction or a version of PTX,
// so only chips and versions from the table below reach it.
//
//===----------------------------------------------------------------------===//

#include "moec/Dialect/Moe/Moe.h"
#include "moec/Support/Error.h"
#include "moec/Target/Nvptx.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

namespace moec {

static constexpr StringLiteral triple = "nvptx64-nvidia-cuda";

/// Chips that run the sm_80 instruction set, the oldest first, and the least
/// PTX version LLVM has them with.
static constexpr std::pair<StringLiteral, unsigned> chips[] = {
    {"sm_80", 70},  {"sm_86", 71},  {"sm_87", 74},  {"sm_89", 78},
    {"sm_90", 78},  {"sm_90a", 80}, {"sm_100", 86}, {"sm_100a", 86},
    {"sm_120", 87}, {"sm_120a", 87}};

Expected<NvptxTarget> resolveChip(StringRef chip) {
  std::string known;
  for (auto [name, ptxVersion] : chips) {
    if (name == chip)
      return NvptxTarget{chip.str(), ptxVersion};
    known += (known.empty() ? "" : ", ") + name.str();
  }
  return inputError("there are no kernels for the chip {}; there are for {}",
                    quote(chip), known);
}

Expected<std::vector<NvptxTarget>> resolveChips(StringRef list) {
  SmallVector<StringRef> names;
  list.split(names, ',');
  for (StringRef name : names) {
    if (Expected<NvptxTarget> target = resolveChip(name); !target)
      return target.takeError();
    if (count(names, name) > 1)
      return inputError("the chip {} is named twice", quote(name));
  }
  std::vector<NvptxTarget> targets;
  for (auto [name, ptxVersion] : reverse(chips))
    if (is_contained(names, StringRef(name)))
      targets.push_back({name.str(), ptxVersion});
  return targets;
}

static Expected<std::unique_ptr<TargetMachine>>
createMachine(const NvptxTarget &target) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  std::string error;
  const llvm::Target *backEnd =
      TargetRegistry::lookupTarget(Triple(triple), error);
  if (!backEnd)
    return inputError("this LLVM has no NVPTX back end: {}", error);
  std::unique_ptr<TargetMachine> machine(backEnd->createTargetMachine(
      Triple(triple), target.chip, target.features(), TargetOptions(),
      std::nullopt, std::nullopt, CodeGenOptLevel::Aggressive));
  if (!machine)
    return inputError("LLVM cannot generate code for {}", target.chip);
  return machine;
}

/// What a warp does together has to stay together; MLIR does not say so of
/// inline assembly.
static void markInlineAsmConvergent(Module &module) {
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallInst>(&instruction);
          call && call->isInlineAsm())
        call->setConvergent();
}

Expected<std::unique_ptr<Module>>
translateDeviceModule(mlir::ModuleOp module, const NvptxTarget &target,
                      LLVMContext &context) {
  Expected<std::unique_ptr<TargetMachine>> machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  // Plans are for whoever launches the functions.
  mlir::OwningOpRef<mlir::ModuleOp> functions =
      cast<mlir::ModuleOp>(module->clone());
  for (auto plan : make_early_inc_range(functions->getOps<mlir::moe::PlanOp>()))
    plan.erase();
  mlir::registerBuiltinDialectTranslation(*module.getContext());
  mlir::registerLLVMDialectTranslation(*module.getContext());
  mlir::registerNVVMDialectTranslation(*module.getContext());
  std::unique_ptr<Module> result =
      mlir::translateModuleToLLVMIR(*functions, context, "moec");
  if (!result)
    return inputError("the module could not be translated to LLVM IR; the "
                      "messages above say why");
  result->setDataLayout((*machine)->createDataLayout());
  result->setTargetTriple((*machine)->getTargetTriple());
  markInlineAsmConvergent(*result);
  if (Error error = mlir::makeOptimizingTransformer(
          /*optLevel=*/3, /*sizeLevel=*/0, machine->get())(result.get()))
    return std::move(error);
  return result;
}

Expected<std::string> emitPtx(Module &module, const NvptxTarget &target) {
  Expected<std::unique_ptr<TargetMachine>> machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  SmallString<0> ptx;
  raw_svector_ostream stream(ptx);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr,
                                      CodeGenFileType::AssemblyFile))
    return inputError("LLVM cannot emit PTX for {}", target.chip);
  passes.run(module);
  return ptx.str().str();
}

} // namespace moec
