//===- Loads.cpp - Where tokens go ----------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Loads.h"
#include "TensorFile.h"
#include "moec/Reference/Cases.h"
#include "moec/Support/Error.h"

using namespace llvm;

namespace moec::driver {

perf::Load randomLoad(const perf::LayerCost &cost, int64_t tokens) {
  reference::CaseSize size;
  size.tokens = tokens;
  size.hidden = 1;
  size.experts = cost.experts;
  size.topK = cost.topK;
  reference::Case random = reference::randomCase(size, /*seed=*/1);
  reference::addRandomRouting(random, size, /*seed=*/1);
  std::vector<int32_t> ids(random.ids->ints.begin(), random.ids->ints.end());
  return perf::Load::of(ids, tokens, cost.experts);
}

Expected<perf::Load> readLoad(StringRef path, const perf::LayerCost &cost) {
  Expected<NamedTensors> file = readTensors(path.str(), {"hidden", "topk_ids"});
  if (!file)
    return file.takeError();
  const HostTensor *ids = findTensor(*file, "topk_ids");
  if (!ids || ids->dtype != DType::I32 || ids->shape.size() != 2)
    return inputError("{} has no tensor 'topk_ids' of i32 [T, K]",
                      printable(path));
  ArrayRef<int32_t> values(reinterpret_cast<const int32_t *>(ids->bytes.data()),
                           ids->bytes.size() / sizeof(int32_t));
  return perf::Load::of(values, ids->shape[0], cost.experts);
}

} // namespace moec::driver
