//===- Npy.h - NumPy's array files ------------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NumPy's array file (NEP 1; numpy.lib.format), versions 1.0 to 3.0, C order,
// little-endian.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_NPY_H
#define MOEC_SUPPORT_NPY_H

#include "moec/Support/HostTensor.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>

namespace moec {

/// What the header of a .npy file says.
struct NpyHeader {
  DType dtype = DType::F32;
  Shape shape;
  /// Where the elements start, in bytes.
  uint64_t dataOffset = 0;
};

/// The largest header read, in bytes; `prefix` below need not be longer.
constexpr uint64_t maxNpyHeader = 1 << 16;

/// Parses a header. `prefix` is the start of the file `file` of `fileBytes`
/// bytes: the first maxNpyHeader bytes, or the whole. Fails on anything but
/// C-order f2, f4, f8, i1-i8, u1-u8 and b1, on a header that is too long or
/// malformed, and if the elements do not fill the rest of the file.
llvm::Expected<NpyHeader> parseNpyHeader(llvm::ArrayRef<uint8_t> prefix,
                                         uint64_t fileBytes,
                                         llvm::StringRef file);

/// Reads a file; fails as parseNpyHeader does.
llvm::Expected<HostTensor> readNpy(llvm::StringRef path);

/// Writes a file of version 1.0. Fails on types NumPy has no name for (bf16 and
/// narrower floats), if the bytes do not fit the shape, and on write errors.
llvm::Error writeNpy(llvm::StringRef path, const HostTensor &tensor);

} // namespace moec

#endif // MOEC_SUPPORT_NPY_H
