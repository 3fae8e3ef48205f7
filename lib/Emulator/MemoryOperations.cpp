//===- MemoryOperations.cpp - ld, st, red and atom of PTX -----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory instructions in inline PTX, also those that LLVM IR cannot express:
// vector reductions, packed 16-bit ones, shared memory of the cluster.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "Slots.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <cstring>

using namespace llvm;

namespace moec::emulator {
namespace {

enum class Update { None, Add, Min, Max, And, Or, Xor, Exch, Cas };
enum class ValueType { Bits, Signed, F32, BF16x2, F16x2, BF16, F16 };

/// What the suffixes of an instruction say.
struct Access {
  unsigned space = 0, count = 1, bytes = 0;
  Update update = Update::None;
  ValueType type = ValueType::Bits;
  bool isVolatile = false;
};

} // namespace

static bool readSpace(StringRef part, Access &access) {
  int space = StringSwitch<int>(part)
                  .Case("global", 1)
                  .Cases({"shared", "shared::cta"}, 3)
                  .Case("const", 4)
                  .Case("local", 5)
                  .Case("shared::cluster", 7)
                  .Default(-1);
  access.space = space < 0 ? access.space : space;
  return space >= 0;
}

static bool readUpdate(StringRef part, Access &access) {
  Update update = StringSwitch<Update>(part)
                      .Case("add", Update::Add)
                      .Case("min", Update::Min)
                      .Case("max", Update::Max)
                      .Case("and", Update::And)
                      .Case("or", Update::Or)
                      .Case("xor", Update::Xor)
                      .Case("exch", Update::Exch)
                      .Case("cas", Update::Cas)
                      .Default(Update::None);
  if (update != Update::None)
    access.update = update;
  return update != Update::None;
}

static bool readType(StringRef part, Access &access) {
  if (part == "v2" || part == "v4" || part == "v8") {
    access.count = part[1] - '0';
    return true;
  }
  auto [type, bytes] = StringSwitch<std::pair<ValueType, unsigned>>(part)
                           .Case("bf16x2", {ValueType::BF16x2, 4})
                           .Case("f16x2", {ValueType::F16x2, 4})
                           .Case("bf16", {ValueType::BF16, 2})
                           .Case("f16", {ValueType::F16, 2})
                           .Case("f32", {ValueType::F32, 4})
                           .Default({ValueType::Bits, 0});
  unsigned bits;
  if (!bytes && part.size() > 1 && StringRef("busf").contains(part[0]) &&
      to_integer(part.drop_front(), bits, 10) && bits % 8 == 0 && bits <= 64) {
    bytes = bits / 8;
    type = part[0] == 's' ? ValueType::Signed : ValueType::Bits;
  }
  if (bytes) {
    access.type = type;
    access.bytes = bytes;
  }
  return bytes != 0;
}

/// Suffixes that change nothing here.
static bool isHint(StringRef part) {
  return part.starts_with("L1::") || part.starts_with("L2::") ||
         StringSwitch<bool>(part)
             .Cases({"relaxed", "acquire", "release", "acq_rel", "weak"}, true)
             .Cases({"gpu", "cta", "sys", "cluster", "nc", "noftz"}, true)
             .Cases({"ca", "cg", "cs", "lu", "cv", "wb", "wt", "async"}, true)
             .Default(false);
}

static std::optional<Access> parseAccess(StringRef suffixes) {
  Access access;
  SmallVector<StringRef> parts;
  suffixes.split(parts, '.');
  for (StringRef part : parts) {
    if (part == "volatile" || part == "acquire")
      access.isVolatile = true;
    if (part != "volatile" && !isHint(part) && !readSpace(part, access) &&
        !readUpdate(part, access) && !readType(part, access))
      return std::nullopt;
  }
  if (!access.bytes)
    return std::nullopt;
  return access;
}

/// Where to do an access, or null.
static char *placeOf(Thread &thread, const Site &site, const Access &access,
                     uint64_t address, AccessKind kind) {
  Launch &launch = thread.launch();
  unsigned bytes = access.bytes * access.count;
  auto *place = reinterpret_cast<char *>(address);
  if (address % bytes) {
    launch.found(FindingKind::Misaligned, thread, site,
                 "the address 0x{:x} is not aligned to {} bytes", address,
                 bytes);
    return nullptr;
  }
  if (kind == AccessKind::Atomic)
    ++launch.counters().atomics;
  if ((access.isVolatile || kind == AccessKind::Atomic) &&
      launch.random(4) == 0)
    launch.yield(thread, &site);
  if (!checkAccess(thread, site, access.space, place, bytes, kind))
    return nullptr;
  countAccess(thread, site, place, bytes);
  return place;
}

static Operation makeLoad(StringRef rest, ArrayRef<unsigned> operands) {
  std::optional<Access> access = parseAccess(rest);
  if (!access || access->update != Update::None || operands.size() != 2 ||
      operands[0] != access->count)
    return {};
  return [access = *access](Thread &thread, const Site &site,
                            const uint64_t *in, uint64_t *out) {
    char *from = placeOf(thread, site, access, in[0], AccessKind::Load);
    for (unsigned i = 0; i < access.count; ++i) {
      out[i] = 0;
      if (from)
        std::memcpy(&out[i], from + i * access.bytes, access.bytes);
    }
  };
}

static Operation makeStore(StringRef rest, ArrayRef<unsigned> operands) {
  std::optional<Access> access = parseAccess(rest);
  if (!access || access->update != Update::None || operands.size() != 2 ||
      operands[1] != access->count)
    return {};
  return [access = *access](Thread &thread, const Site &site,
                            const uint64_t *in, uint64_t *) {
    if (char *to = placeOf(thread, site, access, in[0], AccessKind::Store))
      for (unsigned i = 0; i < access.count; ++i)
        std::memcpy(to + i * access.bytes, &in[1 + i], access.bytes);
  };
}

template <typename T>
static T combine(Update update, T a, T b) {
  switch (update) {
  case Update::Min:
    return std::min(a, b);
  case Update::Max:
    return std::max(a, b);
  case Update::Exch:
    return b;
  default:
    return a + b;
  }
}

static uint64_t combineBits(Update update, uint64_t a, uint64_t b) {
  switch (update) {
  case Update::And:
    return a & b;
  case Update::Or:
    return a | b;
  case Update::Xor:
    return a ^ b;
  default:
    return combine(update, a, b);
  }
}

template <float (*decode)(uint16_t), uint16_t (*encode)(float)>
static uint64_t combineHalves(Update update, uint64_t a, uint64_t b) {
  auto half = [&](unsigned shift) {
    return uint64_t(encode(combine(update, decode(uint16_t(a >> shift)),
                                   decode(uint16_t(b >> shift)))))
           << shift;
  };
  return half(0) | half(16);
}

/// The new value of an element.
static uint64_t updated(const Access &access, uint64_t old,
                        const uint64_t *operand) {
  uint64_t value = operand[0];
  if (access.update == Update::Cas)
    return old == value ? operand[1] : old;
  switch (access.type) {
  case ValueType::F32:
    return toSlot(combine(access.update, floatOf(old), floatOf(value)));
  case ValueType::BF16:
  case ValueType::BF16x2:
    return combineHalves<bf16ToFloat, floatToBf16>(access.update, old, value);
  case ValueType::F16:
  case ValueType::F16x2:
    return combineHalves<f16ToFloat, floatToF16>(access.update, old, value);
  case ValueType::Signed: {
    unsigned unused = 64 - 8 * access.bytes;
    return combine(access.update, int64_t(old << unused) >> unused,
                   int64_t(value << unused) >> unused);
  }
  case ValueType::Bits:
    return combineBits(access.update, old, value);
  }
  llvm_unreachable("all types are listed");
}

/// red has no result; atom's is the old value.
static Operation makeUpdate(StringRef rest, ArrayRef<unsigned>) {
  std::optional<Access> access = parseAccess(rest);
  if (!access || access->update == Update::None)
    return {};
  return [access = *access](Thread &thread, const Site &site,
                            const uint64_t *in, uint64_t *out) {
    char *place = placeOf(thread, site, access, in[0], AccessKind::Atomic);
    for (unsigned i = 0; i < access.count; ++i) {
      out[i] = 0;
      if (!place)
        continue;
      std::memcpy(&out[i], place + i * access.bytes, access.bytes);
      uint64_t value = updated(access, out[i], &in[1 + i]);
      std::memcpy(place + i * access.bytes, &value, access.bytes);
    }
  };
}

void addMemoryOperations(OperationTable &table) {
  table.ptxFamily("ld.", PtxResult::First, makeLoad);
  table.ptxFamily("st.", PtxResult::None, makeStore);
  table.ptxFamily("red.", PtxResult::None, makeUpdate);
  table.ptxFamily("atom.", PtxResult::First, makeUpdate);
}

} // namespace moec::emulator
