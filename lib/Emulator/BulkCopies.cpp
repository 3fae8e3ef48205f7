//===- BulkCopies.cpp - TMA -----------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async.bulk: boxes of tensors and plain ranges between global and shared
// memory, through the async proxy. Loads complete on an mbarrier, stores in
// groups of the thread.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "Mbarriers.h"
#include "Transfer.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace llvm;

namespace moec::emulator {
/// Checks the global side of each piece, dropping what must not be touched, and
/// counts its sectors.
static void checkPieces(Thread &thread, const Site &site, Transfer &transfer,
                        AccessKind kind) {
  AccessGroup group;
  for (Piece &piece : transfer.pieces) {
    if (!piece.global)
      continue;
    uint32_t bytes = piece.last - piece.first;
    if (checkGlobal(thread, site, piece.global + piece.first, bytes, kind))
      group.add(reinterpret_cast<uintptr_t>(piece.global + piece.first), bytes);
    else
      piece.global = nullptr;
  }
  if (group.size())
    group.countGlobal(thread.launch().counters());
}

/// Whether shared memory of `owner` takes the transfer at an address.
static bool checkRange(Thread &thread, const Site &site, const Block &owner,
                       const Transfer &transfer, unsigned align) {
  if (transfer.sharedOffset % align) {
    thread.launch().found(FindingKind::Misaligned, thread, site,
                          "byte {} of shared memory is not aligned to {}",
                          transfer.sharedOffset, align);
    return false;
  }
  if (uint64_t(transfer.sharedOffset) + transfer.bytes > owner.shared.size()) {
    thread.launch().found(FindingKind::OutOfBounds, thread, site,
                          "a copy of {} bytes at byte {} of {} bytes of shared "
                          "memory",
                          transfer.bytes, transfer.sharedOffset,
                          owner.shared.size());
    return false;
  }
  return true;
}

/// A load into `owner` that completes on its mbarrier at `barrierAddress`.
static void startLoad(Thread &thread, const Site &site, Block &owner,
                      Transfer transfer, uint64_t barrierAddress,
                      unsigned align) {
  Launch &launch = thread.launch();
  ++launch.counters().tma;
  Mbarrier *barrier = findMbarrier(thread, site, barrierAddress);
  if (!barrier || !checkRange(thread, site, owner, transfer, align))
    return;
  VectorClock clock = thread.clock;
  clock[barrier->agent] = ++barrier->time;
  thread.advance();
  auto accessor = [&site, &owner, agent = barrier->agent](
                      const VectorClock &known) -> Accessor {
    return {agent, uint32_t(owner.warps.size()), known, site};
  };
  if (auto fault = owner.shared.beginWrite(
          accessor(clock), transfer.sharedOffset, transfer.bytes))
    reportFault(thread, site, owner, *fault, "copy");
  launch.defer({[&launch, &owner, accessor, barrier, clock,
                 transfer = std::move(transfer)] {
                  moveIn(owner.shared.data(), transfer);
                  owner.shared.landWrite(accessor(clock), transfer.sharedOffset,
                                         transfer.bytes, /*proxyTime=*/0);
                  completeBytes(launch, *barrier, transfer.bytes, clock);
                },
                owner.cluster});
}

/// The map, or null after a report.
static const TensorMap *tensorMap(Thread &thread, const Site &site,
                                  uint64_t address) {
  auto *map = reinterpret_cast<const TensorMap *>(address);
  Device &device = thread.launch().device();
  bool readable =
      thread.fiber.onStack(map) ||
      (device.memory->find(map) &&
       checkGlobal(thread, site, map, sizeof(TensorMap), AccessKind::Load));
  if (readable && address % 64 == 0 && map->isValid())
    return map;
  thread.launch().found(FindingKind::Operand, thread, site,
                        "there is no tensor map at 0x{:x}", address);
  return nullptr;
}

namespace {

/// What an operation on boxes copies: a box of `rank` dimensions, or, with
/// gather4 and scatter4, parts of four rows of a matrix.
struct BoxKind {
  unsigned rank = 0;
  bool fourRows = false;

