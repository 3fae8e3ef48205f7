//===- WarpOperations.cpp - Shuffles, votes, reductions -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the lanes of a warp tell each other without memory.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "llvm/ADT/StringSwitch.h"

#include <map>

using namespace llvm;

namespace moec::emulator {

static bool takesPart(const Gathering &gathering, unsigned lane) {
  return lane < warpSize && gathering.mask >> lane & 1;
}

template <typename Fn>
static void forEachLane(Gathering &gathering, Fn fn) {
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (takesPart(gathering, lane))
      fn(lane, gathering.lanes[lane]);
}

namespace {
enum class Shuffle { Up, Down, Bfly, Idx };
} // namespace

/// PTX ISA, shfl.sync: the source lane and whether it is in range, from the
/// lane, operand b and operand c.
static std::pair<unsigned, bool> shuffleSource(Shuffle mode, unsigned lane,
                                               uint32_t b, uint32_t c) {
  unsigned bval = b & 31, cval = c & 31, segmentMask = c >> 8 & 31;
  unsigned maxLane = (lane & segmentMask) | (cval & ~segmentMask);
  unsigned minLane = lane & segmentMask;
  unsigned source = lane;
  bool inRange = false;
  switch (mode) {
  case Shuffle::Up:
    source = lane - bval;
    inRange = int(source) >= int(maxLane);
    break;
  case Shuffle::Down:
    source = lane + bval;
    inRange = source <= maxLane;
    break;
  case Shuffle::Bfly:
    source = lane ^ bval;
    inRange = source <= maxLane;
    break;
  case Shuffle::Idx:
    source = minLane | (bval & ~segmentMask);
    inRange = source <= maxLane;
    break;
  }
  return {inRange ? source : lane, inRange};
}

/// Arguments: mask, value, b, c. Results: the value, and whether its lane was
/// in range.
static Operation makeShuffle(Shuffle mode, bool hasPredicate) {
  return [=](Thread &thread, const Site &site, const uint64_t *in,
             uint64_t *out) {
    gatherWarp(thread, site, uint32_t(in[0]), in, out, [&](Gathering &all) {
      forEachLane(all, [&](unsigned lane, Gathering::Lane &own) {
        auto [source, inRange] =
            shuffleSource(mode, lane, own.in[2], own.in[3]);
        if (!takesPart(all, source)) {
          own.thread->launch().found(
              FindingKind::Divergence, *own.thread, site,
              "lane {} reads from lane {}, which is not in the mask 0x{:08x}",
              lane, source, all.mask);
          source = lane;
        }
        own.out[0] = uint32_t(all.lanes[source].in[1]);
        if (hasPredicate)
          own.out[1] = inRange;
      });
    });
  };
}

static std::optional<Shuffle> parseShuffle(StringRef name) {
  return StringSwitch<std::optional<Shuffle>>(name)
      .Case("up", Shuffle::Up)
      .Case("down", Shuffle::Down)
      .Case("bfly", Shuffle::Bfly)
      .Case("idx", Shuffle::Idx)
      .Default(std::nullopt);
}

/// After shfl.sync.: "MODE.i32", "MODE.f32", with "p" at the end for two
/// results.
static Operation makeShuffleIntrinsic(StringRef rest, ArrayRef<unsigned>) {
  auto [name, type] = rest.split('.');
  std::optional<Shuffle> mode = parseShuffle(name);
  bool hasPredicate = type.consume_back("p");
  if (!mode || (type != "i32" && type != "f32"))
    return {};
  return makeShuffle(*mode, hasPredicate);
}

/// The same of PTX, where the mask comes last.
static Operation makeShufflePtx(StringRef rest, ArrayRef<unsigned>) {
  auto [name, type] = rest.split('.');
  std::optional<Shuffle> mode = parseShuffle(name);
  if (!mode || type != "b32")
    return {};
  Operation shuffle = makeShuffle(*mode, /*hasPredicate=*/true);
  return
      [=](Thread &thread, const Site &site, const uint64_t *in, uint64_t *out) {
        uint64_t reordered[] = {in[3], in[0], in[1], in[2]};
        shuffle(thread, site, reordered, out);
      };
}

/// An operation of (mask, value) whose result is the same for all lanes.
static Operation
makeCommon(std::function<uint64_t(ArrayRef<uint64_t> values, uint32_t ballot)>
               combine) {
  return [combine](Thread &thread, const Site &site, const uint64_t *in,
                   uint64_t *out) {
    gatherWarp(thread, site, uint32_t(in[0]), in, out, [&](Gathering &all) {
      SmallVector<uint64_t, warpSize> values;
      uint32_t ballot = 0;
      forEachLane(all, [&](unsigned lane, Gathering::Lane &own) {
        values.push_back(own.in[1]);
        ballot |= uint32_t(own.in[1] != 0) << lane;
      });
      uint64_t result = combine(values, ballot);
      forEachLane(all,
                  [&](unsigned, Gathering::Lane &own) { own.out[0] = result; });
    });
  };
}

static Operation swapMask(const Operation &operation) {
  return [operation](Thread &thread, const Site &site, const uint64_t *in,
                     uint64_t *out) {
    uint64_t reordered[] = {in[1], in[0]};
    operation(thread, site, reordered, out);
  };
}

static void addVotes(OperationTable &table) {
  Operation all = makeCommon([](ArrayRef<uint64_t> values, uint32_t ballot) {
    return unsigned(llvm::popcount(ballot)) == values.size();
  });
  Operation any = makeCommon(
      [](ArrayRef<uint64_t>, uint32_t ballot) { return ballot != 0; });
  Operation uni = makeCommon([](ArrayRef<uint64_t> values, uint32_t ballot) {
    return !ballot || unsigned(llvm::popcount(ballot)) == values.size();
  });
  Operation ballot = makeCommon(
      [](ArrayRef<uint64_t>, uint32_t bits) { return uint64_t(bits); });
  std::pair<const char *, Operation> votes[] = {
      {"all", all}, {"any", any}, {"uni", uni}, {"ballot", ballot}};
  for (auto &[name, operation] : votes) {
    table.intrinsic(fmt::format("vote.{}.sync", name), operation);
    table.ptx(fmt::format("vote.sync.{}.{}", name,
                          StringRef(name) == "ballot" ? "b32" : "pred"),
              PtxResult::First, swapMask(operation));
  }
}

template <typename T, typename Fn>
static Operation makeReduction(Fn fn) {
  return swapMask(makeCommon([fn](ArrayRef<uint64_t> values, uint32_t) {
    T result = std::bit_cast<T>(uint32_t(values.front()));
    for (uint64_t value : values.drop_front())
      result = fn(result, std::bit_cast<T>(uint32_t(value)));
    return uint64_t(std::bit_cast<uint32_t>(result));
  }));
}

/// redux.sync; arguments: value, mask.
static void addReductions(OperationTable &table) {
  auto max = [](auto a, auto b) { return a < b ? b : a; };
  auto min = [](auto a, auto b) { return b < a ? b : a; };
  std::tuple<const char *, const char *, Operation> all[] = {
      {"umax", "max.u32", makeReduction<uint32_t>(max)},
      {"umin", "min.u32", makeReduction<uint32_t>(min)},
      {"max", "max.s32", makeReduction<int32_t>(max)},
      {"min", "min.s32", makeReduction<int32_t>(min)},
      {"add", "add.u32", makeReduction<uint32_t>(std::plus<>())},
      {"add", "add.s32", makeReduction<uint32_t>(std::plus<>())},
      {"and", "and.b32", makeReduction<uint32_t>(std::bit_and<>())},
      {"or", "or.b32", makeReduction<uint32_t>(std::bit_or<>())},
      {"xor", "xor.b32", makeReduction<uint32_t>(std::bit_xor<>())}};
  for (auto &[name, ptx, operation] : all) {
    table.intrinsic(fmt::format("redux.sync.{}", name), operation);
    table.ptx(fmt::format("redux.sync.{}", ptx), PtxResult::First, operation);
  }
}

/// match.any: the lanes with the same value.
static void matchAny(Thread &thread, const Site &site, const uint64_t *in,
                     uint64_t *out) {
  gatherWarp(thread, site, uint32_t(in[0]), in, out, [](Gathering &all) {
    std::map<uint64_t, uint32_t> lanes;
    forEachLane(all, [&](unsigned lane, Gathering::Lane &own) {
      lanes[own.in[1]] |= 1u << lane;
    });
    forEachLane(all, [&](unsigned, Gathering::Lane &own) {
      own.out[0] = lanes[own.in[1]];
    });
  });
}

/// Lanes of the warp that have not exited. Which others run together is up to
/// the hardware.
static void activeMask(Thread &thread, const Site &, const uint64_t *,
                       uint64_t *out) {
  unsigned lanes = thread.launch().lanesOf(thread);
  uint32_t mask = lanes == warpSize ? ~0u : (1u << lanes) - 1;
  out[0] = mask & ~thread.block->warps[thread.warp].exited;
}

/// elect.sync: the lowest lane of the mask.
static void elect(Thread &thread, const Site &site, const uint64_t *in,
                  uint64_t *out) {
  gatherWarp(thread, site, uint32_t(in[0]), in, out, [](Gathering &all) {
    unsigned leader = llvm::countr_zero(all.mask);
    forEachLane(all, [&](unsigned lane, Gathering::Lane &own) {
      own.out[0] = leader;
      own.out[1] = lane == leader;
    });
  });
}

void addWarpOperations(OperationTable &table) {
  table.intrinsics("shfl.sync.", makeShuffleIntrinsic);
  table.ptxFamily("shfl.sync.", PtxResult::First, makeShufflePtx);
  addVotes(table);
  addReductions(table);
  table.intrinsic("match.any.sync.i32", matchAny);
  table.intrinsic("match.any.sync.i64", matchAny);
  table.intrinsic("activemask", activeMask);
  table.ptx("activemask.b32", PtxResult::First, activeMask);
  table.intrinsic("elect.sync", elect);
  table.ptx("elect.sync", PtxResult::First, elect);
}

} // namespace moec::emulator
