//===- ElementType.h - element types at the interface -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The element types of Kernel.h: their names in manifests, their sizes, and
// what DLPack calls them.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_ELEMENTTYPE_H
#define MOEC_LIB_RUNTIME_ELEMENTTYPE_H

#include "moec-c/Kernel.h"

#include <dlpack/dlpack.h>

#include <optional>
#include <string>
#include <string_view>

namespace moec {

/// The name of `type` in a manifest: "f32", "f16", "bf16", "i32" or "i64".
std::string_view elementTypeName(moec_dtype type);

/// Bytes of one element.
int64_t elementTypeSize(moec_dtype type);

/// The type a manifest calls `name`.
std::optional<moec_dtype> elementTypeFromName(std::string_view name);

/// The type DLPack describes as `type`.
std::optional<moec_dtype> elementTypeFromDLPack(DLDataType type);

/// DLPack's description of `type`.
DLDataType elementTypeToDLPack(moec_dtype type);

/// A DLPack type for a message: "f64", "u8", "i32x4".
std::string describeDLPackType(DLDataType type);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_ELEMENTTYPE_H
