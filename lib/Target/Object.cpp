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
#include "moec/Target/TargetCpu.h"

#include "lld/Common/Driver.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Target/TargetMachine.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

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

/// A file that is nowhere but in memory, named by its number under /proc.
static Expected<int> makeMemoryFile(ArrayRef<char> bytes) {
  int file = memfd_create("moec", MFD_CLOEXEC);
  while (file >= 0 && !bytes.empty()) {
    ssize_t written = write(file, bytes.data(), bytes.size());
    if (written <= 0 && errno != EINTR) {
      close(std::exchange(file, -1));
      break;
    }
    bytes = bytes.drop_front(std::max<ssize_t>(written, 0));
  }
  if (file < 0)
    return fileError("write", "an object in memory", errno);
  return file;
}

/// Reads from a pipe until its other end is closed.
static SmallVector<char, 0> readPipe(int pipe) {
  SmallVector<char, 0> bytes;
  char buffer[1 << 16];
  while (ssize_t count = read(pipe, buffer, sizeof(buffer))) {
    if (count < 0 && errno != EINTR)
      break;
    bytes.append(buffer, buffer + std::max<ssize_t>(count, 0));
  }
  return bytes;
}

Expected<SmallVector<char, 0>> linkSharedLibrary(ArrayRef<char> object) {
  // lld takes names of files, and maps the file it writes: on a full disk that
  // ends in SIGBUS. Into a pipe it writes what it has made in memory.
  Expected<int> input = makeMemoryFile(object);
  if (!input)
    return input.takeError();
  scope_exit closeInput([&] { close(*input); });
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return fileError("create", "a pipe", errno);
  SmallVector<char, 0> library;
  std::thread reader([&] { library = readPipe(ends[0]); });
  std::string from = fmt::format("/proc/self/fd/{}", *input), messages;
  std::string to = fmt::format("/proc/self/fd/{}", ends[1]);
  raw_string_ostream stream(messages);
  const char *arguments[] = {
      "ld.lld",      "-shared", "-Bsymbolic", "--gc-sections", "-z",
      "noexecstack", "-o",      to.c_str(),   from.c_str()};
  lld::Result result =
      lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  close(ends[1]);
  reader.join();
  close(ends[0]);
  if (result.retCode != 0)
    return inputError("linking the code failed: {}", messages);
  return library;
}

} // namespace moec
