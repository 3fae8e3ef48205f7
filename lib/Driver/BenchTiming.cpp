//===- BenchTiming.cpp - Timing a layer on many rows ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BenchTiming.h"
#include "DeviceTensors.h"
#include "moec/Reference/Cases.h"
#include "moec/Support/Error.h"
#include "moec/Support/Float.h"

using namespace llvm;

namespace moec::driver {

int64_t TimedCalls::rowsOfExpert() const {
  return std::max<int64_t>(1, int64_t(routed / std::max(1., active)));
}

HostTensor toTensor(ArrayRef<float> values, int64_t columns, DType dtype) {
  HostTensor tensor;
  tensor.dtype = dtype;
  tensor.shape = {int64_t(values.size()) / columns, columns};
  tensor.bytes.resize(values.size() * bitWidth(dtype) / 8);
  cantFail(encodeFromFloat(dtype, values, tensor.bytes));
  return tensor;
}

std::vector<float> randomRows(int64_t tokens, int64_t hidden, uint64_t seed) {
  reference::CaseSize size;
  size.tokens = tokens;
  size.hidden = hidden;
  reference::Case random = reference::randomCase(size, seed);
  return {random.hidden.value.begin(), random.hidden.value.end()};
}

/// The experts that the layer chooses for a request's rows.
static Expected<perf::Load>
routeRows(Session &session, const SessionLayer &layer, RunRequest &request) {
  Expected<NamedTensors> results = session.run(layer, request);
  if (!results)
    return results.takeError();
  const HostTensor *ids = findTensor(*results, "topk_ids");
  if (!ids)
    return inputError("layer {} does not tell which experts it chose",
                      quote(layer.name));
  ArrayRef<int32_t> values(reinterpret_cast<const int32_t *>(ids->bytes.data()),
                           ids->bytes.size() / sizeof(int32_t));
  return perf::Load::of(values, ids->shape[0], layer.info.experts);
}

size_t usualCalls(int64_t tokens) {
  return size_t(std::clamp<int64_t>(256 / tokens, 2, 64));
}

Expected<TimedCalls>
prepareCalls(Session &session, const SessionLayer &layer,
             const perf::LayerCost &cost, int64_t tokens, size_t count,
             function_ref<Expected<HostTensor>(uint64_t)> rows) {
  TimedCalls calls;
  // Runs refer to their requests.
  calls.requests.resize(count);
  for (auto [seed, request] : enumerate(calls.requests)) {
    Expected<HostTensor> hidden = rows(seed);
    if (!hidden)
      return hidden.takeError();
    request.hiddenDtype = hidden->dtype;
    request.inputs.emplace_back("hidden", std::move(*hidden));
    Expected<perf::Load> load = routeRows(session, layer, request);
    if (!load)
      return load.takeError();
    calls.work.push_back(cost.work(*load));
    calls.routed += double(load->routed()) / double(count);
    calls.active += double(load->active()) / double(count);
    request.hiddenOnly = true;
    Expected<PreparedRun> run = session.prepare(layer, request);
    if (!run)
      return run.takeError();
    calls.runs.push_back(std::move(*run));
  }
  return calls;
}

Expected<perf::Timing> timeCalls(Session &session, const SessionLayer &layer,
                                 const perf::LayerCost &cost, TimedCalls &calls,
                                 perf::Calibration &calibration,
                                 perf::MeasureOptions options,
                                 function_ref<void()> ended) {
  constexpr int64_t cacheable = int64_t(256) << 20;
  options.cold = layer.info.weights_bytes < cacheable;
  return perf::measure(calls.work, cost.mainProduct().arithmetic,
                       session.threads(), calibration, options, [&](size_t i) {
                         Error error = session.execute(calls.runs[i]);
                         ended();
                         return error;
                       });
}

Expected<perf::Timing> timeCallsOnGpu(Session &session,
                                      const perf::LayerCost &cost,
                                      TimedCalls &calls, perf::GpuMeter &meter,
                                      perf::MeasureOptions options) {
  DeviceTensors tensors(*session.deviceOfModel());
  for (PreparedRun &run : calls.runs) {
    for (DLTensor &tensor : run.views)
      if (Error error = tensors.move(tensor, /*apart=*/false))
        return std::move(error);
    // The first call takes the workspace.
    if (Error error = session.execute(run))
      return std::move(error);
  }
  // Tensor cores multiply numbers of two bytes, and codes as such numbers.
  auto arithmetic = cost.mainProduct().numberBytes == 2 ? perf::Arithmetic::Bf16
                                                        : perf::Arithmetic::F32;
  auto timing = meter.measure(calls.work, arithmetic, options,
                              [&](size_t i, void *stream) {
                                if (Error error = session.setStream(stream))
                                  return error;
                                return session.execute(calls.runs[i]);
                              });
  if (Error error = session.setStream(nullptr))
    return joinErrors(std::move(error), timing.takeError());
  return timing;
}

} // namespace moec::driver
