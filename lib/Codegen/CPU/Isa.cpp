//===- Isa.cpp - What an instruction set calls things ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Isa.h"

namespace moec::cpu {

static constexpr Instructions instructionSets[] = {
    {Architecture::X86_64, 512, "llvm.x86.avx512bf16.dpbf16ps.512",
     "llvm.x86.avx512.vpdpbusd.512", /*signedWeights=*/false,
     "llvm.x86.avx512.pmaddubs.w.512", "llvm.x86.avx512.pmaddw.d.512",
     "llvm.x86.avx512.pshuf.b.512", "llvm.x86.avx512.permvar.hi.512"},
    {Architecture::X86_64, 256, "llvm.x86.avx512bf16.dpbf16ps.256",
     "llvm.x86.avx512.vpdpbusd.256", /*signedWeights=*/false,
     "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.pmadd.wd",
     "llvm.x86.avx2.pshuf.b", "llvm.x86.avx512.permvar.hi.256"},
    {Architecture::X86_64, 128, "llvm.x86.avx512bf16.dpbf16ps.128",
     "llvm.x86.avx512.vpdpbusd.128", /*signedWeights=*/false,
     "llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.sse2.pmadd.wd",
     "llvm.x86.ssse3.pshuf.b.128", "llvm.x86.avx512.permvar.hi.128"},
    {Architecture::AArch64, 128, "llvm.aarch64.neon.bfdot",
     "llvm.aarch64.neon.sdot", /*signedWeights=*/true,
     /*sumsOfBytes=*/"", /*sumsOfWords=*/"", "llvm.aarch64.neon.tbl1",
     /*lookUpWords=*/""}};

const Instructions *Isa::instructions(int64_t bits) const {
  for (const Instructions &candidate : instructionSets)
    if (candidate.architecture == architecture && candidate.bits == bits)
      return &candidate;
  return nullptr;
}

} // namespace moec::cpu
