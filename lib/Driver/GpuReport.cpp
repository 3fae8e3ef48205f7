//===- GpuReport.cpp - moec gpu-report ------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Judges a bundle for a GPU by its machine code and its plans, without a GPU.
//
//===----------------------------------------------------------------------===//

#include "GpuReport.h"
#include "Command.h"
#include "Explanation.h"
#include "Facts.h"
#include "Loads.h"
#include "Output.h"
#include "moec/Support/Error.h"
#include "moec/Support/InputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace moec::driver {
namespace {

class GpuReportCommand : public Command {
public:
  void declare(OptionTable &options) override;
  Expected<int> run(Console &console) override;

private:
  Error addKernels(const Manifest &manifest);
  Error addLayers(const Manifest &manifest);
  void addStream(const perf::TiledProduct &product, GpuLayer &layer) const;
  Expected<GpuLayer> judge(const perf::LayerCost &cost,
                           const ManifestLayer &layer,
                           const ManifestPlan &plan) const;
  Error print(Console &console) const;
  Expected<int> compare(Console &console) const;

  std::string bundle;
  std::vector<int64_t> tokens = {1, 64, 512, 4096};
  std::optional<std::string> chip, routing, against, html;
  bool json = false, figures = false;
  GpuReport report;
};

} // namespace

void GpuReportCommand::declare(OptionTable &options) {
  options.positional("BUNDLE", "what `moec compile --target=nvptx:CHIP` wrote",
                     bundle);
  options.text("chip", "NAME",
               "of a bundle for several chips, the one to judge; the first if "
               "not given",
               chip);
  options.list("tokens", "batch sizes; 1,64,512,4096 if not given", tokens, 1,
               int64_t(1) << 24);
  options.text("routing", "FILE",
               "a .safetensors file with topk_ids, as `moec run` writes it: "
               "where tokens go, in place of equally likely experts",
               routing);
  options.text("against", "FILE",
               "a JSON file of limits; exit code 1 if one is broken", against);
  options.flag("figures", "list every figure that can be limited", figures);
  options.flag("json", "print JSON (docs/cli.md says what is in it)", json);
  options.text("html", "FILE", "write a page", html);
}

static Expected<cubin::Cubin> readCode(StringRef bundle,
                                       const Manifest &manifest) {
  constexpr uint64_t most = 64 << 20;
  auto image = find_if(manifest.images, [](const ManifestImage &candidate) {
    return candidate.kind == "cubin";
  });
  if (image == manifest.images.end())
    return inputError("{} has no machine code, because there was no ptxas when "
                      "it was compiled; compile it where there is one",
                      printable(bundle));
  SmallString<128> path(bundle);
  sys::path::append(path, image->file.file);
  Expected<std::string> bytes = readTextFile(path, most);
  if (!bytes)
    return bytes.takeError();
  return cubin::readCubin(*bytes, path);
}

Error GpuReportCommand::addKernels(const Manifest &manifest) {
  Expected<cubin::Cubin> code = readCode(bundle, manifest);
  if (!code)
    return code.takeError();
  StringMap<const cubin::Kernel *> known;
  for (const cubin::Kernel &kernel : code->kernels)
    known[kernel.name] = &kernel;
  StringMap<bool> seen;
  for (const ManifestKernel &kernel : manifest.kernels)
    for (const ManifestLaunch &launch : kernel.plan->launches) {
      const cubin::Kernel *found = known.lookup(launch.kernel);
      if (!found)
        return inputError("{}: its machine code has no kernel {}, which its "
                          "manifest launches; compile the model again",
                          printable(bundle), quote(launch.kernel));
      if (seen.try_emplace(launch.kernel, true).second)
        report.kernels.push_back(
            perf::kernelFigures(*found, launch, report.chip));
    }
  return Error::success();
}

/// Adds how the kernel of `product` reads its weights, once.
void GpuReportCommand::addStream(const perf::TiledProduct &product,
                                 GpuLayer &layer) const {
  if (any_of(layer.streams, [&](const GpuStream &stream) {
        return stream.kernel == product.kernel;
      }))
    return;
  auto kernel = find_if(report.kernels, [&](const perf::GpuKernel &candidate) {
    return candidate.name == product.kernel;
  });
  if (auto figures = perf::weightStream(*kernel, product.shape))
    layer.streams.push_back(
        {product.weights, product.kernel, product.tile, *figures});
}

