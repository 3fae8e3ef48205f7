//===- Ptxas.cpp - Programs of the CUDA toolkit ---------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA's assembler is a program of its own, and so is what puts code for
// several chips into one file. Without the first, PTX is what a bundle has, and
// the driver assembles it.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Error.h"
#include "moec/Support/Text.h"
#include "moec/Target/Nvptx.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"

using namespace llvm;

namespace moec {

/// Seconds after which a program has hung.
static constexpr unsigned patience = 600;

static std::optional<std::string> findProgram(StringRef name) {
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
    std::string program = folder + "/" + name.str();
    if (!folder.empty() && sys::fs::can_execute(program))
      return program;
  }
  return std::nullopt;
}

std::optional<std::string> findPtxas() { return findProgram("ptxas"); }
std::optional<std::string> findFatbinary() { return findProgram("fatbinary"); }

namespace {

/// The files of one run of a program, in a folder of their own. It stays if the
/// program fails, so that its command can be repeated.
class ProgramFiles {
public:
  Error create() {
    std::error_code code = sys::fs::createUniqueDirectory("moec-cuda", folder);
    return code ? fileError("make the directory", folder, code.value())
                : Error::success();
  }
  ~ProgramFiles() {
    if (!keep)
      consumeError(errorCodeToError(sys::fs::remove_directories(folder)));
  }

  std::string path(StringRef name) const { return (folder + "/" + name).str(); }

  Error write(StringRef name, StringRef bytes) const {
    std::error_code code;
    raw_fd_ostream stream(path(name), code);
    if (code)
      return fileError("write", path(name), code.value());
    stream << bytes;
    return Error::success();
  }

  Expected<std::string> read(StringRef name) const {
    auto content = MemoryBuffer::getFile(path(name));
    if (!content)
      return fileError("read", path(name), content.getError().value());
    return (*content)->getBuffer().str();
  }

  /// Runs `command`; returns what it said.
  Expected<std::string> run(ArrayRef<std::string> command);

private:
  SmallString<128> folder;
  bool keep = false;
};

} // namespace

Expected<std::string> ProgramFiles::run(ArrayRef<std::string> command) {
  SmallVector<StringRef> arguments(command.begin(), command.end());
  std::string log = path("log"), failure;
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(log),
                                          StringRef(log)};
  int status =
      sys::ExecuteAndWait(command.front(), arguments, std::nullopt, redirects,
                          patience, /*MemoryLimit=*/0, &failure);
  auto text = MemoryBuffer::getFile(log);
  StringRef said = text ? (*text)->getBuffer() : StringRef();
  if (status == 0)
    return said.str();
  keep = true;
  return inputError("{} failed: {}{}; the command was: {}",
                    sys::path::filename(command.front()), failure, said.trim(),
                    join(command, " "));
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
  ProgramFiles files;
  if (Error error = files.create())
    return std::move(error);
  if (Error error = files.write("kernel.ptx", ptx))
    return std::move(error);
  Expected<std::string> said =
      files.run({ptxas.str(), "-arch=" + target.chip, "-v", "-o",
                 files.path("kernel.cubin"), files.path("kernel.ptx")});
  if (!said)
    return said.takeError();
  Expected<std::string> cubin = files.read("kernel.cubin");
  if (!cubin)
    return cubin.takeError();
  return Cubin{std::move(*cubin), parseUses(*said)};
}

Expected<std::string> makeFatbin(StringRef fatbinary,
                                 ArrayRef<ChipImage> images) {
  ProgramFiles files;
  if (Error error = files.create())
    return std::move(error);
  std::vector<std::string> command = {fatbinary.str(), "-64",
                                      "--create=" + files.path("fatbin")};
  for (const ChipImage &image : images) {
    std::string name = image.chip + (image.isPtx ? ".ptx" : ".cubin");
    if (Error error = files.write(name, image.bytes))
      return std::move(error);
    command.push_back(fmt::format(
        "--image3=kind={},sm={},file={}", image.isPtx ? "ptx" : "elf",
        StringRef(image.chip).drop_front(3), files.path(name)));
  }
  if (Expected<std::string> said = files.run(command); !said)
    return said.takeError();
  return files.read("fatbin");
}

} // namespace moec
