//===- Object.cpp - Machine code and shared libraries ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translation to LLVM IR, optimization, code generation and linking.
//
//===----------------------------------------------------------------------===//

#include "moec/Target/Object.h"
#include "moec/Support/Error.h"
#include "moec/Support/OutputFile.h"
#include "moec/Target/TargetCpu.h"

#include "lld/Common/Driver.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Target/TargetMachine.h"

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace moec {

Expected<SmallVector<char, 0>>
emitObject(mlir::ModuleOp module, const CpuTarget &target, bool assembly) {
  mlir::MLIRContext *context = module.getContext();
  mlir::registerBuiltinDialectTranslation(*context);
  mlir::registerLLVMDialectTranslation(*context);
  Expected<std::unique_ptr<TargetMachine>> machine =
      createTargetMachine(target);
  if (!machine)
    return machine.takeError();

  LLVMContext llvmContext;
  std::unique_ptr<Module> llvmModule =
      mlir::translateModuleToLLVMIR(module, llvmContext, "moec");
  if (!llvmModule)
    return inputError("the module could not be translated to LLVM IR; the "
                      "messages above say why");
  llvmModule->setDataLayout((*machine)->createDataLayout());
  llvmModule->setTargetTriple((*machine)->getTargetTriple());
  if (Error error = mlir::makeOptimizingTransformer(
          /*optLevel=*/3, /*sizeLevel=*/0, machine->get())(llvmModule.get()))
    return std::move(error);

  SmallVector<char, 0> object;
  raw_svector_ostream stream(object);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr,
                                      assembly ? CodeGenFileType::AssemblyFile
                                               : CodeGenFileType::ObjectFile))
    return inputError("LLVM cannot emit an object for {}", target.triple);
  passes.run(*llvmModule);
  return object;
}

Error linkSharedLibrary(ArrayRef<char> object, StringRef path) {
  // lld reads files, so the object takes a short trip to the disk.
  std::string objectPath = (path + ".o").str();
  auto bytes =
      ArrayRef(reinterpret_cast<const uint8_t *>(object.data()), object.size());
  Expected<OutputFile> file = OutputFile::create(objectPath);
  if (!file)
    return file.takeError();
  if (Error error = file->write(bytes))
    return error;
  if (Error error = file->commit())
    return error;

  std::string output = path.str(), messages;
  raw_string_ostream stream(messages);
  const char *arguments[] = {
      "ld.lld",      "-shared", "-Bsymbolic",   "--gc-sections",   "-z",
      "noexecstack", "-o",      output.c_str(), objectPath.c_str()};
  lld::Result result =
      lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  (void)sys::fs::remove(objectPath);
  if (result.retCode != 0)
    return inputError("linking {} failed: {}", path, messages);
  return Error::success();
}

} // namespace moec
