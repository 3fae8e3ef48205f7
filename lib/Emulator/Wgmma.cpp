//===- Wgmma.cpp - wgmma --------------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma.mma_async.m64nNkK: A from shared memory or registers, B from shared
// memory. The product is computed when it is issued; that nobody writes its
// operands before wgmma.wait_group is checked.
//
// Operands in shared memory are described by 64 bits (PTX ISA, "Matrix
// Descriptor"), with offsets in units of 16 bytes: start in bits 0-13, LBO in
// 16-29, SBO in 32-45, base offset in 49-51, swizzle in 62-63. Element (i, k)
// of a K-major operand lies, before swizzling, at
//   (i / 8) SBO + (i % 8) S + k E                                 swizzle of S
//   (i / 8) SBO + (i % 8) 16 + (k E / 16) LBO + k E % 16          no swizzle
// and of one whose rows are contiguous at
//   (i E / S) LBO + i E % S + (k % 8) S + (k / 8) SBO             swizzle of S
//   (i E / 16) SBO + i E % 16 + (k % 8) 16 + (k / 8) LBO          no swizzle
// with E bytes an element. Swizzling xors address bits 4-6 with bits 7-9.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Launch.h"
#include "Slots.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace llvm;

namespace moec::emulator {
namespace {

constexpr unsigned rowsM = 64, groupSize = 128;

struct Shape {
  unsigned n, k;
  ElementType a, b;
  /// Registers of A; 0: it is in shared memory.
  unsigned registersA;
  unsigned numOperands;
  /// Sums of integers that are too large are the largest number, instead of
  /// what 32 bits hold.
  bool saturates = false;

  bool hasIntegers() const {
    return a == ElementType::S8 || a == ElementType::U8;
  }
  unsigned registersD() const { return n / 2; }
};

struct Descriptor {
  uint32_t start, lbo, sbo;
  /// Bytes of a swizzled row; 16: no swizzle.
  uint32_t span;
  bool hasBaseOffset;

  explicit Descriptor(uint64_t bits)
      : start(uint32_t(bits & 0x3fff) << 4),
        lbo(uint32_t(bits >> 16 & 0x3fff) << 4),
        sbo(uint32_t(bits >> 32 & 0x3fff) << 4), hasBaseOffset(bits >> 49 & 7) {
    constexpr uint32_t spans[] = {16, 128, 64, 32};
    span = spans[bits >> 62];
  }

  uint32_t offset(uint32_t i, uint32_t k, uint32_t bytes, bool kMajor) const {
    uint32_t at = start;
    if (span == 16)
      at += kMajor ? i / 8 * sbo + i % 8 * 16 + k * bytes / 16 * lbo +
                         k * bytes % 16
                   : i * bytes / 16 * sbo + i * bytes % 16 + k % 8 * 16 +
                         k / 8 * lbo;
    else
      at += kMajor ? i / 8 * sbo + i % 8 * span + k * bytes
                   : i * bytes / span * lbo + i * bytes % span + k % 8 * span +
                         k / 8 * sbo;
    uint32_t mask = span / 16 - 1;
    return at ^ ((at >> 7 & mask) << 4);
  }
};

/// One product of a warpgroup.
class Product {
public:
  Product(Gathering &all, const Shape &shape);
  void run();

private:
  void checkUniform();
  void loadShared(uint64_t descriptor, ElementType type, unsigned rows,
                  bool kMajor, float *to, unsigned rowStride, unsigned kStride);
  void loadRegisters(float *to);
  bool lock(uint32_t offset);
  uint64_t operand(unsigned i) const { return all.lanes[0].in[i]; }
  /// What becomes of an accumulator: `value` is the product's.
  uint64_t result(uint64_t accumulator, float value, bool adds) const;

