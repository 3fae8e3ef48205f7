//===- ElementType.cpp - element types at the interface -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table serves all questions.
//
//===----------------------------------------------------------------------===//

#include "ElementType.h"

#include <fmt/format.h>

namespace moec {

namespace {
struct Row {
  moec_dtype type;
  std::string_view name;
  uint8_t code; ///< of DLPack
  uint8_t bits;
};
} // namespace

static constexpr Row kTypes[] = {
    {MOEC_DTYPE_F32, "f32", kDLFloat, 32},
    {MOEC_DTYPE_F16, "f16", kDLFloat, 16},
    {MOEC_DTYPE_BF16, "bf16", kDLBfloat, 16},
    {MOEC_DTYPE_I32, "i32", kDLInt, 32},
    {MOEC_DTYPE_I64, "i64", kDLInt, 64},
};

static const Row &rowOf(moec_dtype type) {
  for (const Row &row : kTypes)
    if (row.type == type)
      return row;
  return kTypes[0];
}

std::string_view elementTypeName(moec_dtype type) { return rowOf(type).name; }

int64_t elementTypeSize(moec_dtype type) { return rowOf(type).bits / 8; }

std::optional<moec_dtype> elementTypeFromName(std::string_view name) {
  for (const Row &row : kTypes)
    if (row.name == name)
      return row.type;
  return std::nullopt;
}

std::optional<moec_dtype> elementTypeFromDLPack(DLDataType type) {
  for (const Row &row : kTypes)
    if (row.code == type.code && row.bits == type.bits && type.lanes == 1)
      return row.type;
  return std::nullopt;
}

DLDataType elementTypeToDLPack(moec_dtype type) {
  return {rowOf(type).code, rowOf(type).bits, 1};
}

std::string describeDLPackType(DLDataType type) {
  static constexpr std::string_view kinds[] = {"i",  "u", "f",   "opaque",
                                               "bf", "c", "bool"};
  std::string_view kind =
      type.code < std::size(kinds) ? kinds[type.code] : "unknown";
  std::string name = fmt::format("{}{}", kind, type.bits);
  return type.lanes == 1 ? name : fmt::format("{}x{}", name, type.lanes);
}

} // namespace moec
