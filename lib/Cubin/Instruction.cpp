//===- Instruction.cpp - Machine instructions of NVIDIA GPUs --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Cubin/Instruction.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <fmt/format.h>

using namespace llvm;

namespace moec::cubin {

StringRef className(OpClass kind) {
  static constexpr StringLiteral names[] = {
      "tensor",       "fragment",    "copy",         "global_load",
      "global_store", "shared_load", "shared_store", "local",
      "sync",         "control",     "warp",         "convert",
      "float",        "uniform",     "integer",      "unknown"};
  static_assert(std::size(names) == numOpClasses);
  return names[unsigned(kind)];
}

namespace {

struct Operation {
  uint16_t code;
  OpClass kind;
  StringLiteral name;
};

enum : uint16_t {
  IMMA = 0x037,
  HMMA = 0x03c,
  QMMA = 0x07a,
  BAR = 0x11d,
  BRA = 0x147,
  BRX = 0x149,
  EXIT = 0x14d,
  RET = 0x150,
  HGMMA = 0x1f0,
  QGMMA = 0x1f3
};

} // namespace

/// Sorted by code.
static constexpr Operation operations[] = {
    {0x002, OpClass::Integer, "MOV"},
    {0x003, OpClass::Integer, "P2R"},
    {0x005, OpClass::Uniform, "CS2R"},
    {0x006, OpClass::Warp, "VOTE"},
    {0x007, OpClass::Integer, "SEL"},
    {0x008, OpClass::Float, "FSEL"},
    {0x009, OpClass::Float, "FMNMX"},
    {0x00b, OpClass::Float, "FSETP"},
    {0x00c, OpClass::Integer, "ISETP"},
    {0x010, OpClass::Integer, "IADD3"},
    {0x011, OpClass::Integer, "LEA"},
    {0x012, OpClass::Integer, "LOP3"},
    {0x016, OpClass::Convert, "PRMT"},
    {0x017, OpClass::Integer, "IMNMX"},
    {0x019, OpClass::Integer, "SHF"},
    {0x01a, OpClass::Integer, "SGXT"},
    {0x01c, OpClass::Integer, "PLOP3"},
    {0x020, OpClass::Float, "FMUL"},
    {0x021, OpClass::Float, "FADD"},
    {0x023, OpClass::Float, "FFMA"},
    {0x024, OpClass::Integer, "IMAD"},
    {0x025, OpClass::Integer, "IMAD.WIDE"},
    {0x026, OpClass::Integer, "IDP"},
    {0x027, OpClass::Integer, "IMAD.HI"},
    {0x029, OpClass::Float, "DADD"},
    {0x02b, OpClass::Float, "DFMA"},
    {0x02d, OpClass::Sync, "PREEXIT"},
    {0x02e, OpClass::Sync, "ACQBULK"},
    {0x02f, OpClass::Sync, "ELECT"},
    {0x030, OpClass::Convert, "HADD2"},
    {0x031, OpClass::Float, "HFMA2"},
    {0x035, OpClass::Integer, "IADD"},
    {0x036, OpClass::Integer, "VIADD"},
    {IMMA, OpClass::Tensor, "IMMA"},
    {0x03a, OpClass::Fragment, "MOVM"},
    {0x03b, OpClass::Fragment, "LDSM"},
    {HMMA, OpClass::Tensor, "HMMA"},
    {0x03e, OpClass::Convert, "F2FP"},
    {0x03f, OpClass::Tensor, "DMMA"},
    {0x044, OpClass::Fragment, "STSM"},
    {0x045, OpClass::Convert, "I2FP"},
    {0x046, OpClass::Integer, "VIADDMNMX"},
    {0x048, OpClass::Integer, "VIMNMX"},
    {QMMA, OpClass::Tensor, "QMMA"},
    {0x082, OpClass::Uniform, "UMOV"},
    {0x086, OpClass::Uniform, "VOTEU"},
    {0x087, OpClass::Uniform, "USEL"},
    {0x08c, OpClass::Uniform, "UISETP"},
    {0x090, OpClass::Uniform, "UIADD3"},
    {0x091, OpClass::Uniform, "ULEA"},
    {0x092, OpClass::Uniform, "ULOP3"},
    {0x099, OpClass::Uniform, "USHF"},
    {0x0a4, OpClass::Uniform, "UIMAD"},
    {0x0a5, OpClass::Uniform, "UIMAD.WIDE"},
    {0x0b9, OpClass::Uniform, "ULDC"},
    {0x0bd, OpClass::Uniform, "UFLO"},
    {0x0ca, OpClass::Warp, "R2UR"},
    {0x0cc, OpClass::Warp, "CREDUX"},
    {0x100, OpClass::Integer, "FLO"},
    {0x101, OpClass::Integer, "BREV"},
    {0x102, OpClass::Float, "FCHK"},
    {0x105, OpClass::Convert, "F2I"},
    {0x106, OpClass::Convert, "I2F"},
    {0x107, OpClass::Convert, "FRND"},
    {0x108, OpClass::Float, "MUFU"},
    {0x109, OpClass::Integer, "POPC"},
    {0x118, OpClass::Control, "NOP"},
    {0x119, OpClass::Uniform, "S2R"},
    {0x11a, OpClass::Sync, "DEPBAR"},
    {0x11b, OpClass::Control, "ENDCOLLECTIVE"},
    {0x11c, OpClass::Integer, "B2R"},
    {BAR, OpClass::Sync, "BAR"},
    {0x141, OpClass::Control, "BSYNC"},
    {0x142, OpClass::Control, "BREAK"},
    {0x144, OpClass::Control, "CALL"},
    {0x145, OpClass::Control, "BSSY"},
    {BRA, OpClass::Control, "BRA"},
    {0x148, OpClass::Sync, "WARPSYNC"},
    {BRX, OpClass::Control, "BRX"},
    {EXIT, OpClass::Control, "EXIT"},
    {RET, OpClass::Control, "RET"},
    {0x15d, OpClass::Sync, "NANOSLEEP"},
    {0x180, OpClass::GlobalLoad, "LD"},
    {0x181, OpClass::GlobalLoad, "LDG"},
    {0x182, OpClass::Uniform, "LDC"},
    {0x183, OpClass::Local, "LDL"},
    {0x184, OpClass::SharedLoad, "LDS"},
    {0x185, OpClass::GlobalStore, "ST"},
    {0x186, OpClass::GlobalStore, "STG"},
    {0x187, OpClass::Local, "STL"},
    {0x188, OpClass::SharedStore, "STS"},
    {0x189, OpClass::Warp, "SHFL"},
    {0x18c, OpClass::SharedStore, "ATOMS"},
    {0x18e, OpClass::GlobalStore, "RED"},
    {0x18f, OpClass::Sync, "CCTL"},
    {0x192, OpClass::Sync, "MEMBAR"},
    {0x1a1, OpClass::Warp, "MATCH"},
    {0x1a6, OpClass::GlobalStore, "REDG"},
    {0x1a7, OpClass::Sync, "SYNCS"},
    {0x1a8, OpClass::GlobalStore, "ATOMG"},
    {0x1a9, OpClass::GlobalStore, "ATOMG"},
    {0x1ab, OpClass::Sync, "ERRBAR"},
    {0x1ac, OpClass::Uniform, "LDCU"},
    {0x1ae, OpClass::Copy, "LDGSTS"},
    {0x1af, OpClass::Sync, "LDGDEPBAR"},
    {0x1b0, OpClass::Sync, "ARRIVES"},
    {0x1b1, OpClass::Sync, "SYNCS"},
    {0x1b2, OpClass::Sync, "SYNCS"},
    {0x1b4, OpClass::Copy, "UTMALDG"},
    {0x1b5, OpClass::Copy, "UTMASTG"},
    {0x1b6, OpClass::Copy, "UTMAREDG"},
    {0x1b7, OpClass::Sync, "UTMACMDFLUSH"},
    {0x1b9, OpClass::Copy, "UTMACCTL"},
    {0x1ba, OpClass::Copy, "UBLKCP"},
    {0x1bb, OpClass::Copy, "UBLKRED"},
    {0x1bc, OpClass::Copy, "UBLKPF"},
    {0x1bd, OpClass::SharedStore, "STAS"},
    {0x1c2, OpClass::Warp, "R2UR"},
    {0x1c3, OpClass::Uniform, "S2UR"},
    {0x1c4, OpClass::Warp, "REDUX"},
    {0x1c5, OpClass::Sync, "WARPGROUP"},
    {0x1c6, OpClass::Sync, "FENCE"},
    {0x1c7, OpClass::Sync, "UCGABAR"},
    {0x1c8, OpClass::Sync, "USETMAXREG"},
    {HGMMA, OpClass::Tensor, "HGMMA"},
    {0x1f1, OpClass::Tensor, "IGMMA"},
    {QGMMA, OpClass::Tensor, "QGMMA"}};

static const Operation *find(uint16_t code) {
  const Operation *place =
      lower_bound(operations, code, [](const Operation &entry, uint16_t value) {
        return entry.code < value;
      });
  return place != std::end(operations) && place->code == code ? place : nullptr;
}

std::string Instruction::name() const {
  if (const Operation *known = find(operation))
    return known->name.str();
  return fmt::format("{:#05x}", operation);
}

static uint64_t bits(uint64_t word, unsigned from, unsigned count) {
  return (word >> from) & maskTrailingOnes<uint64_t>(count);
}

/// Multiply-adds of a warp's product of `rows` by 8 by `depth`.
static uint32_t warpProduct(uint32_t rows, uint32_t depth) {
  return rows * 8 * depth;
}

/// Multiply-adds of a warpgroup's product of 64 rows; the number of columns is
/// in bits 53 to 57.
static uint32_t warpgroupProduct(uint64_t low, uint32_t depth) {
  return uint32_t(64 * 8 * (bits(low, 53, 5) + 1)) * depth;
}

/// Sets what only products on the tensor cores have.
static void decodeProduct(Instruction &result, uint64_t low, uint64_t high) {
  bool tf32 = false;
  switch (result.operation) {
  case HMMA:
    tf32 = bits(high, 19, 1);
    result.multiplyAdds = warpProduct(16, tf32 ? (bits(high, 14, 1) ? 4 : 8)
                                               : (bits(high, 11, 1) ? 16 : 8));
    result.bits = tf32 ? 32 : 16;
    return;
  case IMMA:
    result.multiplyAdds =
        warpProduct(bits(high, 22, 1) ? 16 : 8, bits(high, 11, 1) ? 32 : 16);
    result.bits = 8;
    return;
  case QMMA:
    result.multiplyAdds = warpProduct(16, 32);
    result.bits = 8;
    return;
  case HGMMA:
    tf32 = bits(high, 13, 1);
    result.multiplyAdds = warpgroupProduct(low, tf32 ? 8 : 16);
    result.bits = tf32 ? 32 : 16;
    result.ofWarpgroup = true;
    return;
  case QGMMA:
    result.multiplyAdds = warpgroupProduct(low, 32);
    result.bits = 8;
    result.ofWarpgroup = true;
    return;
  default:
    return;
  }
}

/// The distance in bytes of a branch's target. It begins at bit 34 and counts
/// words of 4 bytes; from sm_90 on its lowest 8 bits are apart.
static int64_t branchBytes(uint64_t low, uint64_t high, unsigned architecture) {
  constexpr int64_t word = 4;
  uint64_t offset = low >> 34 | bits(high, 0, 18) << 30;
  if (architecture >= 90)
    return SignExtend64<56>(offset << 8 | bits(low, 16, 8)) * word;
  return SignExtend64<48>(offset) * word;
}

/// Whether an instruction that leaves its place does so for all lanes: its
/// predicate (bits 12 to 15) and that of a branch's operand (bits 87 to 91) are
/// the one that is always true.
static bool leavesAlways(uint16_t operation, uint64_t low, uint64_t high) {
  constexpr uint64_t always = 7;
  if (bits(low, 12, 4) != always)
    return false;
  return operation == BRX || operation == EXIT || operation == RET ||
         (operation == BRA && bits(high, 18, 10) == always << 5);
}

Instruction decode(uint64_t low, uint64_t high, unsigned architecture) {
  Instruction result;
  result.operation = uint16_t(bits(low, 0, 9));
  result.stall = uint8_t(bits(high, 41, 4));
  if (const Operation *known = find(result.operation))
    result.kind = known->kind;
  decodeProduct(result, low, high);
  result.isBarrier = result.operation == BAR;
  result.ends = leavesAlways(result.operation, low, high);
  if (result.operation == BRA)
    result.branch =
        branchBytes(low, high, architecture) / int64_t(instructionBytes);
  return result;
}

} // namespace moec::cubin
