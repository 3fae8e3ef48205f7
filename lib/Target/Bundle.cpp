//===- Bundle.cpp - Writing a compiled model ------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Drives the stages of a compilation and puts their results into a directory
// that appears only when it is complete.
//
//===----------------------------------------------------------------------===//

#include "moec/Target/Bundle.h"
#include "CompileCode.h"
#include "LayerTable.h"
#include "WeightsFile.h"
#include "moec/Pipelines/Pipelines.h"
#include "moec/Support/Error.h"
#include "moec/Support/OutputDir.h"
#include "moec/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"

#include <chrono>
#include <thread>

using namespace llvm;
using namespace mlir;

namespace moec {

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

namespace {

/// The state of one compilation.
class BundleWriter {
public:
  BundleWriter(ModuleOp module, const BundleOptions &options)
      : imported(module), options(options) {}

  Error run(StringRef path);
  BundleReport report;

private:
  Error schedule();
  Expected<OwningOpRef<ModuleOp>> scheduleFor(const CompileTarget &target);
  Error fill(OutputDir &directory);
  Error compile(OutputDir &directory);
  Error compileFor(const NvptxTarget &chip, OutputDir &directory);
  Error describe();
  Error packWeights(OutputDir &directory);
  Error writeFiles(OutputDir &directory);

  ModuleOp imported;
  const BundleOptions &options;
  OwningOpRef<ModuleOp> scheduled;
  CompiledCode code;
  WeightsFile weights;
  Manifest manifest;
};

} // namespace

Expected<OwningOpRef<ModuleOp>>
BundleWriter::scheduleFor(const CompileTarget &target) {
  OwningOpRef<ModuleOp> module = cast<ModuleOp>(imported->clone());
  if (Error error = lowerModule(*module, Phase::Moe, Phase::Scheduled, target,
                                options.fuse, options.reproducer))
    return std::move(error);
  return module;
}

Error BundleWriter::schedule() {
  auto module = scheduleFor(options.target);
  if (!module)
    return module.takeError();
  scheduled = std::move(*module);
  if (scheduled->getOps<moe::LayerOp>().empty())
    return inputError("the module has no layer to compile; a layer is a public "
                      "func.func with a body");
  return Error::success();
}

Error BundleWriter::compile(OutputDir &directory) {
  Expected<CompiledCode> compiled = std::visit(
      llvm::makeVisitor(
          [&](const CpuTarget &cpu) {
            return compileCpu(*scheduled, cpu, options.reproducer, directory,
                              manifest);
          },
          [&](const NvptxTarget &chip) {
            return compileNvptx(*scheduled, chip, "kernel", options.reproducer,
                                directory, manifest);
          }),
      options.target);
  if (!compiled)
    return compiled.takeError();
  code = std::move(*compiled);
  for (const NvptxTarget &chip : options.moreChips)
    if (Error error = compileFor(chip, directory))
      return error;
  report.codeBytes = code.bytes;
  report.warnings = code.notes;
  return Error::success();
}

/// The same layers once more, for another chip.
Error BundleWriter::compileFor(const NvptxTarget &chip, OutputDir &directory) {
  auto module = scheduleFor(chip);
  if (!module)
    return module.takeError();
  Manifest variant;
  Expected<CompiledCode> compiled =
      compileNvptx(**module, chip, "kernel." + chip.chip, options.reproducer,
                   directory, variant);
  if (!compiled)
    return compiled.takeError();
  return addVariant(manifest, code, std::move(variant), *compiled);
}

Error BundleWriter::describe() {
  manifest.producer = "moec " MOEC_VERSION;
  manifest.model = options.model;
  for (auto op : scheduled->getOps<moe::LayerOp>()) {
    Expected<ManifestLayer> layer = describeLayer(op);
    if (!layer)
      return layer.takeError();
    auto [number, packs] = code.kernels.lookup(op.getKernel());
    layer->kernel = number;
    SmallVector<moe::WeightOp> bound = layerWeights(op);
    for (Attribute pack : packs) {
      Expected<Packer> packer = Packer::create(pack, bound);
      if (!packer)
        return packer.takeError();
      layer->weights.push_back(weights.add(std::move(*packer)));
    }
    manifest.layers.push_back(std::move(*layer));
  }
  // What the run time would refuse, before the weights are packed.
  if (std::string problem; !checkManifest(manifest, problem))
    return inputError("no bundle can hold these layers: {}", problem);
  report.layers = manifest.layers.size();
  report.kernels = manifest.kernels.size();
  report.weightBytes = weights.bytes();
  return Error::success();
}

Error BundleWriter::packWeights(OutputDir &directory) {
  if (!options.checkpoint)
    return Error::success();
  unsigned threads = options.threads
                         ? options.threads
                         : std::max(1u, std::thread::hardware_concurrency());
  auto hash = weights.write(directory.file("weights.bin"), *options.checkpoint,
                            threads, options.progress, report.warnings);
  if (!hash)
    return hash.takeError();
  manifest.weights =
      ManifestFile{"weights.bin", int64_t(weights.bytes()), *hash};
  size_t number = 0;
  for (ManifestLayer &layer : manifest.layers)
    for (ManifestWeight &weight : layer.weights)
      for (const RelativeError &error : weights.errors(number++))
        weight.errors.push_back(error.value());
  return Error::success();
}

Error BundleWriter::writeFiles(OutputDir &directory) {
  const std::pair<StringRef, std::string> files[] = {
      {"model.mlir", moduleText(imported)},
      {kScheduleFileName, moduleText(*scheduled)},
      {"moec_model.h", printCHeader(manifest)},
      {kManifestFileName, printManifest(manifest)}};
  for (const auto &[name, text] : files)
    if (Error error = writeTextFile(directory.file(name), text))
      return error;
  return Error::success();
}

Error BundleWriter::fill(OutputDir &directory) {
  auto start = std::chrono::steady_clock::now();
  if (Error error = compile(directory))
    return error;
  if (Error error = describe())
    return error;
  report.compileSeconds += secondsSince(start);
  start = std::chrono::steady_clock::now();
  if (Error error = packWeights(directory))
    return error;
  report.packSeconds = secondsSince(start);
  return writeFiles(directory);
}

Error BundleWriter::run(StringRef path) {
  auto start = std::chrono::steady_clock::now();
  if (Error error = schedule())
    return error;
  report.compileSeconds = secondsSince(start);
  Expected<OutputDir> directory = OutputDir::create(path, kManifestFileName);
  if (!directory)
    return directory.takeError();
  if (Error error = fill(*directory))
    return directory->explain(std::move(error));
  return directory->commit();
}

Expected<BundleReport> writeBundle(ModuleOp module, StringRef path,
                                   const BundleOptions &options) {
  BundleWriter writer(module, options);
  if (Error error = writer.run(path))
    return std::move(error);
  return writer.report;
}

} // namespace moec
