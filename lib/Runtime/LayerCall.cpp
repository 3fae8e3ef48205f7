//===- LayerCall.cpp - one execution of a layer ---------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks come first and all of them; only then is anything written.
//
//===----------------------------------------------------------------------===//

#include "LayerCall.h"
#include "Convert.h"

#include <algorithm>
#include <cstring>

namespace moec {

LayerCall::LayerCall(const Bundle &bundle) : bundle(bundle) {
  size_t inputs = 0, outputs = 0;
  for (size_t index = 0; index < bundle.manifest().layers.size(); ++index) {
    inputs = std::max(inputs, bundle.interfaceOf(index).inputs.size());
    outputs = std::max(outputs, bundle.interfaceOf(index).outputs.size());
  }
  inputViews.reserve(inputs);
  inputArgs.reserve(inputs);
  outputViews.reserve(outputs);
  outputArgs.reserve(outputs);
}

/// Checks the `count` tensors at `tensors`, inputs or outputs of `layer`, one
/// by one. Those past `count` are left out like those that are null.
template <typename Pointer>
static Status viewTensors(const ManifestLayer &layer, const char *kind,
                          const std::vector<TensorSpec> &specs,
                          const Pointer *tensors, int32_t count,
                          const DLDevice *device,
                          std::vector<TensorView> &views) {
  if (count < 0 || size_t(count) > specs.size() || (count > 0 && !tensors))
    return makeError(MOEC_ERROR_ARGUMENT, "{}: {} {}s{} were given; it has {}",
                     layer.name, count, kind, tensors ? "" : " at NULL",
                     specs.size());
  views.assign(specs.size(), TensorView());
  for (size_t index = 0; index < specs.size(); ++index) {
    const TensorSpec &spec = specs[index];
    const DLTensor *tensor = index < size_t(count) ? tensors[index] : nullptr;
    TensorPlace place{layer.name, kind, spec.name};
    if (!tensor && !spec.optional)
      return makeError(MOEC_ERROR_ARGUMENT, "{} is missing; give it as {}s[{}]",
                       place.describe(), kind, index);
    if (!tensor)
      continue;
    Status status = viewTensor(*tensor, spec, place, device, views[index]);
    if (status.failed())
      return status;
  }
  return Status::ok();
}

Status LayerCall::checkTokens() const {
  auto compare = [&](const char *kind, const std::vector<TensorSpec> &specs,
                     const std::vector<TensorView> &views) {
    for (size_t index = 0; index < views.size(); ++index)
      if (views[index].tokens >= 0 && views[index].tokens != call.tokens)
        return makeError(
            MOEC_ERROR_ARGUMENT, "{} has {} tokens; input 'hidden' has {}",
            TensorPlace{layer->name, kind, specs[index].name}.describe(),
            views[index].tokens, call.tokens);
    return Status::ok();
  };
  Status status = compare("input", interface->inputs, inputViews);
  if (!status.failed())
    status = compare("output", interface->outputs, outputViews);
  // Kernels number the pairs of token and choice with 32 bits.
  if (!status.failed() && call.tokens > INT32_MAX / layer->topK)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{}: {} tokens with {} choices each are more than {} "
                     "pairs; split the batch",
                     layer->name, call.tokens, layer->topK, INT32_MAX);
  return status;
}

Status LayerCall::checkOverlap() const {
  for (size_t index = 0; index < outputViews.size(); ++index) {
    const std::string &name = interface->outputs[index].name;
    for (size_t other = 0; other < inputViews.size(); ++other)
      if (overlap(outputViews[index], inputViews[other]))
        return makeError(MOEC_ERROR_ARGUMENT,
                         "{}: output '{}' overlaps input '{}' in memory; give "
                         "it memory of its own",
                         layer->name, name, interface->inputs[other].name);
    for (size_t other = 0; other < index; ++other)
      if (overlap(outputViews[index], outputViews[other]))
        return makeError(MOEC_ERROR_ARGUMENT,
                         "{}: output '{}' overlaps output '{}' in memory; give "
                         "it memory of its own",
                         layer->name, name, interface->outputs[other].name);
  }
  return Status::ok();
}

