//===- RandomTensor.cpp - Random numbers in storage formats -----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A counter-based generator (splitmix64, Steele et al. 2014), 16 bits a number:
// uniform numbers are as good as normal ones here and several times as fast.
//
//===----------------------------------------------------------------------===//

#include "RandomTensor.h"
#include "moec/Support/Float.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/xxhash.h"
#include <cmath>

namespace moec::hf {
namespace {

constexpr int64_t pieceElements = 1 << 18;

uint64_t splitmix(uint64_t state) {
  state += 0x9e3779b97f4a7c15;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

class Generator {
public:
  Generator(uint64_t seed, llvm::StringRef name)
      : key(splitmix(seed) ^ llvm::xxh3_64bits(name)) {}

  /// 16 random bits for element `i`.
  uint16_t bits(int64_t i) {
    uint64_t block = static_cast<uint64_t>(i) >> 2;
    if (block != cachedBlock) {
      cachedBlock = block;
      cached = splitmix(key + block);
    }
    return static_cast<uint16_t>(cached >> ((i & 3) * 16));
  }
  /// Uniform in (-1, 1).
  float symmetric(int64_t i) {
    return (static_cast<float>(bits(i)) - 32767.5f) * (1.0f / 32768.0f);
  }

private:
  uint64_t key;
  uint64_t cachedBlock = ~uint64_t(0), cached = 0;
};

constexpr double root3 = 1.7320508075688772; // range of variance 1
constexpr double largestE4m3 = 448, largestE2m1 = 6;

void put(uint8_t *to, DType dtype, float value) {
  using namespace llvm::support;
  switch (dtype) {
  case DType::F32:
    endian::write32le(to, std::bit_cast<uint32_t>(value));
    break;
  case DType::F16:
    endian::write16le(to, floatToF16(value));
    break;
  case DType::BF16:
    endian::write16le(to, floatToBf16(value));
    break;
  default:
    *to = floatToF8e4m3(value);
  }
}

/// A permutation of [0, limit) cut to a row: distinct, and another for each
/// row.
int64_t distinctId(Generator &generator, const Distribution &distribution,
                   int64_t element) {
  int64_t row = element / distribution.rowSize;
  int64_t column = element % distribution.rowSize;
  return (generator.bits(row * 4) + column) % distribution.limit;
}

} // namespace

llvm::Error
generate(uint64_t seed, llvm::StringRef name, DType dtype, int64_t elements,
         const Distribution &distribution,
         llvm::function_ref<llvm::Error(llvm::ArrayRef<uint8_t>)> write) {
  using Kind = Distribution::Kind;
  Generator generator(seed, name);
  size_t width = bitWidth(dtype) / 8;
  float range = static_cast<float>(distribution.spread * root3);
  float centre = static_cast<float>(distribution.centre);
  // What a code of full range is worth.
  float fp8Scale = static_cast<float>(range / largestE4m3);
  int fp4Exponent = static_cast<int>(
      std::lround(std::log2(std::max(1e-30, range / largestE2m1))));
  std::vector<uint8_t> piece;
  for (int64_t begin = 0; begin < elements; begin += pieceElements) {
    int64_t count = std::min(pieceElements, elements - begin);
    piece.resize(count * width);
    for (int64_t i = 0; i < count; ++i) {
      uint8_t *to = piece.data() + i * width;
      int64_t at = begin + i;
      switch (distribution.kind) {
      case Kind::Numbers:
        put(to, dtype, centre + range * generator.symmetric(at));
        break;
      case Kind::Fp8Codes:
        put(to, DType::F8E4M3,
            static_cast<float>(largestE4m3) * generator.symmetric(at));
        break;
      case Kind::Fp8Scales:
        put(to, DType::F32, fp8Scale * (1 + 0.5f * generator.symmetric(at)));
        break;
      case Kind::Fp4Codes: {
        auto code = [&](int64_t n) {
          return floatToE2m1(static_cast<float>(largestE2m1) *
                             generator.symmetric(n));
        };
        *to = static_cast<uint8_t>(code(2 * at) | code(2 * at + 1) << 4);
        break;
      }
      case Kind::Fp4Scales:
        *to = static_cast<uint8_t>(
            std::clamp(127 + fp4Exponent - (generator.bits(at) & 1), 1, 254));
        break;
      case Kind::Ids: {
        int64_t id = distinctId(generator, distribution, at);
        if (dtype == DType::I64)
          llvm::support::endian::write64le(to, static_cast<uint64_t>(id));
        else
          llvm::support::endian::write32le(to, static_cast<uint32_t>(id));
        break;
      }
      }
    }
    if (llvm::Error error = write(piece))
      return error;
  }
  return llvm::Error::success();
}

} // namespace moec::hf