  unsigned numCoordinates() const { return fourRows ? 5 : rank; }
};

} // namespace

/// Of "Nd"; `fourRows` is for matrices.
static std::optional<BoxKind> parseBoxKind(StringRef text, bool fourRows) {
  BoxKind kind{0, fourRows};
  if (text.consumeInteger(10, kind.rank) || text != "d" || kind.rank < 1 ||
      kind.rank > TensorMap::maxRank || (fourRows && kind.rank != 2))
    return std::nullopt;
  return kind;
}

/// The bytes of a box whose coordinates begin at `in`, or none after a report.
static std::optional<Transfer> boxAt(Thread &thread, const Site &site,
                                     uint64_t mapAddress, BoxKind kind,
                                     const uint64_t *in, uint32_t offset) {
  Launch &launch = thread.launch();
  const TensorMap *map = tensorMap(thread, site, mapAddress);
  if (!map)
    return std::nullopt;
  if (map->rank != kind.rank) {
    launch.found(FindingKind::Operand, thread, site,
                 "a tensor map of {} dimensions where {} are needed", map->rank,
                 kind.rank);
    return std::nullopt;
  }
  SmallVector<int32_t, 5> coordinates;
  for (unsigned i = 0; i < kind.numCoordinates(); ++i)
    coordinates.push_back(int32_t(in[i]));
  if (!kind.fourRows)
    return boxTransfer(*map, coordinates, offset);
  if (map->box[1] == 1)
    return fourRowsTransfer(*map, coordinates, offset);
  launch.found(FindingKind::Operand, thread, site,
               "a tensor map with boxes of {} rows where four single rows are "
               "copied",
               map->box[1]);
  return std::nullopt;
}

/// Loads a box to the block of `to`, or at the same offset to all blocks of a
/// mask.
static void loadBox(Thread &thread, const Site &site, uint64_t to,
                    uint64_t barrier, uint64_t mapAddress, BoxKind kind,
                    const uint64_t *coordinates,
                    std::optional<uint16_t> multicast) {
  Block *owner = sharedOwner(thread, reinterpret_cast<void *>(to));
  if (!owner)
    return thread.launch().found(FindingKind::OutOfBounds, thread, site,
                                 "0x{:x} is not in shared memory", to);
  auto baseOf = [](const Block &block) {
    return reinterpret_cast<uintptr_t>(block.shared.data());
  };
  std::optional<Transfer> transfer =
      boxAt(thread, site, mapAddress, kind, coordinates, to - baseOf(*owner));
  if (!transfer)
    return;
  checkPieces(thread, site, *transfer, AccessKind::Load);
  if (!multicast)
    return startLoad(thread, site, *owner, std::move(*transfer), barrier, 128);
  Block *barrierOwner = sharedOwner(thread, reinterpret_cast<void *>(barrier));
  uint64_t barrierOffset = barrierOwner ? barrier - baseOf(*barrierOwner) : 0;
  for (Block &block : owner->cluster->blocks)
    if (*multicast >> block.rank & 1)
      startLoad(thread, site, block, *transfer, baseOf(block) + barrierOffset,
                128);
}

/// cp.async.bulk.tensor.g2s.{cta.}tile.{gather4.}Nd: to, mbarrier, map,
/// coordinates, mask, cache hint, whether there is a mask, ...
static Operation makeTileLoad(StringRef rest, ArrayRef<unsigned>) {
  bool toCluster = !rest.consume_front("cta.");
  if (!rest.consume_front("tile."))
    return {};
  bool fourRows = rest.consume_front("gather4.");
  std::optional<BoxKind> kind = parseBoxKind(rest, fourRows);
  if (!kind)
    return {};
  return [=, kind = *kind](Thread &thread, const Site &site, const uint64_t *in,
                           uint64_t *) {
    const uint64_t *after = in + 3 + kind.numCoordinates();
    std::optional<uint16_t> mask;
    if (toCluster && after[2])
      mask = uint16_t(after[0]);
    loadBox(thread, site, in[0], in[1], in[2], kind, in + 3, mask);
  };
}

/// cp.async.bulk.tensor.Nd.shared::cluster.global{.tile::gather4}...
/// mbarrier::complete_tx::bytes
/// [to], [map, {coordinates}], [mbarrier]{, mask}
static Operation makePtxTileLoad(StringRef rest, ArrayRef<unsigned>) {
  auto [rank, modifiers] = rest.split('.');
  std::optional<BoxKind> kind =
      parseBoxKind(rank, modifiers.contains("gather4"));
  if (!kind || !modifiers.starts_with("shared::") ||
      !modifiers.contains(".global") || modifiers.contains("im2col"))
    return {};
  bool hasMask = rest.contains("multicast");
  return [hasMask, kind = *kind](Thread &thread, const Site &site,
                                 const uint64_t *in, uint64_t *) {
    unsigned count = kind.numCoordinates();
    std::optional<uint16_t> mask;
    if (hasMask)
      mask = uint16_t(in[3 + count]);
    loadBox(thread, site, in[0], in[2 + count], in[1], kind, in + 2, mask);
  };
}

/// cp.async.bulk.global.to.shared.{cluster,cta}: to, mbarrier, from, bytes
static void loadRange(Thread &thread, const Site &site, const uint64_t *in,
                      uint64_t *) {
  Block *owner = sharedOwner(thread, reinterpret_cast<void *>(in[0]));
  if (!owner || uint32_t(in[3]) % pieceBytes || in[2] % pieceBytes)
    return thread.launch().found(
        FindingKind::Operand, thread, site,
        "a bulk copy of {} bytes from 0x{:x} to 0x{:x}: it goes to shared "
        "memory, and address and size are multiples of 16",
        uint32_t(in[3]), in[2], in[0]);
  Transfer transfer = rangeTransfer(
      reinterpret_cast<char *>(in[2]),
      in[0] - reinterpret_cast<uintptr_t>(owner->shared.data()), in[3]);
  checkPieces(thread, site, transfer, AccessKind::Load);
  startLoad(thread, site, *owner, std::move(transfer), in[1], pieceBytes);
}

/// A store that may still read shared memory.
struct BulkStore {
  Thread *thread;
  const Site *site;
  Transfer transfer;
  bool moved = false;

