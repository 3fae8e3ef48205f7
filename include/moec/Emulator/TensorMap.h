//===- TensorMap.h - CUtensorMap of the emulated device ---------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What cuTensorMapEncodeTiled makes for the hardware, for the emulator: 128
// bytes that a kernel takes by value and hands to the TMA instructions.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_EMULATOR_TENSORMAP_H
#define MOEC_EMULATOR_TENSORMAP_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>

namespace moec::emulator {

/// CU_TENSOR_MAP_SWIZZLE_*: bits 4 and up of a shared address are xored with
/// bits 7 and up; with one, two or three of them.
enum class Swizzle : uint8_t { None, B32, B64, B128 };

/// The arguments of cuTensorMapEncodeTiled, fastest dimension first; element
/// strides are 1, interleaving is off.
struct TensorMapLayout {
  void *address = nullptr;
  unsigned elementBytes = 0;
  llvm::ArrayRef<uint64_t> sizes;
  /// Bytes from one index to the next of dimensions 1 and up.
  llvm::ArrayRef<uint64_t> strides;
  /// In elements.
  llvm::ArrayRef<uint32_t> box;
  Swizzle swizzle = Swizzle::None;
};

/// Passed by value as a kernel's parameter.
struct alignas(64) TensorMap {
  static constexpr unsigned maxRank = 5;

  /// Fails where cuTensorMapEncodeTiled does.
  static llvm::Expected<TensorMap> encode(const TensorMapLayout &layout);

  /// Marks what encode() made.
  uint64_t magic = 0;
  char *address = nullptr;
  uint64_t strides[maxRank] = {};
  uint32_t sizes[maxRank] = {};
  uint16_t box[maxRank] = {};
  uint8_t rank = 0, elementBytes = 0;
  Swizzle swizzle = Swizzle::None;

  bool isValid() const;
  uint64_t boxBytes() const;
};
static_assert(sizeof(TensorMap) == 128);

} // namespace moec::emulator

#endif // MOEC_EMULATOR_TENSORMAP_H
