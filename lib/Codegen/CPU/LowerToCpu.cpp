//===- LowerToCpu.cpp - Lowers layers to loops over vectors ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-lower-to-cpu in dialects/moe/MoeCpuPasses.td.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "moec/Codegen/CPU/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOELOWERTOCPUPASS
#include "moec/Dialect/Moe/MoeCpuPasses.h.inc"

namespace {

struct MoeLowerToCpuPass : impl::MoeLowerToCpuPassBase<MoeLowerToCpuPass> {
  using Base::Base;

  void runOnOperation() override {
    moec::cpu::Isa isa{cpu.architecture, cpu.lanes, cpu.int8Dot};
    if (failed(moec::lowerLayers(getOperation(), [&](func::FuncOp layer) {
          return moec::cpu::KernelLowering(layer, isa).run();
        })))
      signalPassFailure();
  }
};

} // namespace
} // namespace mlir::moe