  Gathering &all;
  const Shape &shape;
  Thread &thread;
  Block &block;
  Launch &launch;
  /// What all warps of the group know.
  VectorClock clock;
  std::shared_ptr<OperandLock> operands = std::make_shared<OperandLock>();
};

} // namespace

Product::Product(Gathering &all, const Shape &shape)
    : all(all), shape(shape), thread(*all.lanes[0].thread),
      block(*thread.block), launch(thread.launch()), clock(thread.clock) {
  for (unsigned warp = 1; warp < 4; ++warp)
    clock.meet(all.lanes[warp * warpSize].thread->clock);
  clock[thread.agent] = thread.clock[thread.agent];
}

/// Descriptors and scales are the same in all threads.
void Product::checkUniform() {
  unsigned first = shape.registersD() + shape.registersA;
  for (unsigned lane = 1; lane < groupSize; ++lane)
    for (unsigned i = first; i < shape.numOperands; ++i)
      if (all.lanes[lane].in[i] != operand(i))
        return launch.found(FindingKind::Operand, *all.lanes[lane].thread,
                            *all.site,
                            "operand {} is 0x{:x} here and 0x{:x} in thread "
                            "{}; it must be the same in the warpgroup",
                            i, all.lanes[lane].in[i], operand(i), thread.index);
}

/// Locks 16 bytes of shared memory; false if they are none.
bool Product::lock(uint32_t offset) {
  constexpr uint32_t bytes = 16;
  if (uint64_t(offset) + bytes > block.shared.size()) {
    launch.found(FindingKind::OutOfBounds, thread, *all.site,
                 "an operand at byte {} of {} bytes of shared memory", offset,
                 block.shared.size());
    return false;
  }
  auto fault = block.shared.beginRead(
      {thread.agent, thread.warp, clock, *all.site}, offset, bytes,
      [&](uint32_t time, uint32_t writer) {
        // The fence may stand in the readers too, if all of them have it.
        return llvm::all_of(seq(0u, 4u), [&](unsigned warp) {
          return isProxyFenced(*all.lanes[warp * warpSize].thread, time,
                               writer);
        });
      });
  if (fault)
    reportFault(thread, *all.site, block, *fault, "read");
  operands->ranges.push_back({offset, bytes});
  return true;
}

/// Reads an operand of `rows` x k, 16 bytes at a time, to
/// to[row * rowStride + k * kStride].
void Product::loadShared(uint64_t bits, ElementType type, unsigned rows,
                         bool kMajor, float *to, unsigned rowStride,
                         unsigned kStride) {
  Descriptor descriptor(bits);
  if (descriptor.hasBaseOffset)
    launch.found(FindingKind::Operand, thread, *all.site,
                 "the descriptor 0x{:x} has a base offset, which is not "
                 "modelled",
                 bits);
  uint32_t bytes = elementBits(type) / 8, perChunk = 16 / bytes;
  float values[16];
  for (unsigned i = 0; i < rows; i += kMajor ? 1 : perChunk)
    for (unsigned k = 0; k < shape.k; k += kMajor ? perChunk : 1) {
      uint32_t offset = descriptor.offset(i, k, bytes, kMajor);
      if (lock(offset))
        decodeElements(type, block.shared.data() + offset, perChunk, values);
      else
        std::fill_n(values, perChunk, 0);
      float *at = to + i * rowStride + k * kStride;
      for (unsigned e = 0; e < perChunk; ++e)
        at[e * (kMajor ? kStride : rowStride)] = values[e];
    }
}

/// A in registers: as of mma.sync, 16 rows a warp.
void Product::loadRegisters(float *to) {
  unsigned bits = elementBits(shape.a), p = 32 / bits;
  for (unsigned lane = 0; lane < groupSize; ++lane) {
    unsigned row = lane / 32 * 16 + lane % 32 / 4, t = lane % 4;
    const uint64_t *in = all.lanes[lane].in + shape.registersD();
    for (unsigned r = 0; r < shape.registersA; ++r)
      for (unsigned e = 0; e < p; ++e)
        to[(row + 8 * (r % 2)) * shape.k + p * t + e + 4 * p * (r / 2)] =
            decodeElement(shape.a, uint32_t(in[r]) >> (bits * e));
  }
}

uint64_t Product::result(uint64_t accumulator, float value, bool adds) const {
  if (!shape.hasIntegers())
    return toSlot(adds ? floatOf(accumulator) + value : value);
  // Integer sums of 32 products of 8 bits are exact in float.
  int64_t sum = int64_t(value) + (adds ? int32_t(accumulator) : 0);
  if (shape.saturates)
    sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
  return uint32_t(sum);
}

void Product::run() {
  checkUniform();
  unsigned next = shape.registersD() + std::max(shape.registersA, 1u);
  uint64_t descriptorA = operand(shape.registersD());
  uint64_t descriptorB = operand(next);
  bool addsD = operand(next + 1);
  float sign = 1;
  if (!shape.hasIntegers())
    for (unsigned scale : {next + 2, next + 3})
      sign *= int32_t(operand(scale)) < 0 ? -1.0f : 1.0f;
  // What is left says which operands in shared memory are not K-major.
  unsigned trans = next + 4;
  bool transA =
      !shape.registersA && trans + 1 < shape.numOperands && operand(trans);
  bool transB = trans < shape.numOperands && operand(shape.numOperands - 1);

  std::vector<float> a(rowsM * shape.k), b(shape.k * shape.n),
      d(rowsM * shape.n);
  if (shape.registersA)
    loadRegisters(a.data());
  else
    loadShared(descriptorA, shape.a, rowsM, !transA, a.data(), shape.k, 1);
  loadShared(descriptorB, shape.b, shape.n, !transB, b.data(), 1, shape.n);
  multiplyAdd(d.data(), a.data(), b.data(), rowsM, shape.n, shape.k);

  for (unsigned lane = 0; lane < groupSize; ++lane) {
    Gathering::Lane &own = all.lanes[lane];
    for (unsigned i = 0; i < shape.registersD(); ++i) {
      unsigned row = lane / 32 * 16 + lane % 32 / 4 + 8 * (i / 2 % 2);
      unsigned column = i / 4 * 8 + 2 * (lane % 4) + i % 2;
      own.out[i] = result(own.in[i], sign * d[row * shape.n + column], addsD);
    }
  }
  for (unsigned warp = 0; warp < 4; ++warp)
    block.warps[thread.warp + warp].openProducts.push_back(operands);
  Counters &counters = launch.counters();
  ++counters.wgmma;
  counters.tensorFlops += 2 * rowsM * shape.n * shape.k;
}

/// "m64nNkK.f32.A.B"; operands: D, A, B, scale-d, scale-a, scale-b and for
/// 16-bit types the transpositions. "m64nNk32{.satfinite}.s32.A.B" has the
/// first four.
static Operation makeProduct(StringRef rest, ArrayRef<unsigned> operands) {
  unsigned n, k;
  if (rest.consumeInteger(10, n) || !rest.consume_front("k") ||
      rest.consumeInteger(10, k))
    return {};
  bool saturates = rest.consume_front(".satfinite");
  bool integers = rest.consume_front(".s32.");
  if (!integers && (saturates || !rest.consume_front(".f32.")))
    return {};
  if (operands.size() < (integers ? 4u : 6u))
    return {};
  auto [nameA, nameB] = rest.split('.');
  auto a = parseElementType(nameA), b = parseElementType(nameB);
  if (!a || !b || elementBits(*a) != elementBits(*b) ||
      k * elementBits(*a) != 256 || n % 8 || n < 8 || n > 256 ||
      operands[0] != n / 2 || (operands[1] != 1 && operands[1] != 4))
    return {};
  unsigned count = 0;
  for (unsigned size : operands)
    count += size;
  Shape shape{n, k, *a, *b, operands[1] == 4 ? 4u : 0u, count, saturates};
  if (shape.hasIntegers() != integers)
    return {};
  return [shape](Thread &thread, const Site &site, const uint64_t *in,
                 uint64_t *out) {
    if (!thread.block->warps[thread.warp].hasFenced)
      thread.launch().found(FindingKind::Operand, thread, site,
                            "no wgmma.fence was executed before the first "
                            "wgmma.mma_async");
    gatherWarpgroup(thread, site, in, out,
                    [&](Gathering &all) { Product(all, shape).run(); });
  };
}

/// Once for the warp, when all lanes have come.
template <typename Fn>
static Operation forWarp(Fn fn) {
  return [fn](Thread &thread, const Site &site, const uint64_t *in,
              uint64_t *out) {
    gatherWarp(thread, site, ~0u, in, out, [&](Gathering &all) {
      fn(all, thread.block->warps[thread.warp]);
    });
  };
}

static void fence(Gathering &, Warp &warp) { warp.hasFenced = true; }

static void commit(Gathering &, Warp &warp) {
  warp.productGroups.push_back(std::move(warp.openProducts));
  warp.openProducts.clear();
}

/// The warp's reads end here for whoever learns of any of its lanes: they are
/// lane 0's, and all lanes know of them.
static void endReads(Gathering &all, Warp &warp, uint64_t left) {
  Thread &first = *all.lanes[0].thread;
  SharedMemory &memory = first.block->shared;
  Accessor reader = first.accessor(*all.site);
  while (warp.productGroups.size() > left) {
    for (const std::shared_ptr<OperandLock> &operands :
         warp.productGroups.front()) {
      bool isLast = --operands->warpsLeft == 0;
      for (auto [offset, bytes] : operands->ranges)
        memory.endRead(reader, offset, bytes, isLast);
    }
    warp.productGroups.pop_front();
  }
  for (unsigned lane = 1; lane < warpSize; ++lane)
    all.lanes[lane].thread->clock[first.agent] = first.clock[first.agent];
  first.advance();
}

/// Unless eager, the others get a turn first, so that a buffer that is freed
/// too early is overwritten while it is still locked.
static void waitGroup(Thread &thread, const Site &site, const uint64_t *in,
                      uint64_t *out) {
  if (thread.launch().options().completion != Completion::Eager)
    thread.launch().yield(thread, &site);
  gatherWarp(thread, site, ~0u, in, out, [&](Gathering &all) {
    endReads(all, thread.block->warps[thread.warp], uint32_t(in[0]));
  });
}

void addWgmmaOperations(OperationTable &table) {
  table.ptxFamily("wgmma.mma_async.sync.aligned.m64n", PtxResult::InOut,
                  makeProduct);
  std::tuple<const char *, Operation> operations[] = {
      {"wgmma.fence.sync.aligned", forWarp(fence)},
      {"wgmma.commit_group.sync.aligned", forWarp(commit)},
      {"wgmma.wait_group.sync.aligned", waitGroup}};
  for (auto &[name, operation] : operations) {
    table.intrinsic(name, operation);
    table.ptx(name, PtxResult::None, operation);
  }
}

} // namespace moec::emulator
