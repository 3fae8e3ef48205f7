//===- PlainMixtral.cpp - a plain f32 implementation ------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See PlainMixtral.h.
//
//===----------------------------------------------------------------------===//

#include "PlainMixtral.h"

#include "moec/Support/Float.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::reference {

PlainMixtral::PlainMixtral(mlir::ModuleOp module, WeightProvider &weights) {
  auto read = [&](StringRef name, std::vector<float> &matrix) {
    auto weight = module.lookupSymbol<mlir::moe::WeightOp>(name);
    Tensor tensor = cantFail(weights.get(weight));
    matrix.assign(tensor.value.begin(), tensor.value.end());
  };
  read("layers.0.gate", gate);
  read("layers.0.w1", w1);
  read("layers.0.w3", w3);
  read("layers.0.w2", w2);
}

static float roundToBf16(float value) {
  return bf16ToFloat(floatToBf16(value));
}

/// A dot product with eight partial sums, as vectorised code has.
static float dotOf(const float *a, const float *b, int64_t n, Mistake mistake) {
  float partial[8] = {};
  int64_t end = mistake == Mistake::LastTermOfSums ? n - 1 : n;
  for (int64_t i = 0; i < end; ++i)
    partial[i % 8] += a[i] * b[i];
  float sum = 0;
  for (float value : partial)
    sum += value;
  return sum;
}

/// Scores of one row to its ids and weights.
static void route(const float *logits, int64_t *ids, float *weights,
                  Mistake mistake) {
  constexpr int64_t experts = PlainMixtral::experts;
  float largest = logits[0], scores[experts], total = 0;
  bool hasNaN = false;
  for (int64_t e = 0; e < experts; ++e) {
    hasNaN |= std::isnan(logits[e]);
    largest = std::max(largest, logits[e]);
  }
  for (int64_t e = 0; e < experts; ++e)
    total += scores[e] = std::exp(logits[e] - largest);
  for (float &score : scores)
    score = hasNaN ? std::numeric_limits<float>::quiet_NaN() : score / total;
  bool used[experts] = {};
  for (int64_t j = 0; j < PlainMixtral::topK; ++j) {
    int64_t best = -1;
    for (int64_t e = 0; e < experts; ++e) {
      if (used[e])
        continue;
      bool isBetter =
          best < 0 || scores[e] > scores[best] ||
          (std::isnan(scores[best]) && !std::isnan(scores[e])) ||
          (mistake == Mistake::TiesGoUp && scores[e] == scores[best]);
      if (isBetter)
        best = e;
    }
    used[best] = true;
    ids[j] = best;
    weights[j] = scores[best];
  }
  if (mistake == Mistake::NoNormalize)
    return;
  float sum = weights[0] + weights[1];
  weights[0] /= sum;
  weights[1] /= sum;
}

std::vector<NamedTensor> PlainMixtral::run(const Case &input,
                                           Mistake mistake) const {
  int64_t tokens = input.hidden.shape[0];
  Tensor logits = Tensor::floats({tokens, experts});
  Tensor ids = Tensor::integers({tokens, topK});
  Tensor weights = Tensor::floats({tokens, topK});
  Tensor output = Tensor::floats({tokens, hidden});
  std::vector<float> x(input.hidden.value.begin(), input.hidden.value.end());
  std::vector<float> h(width);
  for (int64_t t = 0; t < tokens; ++t) {
    float z[experts], p[topK];
    for (int64_t e = 0; e < experts; ++e)
      logits.value[t * experts + e] = z[e] =
          dotOf(&x[t * hidden], &gate[e * hidden], hidden, mistake);
    route(z, &ids.ints[t * topK], p, mistake);
    for (int64_t j = 0; j < topK; ++j) {
      if (input.ids) {
        ids.ints[t * topK + j] = input.ids->ints[t * topK + j];
        p[j] = static_cast<float>(input.weights->value[t * topK + j]);
      }
      weights.value[t * topK + j] = p[j];
    }
    for (float &value : MutableArrayRef(x).slice(t * hidden, hidden))
      value = roundToBf16(value);
    std::vector<float> y(hidden);
    for (int64_t j = 0; j < topK; ++j) {
      int64_t e = ids.ints[t * topK + j];
      if (e < 0 || (mistake == Mistake::LastToken && t == tokens - 1))
        continue;
      if (mistake == Mistake::OtherExpert && j == 1)
        e = (e + 1) % experts;
      for (int64_t i = 0; i < width; ++i) {
        int64_t at = (e * width + i) * hidden;
        float g = dotOf(&x[t * hidden], &w1[at], hidden, mistake);
        float u = dotOf(&x[t * hidden], &w3[at], hidden, mistake);
        if (mistake == Mistake::GateAndUpSwapped)
          std::swap(g, u);
        h[i] = roundToBf16(g / (1 + std::exp(-g)) * u);
      }
      for (int64_t o = 0; o < hidden; ++o)
        y[o] += p[j] *
                dotOf(h.data(), &w2[(e * hidden + o) * width], width, mistake);
    }
    llvm::copy(y, output.value.begin() + t * hidden);
  }
  return {{"hidden", std::move(output)},
          {"topk_ids", std::move(ids)},
          {"topk_weights", std::move(weights)},
          {"router_logits", std::move(logits)}};
}

} // namespace moec::reference
