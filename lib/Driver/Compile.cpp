//===- Compile.cpp - moec compile -----------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a model to a bundle, or to whatever phase before it was asked for.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Facts.h"
#include "ModelInput.h"
#include "Output.h"
#include "Phases.h"
#include "Progress.h"
#include "moec/Target/Bundle.h"
#include "moec/Target/Nvptx.h"
#include "moec/Target/Object.h"
#include "moec/Target/TargetCpu.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace moec::driver {
namespace {

class CompileCommand : public Command {
public:
  void declare(OptionTable &options) override;
  Expected<int> run(Console &console) override;

private:
  Error check();
  Error resolveTarget();
  Expected<std::string> emitCode(mlir::ModuleOp module);
  Expected<std::string> emitFatbin(mlir::ModuleOp module);
  Error emitText(Console &console, mlir::ModuleOp module);
  Error emitBundle(Console &console, ModuleInput &input, Progress &progress);
  Error reportErrors(Console &console) const;
  std::string targetText() const;
  std::string summary(const Console &console, const BundleReport &report) const;

  ModelOptions model;
  std::string output, emit = "bundle", targetName = "cpu", mcpu;
  std::string reproducer;
  std::optional<std::string> checkpoint, dumpDirectory;
  std::optional<int64_t> threads;
  bool noWeights = false, noFuse = false;
  QuantizeOptions quantize;
  std::optional<int64_t> group;
  std::string outputs = "usual";
  Phase phase = Phase::Bundle;
  CompileTarget target;
  /// Besides `target`.
  std::vector<NvptxTarget> moreChips;
};

void CompileCommand::declare(OptionTable &options) {
  options.positional("MODEL",
                     "a checkpoint directory, or a .mlir file in the "
                     "moe dialect",
                     model.path);
  options
      .text("output", "PATH",
            "the bundle to write, or the file for another --emit; - for the "
            "screen",
            output)
      .withLetter('o');
  options.text("target", "NAME",
               "what to compile for: cpu (the default) or cpu:ARCH, where ARCH "
               "is x86_64 or aarch64; or nvptx:CHIP for an NVIDIA GPU, for "
               "example nvptx:sm_80, or nvptx:sm_80,sm_90a for several, of "
               "which a bundle's code is chosen when it is opened",
               targetName);
  options.text("mcpu", "CPU",
               "native (the default: this machine), or a name such as "
               "x86-64-v3, znver4 or, for cpu:aarch64, neoverse-v1; features "
               "can be added or taken away, as in generic+dotprod",
               mcpu);
  model.declareLayers(options);
  options.choice("weights",
                 "what the bundle holds the experts' weights as; stored, the "
                 "default, is as in the checkpoint",
                 {"stored", "int8", "int4", "uint4", "mxfp4"},
                 quantize.weights);
  options.number("group", "N",
                 "numbers of a row of weights under one scale, a multiple of "
                 "32, at most all of them; if not given, all of int8, 32 of "
                 "int4 and uint4",
                 group, 32, 1 << 20);
  options.choice("activations",
                 "what rows are multiplied as; float, the default, is as in "
                 "the model",
                 {"float", "int8"}, quantize.activations);
  options.choice("outputs",
                 "what experts' outputs are until they are added up: f32, "
                 "usual on a CPU, or rows, usual on a GPU: bf16 if the rows "
                 "they are made of are",
                 {"usual", "f32", "rows"}, outputs);
  options.flag("no-weights",
               "leave weights.bin out; the checkpoint may lack its weights",
               noWeights);
  options.flag("no-fuse",
               "leave the fusion passes out: the same results, slower", noFuse);
  options.text("model", "DIR", "the checkpoint of a .mlir file", checkpoint);
  model.declareFamilyFile(options);
  options.choice("emit", "where to stop; bundle is the default",
                 {"moe", "scheduled", "loops", "llvm", "object", "ptx", "cubin",
                  "fatbin", "bundle"},
                 emit);
  options.text("dump-phases", "DIR",
               "write the module after every phase into this directory",
               dumpDirectory);
  options.text("reproducer", "FILE",
               "if a pass fails, write what it was given and the passes here, "
               "for `moe-opt --run-reproducer FILE`",
               reproducer);
  options.number("threads", "N", "threads that pack weights", threads, 1, 1024);
}

Error CompileCommand::check() {
  if (output.empty())
    return usageError("-o PATH is missing: where the {} goes", emit);
  if (Error error = resolveTarget())
    return error;
  bool isDeviceCode = emit == "ptx" || emit == "cubin" || emit == "fatbin";
  bool isDevice = std::holds_alternative<NvptxTarget>(target);
  if (isDeviceCode != isDevice && (isDeviceCode || emit == "object"))
    return usageError("--emit={} does not go with --target={}; a cpu has an "
                      "object, nvptx has ptx, cubin and fatbin",
                      emit, targetName);
  if (!moreChips.empty() && emit != "bundle" && emit != "fatbin")
    return usageError("--emit={} is for one chip, --target={} names {}; a "
                      "bundle or fatbin holds several",
                      emit, targetName, 1 + moreChips.size());
  phase = isDeviceCode ? Phase::Object : *parsePhase(emit);
  quantize.group = group.value_or(0);
  if (quantize.group % 32 != 0)
    return usageError("--group={} is not a multiple of 32", quantize.group);
  if (group && !quantize.takesGroup())
    return usageError("--group is about --weights=int8, int4 or uint4, not {}",
                      quantize.weights);
  quantize.outputs =
      outputs == "usual" ? QuantizeOptions::usualOutputs(target) : outputs;
  if (output == "-" && phase == Phase::Bundle)
    return usageError("a bundle is a directory and cannot go to the screen; "
                      "give -o another path or choose another --emit");
  return Error::success();
}

Error CompileCommand::resolveTarget() {
  auto take = [&](auto resolved) -> Error {
    if (!resolved)
      return usageError("{}", toString(resolved.takeError()));
    target = *resolved;
    return Error::success();
  };
  StringRef chip = targetName;
  if (chip.consume_front("nvptx:")) {
    auto chips = resolveChips(chip);
    if (!chips)
      return usageError("{}", toString(chips.takeError()));
    target = chips->front();
    moreChips.assign(chips->begin() + 1, chips->end());
    return Error::success();
  }
  StringRef architecture = targetName;
  if (targetName == "cpu")
    architecture = "";
  else if (!architecture.consume_front("cpu:") || architecture.empty())
    return usageError("there is no target {}; the targets are: cpu, cpu:ARCH, "
                      "nvptx:CHIP",
                      quote(targetName));
  Expected<std::string> triple = cpuTriple(architecture);
  if (!triple)
    return usageError("--target={}: {}", targetName,
                      toString(triple.takeError()));
  return take(resolveCpu(mcpu, *triple));
}

Expected<int> CompileCommand::run(Console &console) {
  if (Error error = check())
    return std::move(error);
  Progress progress(console, "reading " + model.path);
  bool needWeights = phase == Phase::Bundle && !noWeights;
  Expected<ModuleInput> input =
      readModule(model, checkpoint, needWeights, console);
  if (!input)
    return input.takeError();
  progress.setWhat("compiling");
  if (Error error = quantizeModule(*input->module, quantize))
    return std::move(error);
  if (dumpDirectory)
    if (Error error =
            dumpPhases(*input->module, phase, target, !noFuse, *dumpDirectory))
      return std::move(error);
  Error error = phase == Phase::Bundle ? emitBundle(console, *input, progress)
                                       : emitText(console, *input->module);
  if (error)
    return std::move(error);
  return 0;
}

Error CompileCommand::emitText(Console &console, mlir::ModuleOp module) {
  if (emit == "fatbin") {
    Expected<std::string> fatbin = emitFatbin(module);
    if (!fatbin)
      return fatbin.takeError();
    return writeOutput(console, output, *fatbin);
  }
  if (Error error =
          lowerModule(module, Phase::Moe, std::min(phase, Phase::Llvm), target,
                      !noFuse, reproducer))
    return error;
  if (phase != Phase::Object)
    return writeOutput(console, output, moduleText(module));
  Expected<std::string> code = emitCode(module);
  if (!code)
    return code.takeError();
  return writeOutput(console, output, *code);
}

/// The PTX of a module in the LLVM dialect.
static Expected<std::string> ptxOf(mlir::ModuleOp module,
                                   const NvptxTarget &chip) {
  LLVMContext context;
  auto translated = translateDeviceModule(module, chip, context);
  if (!translated)
    return translated.takeError();
  return emitPtx(**translated, chip);
}

/// Machine code, or PTX, of a module in the LLVM dialect.
Expected<std::string> CompileCommand::emitCode(mlir::ModuleOp module) {
  if (const auto *cpu = std::get_if<CpuTarget>(&target)) {
    auto object = emitObject(module, *cpu);
    if (!object)
      return object.takeError();
    return std::string(object->data(), object->size());
  }
  const NvptxTarget &chip = std::get<NvptxTarget>(target);
  std::optional<std::string> ptxas = findPtxas();
  if (emit == "cubin" && !ptxas)
    return inputError("--emit=cubin needs ptxas of the CUDA toolkit, which is "
                      "neither in $CUDA_HOME/bin nor on PATH; --emit=ptx does "
                      "without");
  Expected<std::string> ptx = ptxOf(module, chip);
  if (!ptx || emit == "ptx")
    return ptx;
  Expected<Cubin> cubin = assemble(*ptxas, *ptx, chip);
  if (!cubin)
    return cubin.takeError();
  return cubin->bytes;
}

/// PTX and, where ptxas is found, machine code for every chip, in one file.
Expected<std::string> CompileCommand::emitFatbin(mlir::ModuleOp module) {
  std::optional<std::string> fatbinary = findFatbinary(), ptxas = findPtxas();
  if (!fatbinary)
    return inputError(
        "--emit=fatbin needs fatbinary of the CUDA toolkit, which "
        "is neither in $CUDA_HOME/bin nor on PATH; a bundle does "
        "without");
  std::vector<NvptxTarget> chips = {std::get<NvptxTarget>(target)};
  append_range(chips, moreChips);
  std::vector<ChipImage> images;
  for (const NvptxTarget &chip : chips) {
    mlir::OwningOpRef<mlir::ModuleOp> copy =
        cast<mlir::ModuleOp>(module->clone());
    if (Error error = lowerModule(*copy, Phase::Moe, Phase::Llvm, chip, !noFuse,
                                  reproducer))
      return std::move(error);
    Expected<std::string> ptx = ptxOf(*copy, chip);
    if (!ptx)
      return ptx.takeError();
    images.push_back({chip.chip, /*isPtx=*/true, *ptx});
    if (!ptxas)
      continue;
    Expected<Cubin> cubin = assemble(*ptxas, *ptx, chip);
    if (!cubin)
      return cubin.takeError();
    images.push_back({chip.chip, /*isPtx=*/false, std::move(cubin->bytes)});
  }
  return makeFatbin(*fatbinary, images);
}

Error CompileCommand::emitBundle(Console &console, ModuleInput &input,
                                 Progress &progress) {
  BundleOptions options;
  options.target = target;
  options.moreChips = moreChips;
  options.fuse = !noFuse;
  options.reproducer = reproducer;
  options.checkpoint = noWeights ? nullptr : input.checkpoint.get();
  options.model = input.description;
  options.threads = threads.value_or(0);
  bool packing = false;
  options.progress = [&](uint64_t done, uint64_t total) {
    if (!packing)
      progress.setWhat("packing weights");
    packing = true;
    progress.update(done, total);
  };
  Expected<BundleReport> report = writeBundle(*input.module, output, options);
  if (!report)
    return report.takeError();
  progress.finish();
  for (const std::string &warning : report->warnings)
    console.warning(warning);
  console.info(summary(console, *report));
  return reportErrors(console);
}

/// Says what encoding changed; of each tensor if asked for details.
Error CompileCommand::reportErrors(Console &console) const {
  Expected<Manifest> manifest = readManifest(output);
  if (!manifest)
    return manifest.takeError();
  std::vector<TensorError> errors = encodingErrors(*manifest);
  if (!errors.empty())
    console.info("encoding changes weights by " + inWords(errors) + "\n");
  if (console.verbose)
    for (const TensorError &error : errors)
      console.info(fmt::format("  {:>8}  {}\n", error.inPercent(),
                               printable(error.tensor)));
  return Error::success();
}

/// The CPU or the chips that the code is for.
std::string CompileCommand::targetText() const {
  if (const auto *cpu = std::get_if<CpuTarget>(&target))
    return cpu->name;
  std::string text = std::get<NvptxTarget>(target).chip;
  for (const NvptxTarget &chip : moreChips)
    text += ", " + chip.chip;
  return text;
}

std::string CompileCommand::summary(const Console &console,
                                    const BundleReport &report) const {
  std::string text = fmt::format(
      "{}: {} in {}, {} of code for {} in {:.2f} s",
      console.styled(Style::Bold, printable(output)),
      plural(report.layers, "layer"), plural(report.kernels, "kernel"),
      formatBytes(report.codeBytes), targetText(), report.compileSeconds);
  if (noWeights)
    return text + "; without weights\n";
  return text + fmt::format("; {} of weights in {:.2f} s\n",
                            formatBytes(report.weightBytes),
                            report.packSeconds);
}

} // namespace

const CommandInfo compileCommand = {
    "compile", "compile a model's MoE layers to a bundle",
    "Imports the MoE layers, fuses and schedules them, generates machine code, "
    "and packs the weights in the layout the code reads. A bundle is a "
    "directory: kernel.so, weights.bin, manifest.json, moec_model.h (a C "
    "header) and model.mlir (the layers as imported). It appears when it is "
    "complete; an existing bundle is replaced.\n\nNothing but the bundle and "
    "libmoec_rt is needed to run it.",
    "$ moec compile models/mixtral -o mixtral.moec\n"
    "$ moec compile models/mixtral --layers=0 --emit=scheduled -o -\n"
    "$ moec compile mixtral.mlir -o mixtral.moec --mcpu=x86-64-v3",
    createCommand<CompileCommand>};

} // namespace moec::driver
