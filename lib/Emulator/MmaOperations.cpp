//===- MmaOperations.cpp - mma.sync ---------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mma.sync.aligned.m16n8kK. With g = lane / 4, t = lane % 4 and p elements of A
// and B in a register (PTX ISA, "Matrix Fragments for mma.m16n8kK"):
//   A, register r, element e: row g + 8 (r % 2), column p t + e + 4 p (r / 2)
//   B, register r, element e: row p t + e + 4 p r, column g
//   C and D, element i:       row g + 8 (i / 2), column 2 t + i % 2
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Launch.h"
#include "Slots.h"

#include <cstring>

using namespace llvm;

namespace moec::emulator {
namespace {

constexpr unsigned rowsM = 16, columnsN = 8, maxK = 64;

enum class Accumulator { F32, F16, S32 };

struct Shape {
  unsigned k;
  ElementType a, b;
  Accumulator accumulator;

  constexpr unsigned perRegister() const { return 32 / elementBits(a); }
  constexpr unsigned registersA() const {
    return rowsM * k / warpSize / perRegister();
  }
  constexpr unsigned registersB() const {
    return columnsN * k / warpSize / perRegister();
  }
  /// 16-bit accumulators go two to a register.
  unsigned registersC() const {
    return accumulator == Accumulator::F16 ? 2 : 4;
  }
};

} // namespace

template <typename DecodeA, typename DecodeB>
[[gnu::always_inline]] static inline void
loadWith(const Gathering &gathering, const Shape &shape, float *a, float *b,
         DecodeA decodeA, DecodeB decodeB) {
  unsigned p = shape.perRegister(), bits = 32 / p;
  unsigned registersA = shape.registersA(), registersB = shape.registersB();
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    const uint64_t *in = gathering.lanes[lane].in;
    for (unsigned r = 0; r < registersA; ++r)
      for (unsigned e = 0; e < p; ++e)
        a[(g + 8 * (r % 2)) * shape.k + p * t + e + 4 * p * (r / 2)] =
            decodeA(uint32_t(in[r]) >> (bits * e));
    in += registersA;
    for (unsigned r = 0; r < registersB; ++r)
      for (unsigned e = 0; e < p; ++e)
        b[(p * t + e + 4 * p * r) * columnsN + g] =
            decodeB(uint32_t(in[r]) >> (bits * e));
  }
}

/// m16n8k16 of bf16 is what nearly all kernels have, so that the compiler gets
/// its shape as constants.
static void loadOperands(const Gathering &gathering, const Shape &shape,
                         float *a, float *b) {
  auto bf16 = [](uint32_t code) { return bf16ToFloat(uint16_t(code)); };
  constexpr Shape usual = {16, ElementType::BF16, ElementType::BF16,
                           Accumulator::F32};
  if (shape.a == usual.a && shape.b == usual.b && shape.k == usual.k)
    return loadWith(gathering, usual, a, b, bf16, bf16);
  loadWith(
      gathering, shape, a, b,
      [&](uint32_t code) { return decodeElement(shape.a, code); },
      [&](uint32_t code) { return decodeElement(shape.b, code); });
}

/// Calls fn(slot, shift, row, column) for the accumulators of a lane.
template <typename Fn>
static void forEachAccumulator(const Shape &shape, unsigned lane, Fn fn) {
  bool packed = shape.accumulator == Accumulator::F16;
  for (unsigned i = 0; i < 4; ++i)
    fn(packed ? i / 2 : i, packed ? 16 * (i % 2) : 0, lane / 4 + 8 * (i / 2),
       2 * (lane % 4) + i % 2);
}

static float decodeAccumulator(Accumulator type, uint32_t bits) {
  switch (type) {
  case Accumulator::F32:
    return std::bit_cast<float>(bits);
  case Accumulator::F16:
    return f16ToFloat(uint16_t(bits));
  case Accumulator::S32:
    break;
  }
  llvm_unreachable("integers are added as integers");
}

