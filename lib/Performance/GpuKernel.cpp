//===- GpuKernel.cpp - What a kernel's machine code tells -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/GpuKernel.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::perf {

using cubin::OpClass;

int64_t GpuLoop::count(const std::string &name) const {
  auto found = names.find(name);
  return found == names.end() ? 0 : found->second;
}

double GpuLoop::density() const {
  return double(count(OpClass::Tensor)) / double(instructions);
}

/// Cycles of the tensor cores: a warp has one to itself, a warpgroup all.
static double tensorCycles(const cubin::Instruction &instruction,
                           const GpuChip &chip) {
  double rate = double(chip.multiplyAdds);
  if (!instruction.ofWarpgroup)
    rate /= double(gpuSchedulers);
  if (instruction.bits == 8)
    rate *= 2;
  else if (instruction.bits == 32)
    rate /= 2;
  return double(instruction.multiplyAdds) / rate;
}

GpuLoop loopFigures(const cubin::Loop &loop, const GpuChip &chip) {
  GpuLoop figures;
  figures.begin = loop.begin;
  figures.instructions = int64_t(loop.code.size());
  for (const cubin::Instruction &instruction : loop.code) {
    figures.stall += instruction.stall;
    ++figures.classes[unsigned(instruction.kind)];
    ++figures.names[instruction.name()];
    figures.tensorCycles += tensorCycles(instruction, chip);
    figures.multiplyAdds += instruction.multiplyAdds;
    figures.ofWarpgroup |= instruction.ofWarpgroup;
  }
  return figures;
}

const GpuLoop *GpuKernel::mainLoop() const {
  auto weight = [](const GpuLoop &loop) {
    return std::pair(loop.tensorCycles, loop.instructions);
  };
  if (loops.empty())
    return nullptr;
  return &*max_element(loops, [&](const GpuLoop &a, const GpuLoop &b) {
    return weight(a) < weight(b);
  });
}

std::optional<WeightStream> weightStream(const GpuKernel &kernel,
                                         const GpuTile &tile) {
  const GpuLoop *narrow = nullptr;
  for (const GpuLoop &loop : kernel.loops)
    if (loop.multiplyAdds &&
        (!narrow || loop.multiplyAdds < narrow->multiplyAdds))
      narrow = &loop;
  if (!narrow || narrow->ofWarpgroup || !tile.leastTokens)
    return std::nullopt;
  // Each weight is multiplied with every token.
  double weights = double(narrow->multiplyAdds) /
                   (double(tile.leastTokens) * tile.productsOfWeight);
  double kib = weights * tile.weightBytes / 1024;
  return WeightStream{double(narrow->instructions) / kib,
                      int64_t(double((tile.stages - 1) * tile.rows *
                                     tile.depth * kernel.occupancy.blocks) *
                              tile.weightBytes)};
}

GpuKernel kernelFigures(const cubin::Kernel &code, const ManifestLaunch &launch,
                        const GpuChip &chip) {
  GpuKernel figures;
  figures.name = code.name;
  figures.needs = {launch.threads, code.registers,
                   code.sharedBytes + launch.shared};
  figures.stackBytes = code.stackBytes;
  figures.codeBytes = int64_t(code.code.size() * cubin::instructionBytes);
  figures.spills =
      count_if(code.code, [](const cubin::Instruction &instruction) {
        return instruction.kind == OpClass::Local;
      });
  figures.occupancy = occupancy(chip, figures.needs);
  std::vector<cubin::Loop> loops = cubin::innermostLoops(code.code);
  llvm::append_range(loops, cubin::unrolledLoops(code.code, loops));
  for (const cubin::Loop &loop : loops)
    figures.loops.push_back(loopFigures(loop, chip));
  return figures;
}

} // namespace moec::perf
