//===- Emulate.cpp - moec emulate -----------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a GPU kernel from a file of LLVM IR on the emulator.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "EmulateArguments.h"
#include "moec/Emulator/Emulator.h"
#include "moec/Support/OutputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <nlohmann/json.hpp>

using namespace llvm;
using namespace moec::emulator;

namespace moec::driver {
namespace {

class EmulateCommand : public Command {
public:
  void declare(OptionTable &options) override;
  Expected<int> run(Console &console) override;

private:
  Expected<std::string> chooseKernel(const Emulator &emulator) const;
  Error save(ArrayRef<KernelArgument> arguments) const;

  std::string file, kernel, mode = "lazy";
  LaunchConfig config;
  std::vector<std::string> argumentTexts;
  std::vector<std::pair<unsigned, std::string>> saves;
  std::optional<int64_t> shared, seed;
  bool json = false;
};

} // namespace

/// "X", "X,Y" or "X,Y,Z".
static OptionTable::Setter dimensionSetter(Dim3 &target) {
  return [&target](StringRef text) -> Error {
    SmallVector<StringRef, 3> parts;
    text.split(parts, ',');
    uint32_t *places[] = {&target.x, &target.y, &target.z};
    target = Dim3();
    if (parts.size() > 3)
      return usageError("{} has more than three dimensions", quote(text));
    for (auto [i, part] : enumerate(parts))
      if (!to_integer(part, *places[i], 10) || *places[i] == 0)
        return usageError("{} is not of the form X, X,Y or X,Y,Z with positive "
                          "numbers",
                          quote(text));
    return Error::success();
  };
}

void EmulateCommand::declare(OptionTable &options) {
  options.positional("FILE", "LLVM IR for NVPTX, .ll or .bc", file);
  options.text("kernel", "NAME", "the kernel, if the file has several", kernel);
  options.custom("grid", "X[,Y[,Z]]", "blocks", dimensionSetter(config.grid));
  options.custom("block", "X[,Y[,Z]]", "threads of a block",
                 dimensionSetter(config.block));
  options.custom("cluster", "X[,Y[,Z]]", "blocks of a cluster",
                 dimensionSetter(config.cluster));
  options.number("shared", "BYTES", "dynamic shared memory", shared, 0,
                 228 << 10);
  options.custom("args", "LIST", argumentsHelp,
                 [this](StringRef text) -> Error {
                   SmallVector<StringRef> parts;
                   text.split(parts, ',');
                   argumentTexts.assign(parts.begin(), parts.end());
                   return Error::success();
                 });
  options.custom("save", "N=FILE",
                 "write the buffer of argument N, counted from 0, as it is "
                 "after the launch; may be repeated",
                 [this](StringRef text) -> Error {
                   auto [number, path] = text.split('=');
                   unsigned index;
                   if (!to_integer(number, index, 10) || path.empty())
                     return usageError("{} is not of the form N=FILE",
                                       quote(text));
                   saves.emplace_back(index, path.str());
                   return Error::success();
                 });
  options.choice("completion",
                 "when asynchronous copies take effect: at once, as late as a "
                 "wait allows, or any time between",
                 {"eager", "lazy", "random"}, mode);
  options.number("seed", "N", "another seed gives another order of threads",
                 seed, 0);
  options.flag("json", "print JSON", json);
}

Expected<std::string>
EmulateCommand::chooseKernel(const Emulator &emulator) const {
  std::vector<std::string> names = emulator.kernels();
  if (!kernel.empty())
    return kernel;
  if (names.size() == 1)
    return names.front();
  return usageError("--kernel=NAME is missing; {} has {}", printable(file),
                    printable(fmt::format("{}", fmt::join(names, ", "))));
}

Error EmulateCommand::save(ArrayRef<KernelArgument> arguments) const {
  for (const auto &[index, path] : saves) {
    const KernelArgument &argument = arguments[index];
    Expected<OutputFile> output = OutputFile::create(path);
    if (!output)
      return output.takeError();
    if (Error error = output->write(StringRef(
            static_cast<const char *>(argument.buffer), argument.bufferBytes)))
      return error;
    if (Error error = output->commit())
      return error;
  }
  return Error::success();
}

Expected<int> EmulateCommand::run(Console &console) {
  auto emulator =
      Emulator::createFromFile(file, std::make_shared<DeviceMemory>());
  if (!emulator)
    return emulator.takeError();
  Expected<std::string> name = chooseKernel(**emulator);
  if (!name)
    return name.takeError();
  Expected<std::vector<uint64_t>> sizes = (*emulator)->parameterSizes(*name);
  if (!sizes)
    return sizes.takeError();
  auto arguments =
      makeKernelArguments((*emulator)->memory(), argumentTexts, *sizes);
  if (!arguments)
    return arguments.takeError();
  for (const auto &[index, path] : saves)
    if (index >= arguments->size() || !(*arguments)[index].buffer)
      return usageError("--save={}={}: argument {} is no buffer", index,
                        printable(path), index);
  std::vector<void *> params;
  for (KernelArgument &argument : *arguments)
    params.push_back(argument.value.data());
  LaunchOptions options;
  options.completion = StringSwitch<Completion>(mode)
                           .Case("eager", Completion::Eager)
                           .Case("lazy", Completion::Lazy)
                           .Default(Completion::Random);
  options.seed = seed.value_or(1);
  config.dynamicShared = shared.value_or(0);
  Expected<LaunchReport> report =
      (*emulator)->launch(*name, config, params.data(), options);
  if (!report)
    return report.takeError();
  if (Error error = save(*arguments))
    return std::move(error);
  console.print(json ? report->json().dump(2) + "\n" : report->text());
  return report->clean() ? 0 : 1;
}

const CommandInfo emulateCommand = {
    "emulate", "run a GPU kernel on the host and check it",
    "Runs a kernel from the LLVM IR that goes to the NVPTX back end: one "
    "emulated thread for each CUDA thread, with the PTX operations done as the "
    "manual defines them. Says what the kernel does wrong (races, deadlocks, "
    "accesses out of bounds, missing fences, ...), where, and what it costs in "
    "bank conflicts, sectors and instructions. The exit code is 1 if something "
    "was found.",
    "$ moec emulate kernel.ll --grid=4 --block=128 --shared=65536 \\\n"
    "      --args=x.npy,empty:4096,i32:1024 --save=1=y.bin",
    createCommand<EmulateCommand>};

} // namespace moec::driver