Expected<GpuLayer> GpuReportCommand::judge(const perf::LayerCost &cost,
                                           const ManifestLayer &layer,
                                           const ManifestPlan &plan) const {
  GpuLayer result;
  auto add = [&](perf::Load load) {
    perf::GpuTraffic traffic =
        perf::gpuTraffic(cost, layer, plan, load, report.chip);
    for (const perf::TiledProduct &product : traffic.products)
      addStream(product, result);
    result.batches.push_back({std::move(load), std::move(traffic)});
  };
  if (!routing) {
    for (int64_t count : tokens)
      add(randomLoad(cost, count));
    return result;
  }
  Expected<perf::Load> load = readLoad(*routing, cost);
  if (!load)
    return load.takeError();
  add(std::move(*load));
  return result;
}

Error GpuReportCommand::addLayers(const Manifest &manifest) {
  auto costs = readCosts(bundle);
  if (!costs)
    return costs.takeError();
  for (auto [number, kernel] : enumerate(manifest.kernels)) {
    std::vector<std::string> sharers;
    GpuLayer judged;
    for (auto [cost, layer] : zip(*costs, manifest.layers)) {
      if (layer.kernel != int64_t(number))
        continue;
      if (sharers.empty()) {
        Expected<GpuLayer> first = judge(cost, layer, *kernel.plan);
        if (!first)
          return first.takeError();
        judged = std::move(*first);
      }
      sharers.push_back(layer.name);
    }
    judged.names = foldLayerNames(sharers);
    if (!sharers.empty())
      report.layers.push_back(std::move(judged));
  }
  return Error::success();
}

Error GpuReportCommand::print(Console &console) const {
  if (figures)
    for (const GpuFigure &figure : gpuFigures(report))
      console.print(
          fmt::format("{} {:g}\n", printable(figure.path), figure.value));
  else if (json)
    console.print(gpuReportJson(report).dump(
                      2, ' ', false, nlohmann::json::error_handler_t::replace) +
                  "\n");
  else
    console.print(gpuReportText(console, report));
  if (html)
    return writeOutput(console, *html, gpuReportPage(report));
  return Error::success();
}

Expected<int> GpuReportCommand::compare(Console &console) const {
  auto broken = brokenLimits(*against, gpuFigures(report));
  if (!broken)
    return broken.takeError();
  for (const std::string &line : *broken)
    console.error(line);
  return broken->empty() ? 0 : 1;
}

Expected<int> GpuReportCommand::run(Console &console) {
  if (json && figures)
    return usageError("--json and --figures are two ways to print a report; "
                      "give one");
  Expected<Manifest> manifest = readManifest(bundle);
  if (!manifest)
    return manifest.takeError();
  if (!isForDevice(*manifest))
    return inputError("{} is compiled for {}, not for a GPU; compile the model "
                      "with --target=nvptx:CHIP",
                      printable(bundle), printable(manifest->cpu));
  if (chip && !chooseChip(*manifest, *chip))
    return usageError("--chip={}: {} is compiled for {}", printable(*chip),
                      printable(bundle), join(chipsOf(*manifest), ", "));
  report.bundle = printable(bundle);
  report.chipName = manifest->cpu;
  Expected<perf::GpuChip> judged = perf::gpuChip(manifest->cpu);
  if (!judged)
    return judged.takeError();
  report.chip = *judged;
  if (Error error = addKernels(*manifest))
    return std::move(error);
  if (Error error = addLayers(*manifest))
    return std::move(error);
  if (Error error = print(console))
    return std::move(error);
  return against ? compare(console) : 0;
}

const CommandInfo gpuReportCommand = {
    "gpu-report", "judge a bundle for a GPU by its machine code",
    "Says for every kernel what it needs and how many blocks of it live on a "
    "multiprocessor, for its main loop how its instructions compare with what "
    "the tensor cores need, and for every batch size what the launches move, "
    "pad and leave idle; beside them stand the figures of other engines' "
    "kernels. No GPU is needed.\n\n"
    "With --against, figures that are worse than the limits in a file are "
    "errors.",
    "$ moec gpu-report mixtral.moec\n"
    "$ moec gpu-report mixtral.moec --against=limits.json --html=mixtral.html",
    createCommand<GpuReportCommand>};

} // namespace moec::driver