Status LayerCall::checkRouting() const {
  if (!layer->givenRouting)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{}: this layer cannot run with given routing",
                     layer->name);
  for (size_t index = 0; index < outputViews.size(); ++index) {
    bool isRouting = int(index) == interface->topkIds ||
                     int(index) == interface->topkWeights;
    bool isGiven = outputViews[index].tokens >= 0;
    const std::string &name = interface->outputs[index].name;
    if (isRouting && !isGiven)
      return makeError(MOEC_ERROR_ARGUMENT,
                       "{}: output '{}' is missing; with given routing it is "
                       "read",
                       layer->name, name);
    if (!isRouting && isGiven && !interface->outputs[index].isHidden)
      return makeError(MOEC_ERROR_ARGUMENT,
                       "{}: output '{}' is not computed with given routing; "
                       "give NULL",
                       layer->name, name);
  }
  int64_t limit = layer->experts + layer->identityExperts;
  const TensorView &view = outputViews[interface->topkIds];
  if (view.onDevice)
    return Status::ok();
  const auto *ids = static_cast<const int32_t *>(view.data);
  for (int64_t index = 0; index < call.tokens * layer->topK; ++index)
    if (ids[index] < -1 || ids[index] >= limit)
      return makeError(MOEC_ERROR_ARGUMENT,
                       "{}: topk_ids[{}, {}] is {}; expected an expert in "
                       "[0, {}) or -1 for none",
                       layer->name, index / layer->topK, index % layer->topK,
                       ids[index], limit);
  return Status::ok();
}

void LayerCall::bindTensors(char *memory) {
  auto take = [&](int64_t elements, moec_dtype type) {
    void *taken = memory;
    // Sizes were computed without overflow by workspaceNeed.
    int64_t bytes = elements * elementTypeSize(type);
    (void)alignUp(bytes, bytes);
    memory += bytes;
    return taken;
  };
  auto bind = [&](const TensorSpec &spec, const TensorView &view) {
    moec_dtype type = spec.types.front();
    if (view.tokens >= 0)
      type = *spec.kernelType(view.type);
    moec_tensor_arg arg = {view.data, type, 0, view.rowStride};
    if (view.tokens < 0 || type != view.type) {
      arg.data = take(call.tokens * spec.cols, type);
      arg.row_stride = spec.cols;
    }
    return arg;
  };
  inputArgs.clear();
  outputArgs.clear();
  convertsInput = convertsOutput = false;
  for (size_t index = 0; index < inputViews.size(); ++index) {
    const TensorView &view = inputViews[index];
    const TensorSpec &spec = interface->inputs[index];
    inputArgs.push_back(bind(spec, view));
    if (view.tokens < 0)
      std::memset(inputArgs.back().data, 0,
                  call.tokens * spec.cols *
                      elementTypeSize(spec.types.front()));
    convertsInput |= view.tokens >= 0 && inputArgs.back().dtype != view.type;
  }
  for (size_t index = 0; index < outputViews.size(); ++index) {
    const TensorView &view = outputViews[index];
    outputArgs.push_back(bind(interface->outputs[index], view));
    convertsOutput |= view.tokens >= 0 && outputArgs.back().dtype != view.type;
  }
}

static void barrierEntry(void *state, int32_t thread, int32_t threads) {
  static_cast<Barrier *>(state)->wait();
}

static void timedBarrierEntry(void *state, int32_t thread, int32_t threads) {
  static_cast<StageClock *>(state)->wait(thread);
}

