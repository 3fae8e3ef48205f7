//===- WeightsFile.cpp - The packed weights of a bundle -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Experts are packed in waves of one for each thread, then hashed and written
// in order: memory holds one expert for each thread, and the hash is that of
// the file from front to back.
//
//===----------------------------------------------------------------------===//

#include "WeightsFile.h"
#include "moec/Runtime/Hash.h"
#include "moec/Support/Error.h"
#include "moec/Support/OutputFile.h"

#include "llvm/Support/MathExtras.h"

#include <thread>

using namespace llvm;

namespace moec {

ManifestWeight WeightsFile::add(Packer packer) {
  ManifestWeight weight;
  for (mlir::moe::WeightOp op : packer.weights())
    weight.name += (weight.name.empty() ? "" : "+") + op.getSymName().str();
  weight.dtype = packer.storage();
  mlir::moe::WeightOp first = packer.weights()[0];
  ArrayRef<int64_t> shape = first.getTensorType().getShape();
  weight.shape.assign(shape.begin(), shape.end());
  weight.layout = packer.layout();
  weight.offset = alignTo(size, kWeightAlignment);
  weight.bytes = packer.bytes();
  size = weight.offset + weight.bytes;
  entries.push_back({std::move(packer), uint64_t(weight.offset)});
  return weight;
}

/// Packs slices [first, first + count), each on a thread with a job of its own.
static Error packWave(const Packer &packer, int64_t first, int64_t count,
                      std::vector<PackJob> &jobs) {
  std::vector<std::string> failures(count);
  auto run = [&](int64_t i) {
    if (Error error = packer.packSlice(first + i, jobs[i]))
      failures[i] = toString(std::move(error));
  };
  std::vector<std::thread> workers;
  for (int64_t i = 1; i < count; ++i)
    workers.emplace_back(run, i);
  run(0);
  for (std::thread &worker : workers)
    worker.join();
  for (const std::string &failure : failures)
    if (!failure.empty())
      return inputError("{}", failure);
  return Error::success();
}

Expected<std::string>
WeightsFile::write(StringRef path, const Checkpoint &checkpoint,
                   unsigned threads,
                   const std::function<void(uint64_t, uint64_t)> &progress,
                   std::vector<std::string> &warnings) {
  Expected<OutputFile> file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  // Everything that can be missing is, before anything is written.
  for (Entry &entry : entries)
    if (Error error = entry.packer.open(checkpoint))
      return std::move(error);

  std::vector<PackJob> jobs(threads);
  Xxh3 hash;
  const std::vector<uint8_t> padding(kWeightAlignment);
  for (Entry &entry : entries) {
    uint64_t gap = entry.offset - file->offset();
    hash.update(padding.data(), gap);
    if (Error error = file->write(ArrayRef(padding).take_front(gap)))
      return std::move(error);
    for (int64_t first = 0; first < entry.packer.slices(); first += threads) {
      int64_t count = std::min<int64_t>(threads, entry.packer.slices() - first);
      if (Error error = packWave(entry.packer, first, count, jobs))
        return std::move(error);
      for (int64_t i = 0; i < count; ++i) {
        hash.update(jobs[i].bytes.data(), jobs[i].bytes.size());
        if (Error error = file->write(jobs[i].bytes))
          return std::move(error);
        for (const std::string &name : jobs[i].nanWeights)
          warnings.push_back(fmt::format(
              "weight {} holds a NaN; what it touches will be NaN", name));
        jobs[i].nanWeights.clear();
        entry.errors.resize(jobs[i].errors.size());
        for (auto [sum, error] : zip_equal(entry.errors, jobs[i].errors))
          sum.add(error);
      }
      if (progress)
        progress(file->offset(), size);
    }
  }
  if (Error error = file->commit())
    return std::move(error);
  return hash.hex();
}

} // namespace moec
