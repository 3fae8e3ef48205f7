//===- CompileNvptx.cpp - The code of a bundle for an NVIDIA GPU ----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX for every driver, the LLVM bitcode it was made of for the emulator, a
// cubin where there is an assembler; and the launches in the manifest.
//
//===----------------------------------------------------------------------===//

#include "CompileCode.h"
#include "moec/Codegen/NVPTX/Attributes.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Support/Error.h"
#include "moec/Support/Text.h"
#include "moec/Target/Nvptx.h"

#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace llvm;
using namespace mlir;

namespace moec {

/// Attributes and manifest call a kind of argument and a time the same.
static ManifestArgument describe(moe::ArgumentAttr argument) {
  ManifestArgument result;
  result.kind = static_cast<ArgumentKind>(argument.getKind());
  result.number = argument.getNumber();
  return result;
}
static_assert(int(moe::ArgumentKind::TensorMap) ==
              int(ArgumentKind::TensorMap));
static_assert(int(moe::When::Given) == int(LaunchWhen::Given));

static ManifestPlan describe(moe::PlanOp op) {
  ManifestPlan plan;
  for (auto buffer : op.getBuffers().getAsRange<moe::DeviceBufferAttr>())
    plan.buffers.push_back(
        {buffer.getPerToken(), buffer.getFixed(), buffer.getRowBytes()});
  for (auto map : op.getMaps().getAsRange<moe::TensorMapAttr>())
    plan.maps.push_back({map.getWeight(), map.getRows(), map.getCols(),
                         map.getElementBytes(), map.getBoxRows()});
  if (auto counters = op->getAttrOfType<IntegerAttr>(nvptx::countersName))
    plan.counters = counters.getInt();
  ArrayRef<int64_t> ranges;
  if (auto attr = op->getAttrOfType<DenseI64ArrayAttr>(nvptx::rangesName))
    ranges = attr.asArrayRef();
  int64_t from = 0;
  for (auto attr : op.getLaunches().getAsRange<moe::LaunchAttr>()) {
    while (!ranges.empty() && int64_t(plan.launches.size()) >= ranges[0]) {
      from = ranges[1];
      ranges = ranges.drop_front(2);
    }
    ManifestLaunch &launch = plan.launches.emplace_back();
    launch.kernel = attr.getKernel().str();
    launch.when = static_cast<LaunchWhen>(attr.getWhen());
    launch.from = from;
    launch.below = ranges.empty() ? INT32_MAX : ranges[1];
    launch.perToken = attr.getPerToken();
    launch.fixed = attr.getFixed();
    launch.perBlock = attr.getPerBlock();
    launch.columns = attr.getColumns();
    launch.threads = attr.getThreads();
    launch.shared = attr.getShared();
    launch.resident = attr.getResident();
    launch.cluster = attr.getCluster();
    launch.overlaps = attr.getOverlaps();
    for (moe::ArgumentAttr argument : attr.getArguments())
      launch.arguments.push_back(describe(argument));
  }
  return plan;
}

static Error addImage(const OutputDir &directory, StringRef kind,
                      StringRef name, StringRef bytes, Manifest &manifest) {
  Expected<ManifestFile> file = writeCode(directory, name, bytes);
  if (!file)
    return file.takeError();
  manifest.images.push_back({kind.str(), std::move(*file)});
  return Error::success();
}

Expected<CompiledCode> compileNvptx(ModuleOp module, const NvptxTarget &target,
                                    StringRef name, StringRef reproducer,
                                    const OutputDir &directory,
                                    Manifest &manifest) {
  CompiledCode code;
  OwningOpRef<ModuleOp> lowered = cast<ModuleOp>(module->clone());
  if (Error error =
          lowerModule(*lowered, Phase::Scheduled, Phase::Loops, target,
                      /*fuse=*/true, reproducer))
    return std::move(error);
  for (auto plan : lowered->getOps<moe::PlanOp>()) {
    std::string symbol = plan.getSymName().str();
    code.kernels[symbol] = {manifest.kernels.size(), plan.getPacks()};
    manifest.kernels.push_back({symbol, "", describe(plan)});
  }
  if (Error error = lowerModule(*lowered, Phase::Loops, Phase::Llvm, target,
                                /*fuse=*/true, reproducer))
    return std::move(error);

  LLVMContext context;
  auto translated = translateDeviceModule(*lowered, target, context);
  if (!translated)
    return translated.takeError();
  // Making PTX changes the module.
  SmallString<0> bitcode;
  raw_svector_ostream bitcodeStream(bitcode);
  WriteBitcodeToFile(**translated, bitcodeStream);
  Expected<std::string> ptx = emitPtx(**translated, target);
  if (!ptx)
    return ptx.takeError();
  Expected<ManifestFile> file = writeCode(directory, name.str() + ".ptx", *ptx);
  if (!file)
    return file.takeError();
  manifest.kernel = std::move(*file);
  code.bytes = ptx->size();
  if (Error error =
          addImage(directory, "llvm", name.str() + ".bc", bitcode, manifest))
    return std::move(error);
  if (std::optional<std::string> ptxas = findPtxas()) {
    Expected<Cubin> cubin = assemble(*ptxas, *ptx, target);
    if (!cubin)
      return cubin.takeError();
    if (Error error = addImage(directory, "cubin", name.str() + ".cubin",
                               cubin->bytes, manifest))
      return std::move(error);
  } else {
    code.notes.push_back("ptxas was not found, so the bundle has PTX only, "
                         "which the driver assembles when it is opened");
  }
  manifest.triple = "nvptx64-nvidia-cuda";
  manifest.cpu = target.chip;
  manifest.features = {"ptx" + std::to_string(target.ptxVersion)};
  return code;
}

/// The number in `all` of each of `packs`; those that are not there are added.
static SmallVector<int64_t> unite(SmallVectorImpl<mlir::Attribute> &all,
                                  ArrayAttr packs) {
  SmallVector<int64_t> numbers;
  for (mlir::Attribute pack : packs) {
    numbers.push_back(find(all, pack) - all.begin());
    if (numbers.back() == int64_t(all.size()))
      all.push_back(pack);
  }
  return numbers;
}

static void renumberWeights(ManifestPlan &plan, ArrayRef<int64_t> numbers) {
  for (ManifestMap &map : plan.maps)
    map.weight = numbers[map.weight];
  for (ManifestLaunch &launch : plan.launches)
    for (ManifestArgument &argument : launch.arguments)
      if (argument.kind == ArgumentKind::Weight)
        argument.number = numbers[argument.number];
}

Error addVariant(Manifest &manifest, CompiledCode &compiled, Manifest variant,
                 const CompiledCode &code) {
  for (auto &entry : compiled.kernels) {
    auto &[number, packs] = entry.second;
    auto other = code.kernels.find(entry.first());
    if (other == code.kernels.end() || other->second.first != number)
      return inputError(
          "{} and {} do not share kernel {}, so one bundle cannot "
          "hold both; compile a bundle for each",
          manifest.cpu, variant.cpu, quote(entry.first()));
    SmallVector<mlir::Attribute> all(packs.begin(), packs.end());
    SmallVector<int64_t> numbers = unite(all, other->second.second);
    renumberWeights(*variant.kernels[number].plan, numbers);
    packs = ArrayAttr::get(packs.getContext(), all);
  }
  manifest.variants.push_back(std::move(variant));
  compiled.bytes += code.bytes;
  return Error::success();
}

} // namespace moec
