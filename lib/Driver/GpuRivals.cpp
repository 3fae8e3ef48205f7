//===- GpuRivals.cpp - Kernels that people run today ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Read from the machine code, launches counted in the host code, of vLLM 0.33,
// SGLang 0.5.23, sgl-deep-gemm 0.2.5, quack-kernels 0.6.5 (the products of
// SonicMoE) and CUTLASS 4.7, at tiles of their own tables. Data only.
//
//===----------------------------------------------------------------------===//

#include "GpuReport.h"

using namespace llvm;

namespace moec::driver {

static constexpr GpuRival sm80[] = {
    {"CUTLASS grouped, 4 warps", "128x128", 315, 1037, 1024},
    {"vLLM, 4 warps", "128x128", 325, 1241, 1024},
    {"vLLM, 8 warps", "128x128", 197, 541, 512},
    {"SGLang with SwiGLU, 8 warps", "128x128", 189, 541, 512},
    {"vLLM, T = 48 to 128", "32x128", 132, 328, 256},
    {"vLLM, T <= 32", "16x64", 64, 152, 64}};

static constexpr GpuRival sm90[] = {
    {"DeepGEMM", "128x256", 40, 120, 512},
    {"vLLM", "128x256", 145, 292, 512},
    {"SGLang with SwiGLU", "128x256", 137, 276, 512},
    {"SonicMoE with gather and SwiGLU", "128x192", 70, 182, 768},
    {"DeepGEMM", "128x128", 36, 80, 256},
    {"CUTLASS grouped", "128x128", 49, 116, 256},
    {"vLLM", "128x128", 114, 223, 256},
    {"vLLM, T = 512", "64x128", 135, 245, 256},
    {"vLLM, T = 64", "16x256", 82, 195, 64},
    {"vLLM, T = 1", "16x64", 75, 187, 32}};

static constexpr GpuRival sm100[] = {
    {"vLLM", "256x256", 212, 456, 1024},
    {"SonicMoE, two blocks together", "128x256", 45, 97, 512},
    {"vLLM", "128x256", 160, 322, 512},
    {"trtllm-gen with SwiGLU", "128x128", 73, 172, 256}};

static constexpr GpuLaunchRival launches[] = {{"vLLM", 7, 8},
                                              {"SGLang", 7, 8},
                                              {"triton_kernels", 8, 8},
                                              {"SonicMoE", 8, 8}};

static constexpr GpuStreamRival streams[] = {{"vLLM, SGLang", 21, 38, 96, 160}};

ArrayRef<GpuLaunchRival> gpuLaunchRivals() { return launches; }

ArrayRef<GpuStreamRival> gpuStreamRivals() { return streams; }

ArrayRef<GpuRival> gpuRivals(StringRef chip) {
  if (chip.starts_with("sm_80"))
    return sm80;
  if (chip.starts_with("sm_90"))
    return sm90;
  if (chip.starts_with("sm_100"))
    return sm100;
  return {};
}

} // namespace moec::driver
