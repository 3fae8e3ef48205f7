//===- RandomTensor.h - Random numbers in storage formats -------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fills file tensors piece by piece with numbers that depend on the seed, the
// tensor's name and the position only.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_RANDOMTENSOR_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_RANDOMTENSOR_H

#include "moec/Support/DType.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

namespace moec::hf {

/// How the numbers of a file tensor are distributed.
struct Distribution {
  enum class Kind {
    Numbers,   // centre + spread * (uniform of variance 1)
    Fp8Codes,  // e4m3 codes that fill their range
    Fp8Scales, // f32, so that code * scale has the spread
    Fp4Codes,  // two e2m1 codes a byte
    Fp4Scales, // e8m0, so that code * 2^(scale - 127) has about the spread
    Ids        // each row has distinct ids below `limit`
  };
  Kind kind = Kind::Numbers;
  double centre = 0, spread = 1;
  int64_t limit = 0, rowSize = 1; // of Ids
};

/// Hands the bytes of `elements` elements to `write` in pieces.
llvm::Error
generate(uint64_t seed, llvm::StringRef name, DType dtype, int64_t elements,
         const Distribution &distribution,
         llvm::function_ref<llvm::Error(llvm::ArrayRef<uint8_t>)> write);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_RANDOMTENSOR_H
