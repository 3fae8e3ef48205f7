//===- PeakLoops.cpp - Loops that do nothing but multiply or read ---------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Twelve chains of one instruction each: enough to hide a latency of six cycles
// on two ports, and few enough for 16 registers.
//
//===----------------------------------------------------------------------===//

#include "PeakLoops.h"
#include "moec/Runtime/CpuFeatures.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define MOEC_VECTOR_REGISTER "x"
#else
#define MOEC_VECTOR_REGISTER "w"
#endif

namespace moec::perf {

constexpr int chains = 12;
/// Bytes in one iteration of a read loop.
constexpr int64_t readStep = 1024;

/// Makes the compiler believe that `value` is read and changed.
#define MOEC_OPAQUE(value) asm volatile("" : "+" MOEC_VECTOR_REGISTER(value))

/// A function that repeats `step` on `chains` registers `sum`; `a` and `b` are
/// operands of unknown value.
// NOLINTBEGIN(bugprone-macro-parentheses): a type is no expression.
#define MOEC_PEAK_LOOP(name, attributes, Vector, step)                         \
  attributes static void name(int64_t iterations) {                            \
    Vector sums[chains] = {}, a = {}, b = {};                                  \
    MOEC_OPAQUE(a);                                                            \
    MOEC_OPAQUE(b);                                                            \
    for (int64_t i = 0; i < iterations; ++i)                                   \
      for (Vector &sum : sums) {                                               \
        sum = (step);                                                          \
        MOEC_OPAQUE(sum);                                                      \
      }                                                                        \
  }
// NOLINTEND(bugprone-macro-parentheses)

/// A function that reads with vectors of `width` bytes.
#define MOEC_READ_LOOP(name, attributes, width)                                \
  attributes static void name(const char *begin, int64_t bytes) {              \
    typedef int64_t Vector [[gnu::vector_size(width)]];                        \
    Vector sums[4] = {};                                                       \
    for (int64_t at = 0; at < bytes; at += readStep) {                         \
      auto *from = reinterpret_cast<const Vector *>(begin + at);               \
      for (int i = 0; i < readStep / (width); ++i)                             \
        sums[i % 4] ^= from[i];                                                \
    }                                                                          \
    for (Vector &sum : sums)                                                   \
      MOEC_OPAQUE(sum);                                                        \
  }

// Any CPU.
typedef float Float4 [[gnu::vector_size(16)]];
MOEC_PEAK_LOOP(mulAdd128, , Float4, a *b + sum)
MOEC_READ_LOOP(read128, , 16)

#if defined(__x86_64__)

MOEC_PEAK_LOOP(fma512, [[gnu::target("avx512f")]], __m512,
               _mm512_fmadd_ps(a, b, sum))
MOEC_PEAK_LOOP(fma256, [[gnu::target("avx2,fma")]], __m256,
               _mm256_fmadd_ps(a, b, sum))
MOEC_PEAK_LOOP(bf16Dot512, [[gnu::target("avx512bf16,avx512f")]], __m512,
               _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a),
                                reinterpret_cast<__m512bh>(b)))
MOEC_PEAK_LOOP(int8Dot512, [[gnu::target("avx512vnni,avx512f")]], __m512i,
               _mm512_dpbusd_epi32(sum, a, b))
MOEC_PEAK_LOOP(int16Dot256, [[gnu::target("avx2")]], __m256i,
               _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)))
MOEC_READ_LOOP(read512, [[gnu::target("avx512f")]], 64)
MOEC_READ_LOOP(read256, [[gnu::target("avx2")]], 32)

static const PeakLoop peakLoops[] = {
    {Arithmetic::F32, {"avx512f"}, 2 * 16 * chains, fma512},
    {Arithmetic::F32, {"avx2", "fma"}, 2 * 8 * chains, fma256},
    {Arithmetic::F32, {}, 2 * 4 * chains, mulAdd128},
    {Arithmetic::Bf16, {"avx512bf16"}, 2 * 32 * chains, bf16Dot512},
    {Arithmetic::Int8, {"avx512vnni"}, 2 * 64 * chains, int8Dot512},
    {Arithmetic::Int8, {"avx2"}, 2 * 16 * chains, int16Dot256}};

ReadLoop widestReadLoop() {
  return hostHasCpuFeature("avx512f") ? read512
         : hostHasCpuFeature("avx2")  ? read256
                                      : read128;
}

#else

static const PeakLoop peakLoops[] = {
    {Arithmetic::F32, {}, 2 * 4 * chains, mulAdd128}};

ReadLoop widestReadLoop() { return read128; }

#endif

const PeakLoop &fastestLoop(Arithmetic arithmetic) {
  for (Arithmetic wanted : {arithmetic, Arithmetic::F32})
    for (const PeakLoop &loop : peakLoops)
      if (loop.arithmetic == wanted && llvm::all_of(loop.features, [](auto f) {
            return hostHasCpuFeature(f);
          }))
        return loop;
  llvm_unreachable("the last f32 loop needs nothing");
}

} // namespace moec::perf