static void multiply(Gathering &gathering, const Shape &shape) {
  float a[rowsM * maxK], b[maxK * columnsN], c[rowsM * columnsN] = {};
  loadOperands(gathering, shape, a, b);
  bool integers = shape.accumulator == Accumulator::S32;
  unsigned firstC = shape.registersA() + shape.registersB();
  // Integer sums of 64 products of 8 bits are exact in float; what is added to
  // need not be.
  if (!integers)
    for (unsigned lane = 0; lane < warpSize; ++lane)
      forEachAccumulator(
          shape, lane,
          [&](unsigned slot, unsigned shift, unsigned row, unsigned column) {
            c[row * columnsN + column] = decodeAccumulator(
                shape.accumulator,
                uint32_t(gathering.lanes[lane].in[firstC + slot]) >> shift);
          });
  multiplyAdd(c, a, b, rowsM, columnsN, shape.k);
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    Gathering::Lane &own = gathering.lanes[lane];
    std::fill_n(own.out, shape.registersC(), 0);
    forEachAccumulator(
        shape, lane,
        [&](unsigned slot, unsigned shift, unsigned row, unsigned column) {
          float value = c[row * columnsN + column];
          if (integers)
            own.out[slot] =
                uint32_t(own.in[firstC + slot]) + uint32_t(int(value));
          else if (shape.accumulator == Accumulator::F16)
            own.out[slot] |= uint64_t(floatToF16(value)) << shift;
          else
            own.out[slot] = toSlot(value);
        });
    for (unsigned slot = 0; slot < shape.registersC(); ++slot)
      own.out[slot] = uint32_t(own.out[slot]);
  }
}

static Operation makeMma(Shape shape) {
  return [shape](Thread &thread, const Site &site, const uint64_t *in,
                 uint64_t *out) {
    gatherWarp(thread, site, ~0u, in, out, [&](Gathering &gathering) {
      Counters &counters = thread.launch().counters();
      ++counters.mma;
      counters.tensorFlops += 2 * rowsM * columnsN * shape.k;
      multiply(gathering, shape);
    });
  };
}

/// "K.row.col." in front of the types.
static std::optional<unsigned> parseK(StringRef &rest) {
  unsigned k;
  if (rest.consumeInteger(10, k) || !rest.consume_front(".row.col."))
    return std::nullopt;
  return k;
}

static Operation checked(unsigned k, ElementType a, ElementType b,
                         Accumulator accumulator) {
  bool integers = a == ElementType::S8 || a == ElementType::U8;
  unsigned bits = elementBits(a);
  bool hasShape = k * bits == 256 || k * bits == 128;
  if (!hasShape || elementBits(b) != bits ||
      integers != (accumulator == Accumulator::S32))
    return {};
  return makeMma({k, a, b, accumulator});
}

/// llvm.nvvm.mma.m16n8kK.row.col.TYPES, where TYPES is "bf16", "tf32",
/// "D.C" for f16 operands, "A" or "A.B" for integers, "D.A.B.C" for fp8.
static Operation makeIntrinsic(StringRef rest, ArrayRef<unsigned>) {
  std::optional<unsigned> k = parseK(rest);
  if (!k)
    return {};
  SmallVector<StringRef> parts;
  rest.split(parts, '.');
  if (rest == "f32.f32" || rest == "f16.f16")
    return checked(*k, ElementType::F16, ElementType::F16,
                   rest == "f32.f32" ? Accumulator::F32 : Accumulator::F16);
  if (parts.size() == 4 && parts[0] == parts[3] &&
      (parts[0] == "f32" || parts[0] == "f16")) {
    auto a = parseElementType(parts[1]), b = parseElementType(parts[2]);
    return a && b ? checked(*k, *a, *b,
                            parts[0] == "f32" ? Accumulator::F32
                                              : Accumulator::F16)
                  : Operation();
  }
  if (parts.size() > 2)
    return {};
  auto a = parseElementType(parts.front()), b = parseElementType(parts.back());
  if (!a || !b || *a == ElementType::F16)
    return {};
  return checked(*k, *a, *b,
                 elementBits(*a) == 8 ? Accumulator::S32 : Accumulator::F32);
}

/// mma.sync.aligned.m16n8kK.row.col.D.A.B.C
static Operation makePtx(StringRef rest, ArrayRef<unsigned>) {
  std::optional<unsigned> k = parseK(rest);
  SmallVector<StringRef> parts;
  rest.split(parts, '.');
  if (!k || parts.size() != 4 || parts[0] != parts[3])
    return {};
  auto a = parseElementType(parts[1]), b = parseElementType(parts[2]);
  if (!a || !b)
    return {};
  if (parts[0] == "s32")
    return checked(*k, *a, *b, Accumulator::S32);
  if (parts[0] != "f32" && parts[0] != "f16")
    return {};
  return checked(*k, *a, *b,
                 parts[0] == "f32" ? Accumulator::F32 : Accumulator::F16);
}

void addMmaOperations(OperationTable &table) {
  table.intrinsics("mma.m16n8k", makeIntrinsic);
  table.ptxFamily("mma.sync.aligned.m16n8k", PtxResult::First, makePtx);
}

} // namespace moec::emulator
