//===- NvptxTarget.h - What the NVPTX back end knows of a chip --*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The few facts about a GPU that decide how code for it is written down.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_NVPTX_NVPTXTARGET_H
#define MOEC_CODEGEN_NVPTX_NVPTXTARGET_H

#include <string>

namespace moec {

struct NvptxTarget {
  /// LLVM's and the assembler's name of the chip: "sm_80".
  std::string chip;
  /// The version of PTX, times ten: 70 is 7.0. The least that has the chip and
  /// every instruction the back end emits, so that old drivers read it too.
  unsigned ptxVersion = 0;

  /// Whether the chip has wgmma and TMA, which no later one has.
  bool hasWgmma() const { return chip == "sm_90a"; }
  std::string features() const { return "+ptx" + std::to_string(ptxVersion); }
};

} // namespace moec

#endif // MOEC_CODEGEN_NVPTX_NVPTXTARGET_H
