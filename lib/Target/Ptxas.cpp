//===- Ptxas.cpp - PTX to machine code ------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA's assembler is a program of its own. Without it PTX is what a bundle
// has, and the driver assembles it.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Error.h"
#include "moec/Support/Text.h"
#include "moec/Target/Nvptx.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"

using namespace llvm;

namespace moec {

/// Seconds after which ptxas has hung.
static constexpr unsigned patience = 600;

std::optional<std::string> findPtxas() {
  SmallVector<std::string> folders;
  if (const char *home = std::getenv("CUDA_HOME"))
    folders.push_back(std::string(home) + "/bin");
  SmallVector<StringRef> paths;
  if (const char *path = std::getenv("PATH"))
    StringRef(path).split(paths, ':');
  for (StringRef path : paths)
    folders.push_back(path.str());
  folders.push_back("/usr/local/cuda/bin");
  for (const std::string &folder : folders) {
    std::string program = folder + "/ptxas";
    if (!folder.empty() && sys::fs::can_execute(program))
      return program;
  }
  return std::nullopt;
}

/// Reads the lines that `ptxas -v` writes for every kernel.
static std::vector<KernelUse> parseUses(StringRef log) {
  std::vector<KernelUse> uses;
  Regex kernel("Compiling entry function '([^']+)'"),
      stack("([0-9]+) bytes stack frame, ([0-9]+) bytes spill stores, ([0-9]+) "
            "bytes spill loads"),
      registers("Used ([0-9]+) registers");
  auto number = [](StringRef text) {
    int64_t value = 0;
    (void)text.getAsInteger(10, value);
    return value;
  };
  SmallVector<StringRef> lines, match;
  log.split(lines, '\n');
  for (StringRef line : lines) {
    if (kernel.match(line, &match)) {
      uses.push_back({match[1].str()});
    } else if (!uses.empty() && stack.match(line, &match)) {
      uses.back().stackBytes = number(match[1]);
      uses.back().spillBytes = number(match[2]) + number(match[3]);
    } else if (!uses.empty() && registers.match(line, &match)) {
      uses.back().registers = number(match[1]);
    }
  }
  return uses;
}

Expected<Cubin> assemble(StringRef ptxas, StringRef ptx,
                         const NvptxTarget &target) {
  SmallString<128> folder;
  if (std::error_code code =
          sys::fs::createUniqueDirectory("moec-ptxas", folder))
    return fileError("make the directory", folder, code.value());
  bool keep = false;
  scope_exit cleanUp([&] {
    if (!keep)
      consumeError(errorCodeToError(sys::fs::remove_directories(folder)));
  });
  auto inFolder = [&](StringRef name) { return (folder + "/" + name).str(); };
  std::string input = inFolder("kernel.ptx"), output = inFolder("kernel.cubin"),
              log = inFolder("log");
  {
    std::error_code code;
    raw_fd_ostream stream(input, code);
    if (code)
      return fileError("write", input, code.value());
    stream << ptx;
  }
  std::string arch = "-arch=" + target.chip;
  SmallVector<StringRef> command = {ptxas, arch, "-v", "-o", output, input};
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(log),
                                          StringRef(log)};
  std::string failure;
  int status = sys::ExecuteAndWait(ptxas, command, std::nullopt, redirects,
                                   patience, /*MemoryLimit=*/0, &failure);
  auto text = MemoryBuffer::getFile(log);
  StringRef said = text ? (*text)->getBuffer() : StringRef();
  if (status != 0) {
    keep = true;
    return inputError("ptxas failed: {}{}; the command was: {}", failure,
                      said.trim(), join(command, " "));
  }
  auto cubin = MemoryBuffer::getFile(output);
  if (!cubin)
    return fileError("read", output, cubin.getError().value());
  return Cubin{(*cubin)->getBuffer().str(), parseUses(said)};
}

} // namespace moec
