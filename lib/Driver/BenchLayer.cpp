//===- BenchLayer.cpp - A layer to be timed -------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BenchLayer.h"
#include "BenchTiming.h"
#include "Explanation.h"
#include "ModelInput.h"
#include "moec/Target/Bundle.h"
#include "moec/Target/Nvptx.h"
#include "moec/Target/TargetCpu.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <numeric>

using namespace llvm;

namespace moec::driver {

Expected<BenchFormat> parseFormat(StringRef text) {
  for (DType dtype : {DType::F32, DType::F16, DType::BF16})
    if (text == dtypeName(dtype))
      return BenchFormat{text.str(), dtype, dtype};
  BenchFormat format{text.str()};
  auto [encoding, rows] = text.split('/');
  auto [weights, group] = encoding.split(':');
  format.quantize.weights = weights.str();
  if (!rows.empty())
    format.quantize.activations = rows.str();
  bool takesGroup = format.quantize.takesGroup();
  bool encoded = takesGroup || weights == "mxfp4";
  bool grouped = group.empty() ||
                 (takesGroup && !group.getAsInteger(10, format.quantize.group));
  if (encoded && grouped && (rows.empty() || rows == "int8"))
    return format;
  return usageError(
      "{} is no format of weights; the formats are f32, f16, "
      "bf16, int8, int4, uint4 and mxfp4; int8, int4 and uint4 "
      "may have :GROUP after them, a scale for each GROUP "
      "numbers, and all four /int8, which rounds rows to int8 too",
      quote(text));
}

/// A directory for `bytes` bytes, in memory if the system has a file system
/// there.
static Expected<TemporaryPath> makePlace(double bytes) {
  for (StringRef parent : {"/dev/shm/moec-bench", "moec-bench"}) {
    SmallString<128> path;
    if (sys::fs::createUniqueDirectory(parent, path))
      continue;
    TemporaryPath place(path);
    auto space = sys::fs::disk_space(path);
    if (space && double(space->available) > bytes)
      return place;
  }
  return inputError("neither /dev/shm nor the directory for temporary files "
                    "has {:.0f} GB for the layer and its checkpoint; free some "
                    "space, set TMPDIR or choose a smaller shape",
                    bytes * 1e-9);
}

static std::string inside(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return path.str().str();
}

static Expected<CompileTarget> targetFor(StringRef chip) {
  if (chip.empty())
    return resolveCpu("native");
  return resolveChip(chip);
}

Error BenchLayer::write(const perf::LayerShape &shape, StringRef chip,
                        Console &console) {
  auto registry = createRegistry(std::nullopt);
  if (!registry)
    return registry.takeError();
  ModelOptions model;
  model.path = inside(place.path(), "checkpoint");
  if (Error error = hf::writeNewModel(**registry, shape.family, model.path,
                                      shape.model(format.stored)))
    return error;
  Expected<ModuleInput> input =
      readModule(model, std::nullopt, /*needWeights=*/true, console);
  if (!input)
    return input.takeError();
  Expected<CompileTarget> target = targetFor(chip);
  if (!target)
    return target.takeError();
  QuantizeOptions quantize = format.quantize;
  quantize.outputs = QuantizeOptions::usualOutputs(*target);
  if (Error error = quantizeModule(*input->module, quantize))
    return error;
  BundleOptions options;
  options.target = *target;
  options.checkpoint = input->checkpoint.get();
  Expected<BundleReport> report =
      writeBundle(*input->module, inside(place.path(), "bundle"), options);
  return report.takeError();
}

Error BenchLayer::readCost() {
  auto costs = readCosts(inside(place.path(), "bundle"));
  if (!costs)
    return costs.takeError();
  layerCost = std::move(costs->front());
  return Error::success();
}

Expected<std::unique_ptr<BenchLayer>>
BenchLayer::create(const perf::LayerShape &shape, const BenchFormat &format,
                   Console &console, StringRef chip) {
  auto layer = std::make_unique<BenchLayer>();
  layer->format = format;
  // Three matrices for each expert, in the checkpoint and in the bundle, and
  // some room for the router. Sizes come from the user and may be absurd.
  double elements =
      3. * double(shape.experts) * double(shape.hidden) * double(shape.width);
  double needed = elements * bitWidth(format.stored) / 8 * 2.2;
  Expected<TemporaryPath> place = makePlace(needed);
  if (!place)
    return place.takeError();
  layer->place = std::move(*place);
  if (Error error = layer->write(shape, chip, console))
    return std::move(error);
  if (Error error = layer->readCost())
    return std::move(error);
  return layer;
}

void BenchLayer::dropCheckpoint() {
  TemporaryPath checkpoint(inside(place.path(), "checkpoint"));
}

Expected<Session> BenchLayer::open(int32_t threads) const {
  return Session::open(inside(place.path(), "bundle"), threads,
                       MOEC_OPEN_COPY_WEIGHTS);
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

StringRef routingName(Routing routing) {
  return routing == Routing::Random ? "random"
         : routing == Routing::Zipf ? "zipf"
                                    : "one-hot";
}

/// A router is linear up to its logits: those of the unit rows are its matrix,
/// after those of a zero row are taken off.
Error BenchLayer::readGate(Session &session) {
  int64_t hidden = layerCost.hidden, experts = layerCost.experts;
  std::vector<float> units((hidden + 1) * hidden);
  for (int64_t i = 0; i < hidden; ++i)
    units[i * hidden + i] = 1;
  Expected<SessionLayer> layer = session.layer(layerCost.name);
  if (!layer)
    return layer.takeError();
  RunRequest request;
  request.inputs.emplace_back("hidden", toTensor(units, hidden, format.rows));
  Expected<NamedTensors> results = session.run(*layer, request);
  if (!results)
    return results.takeError();
  const HostTensor *output = findTensor(*results, "router_logits");
  auto *logits = reinterpret_cast<const float *>(output->bytes.data());
  gate.resize(experts * hidden);
  for (int64_t e = 0; e < experts; ++e)
    for (int64_t h = 0; h < hidden; ++h)
      gate[e * hidden + h] =
          logits[h * experts + e] - logits[hidden * experts + e];
  return Error::success();
}

/// What the logit of an expert is raised by. Zipf: by the logarithm of a
/// probability that falls like 1 / (expert + 1).
static double raise(Routing routing, int64_t expert, int64_t topK) {
  if (routing == Routing::Zipf)
    return -std::log(double(expert + 1));
  constexpr double farAhead = 40;
  return expert < topK ? farAhead : 0;
}

Expected<HostTensor> BenchLayer::rows(Session &session, int64_t tokens,
                                      Routing routing, uint64_t seed) {
  int64_t hidden = layerCost.hidden;
  std::vector<float> values = randomRows(tokens, hidden, seed);
  if (routing == Routing::Random)
    return toTensor(values, hidden, format.rows);
  if (gate.empty())
    if (Error error = readGate(session))
      return std::move(error);
  // Rows of a random matrix are nearly orthogonal: adding g / |g|^2 raises the
  // logit of g by about one and leaves the others as they are.
  std::vector<double> added(hidden);
  for (int64_t e = 0; e < layerCost.experts; ++e) {
    ArrayRef<float> row = ArrayRef(gate).slice(e * hidden, hidden);
    double square = std::inner_product(row.begin(), row.end(), row.begin(), 0.);
    double factor = raise(routing, e, layerCost.topK) / square;
    for (int64_t h = 0; h < hidden; ++h)
      added[h] += factor * row[h];
  }
  for (size_t i = 0; i < values.size(); ++i)
    values[i] += float(added[i % hidden]);
  return toTensor(values, hidden, format.rows);
}

Expected<TimedCalls> BenchLayer::calls(Session &session,
                                       const SessionLayer &layer,
                                       int64_t tokens, Routing routing,
                                       size_t count) {
  return prepareCalls(
      session, layer, layerCost, tokens, count,
      [&](uint64_t seed) { return rows(session, tokens, routing, seed); });
}

} // namespace moec::driver
