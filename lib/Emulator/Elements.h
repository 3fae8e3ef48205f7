//===- Elements.h - Element types of tensor instructions -------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What tensor instructions multiply, as floats.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_ELEMENTS_H
#define MOEC_LIB_EMULATOR_ELEMENTS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace moec::emulator {

enum class ElementType : uint8_t { BF16, F16, TF32, E4M3, E5M2, S8, U8 };

/// By PTX's name; none if it is not modelled.
std::optional<ElementType> parseElementType(llvm::StringRef name);

constexpr unsigned elementBits(ElementType type) {
  switch (type) {
  case ElementType::TF32:
    return 32;
  case ElementType::BF16:
  case ElementType::F16:
    return 16;
  default:
    return 8;
  }
}

/// Decodes the element in the low bits of `code`. Integers are exact too.
float decodeElement(ElementType type, uint32_t code);

/// Decodes `count` elements that lie one after the other.
void decodeElements(ElementType type, const void *from, unsigned count,
                    float *to);

/// c[m][n] += sum over k of a[m][k] * b[k][n], rows of n columns; n is a
/// multiple of 8.
void multiplyAdd(float *c, const float *a, const float *b, unsigned m,
                 unsigned n, unsigned k);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_ELEMENTS_H
