//===- DType.cpp - element types of stored tensors --------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one table of element types, and tensor sizes.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/DType.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace moec {

namespace {
struct Row {
  DType dtype;
  StringRef name, safetensors;
  unsigned bits;
};
} // namespace

/// In the order of the enumeration.
static constexpr Row table[] = {
    {DType::F64, "f64", "F64", 64},
    {DType::F32, "f32", "F32", 32},
    {DType::F16, "f16", "F16", 16},
    {DType::BF16, "bf16", "BF16", 16},
    {DType::F8E4M3, "f8e4m3", "F8_E4M3", 8},
    {DType::F8E5M2, "f8e5m2", "F8_E5M2", 8},
    {DType::F8E8M0, "f8e8m0", "F8_E8M0", 8},
    {DType::F6E2M3, "f6e2m3", "F6_E2M3", 6},
    {DType::F6E3M2, "f6e3m2", "F6_E3M2", 6},
    {DType::F4E2M1, "f4e2m1", "F4", 4},
    {DType::I64, "i64", "I64", 64},
    {DType::I32, "i32", "I32", 32},
    {DType::I16, "i16", "I16", 16},
    {DType::I8, "i8", "I8", 8},
    {DType::U64, "u64", "U64", 64},
    {DType::U32, "u32", "U32", 32},
    {DType::U16, "u16", "U16", 16},
    {DType::U8, "u8", "U8", 8},
    {DType::Bool, "bool", "BOOL", 8},
    {DType::C64, "c64", "C64", 64},
};

static constexpr bool tableIsInOrder() {
  for (unsigned i = 0; i < numDTypes; ++i)
    if (table[i].dtype != DType(i))
      return false;
  return std::size(table) == numDTypes;
}
static_assert(tableIsInOrder());

StringRef dtypeName(DType dtype) { return table[unsigned(dtype)].name; }

StringRef safetensorsName(DType dtype) {
  return table[unsigned(dtype)].safetensors;
}

unsigned bitWidth(DType dtype) { return table[unsigned(dtype)].bits; }

std::optional<DType> parseDType(StringRef name) {
  if (name == "fp8")
    return DType::F8E4M3;
  for (const Row &row : table)
    if (row.name == name)
      return row.dtype;
  return std::nullopt;
}

std::optional<DType> parseSafetensorsDType(StringRef name) {
  for (const Row &row : table)
    if (row.safetensors == name)
      return row.dtype;
  return std::nullopt;
}

std::optional<int64_t> numElements(ArrayRef<int64_t> shape) {
  int64_t product = 1;
  bool isEmpty = false;
  for (int64_t dim : shape) {
    if (dim < 0)
      return std::nullopt;
    if (dim == 0)
      isEmpty = true;
    else if (MulOverflow(product, dim, product))
      return std::nullopt;
  }
  return isEmpty ? 0 : product;
}

std::optional<uint64_t> tensorBytes(ArrayRef<int64_t> shape, DType dtype) {
  std::optional<int64_t> elements = numElements(shape);
  int64_t bits;
  if (!elements || MulOverflow<int64_t>(*elements, bitWidth(dtype), bits) ||
      bits % 8)
    return std::nullopt;
  return uint64_t(bits) / 8;
}

} // namespace moec