void LayerCall::runThread(void *self, int32_t thread, int32_t threads) {
  LayerCall &run = *static_cast<LayerCall *>(self);
  const moec_kernel_call &call = run.call;
  // Split so that no product exceeds 64 bits: tokens and threads fit 32.
  int64_t begin = call.tokens * thread / threads;
  int64_t end = call.tokens * (thread + 1) / threads;
  if (run.convertsInput) {
    for (size_t index = 0; index < run.inputViews.size(); ++index) {
      const TensorView &view = run.inputViews[index];
      if (view.tokens >= 0 && run.inputArgs[index].dtype != view.type)
        widenRows(view, static_cast<float *>(run.inputArgs[index].data), begin,
                  end);
    }
    run.barrier->wait();
  }
  run.kernel(&call, thread, threads);
  if (run.convertsOutput) {
    run.barrier->wait();
    for (size_t index = 0; index < run.outputViews.size(); ++index) {
      const TensorView &view = run.outputViews[index];
      if (view.tokens >= 0 && run.outputArgs[index].dtype != view.type)
        narrowRows(static_cast<const float *>(run.outputArgs[index].data), view,
                   begin, end);
    }
  }
  if (run.stages)
    run.stages->arrive(thread);
}

Status LayerCall::reserve(size_t index, int64_t tokens, void *stream,
                          const Pool &pool, Workspace &workspace) {
  if (const DeviceCode *code = bundle.deviceCode()) {
    DeviceNeed need;
    Status status = deviceNeed(bundle, index, tokens, need);
    return status.failed() ? status
                           : code->reserve(need, stream, deviceWorkspace);
  }
  WorkspaceNeed need;
  Status status = workspaceNeed(bundle, index, tokens, pool.threads(), need);
  return status.failed() ? status : workspace.reserve(need.total());
}

Status LayerCall::run(size_t index, const LayerTensors &tensors, Pool &pool,
                      Workspace &workspace) {
  layer = &bundle.manifest().layers[index];
  interface = &bundle.interfaceOf(index);
  if (!bundle.hasWeights(index))
    return makeError(MOEC_ERROR_BUNDLE,
                     "{}: the bundle was compiled without weights; compile the "
                     "model with them to run it",
                     layer->name);
  const DeviceCode *code = bundle.deviceCode();
  const DLDevice *device = code ? &code->device().memory : nullptr;
  Status status =
      viewTensors(*layer, "input", interface->inputs, tensors.inputs,
                  tensors.numInputs, device, inputViews);
  if (!status.failed())
    status = viewTensors(*layer, "output", interface->outputs, tensors.outputs,
                         tensors.numOutputs, device, outputViews);
  if (status.failed())
    return status;
  call = {};
  call.tokens = inputViews[interface->hiddenInput].tokens;
  call.sequence = inputViews[interface->hiddenInput].sequence;
  if (status = checkTokens(); status.failed())
    return status;
  if (status = checkOverlap(); status.failed())
    return status;
  if (tensors.givenRouting)
    if (status = checkRouting(); status.failed())
      return status;
  if (call.tokens == 0)
    return Status::ok();
  if (code)
    return code->run({*layer, *bundle.manifest().kernels[layer->kernel].plan,
                      *interface, call.tokens, call.sequence,
                      tensors.givenRouting, inputViews, outputViews,
                      tensors.stream},
                     deviceWorkspace);

  WorkspaceNeed need;
  status = workspaceNeed(bundle, index, call.tokens, pool.threads(), need);
  if (!status.failed())
    status = workspace.reserve(need.total());
  if (status.failed())
    return status;
  bindTensors(workspace.data());
  call.flags = tensors.givenRouting ? MOEC_CALL_GIVEN_ROUTING : 0;
  call.inputs = inputArgs.data();
  call.outputs = outputArgs.data();
  kernel = bundle.kernelOf(index).run;
  call.weights = bundle.weightsOf(index);
  call.workspace = workspace.data() + need.tensors;
  call.workspace_bytes = need.kernel;
  barrier = &pool.barrier();
  stages = tensors.givenRouting ? nullptr : tensors.stages;
  call.barrier = stages ? timedBarrierEntry : barrierEntry;
  call.barrier_state = stages ? static_cast<void *>(stages) : barrier;
  if (stages)
    stages->start();
  pool.run(runThread, this);
  if (stages)
    stages->finish();
  return Status::ok();
}

} // namespace moec
