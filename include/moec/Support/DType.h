//===- DType.h - element types of stored tensors ----------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element types that files hold, their names and sizes, and the sizes of
// whole tensors computed without overflow.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_DTYPE_H
#define MOEC_SUPPORT_DTYPE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace moec {

/// An element type. Multi-byte elements are little-endian in every file read.
enum class DType : uint8_t {
  F64,
  F32,
  F16,
  BF16,
  F8E4M3, ///< 4 exponent and 3 mantissa bits, no infinity (OCP "fn")
  F8E5M2, ///< 5 exponent and 2 mantissa bits, with infinities (OCP)
  F8E8M0, ///< a power of two, 2^(code - 127); 255 is NaN (OCP MX scales)
  F6E2M3, ///< 6 bits, packed
  F6E3M2, ///< 6 bits, packed
  F4E2M1, ///< 4 bits, two a byte, the first in the low half (OCP MX)
  I64,
  I32,
  I16,
  I8,
  U64,
  U32,
  U16,
  U8,
  Bool, ///< one byte, 0 or 1
  C64,  ///< two f32: real, imaginary
};

/// Number of values in DType.
constexpr unsigned numDTypes = unsigned(DType::C64) + 1;

using Shape = llvm::SmallVector<int64_t, 4>;

/// Lower-case name used in messages and on the command line: "bf16", "f8e4m3".
llvm::StringRef dtypeName(DType dtype);

/// The type called `name` by dtypeName, also "fp8" for f8e4m3; none if unknown.
std::optional<DType> parseDType(llvm::StringRef name);

/// The name in a safetensors header: "BF16", "F8_E4M3".
llvm::StringRef safetensorsName(DType dtype);

/// The type a safetensors header calls `name`; none if unknown.
std::optional<DType> parseSafetensorsDType(llvm::StringRef name);

/// Bits of one element: 4, 6, 8, 16, 32 or 64.
unsigned bitWidth(DType dtype);

/// Product of the dimensions; none if one is negative or if the product of
/// those that are not zero exceeds 2^63 - 1.
std::optional<int64_t> numElements(llvm::ArrayRef<int64_t> shape);

/// Bytes of a dense tensor; none where numElements is, if the bits exceed
/// 2^63 - 1, or if they do not fill whole bytes.
std::optional<uint64_t> tensorBytes(llvm::ArrayRef<int64_t> shape, DType dtype);

} // namespace moec

#endif // MOEC_SUPPORT_DTYPE_H
