//===- Elements.cpp - Element types of tensor instructions ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decoding, and the one product that all tensor instructions are.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "moec/Support/Float.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ErrorHandling.h"

#include <bit>
#include <cstring>

using namespace llvm;

namespace moec::emulator {

std::optional<ElementType> parseElementType(StringRef name) {
  return StringSwitch<std::optional<ElementType>>(name)
      .Case("bf16", ElementType::BF16)
      .Case("f16", ElementType::F16)
      .Case("tf32", ElementType::TF32)
      .Case("e4m3", ElementType::E4M3)
      .Case("e5m2", ElementType::E5M2)
      .Case("s8", ElementType::S8)
      .Case("u8", ElementType::U8)
      .Default(std::nullopt);
}

float decodeElement(ElementType type, uint32_t code) {
  switch (type) {
  case ElementType::BF16:
    return bf16ToFloat(uint16_t(code));
  case ElementType::F16:
    return f16ToFloat(uint16_t(code));
  case ElementType::TF32:
    // The hardware reads 19 bits: sign, 8 of exponent, 10 of mantissa.
    return std::bit_cast<float>(code & 0xffffe000);
  case ElementType::E4M3:
    return f8e4m3ToFloat(uint8_t(code));
  case ElementType::E5M2:
    return f8e5m2ToFloat(uint8_t(code));
  case ElementType::S8:
    return int8_t(code);
  case ElementType::U8:
    return uint8_t(code);
  }
  llvm_unreachable("all types are listed");
}

void decodeElements(ElementType type, const void *from, unsigned count,
                    float *to) {
  unsigned bytes = elementBits(type) / 8;
  auto *code = static_cast<const char *>(from);
  for (unsigned i = 0; i < count; ++i) {
    uint32_t bits = 0;
    std::memcpy(&bits, code + i * bytes, bytes);
    to[i] = decodeElement(type, bits);
  }
}

using Lanes [[gnu::vector_size(32), gnu::aligned(4), gnu::may_alias]] = float;

void multiplyAdd(float *c, const float *a, const float *b, unsigned m,
                 unsigned n, unsigned k) {
  for (unsigned row = 0; row < m; ++row)
    for (unsigned column = 0; column < n; column += 8) {
      auto *to = reinterpret_cast<Lanes *>(c + row * n + column);
      Lanes sum = *to;
      for (unsigned i = 0; i < k; ++i)
        sum += a[row * k + i] *
               *reinterpret_cast<const Lanes *>(b + i * n + column);
      *to = sum;
    }
}

} // namespace moec::emulator
