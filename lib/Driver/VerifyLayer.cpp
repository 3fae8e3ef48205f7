//===- VerifyLayer.cpp - Judging the code of one layer --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The same inputs for the compiled code, through the C interface, and for the
// reference.
//
//===----------------------------------------------------------------------===//

#include "VerifyLayer.h"

#include "moec/Dialect/Moe/Moe.h"
#include "moec/Support/Error.h"

#include <cstring>
#include <random>

using namespace llvm;

namespace moec::driver {

reference::CaseSize LayerVerifier::size(int64_t tokens) const {
  return {tokens, layer.info.hidden, layer.info.experts, layer.info.top_k,
          layer.info.identity_experts};
}

/// Rows of the largest table that token ids look experts up in; 0 if there is
/// none.
static int64_t tableRows(mlir::ModuleOp module) {
  int64_t rows = 0;
  module.walk([&](mlir::moe::LookupOp op) {
    rows = std::max(rows, op.getTable().getType().getDimSize(0));
  });
  return rows;
}

/// What the run time takes for an input that is left out.
static HostTensor zeros(int64_t tokens, const LayerTensor &input) {
  HostTensor tensor{input.dtype, {tokens, input.cols}, {}};
  tensor.bytes.resize(tensorBytes(tensor.shape, tensor.dtype).value_or(0));
  return tensor;
}

static HostTensor randomIds(int64_t tokens, const LayerTensor &input,
                            int64_t rows, uint64_t seed) {
  HostTensor tensor;
  tensor.dtype = DType::I64;
  tensor.shape = {tokens, input.cols};
  std::vector<int64_t> ids(tokens * input.cols);
  std::mt19937_64 random(seed);
  for (int64_t &id : ids)
    id = static_cast<int64_t>(random() % uint64_t(std::max<int64_t>(rows, 1)));
  tensor.bytes.resize(ids.size() * sizeof(int64_t));
  if (!ids.empty())
    std::memcpy(tensor.bytes.data(), ids.data(), tensor.bytes.size());
  return tensor;
}

Expected<HostTensor> LayerVerifier::makeUp(const LayerTensor &input,
                                           int64_t tokens) const {
  // What may be left out are types of tokens, of which there are a few.
  if (input.dtype == DType::I64 || input.dtype == DType::I32)
    return randomIds(tokens, input, input.optional ? 3 : tableRows(module),
                     seed);
  reference::CaseSize rows = size(tokens);
  rows.hidden = input.cols;
  return reference::toHost(reference::randomCase(rows, seed + 1).hidden);
}

/// The number of sequences the tokens are split into for layers that count
/// something in each.
static int64_t sequences(int64_t tokens) {
  return tokens > 0 && tokens % 2 == 0 ? 2 : 1;
}

/// `tensor` [T, ...] as the reference takes an input of the layer: without the
/// second dimension if it has one column and the layer takes a vector.
static Expected<reference::Tensor> forReference(HostTensor tensor,
                                                int64_t tokens, int64_t cols) {
  if (cols == 1)
    tensor.shape = {tokens};
  else
    tensor.shape = {tokens, cols};
  return reference::fromHost(tensor);
}

/// How far the hidden rows of `actual` are from those of `module`.
static Expected<RelativeError> measure(mlir::ModuleOp module, StringRef layer,
                                       ArrayRef<reference::NamedTensor> inputs,
                                       reference::WeightProvider &weights,
                                       ArrayRef<reference::NamedTensor> actual,
                                       reference::RunOptions options) {
  auto find = [&](StringRef name) -> const reference::Tensor * {
    auto found = llvm::find_if(
        actual, [&](const auto &tensor) { return tensor.name == name; });
    return found == actual.end() ? nullptr : &found->tensor;
  };
  if (const reference::Tensor *ids = find("topk_ids"))
    options.preferredIds = *ids;
  Expected<reference::RunResult> exact =
      reference::runLayer(module, layer, inputs, weights, options);
  if (!exact)
    return exact.takeError();
  RelativeError error;
  addError(error, *find("hidden"), *exact->find("hidden"));
  return error;
}

Expected<Judgement> LayerVerifier::judge(const reference::Case &testCase,
                                         const NamedTensors &given) {
  int64_t tokens = testCase.hidden.shape[0];
  RunRequest request;
  std::vector<reference::NamedTensor> inputs;
  auto addInput = [&](StringRef name, int64_t cols,
                      HostTensor tensor) -> Error {
    Expected<reference::Tensor> exact = forReference(tensor, tokens, cols);
    if (!exact)
      return exact.takeError();
    inputs.push_back({name.str(), std::move(*exact)});
    request.inputs.emplace_back(name, std::move(tensor));
    return Error::success();
  };
  for (const LayerTensor &input : layer.inputs) {
    const HostTensor *file = findTensor(given, input.name);
    bool isLeftOut = input.optional && !file && !given.empty();
    Expected<HostTensor> tensor = input.name == "hidden"
                                      ? reference::toHost(testCase.hidden)
                                  : file      ? Expected<HostTensor>(*file)
                                  : isLeftOut ? zeros(tokens, input)
                                              : makeUp(input, tokens);
    if (!tensor)
      return tensor.takeError();
    if (Error error = addInput(input.name, input.cols, std::move(*tensor)))
      return std::move(error);
    if (isLeftOut)
      request.inputs.pop_back();
  }
  if (layer.info.needs_sequence) {
    int64_t batch = sequences(tokens);
    findTensor(request.inputs, "hidden")->shape = {batch, tokens / batch,
                                                   layer.info.hidden};
    inputs.push_back({"sequence", reference::Tensor::scalar(tokens / batch)});
  }

  reference::RunOptions options;
  options.ids = testCase.ids;
  options.weights = testCase.weights;
  request.givenRouting = testCase.ids.has_value();
  if (request.givenRouting) {
    Expected<HostTensor> ids = reference::toHost(*testCase.ids);
    if (!ids)
      return ids.takeError();
    Expected<HostTensor> factors = reference::toHost(*testCase.weights);
    if (!factors)
      return factors.takeError();
    request.inputs.emplace_back("topk_ids", std::move(*ids));
    request.inputs.emplace_back("topk_weights", std::move(*factors));
  }

  Expected<NamedTensors> results = session.run(layer, request);
  if (!results)
    return results.takeError();
  std::vector<reference::NamedTensor> actual;
  for (auto &[name, tensor] : *results) {
    tensor.shape = {tokens, tensor.shape.back()};
    Expected<reference::Tensor> exact = reference::fromHost(tensor);
    if (!exact)
      return exact.takeError();
    actual.push_back({name, std::move(*exact)});
  }
  Expected<reference::CompareReport> report = reference::compareLayer(
      module, layer.name, inputs, weights, actual, options);
  if (!report)
    return report.takeError();
  Judgement judgement{std::move(*report), std::nullopt};
  if (unencoded) {
    Expected<RelativeError> accuracy =
        measure(unencoded, layer.name, inputs, weights, actual, options);
    if (!accuracy)
      return accuracy.takeError();
    judgement.accuracy = *accuracy;
  }
  return judgement;
}

} // namespace moec::driver
