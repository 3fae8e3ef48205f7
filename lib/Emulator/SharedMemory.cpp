//===- SharedMemory.cpp - A block's shared memory, watched ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of the race check, cell by cell.
//
//===----------------------------------------------------------------------===//

#include "SharedMemory.h"
#include "moec/Support/Error.h"

#include <bit>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

using namespace llvm;

namespace moec::emulator {

SharedWindows::~SharedWindows() {
  if (mapped)
    munmap(mapped, mappedBytes);
}

/// Memory below 4 GiB, anywhere that is free.
static void *mapLow(size_t bytes) {
  constexpr uintptr_t step = 16 << 20;
  for (uintptr_t at = step; at + bytes < (uint64_t(1) << 32); at += step) {
    void *memory =
        mmap(reinterpret_cast<void *>(at), bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
             -1, 0);
    if (memory == reinterpret_cast<void *>(at))
      return memory;
    if (memory != MAP_FAILED)
      munmap(memory, bytes);
  }
  return nullptr;
}

Error SharedWindows::reserve(size_t newCount) {
  if (newCount <= count)
    return Error::success();
  if (mapped)
    munmap(mapped, mappedBytes);
  count = 0;
  mappedBytes = (newCount + 1) * windowBytes;
  mapped = mapLow(mappedBytes);
  if (!mapped)
    return inputError("cannot find {} of addresses below 4 GiB for shared "
                      "memory; launch smaller clusters",
                      formatBytes(mappedBytes));
  uintptr_t start = reinterpret_cast<uintptr_t>(mapped);
  base = reinterpret_cast<char *>((start + windowBytes - 1) / windowBytes *
                                  windowBytes);
  count = newCount;
  return Error::success();
}

void SharedMemory::reset(char *data, uint32_t newBytes, unsigned newWarps) {
  base = data;
  bytes = newBytes;
  warps = newWarps;
  std::memset(base, 0xFF, bytes);
  size_t words = (bytes + 3) / 4;
  cells.assign(words, Cell());
  readers = std::make_unique_for_overwrite<Reader[]>(words * warps);
  splitReaders.clear();
  splitAt.clear();
}

uint32_t SharedMemory::split(uint32_t word) {
  if (cells[word].isSplit)
    return splitAt[word];
  uint32_t first = cells.size();
  splitAt[word] = first;
  for (unsigned byte = 0; byte < 4; ++byte) {
    cells.push_back(Cell(cells[word]));
    const Reader *from = readersOf(word);
    splitReaders.insert(splitReaders.end(), from, from + warps);
  }
  cells[word].isSplit = true;
  return first;
}

/// Calls fn(cell index, byte offset) for all cells of a range.
template <typename Fn>
void SharedMemory::forEachCell(uint32_t offset, uint32_t n, Fn fn) {
  uint32_t end = offset + n;
  for (uint32_t word = offset / 4; word * 4 < end; ++word) {
    uint32_t low = std::max(offset, word * 4),
             high = std::min(end, word * 4 + 4);
    if (high - low == 4 && !cells[word].isSplit) {
      fn(size_t(word), low);
      continue;
    }
    size_t first = split(word);
    for (uint32_t byte = low; byte < high; ++byte)
      fn(first + byte % 4, byte);
  }
}

/// Whether all earlier accesses that conflict with this one are ordered before
/// it.
std::optional<AccessFault>
SharedMemory::checkOrder(const Accessor &by, size_t index, uint32_t offset,
                         bool writes, bool isAtomic) {
  const Cell &cell = cells[index];
  if (cell.landing)
    return AccessFault{AccessFault::InFlightWrite, offset, cell.writer,
                       cell.writeSite, true};
  bool bothAtomic = isAtomic && cell.isAtomic;
  if (cell.writer != noAgent && cell.writer != by.agent && !bothAtomic &&
      by.clock[cell.writer] < cell.writeTime)
    return AccessFault{AccessFault::Race, offset, cell.writer, cell.writeSite,
                       true};
  if (!writes)
    return std::nullopt;
  const Reader *of = readersOf(index);
  for (uint64_t left = cell.readBy; left; left &= left - 1) {
    const Reader &reader = of[std::countr_zero(left)];
    if (cell.reading)
      return AccessFault{AccessFault::InFlightRead, offset, reader.agent,
                         reader.site, false};
    if (reader.agent != by.agent && by.clock[reader.agent] < reader.time)
      return AccessFault{AccessFault::Race, offset, reader.agent, reader.site,
                         false};
  }
  return std::nullopt;
}

void SharedMemory::noteRead(const Accessor &by, size_t index) {
  cells[index].readBy |= uint64_t(1) << by.warp;
  readersOf(index)[by.warp] = {by.agent, by.clock[by.agent], by.site.index};
}

std::optional<AccessFault> SharedMemory::read(const Accessor &by,
                                              uint32_t offset, uint32_t n) {
  std::optional<AccessFault> fault;
  forEachCell(offset, n, [&](size_t index, uint32_t at) {
    if (!fault)
      fault = checkOrder(by, index, at, /*writes=*/false, /*isAtomic=*/false);
    const Cell &cell = cells[index];
    if (!fault && cell.writer == noAgent)
      fault = {AccessFault::Uninitialized, at, noAgent, 0, false};
    noteRead(by, index);
  });
  return fault;
}

std::optional<AccessFault> SharedMemory::store(const Accessor &by,
                                               uint32_t offset, uint32_t n,
                                               uint32_t proxyTime,
                                               bool isAtomic) {
  std::optional<AccessFault> fault;
  forEachCell(offset, n, [&](size_t index, uint32_t at) {
    if (!fault)
      fault = checkOrder(by, index, at, /*writes=*/true, isAtomic);
    Cell &cell = cells[index];
    if (!fault && isAtomic && cell.writer == noAgent)
      fault = {AccessFault::Uninitialized, at, noAgent, 0, false};
    cell.writer = by.agent;
    cell.writeTime = by.clock[by.agent];
    cell.writeSite = by.site.index;
    cell.proxyTime = proxyTime;
    cell.isAtomic = isAtomic;
    cell.readBy = 0;
  });
  return fault;
}

std::optional<AccessFault> SharedMemory::write(const Accessor &by,
                                               uint32_t offset, uint32_t n,
                                               uint32_t proxyTime) {
  return store(by, offset, n, proxyTime, /*isAtomic=*/false);
}

std::optional<AccessFault> SharedMemory::atomic(const Accessor &by,
                                                uint32_t offset, uint32_t n,
                                                uint32_t proxyTime) {
  return store(by, offset, n, proxyTime, /*isAtomic=*/true);
}

std::optional<AccessFault>
SharedMemory::beginWrite(const Accessor &by, uint32_t offset, uint32_t n) {
  std::optional<AccessFault> fault =
      store(by, offset, n, /*proxyTime=*/0, /*isAtomic=*/false);
  forEachCell(offset, n,
              [&](size_t index, uint32_t) { ++cells[index].landing; });
  return fault;
}

void SharedMemory::landWrite(const Accessor &by, uint32_t offset, uint32_t n,
                             uint32_t proxyTime) {
  forEachCell(offset, n, [&](size_t index, uint32_t) {
    Cell &cell = cells[index];
    --cell.landing;
    cell.writer = by.agent;
    cell.writeTime = by.clock[by.agent];
    cell.writeSite = by.site.index;
    cell.proxyTime = proxyTime;
  });
}

std::optional<AccessFault> SharedMemory::beginRead(
    const Accessor &by, uint32_t offset, uint32_t n,
    function_ref<bool(uint32_t time, uint32_t agent)> fenced) {
  std::optional<AccessFault> fault = read(by, offset, n);
  forEachCell(offset, n, [&](size_t index, uint32_t at) {
    Cell &cell = cells[index];
    if (!fault && cell.proxyTime && !fenced(cell.proxyTime, cell.writer))
      fault = {AccessFault::Proxy, at, cell.writer, cell.writeSite, true};
    ++cell.reading;
  });
  return fault;
}

void SharedMemory::endRead(const Accessor &by, uint32_t offset, uint32_t n,
                           bool isLast) {
  forEachCell(offset, n, [&](size_t index, uint32_t) {
    cells[index].reading -= isLast;
    noteRead(by, index);
  });
}

} // namespace moec::emulator
