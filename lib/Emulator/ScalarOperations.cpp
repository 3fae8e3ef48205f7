//===- ScalarOperations.cpp - Scalar PTX instructions ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plain instructions that inline PTX uses between the others: moves,
// integer and float arithmetic, comparisons, selections.
//
//===----------------------------------------------------------------------===//

#include "Slots.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace llvm;

namespace moec::emulator {
namespace {

/// ".u32" and its like.
struct ScalarType {
  enum Kind { Unsigned, Signed, Float } kind;
  unsigned bits;
};

} // namespace

static std::optional<ScalarType> parseType(StringRef name) {
  if (name == "pred")
    return ScalarType{ScalarType::Unsigned, 1};
  ScalarType type;
  if (name.empty() || !to_integer(name.drop_front(), type.bits, 10) ||
      type.bits > 64)
    return std::nullopt;
  switch (name.front()) {
  case 'b':
  case 'u':
    type.kind = ScalarType::Unsigned;
    return type;
  case 's':
    type.kind = ScalarType::Signed;
    return type;
  case 'f':
    type.kind = ScalarType::Float;
    if (type.bits != 32)
      return std::nullopt;
    return type;
  default:
    return std::nullopt;
  }
}

static uint64_t truncated(uint64_t value, ScalarType type) {
  return type.bits == 64 ? value : value & ((uint64_t(1) << type.bits) - 1);
}

static int64_t signedValue(uint64_t value, ScalarType type) {
  return int64_t(value << (64 - type.bits)) >> (64 - type.bits);
}

/// The type at the end of ".rn.ftz.f32" and the like.
static std::optional<ScalarType> lastType(StringRef suffixes) {
  return parseType(suffixes.rsplit('.').second.empty()
                       ? suffixes
                       : suffixes.rsplit('.').second);
}

/// An operation of two operands, on integers and on floats.
template <typename Integer, typename Float>
static void addBinary(OperationTable &table, const char *name, Integer integer,
                      Float real) {
  table.ptxFamily(
      fmt::format("{}.", name), PtxResult::First,
      [=](StringRef suffixes, ArrayRef<unsigned>) -> Operation {
        std::optional<ScalarType> type = lastType(suffixes);
        if (!type || suffixes.contains("wide") || suffixes.contains("hi"))
          return {};
        if (type->kind == ScalarType::Float)
          return
              [=](Thread &, const Site &, const uint64_t *in, uint64_t *out) {
                out[0] = toSlot(real(floatOf(in[0]), floatOf(in[1])));
              };
        if (type->kind == ScalarType::Signed)
          return
              [=](Thread &, const Site &, const uint64_t *in, uint64_t *out) {
                out[0] = truncated(integer(signedValue(in[0], *type),
                                           signedValue(in[1], *type)),
                                   *type);
              };
        return [=](Thread &, const Site &, const uint64_t *in, uint64_t *out) {
          out[0] = truncated(
              integer(truncated(in[0], *type), truncated(in[1], *type)), *type);
        };
      });
}

/// An operation on the bits of the type's width.
static void addBits(
    OperationTable &table, const char *name,
    const std::function<uint64_t(const uint64_t *in, ScalarType)> &compute) {
  table.ptxFamily(fmt::format("{}.", name), PtxResult::First,
                  [=](StringRef suffix, ArrayRef<unsigned>) -> Operation {
                    std::optional<ScalarType> type = parseType(suffix);
                    if (!type)
                      return {};
                    return [=](Thread &, const Site &, const uint64_t *in,
                               uint64_t *out) {
                      out[0] = truncated(compute(in, *type), *type);
                    };
                  });
}

static void addArithmetic(OperationTable &table) {
  auto add = [](auto a, auto b) { return a + b; };
  auto sub = [](auto a, auto b) { return a - b; };
  auto mul = [](auto a, auto b) { return a * b; };
  auto min = [](auto a, auto b) { return b < a ? b : a; };
  auto max = [](auto a, auto b) { return a < b ? b : a; };
  addBinary(table, "add", [=](auto a, auto b) { return uint64_t(a) + b; }, add);
  addBinary(table, "sub", [=](auto a, auto b) { return uint64_t(a) - b; }, sub);
  addBinary(table, "mul", [=](auto a, auto b) { return uint64_t(a) * b; }, mul);
  addBinary(table, "min", min,
            [](float a, float b) { return std::fmin(a, b); });
  addBinary(table, "max", max,
            [](float a, float b) { return std::fmax(a, b); });
  addBits(table, "and",
          [](const uint64_t *in, ScalarType) { return in[0] & in[1]; });
  addBits(table, "or",
          [](const uint64_t *in, ScalarType) { return in[0] | in[1]; });
  addBits(table, "xor",
          [](const uint64_t *in, ScalarType) { return in[0] ^ in[1]; });
  addBits(table, "not", [](const uint64_t *in, ScalarType) { return ~in[0]; });
  addBits(table, "shl", [](const uint64_t *in, ScalarType type) {
    return uint32_t(in[1]) >= type.bits ? 0 : in[0] << uint32_t(in[1]);
  });
  addBits(table, "shr", [](const uint64_t *in, ScalarType type) -> uint64_t {
    unsigned count = std::min<uint32_t>(in[1], type.bits);
    if (type.kind == ScalarType::Signed)
      return signedValue(in[0], type) >> std::min(count, 63u);
    return count >= type.bits ? 0 : truncated(in[0], type) >> count;
  });
  addBits(table, "mad.lo",
          [](const uint64_t *in, ScalarType) { return in[0] * in[1] + in[2]; });
  addBits(table, "selp",
          [](const uint64_t *in, ScalarType) { return in[2] ? in[0] : in[1]; });
}

template <typename T>
static std::optional<std::function<bool(T, T)>> comparison(StringRef name) {
  using Fn = std::function<bool(T, T)>;
  return StringSwitch<std::optional<Fn>>(name)
      .Case("eq", Fn(std::equal_to<T>()))
      .Case("ne", Fn(std::not_equal_to<T>()))
      .Cases({"lt", "lo"}, Fn(std::less<T>()))
      .Cases({"le", "ls"}, Fn(std::less_equal<T>()))
      .Cases({"gt", "hi"}, Fn(std::greater<T>()))
      .Cases({"ge", "hs"}, Fn(std::greater_equal<T>()))
      .Default(std::nullopt);
}

/// setp.CMP.TYPE p, a, b
static Operation makeComparison(StringRef rest, ArrayRef<unsigned>) {
  auto [name, typeName] = rest.split('.');
  std::optional<ScalarType> type = parseType(typeName);
  if (!type || !comparison<float>(name))
    return {};
  if (type->kind == ScalarType::Float)
    return [compare = *comparison<float>(name)](
               Thread &, const Site &, const uint64_t *in, uint64_t *out) {
      out[0] = compare(floatOf(in[0]), floatOf(in[1]));
    };
  if (type->kind == ScalarType::Signed)
    return [compare = *comparison<int64_t>(name), type = *type](
               Thread &, const Site &, const uint64_t *in, uint64_t *out) {
      out[0] = compare(signedValue(in[0], type), signedValue(in[1], type));
    };
  return [compare = *comparison<uint64_t>(name), type = *type](
             Thread &, const Site &, const uint64_t *in, uint64_t *out) {
    out[0] = compare(truncated(in[0], type), truncated(in[1], type));
  };
}

/// cvt.TO.FROM between integers.
static Operation makeConversion(StringRef rest, ArrayRef<unsigned>) {
  auto [toName, fromName] = rest.split('.');
  std::optional<ScalarType> to = parseType(toName), from = parseType(fromName);
  if (!to || !from || to->kind == ScalarType::Float ||
      from->kind == ScalarType::Float)
    return {};
  return [to = *to, from = *from](Thread &, const Site &, const uint64_t *in,
                                  uint64_t *out) {
    uint64_t value = from.kind == ScalarType::Signed
                         ? uint64_t(signedValue(in[0], from))
                         : truncated(in[0], from);
    out[0] = truncated(value, to);
  };
}

/// mov, also between a register and its parts: {low, high} = a and
/// a = {low, high}.
static Operation makeMove(StringRef suffix, ArrayRef<unsigned> operands) {
  std::optional<ScalarType> type = parseType(suffix);
  if (!type || operands.size() != 2)
    return {};
  unsigned results = operands[0], sources = operands[1];
  unsigned bits = type->bits / std::max(results, sources);
  ScalarType part{ScalarType::Unsigned, bits};
  return [=](Thread &, const Site &, const uint64_t *in, uint64_t *out) {
    uint64_t whole = 0;
    for (unsigned i = 0; i < sources; ++i)
      whole |= (sources > 1 ? truncated(in[i], part) : in[i]) << (bits * i);
    for (unsigned i = 0; i < results; ++i)
      out[i] = results > 1 ? truncated(whole >> (bits * i), part) : whole;
  };
}

void addScalarOperations(OperationTable &table) {
  addArithmetic(table);
  table.ptxFamily("setp.", PtxResult::First, makeComparison);
  table.ptxFamily("cvt.", PtxResult::First, makeConversion);
  table.ptxFamily("cvta.", PtxResult::First,
                  [](StringRef, ArrayRef<unsigned>) -> Operation {
                    return [](Thread &, const Site &, const uint64_t *in,
                              uint64_t *out) { out[0] = in[0]; };
                  });
  table.ptxFamily("mov.", PtxResult::First, makeMove);
}

} // namespace moec::emulator
