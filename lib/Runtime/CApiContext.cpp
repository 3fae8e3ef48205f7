//===- CApiContext.cpp - exported functions on contexts -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Making a team of threads and running layers on it.
//
//===----------------------------------------------------------------------===//

#include "Affinity.h"
#include "CApi.h"

#include <algorithm>

using namespace moec;

moec_status moec_context_create(moec_model *model, int32_t threads,
                                moec_context **context) {
  return guarded([&] {
    if (!model || !context)
      return missingArgument("moec_context_create",
                             model ? "context" : "model");
    *context = nullptr;
    if (model->options.flags & MOEC_OPEN_DESCRIBE)
      return makeError(MOEC_ERROR_ARGUMENT,
                       "{}: opened with MOEC_OPEN_DESCRIBE, so it cannot run",
                       model->bundle->path());
    if (threads < 0)
      return makeError(MOEC_ERROR_ARGUMENT,
                       "threads is {}; expected 0, for one a CPU, or more",
                       threads);
    PoolOptions options;
    int32_t wanted = threads > 0 ? threads : model->options.threads;
    int32_t cpus = usableCpuCount();
    options.threads = wanted > 0 ? std::min(wanted, cpus) : cpus;
    options.spinNanoseconds = int64_t(model->options.spin_us) * 1000;
    options.pin = model->options.flags & MOEC_OPEN_PIN_THREADS;
    options.yield = true;
    auto created = std::make_unique<moec_context>(model->bundle);
    Status status = Pool::create(options, created->pool);
    if (!status.failed())
      *context = created.release();
    return status;
  });
}

void moec_context_destroy(moec_context *context) { delete context; }

int32_t moec_context_threads(const moec_context *context) {
  return context ? context->pool->threads() : 0;
}

static Status checkTokenCount(int64_t tokens) {
  if (tokens >= 0)
    return Status::ok();
  return makeError(MOEC_ERROR_ARGUMENT, "tokens is {}; expected 0 or more",
                   tokens);
}

moec_status moec_workspace_size(const moec_context *context, int32_t layer,
                                int64_t tokens, int64_t *bytes) {
  return guarded([&] {
    if (!context || !bytes)
      return missingArgument("moec_workspace_size",
                             context ? "bytes" : "context");
    if (Status status = checkLayerIndex(*context->bundle, layer);
        status.failed())
      return status;
    if (Status status = checkTokenCount(tokens); status.failed())
      return status;
    int64_t total = 0;
    Status status = totalNeed(*context->bundle, layer, tokens,
                              context->pool->threads(), total);
    if (!status.failed())
      *bytes = total;
    return status;
  });
}

moec_status moec_reserve(moec_context *context, int64_t tokens) {
  return guarded([&] {
    if (!context)
      return missingArgument("moec_reserve", "context");
    if (Status status = checkTokenCount(tokens); status.failed())
      return status;
    std::lock_guard<std::mutex> lock(context->mutex);
    size_t layers = context->bundle->manifest().layers.size();
    for (size_t layer = 0; layer < layers; ++layer)
      if (Status status =
              context->call.reserve(layer, tokens, context->stream,
                                    *context->pool, context->workspace);
          status.failed())
        return status;
    return Status::ok();
  });
}

moec_status moec_context_set_stream(moec_context *context, void *stream) {
  return guarded([&] {
    if (!context)
      return missingArgument("moec_context_set_stream", "context");
    if (!context->bundle->deviceCode())
      return makeError(MOEC_ERROR_ARGUMENT,
                       "{}: compiled for a CPU, which has no streams",
                       context->bundle->path());
    std::lock_guard<std::mutex> lock(context->mutex);
    context->stream = stream;
    return Status::ok();
  });
}

moec_status moec_context_time_stages(moec_context *context,
                                     moec_stage_time *times, int32_t count) {
  return guarded([&] {
    if (!context)
      return missingArgument("moec_context_time_stages", "context");
    if (context->bundle->deviceCode())
      return makeError(MOEC_ERROR_ARGUMENT,
                       "{}: compiled for a GPU, whose launches are not timed",
                       context->bundle->path());
    if (times && count < 0)
      return makeError(MOEC_ERROR_ARGUMENT, "count is {}; expected 0 or more",
                       count);
    std::lock_guard<std::mutex> lock(context->mutex);
    context->stages.reset();
    if (times)
      context->stages = std::make_unique<StageClock>(
          context->pool->barrier(), context->pool->threads(), times, count);
    return Status::ok();
  });
}

moec_status moec_run(moec_context *context, int32_t layer,
                     const DLTensor *const *inputs, int32_t num_inputs,
                     DLTensor *const *outputs, int32_t num_outputs,
                     uint64_t flags) {
  return guarded([&] {
    if (!context)
      return missingArgument("moec_run", "context");
    if (Status status = checkLayerIndex(*context->bundle, layer);
        status.failed())
      return status;
    if (flags & ~uint64_t(MOEC_RUN_GIVEN_ROUTING))
      return makeError(MOEC_ERROR_ARGUMENT,
                       "flags is {:#x}; this library knows {:#x}", flags,
                       int(MOEC_RUN_GIVEN_ROUTING));
    LayerTensors tensors{inputs, num_inputs, outputs, num_outputs,
                         (flags & MOEC_RUN_GIVEN_ROUTING) != 0};
    std::lock_guard<std::mutex> lock(context->mutex);
    tensors.stream = context->stream;
    tensors.stages = context->stages.get();
    return context->call.run(layer, tensors, *context->pool,
                             context->workspace);
  });
}