  void move() {
    if (!std::exchange(moved, true))
      moveOut(thread->shared, transfer);
  }
  void finish() {
    move();
    thread->block->shared.endRead(thread->accessor(*site),
                                  transfer.sharedOffset, transfer.bytes);
  }
};

static void startStore(Thread &thread, const Site &site, Transfer transfer,
                       unsigned align) {
  Launch &launch = thread.launch();
  Block &block = *thread.block;
  ++launch.counters().tma;
  if (!checkRange(thread, site, block, transfer, align))
    return;
  checkPieces(thread, site, transfer, AccessKind::Store);
  if (auto fault = block.shared.beginRead(
          thread.accessor(site), transfer.sharedOffset, transfer.bytes,
          [&](uint32_t time, uint32_t writer) {
            return isProxyFenced(thread, time, writer);
          }))
    reportFault(thread, site, block, *fault, "read");
  auto store = std::make_shared<BulkStore>(
      BulkStore{&thread, &site, std::move(transfer)});
  thread.openStores.push_back(store);
  launch.defer({[store] { store->move(); }, block.cluster});
}

static void storeBox(Thread &thread, const Site &site, uint64_t from,
                     uint64_t mapAddress, BoxKind kind,
                     const uint64_t *coordinates) {
  std::optional<Transfer> transfer =
      boxAt(thread, site, mapAddress, kind, coordinates,
            from - reinterpret_cast<uintptr_t>(thread.shared));
  if (transfer)
    startStore(thread, site, std::move(*transfer), 128);
}

/// cp.async.bulk.tensor.s2g.tile.{scatter4.}Nd: from, map, coordinates
static Operation makeTileStore(StringRef rest, ArrayRef<unsigned>) {
  bool fourRows = rest.consume_front("scatter4.");
  std::optional<BoxKind> kind = parseBoxKind(rest, fourRows);
  if (!kind)
    return {};
  return [kind = *kind](Thread &thread, const Site &site, const uint64_t *in,
                        uint64_t *) {
    storeBox(thread, site, in[0], in[1], kind, in + 2);
  };
}

/// cp.async.bulk.tensor.Nd.global.shared::cta[.tile|.tile::scatter4].bulk_group
/// [map, {coordinates}], [from]
static Operation makePtxTileStore(StringRef rest, ArrayRef<unsigned>) {
  auto [rank, modifiers] = rest.split('.');
  bool isStore = modifiers.consume_front("global.shared::cta.");
  bool fourRows = modifiers.consume_front("tile::scatter4.");
  modifiers.consume_front("tile.");
  std::optional<BoxKind> kind = parseBoxKind(rank, fourRows);
  if (!kind || !isStore || modifiers != "bulk_group")
    return {};
  return [kind = *kind](Thread &thread, const Site &site, const uint64_t *in,
                        uint64_t *) {
    storeBox(thread, site, in[1 + kind.numCoordinates()], in[0], kind, in + 1);
  };
}

/// cp.async.bulk.shared.cta.to.global: to, from, bytes
static void storeRange(Thread &thread, const Site &site, const uint64_t *in,
                       uint64_t *) {
  if (uint32_t(in[2]) % pieceBytes || in[0] % pieceBytes)
    return thread.launch().found(FindingKind::Operand, thread, site,
                                 "a bulk copy of {} bytes to 0x{:x}: address "
                                 "and size are multiples of 16",
                                 uint32_t(in[2]), in[0]);
  startStore(thread, site,
             rangeTransfer(reinterpret_cast<char *>(in[0]),
                           in[1] - reinterpret_cast<uintptr_t>(thread.shared),
                           in[2]),
             pieceBytes);
}

static void commitStores(Thread &thread, const Site &, const uint64_t *,
                         uint64_t *) {
  thread.storeGroups.push_back(std::move(thread.openStores));
  thread.openStores.clear();
}

static void waitStores(Thread &thread, const Site &, const uint64_t *in,
                       uint64_t *) {
  while (thread.storeGroups.size() > uint32_t(in[0])) {
    for (const std::shared_ptr<BulkStore> &store : thread.storeGroups.front())
      store->finish();
    thread.storeGroups.pop_front();
  }
}

void addBulkCopies(OperationTable &table) {
  table.intrinsics("cp.async.bulk.tensor.g2s.", makeTileLoad);
  table.ptxFamily("cp.async.bulk.tensor.", PtxResult::None, makePtxTileLoad);
  table.intrinsics("cp.async.bulk.tensor.s2g.tile.", makeTileStore);
  table.ptxFamily("cp.async.bulk.tensor.", PtxResult::None, makePtxTileStore);
  table.intrinsics(
      "cp.async.bulk.tensor.prefetch.tile.",
      [](StringRef, ArrayRef<unsigned>) -> Operation { return doNothing; });
  table.intrinsic("cp.async.bulk.global.to.shared.cluster", loadRange);
  table.intrinsic("cp.async.bulk.global.to.shared.cta", loadRange);
  table.intrinsic("cp.async.bulk.shared.cta.to.global", storeRange);
  table.intrinsic("cp.async.bulk.commit.group", commitStores);
  table.intrinsic("cp.async.bulk.wait.group", waitStores);
  table.intrinsic("cp.async.bulk.wait.group.read", waitStores);
  table.ptx("cp.async.bulk.commit_group", PtxResult::None, commitStores);
  table.ptx("cp.async.bulk.wait_group", PtxResult::None, waitStores);
  table.ptx("cp.async.bulk.wait_group.read", PtxResult::None, waitStores);
}

} // namespace moec::emulator
