//===- MathOperations.cpp - Approximate and packed arithmetic -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The hardware's approximate functions are computed to full float precision:
// what a kernel relies on must hold with that too.
//
//===----------------------------------------------------------------------===//

#include "Slots.h"

#include <cmath>

using namespace llvm;

namespace moec::emulator {

using Unary = float (*)(float);

static float reciprocal(float x) { return 1 / x; }
static float reciprocalRoot(float x) { return 1 / std::sqrt(x); }

static Operation makeUnary(Unary fn) {
  return [fn](Thread &, const Site &, const uint64_t *in, uint64_t *out) {
    out[0] = toSlot(fn(floatOf(in[0])));
  };
}

static void addUnary(OperationTable &table) {
  struct Entry {
    const char *name, *intrinsic;
    Unary fn;
  };
  const Entry entries[] = {{"ex2.approx", "ex2.approx", std::exp2},
                           {"lg2.approx", "lg2.approx", std::log2},
                           {"sin.approx", "sin.approx", std::sin},
                           {"cos.approx", "cos.approx", std::cos},
                           {"tanh.approx", "tanh.approx", std::tanh},
                           {"rcp.approx", "rcp.approx", reciprocal},
                           {"rcp.rn", "rcp.rn", reciprocal},
                           {"rsqrt.approx", "rsqrt.approx", reciprocalRoot},
                           {"sqrt.approx", "sqrt.approx", std::sqrt},
                           {"sqrt.rn", "sqrt.rn", std::sqrt}};
  for (const Entry &entry : entries)
    for (const char *ftz : {"", ".ftz"}) {
      Operation operation = makeUnary(entry.fn);
      for (const char *type : {".f", ".f32"})
        table.intrinsic(fmt::format("{}{}{}", entry.intrinsic, ftz, type),
                        operation);
      table.ptx(fmt::format("{}{}.f32", entry.name, ftz), PtxResult::First,
                operation);
    }
  table.intrinsic("sqrt.f", makeUnary(std::sqrt));
}

/// Larger or smaller; a NaN loses against a number, unless it is asked for.
template <bool isMax, bool keepsNan>
static float extremum(float a, float b) {
  if (keepsNan && (std::isnan(a) || std::isnan(b)))
    return std::numeric_limits<float>::quiet_NaN();
  return isMax ? std::fmax(a, b) : std::fmin(a, b);
}

using Binary = float (*)(float, float);

static Operation makeBinary(Binary fn) {
  return [fn](Thread &, const Site &, const uint64_t *in, uint64_t *out) {
    out[0] = toSlot(fn(floatOf(in[0]), floatOf(in[1])));
  };
}

static void addBinary(OperationTable &table) {
  auto quotient = [](float a, float b) { return a / b; };
  auto sum = [](float a, float b) { return a + b; };
  auto product = [](float a, float b) { return a * b; };
  std::pair<const char *, Binary> entries[] = {
      {"fmax", extremum<true, false>},
      {"fmin", extremum<false, false>},
      {"fmax.nan", extremum<true, true>},
      {"fmin.nan", extremum<false, true>},
      {"add.rn", sum},
      {"mul.rn", product},
      {"div.rn", quotient},
      {"div.approx", quotient},
      {"div.full", quotient}};
  for (auto [name, fn] : entries) {
    auto [base, suffix] = StringRef(name).split('.');
    table.intrinsic(fmt::format("{}.f", name), makeBinary(fn));
    table.intrinsic(suffix == "nan" ? fmt::format("{}.ftz.nan.f", base)
                                    : fmt::format("{}.ftz.f", name),
                    makeBinary(fn));
  }
  table.intrinsic("div.full", makeBinary(quotient));
  table.intrinsic("div.full.ftz", makeBinary(quotient));
  Operation fma = [](Thread &, const Site &, const uint64_t *in,
                     uint64_t *out) {
    out[0] = toSlot(std::fma(floatOf(in[0]), floatOf(in[1]), floatOf(in[2])));
  };
  table.intrinsic("fma.rn.f", fma);
  table.intrinsic("fma.rn.ftz.f", fma);
}

/// Conversions of two floats into a packed register: operand a to the upper
/// half, b to the lower one.
template <uint16_t (*convert)(float)>
static void packHalves(Thread &, const Site &, const uint64_t *in,
                       uint64_t *out) {
  out[0] = uint32_t(convert(floatOf(in[0]))) << 16 | convert(floatOf(in[1]));
}

template <uint16_t (*convert)(float)>
static void convertOne(Thread &, const Site &, const uint64_t *in,
                       uint64_t *out) {
  out[0] = convert(floatOf(in[0]));
}

static void addConversions(OperationTable &table) {
  table.intrinsic("ff2bf16x2.rn", packHalves<floatToBf16>);
  table.intrinsic("ff2f16x2.rn", packHalves<floatToF16>);
  table.intrinsic("f2bf16.rn", convertOne<floatToBf16>);
  table.intrinsic("f2f16.rn", convertOne<floatToF16>);
  table.ptx("cvt.rn.bf16x2.f32", PtxResult::First, packHalves<floatToBf16>);
  table.ptx("cvt.rn.f16x2.f32", PtxResult::First, packHalves<floatToF16>);
  table.ptx("cvt.rn.bf16.f32", PtxResult::First, convertOne<floatToBf16>);
  table.ptx("cvt.rn.f16.f32", PtxResult::First, convertOne<floatToF16>);
}

void addMathOperations(OperationTable &table) {
  addUnary(table);
  addBinary(table);
  addConversions(table);
}

} // namespace moec::emulator
