//===- TensorMap.cpp - CUtensorMap of the emulated device -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The checks of cuTensorMapEncodeTiled (CUDA driver API, "Tensor Map Object
// Management").
//
//===----------------------------------------------------------------------===//

#include "moec/Emulator/TensorMap.h"
#include "moec/Support/Error.h"

using namespace llvm;

namespace moec::emulator {

static constexpr uint64_t tensorMapMagic = 0x50414d524f534e54;

bool TensorMap::isValid() const { return magic == tensorMapMagic; }

uint64_t TensorMap::boxBytes() const {
  uint64_t bytes = elementBytes;
  for (unsigned i = 0; i < rank; ++i)
    bytes *= box[i];
  return bytes;
}

static Error checkShape(const TensorMapLayout &layout) {
  size_t rank = layout.sizes.size();
  if (rank < 1 || rank > TensorMap::maxRank ||
      layout.strides.size() != rank - 1 || layout.box.size() != rank)
    return inputError("a tensor map has 1 to 5 dimensions, a stride less and "
                      "as many box sizes, not {}, {} and {}",
                      rank, layout.strides.size(), layout.box.size());
  if (layout.elementBytes != 1 && layout.elementBytes != 2 &&
      layout.elementBytes != 4 && layout.elementBytes != 8)
    return inputError("elements of a tensor map have 1, 2, 4 or 8 bytes, not "
                      "{}",
                      layout.elementBytes);
  for (size_t i = 0; i < rank; ++i) {
    if (!layout.sizes[i] || layout.sizes[i] >> 32)
      return inputError("dimension {} of a tensor map is {}; 1 to 2^32 - 1 are "
                        "possible",
                        i, layout.sizes[i]);
    if (!layout.box[i] || layout.box[i] > 256)
      return inputError("box size {} of a tensor map is {}; 1 to 256 are "
                        "possible",
                        i, layout.box[i]);
  }
  return Error::success();
}

static Error checkAlignment(const TensorMapLayout &layout) {
  if (reinterpret_cast<uintptr_t>(layout.address) % 16)
    return inputError("the address 0x{:x} of a tensor map is not aligned to 16 "
                      "bytes",
                      reinterpret_cast<uintptr_t>(layout.address));
  for (auto [i, stride] : enumerate(layout.strides))
    if (stride % 16 || stride >> 40)
      return inputError("stride {} of a tensor map is {} bytes; multiples of "
                        "16 below 2^40 are possible",
                        i + 1, stride);
  uint64_t rowBytes = uint64_t(layout.box[0]) * layout.elementBytes;
  if (rowBytes % 16)
    return inputError("a row of a tensor map's box has {} bytes, which is no "
                      "multiple of 16",
                      rowBytes);
  unsigned swizzleBytes = 16u << unsigned(layout.swizzle);
  if (layout.swizzle != Swizzle::None && rowBytes > swizzleBytes)
    return inputError("a row of a tensor map's box has {} bytes, more than the "
                      "{} of its swizzle",
                      rowBytes, swizzleBytes);
  return Error::success();
}

Expected<TensorMap> TensorMap::encode(const TensorMapLayout &layout) {
  if (Error error = checkShape(layout))
    return std::move(error);
  if (Error error = checkAlignment(layout))
    return std::move(error);
  TensorMap map;
  map.magic = tensorMapMagic;
  map.address = static_cast<char *>(layout.address);
  map.rank = layout.sizes.size();
  map.elementBytes = layout.elementBytes;
  map.swizzle = layout.swizzle;
  map.strides[0] = layout.elementBytes;
  for (unsigned i = 0; i < map.rank; ++i) {
    map.sizes[i] = layout.sizes[i];
    map.box[i] = layout.box[i];
    if (i)
      map.strides[i] = layout.strides[i - 1];
  }
  return map;
}

} // namespace moec::emulator
