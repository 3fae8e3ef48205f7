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
  weight.dtype = dtypeName(packer.dtype()).str();
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

namespace {

/// One slice on its way from the checkpoint to the file.
struct Job {
  const Packer *packer;
  int64_t slice;
  std::vector<uint8_t> bytes;
  std::vector<std::string> nanWeights;
  Error error = Error::success();

  void run() {
    bytes.resize(packer->sliceBytes());
    error = packer->packSlice(slice, bytes, nanWeights);
  }
};

} // namespace

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

  Xxh3 hash;
  const std::vector<uint8_t> padding(kWeightAlignment);
  for (const Entry &entry : entries) {
    uint64_t gap = entry.offset - file->offset();
    hash.update(padding.data(), gap);
    if (Error error = file->write(ArrayRef(padding).take_front(gap)))
      return std::move(error);
    for (int64_t first = 0; first < entry.packer.slices(); first += threads) {
      int64_t count = std::min<int64_t>(threads, entry.packer.slices() - first);
      std::vector<Job> jobs(count);
      std::vector<std::thread> workers;
      for (int64_t i = 0; i < count; ++i) {
        jobs[i].packer = &entry.packer;
        jobs[i].slice = first + i;
        if (i > 0)
          workers.emplace_back([&job = jobs[i]] { job.run(); });
      }
      jobs[0].run();
      for (std::thread &worker : workers)
        worker.join();
      Error failed = Error::success();
      for (Job &job : jobs)
        failed = joinErrors(std::move(failed), std::move(job.error));
      if (failed)
        return std::move(failed);
      for (Job &job : jobs) {
        hash.update(job.bytes.data(), job.bytes.size());
        if (Error error = file->write(job.bytes))
          return std::move(error);
        for (const std::string &name : job.nanWeights)
          warnings.push_back(fmt::format(
              "weight {} holds a NaN; what it touches will be NaN", name));
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
