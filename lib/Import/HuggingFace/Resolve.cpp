//===- Resolve.cpp - Resolves a model ---------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Binds the configuration, goes through the layers and resolves each MoE layer;
// also the properties of resolved tensors.
//
//===----------------------------------------------------------------------===//

#include "Resolver.h"
#include "moec/Support/StackedName.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {
namespace {

/// More than any model has; a larger number is a mistake or an attack.
constexpr int64_t maxLayers = 10000;

class ModelResolver {
public:
  ModelResolver(const FamilyRegistry &registry, const Family &family,
                const ConfigFile &config, const TensorDirectory *directory)
      : sources(registry.sources()), family(family), config(config),
        directory(directory) {}

  llvm::Expected<ResolvedModel> run(const ResolveOptions &options);

private:
  llvm::Error resolveStack(const LayerStack &stack);
  llvm::Error resolveLayer(const LayerStack &stack, int64_t n, bool moe);
  llvm::Error resolveMoe(LayerScope &scope, const LayerStack &stack,
                         ResolvedLayer &layer);
  llvm::Expected<Value> evaluateHere(const Expr &expr);
  llvm::Error evaluateDims(ResolvedLayer *layer);
  llvm::Error evaluateChecks();

  const Sources &sources;
  const Family &family;
  const ConfigFile &config;
  const TensorDirectory *directory;
  StoragePolicy policy;
  std::map<std::string, Value, std::less<>> constants;
  ResolvedModel model;
};

llvm::Expected<Value> ModelResolver::evaluateHere(const Expr &expr) {
  return evaluate(sources, expr,
                  [&](llvm::StringRef name) -> std::optional<Value> {
                    auto it = constants.find(name);
                    if (it == constants.end())
                      return std::nullopt;
                    return it->second;
                  });
}

llvm::Expected<ResolvedModel>
ModelResolver::run(const ResolveOptions &options) {
  llvm::Expected<BoundConfig> bound = bindConfig(family, config);
  if (!bound)
    return bound.takeError();
  llvm::Expected<StoragePolicy> storage = readStoragePolicy(config, options);
  if (!storage)
    return storage.takeError();
  policy = *storage;
  constants = std::move(bound->values);
  model.family = family.name;
  model.summary = family.summary;
  model.path = config.path;
  model.warnings = std::move(bound->warnings);
  std::vector<std::string> types = config.modelTypes();
  model.modelType = types.empty() ? family.modelTypes.front() : types.front();

  for (const NamedExpr &definition : family.definitions) {
    llvm::Expected<Value> value = evaluateHere(*definition.value);
    if (!value)
      return value.takeError();
    constants[definition.name] = std::move(*value);
  }
  if (llvm::Error error = evaluateChecks())
    return std::move(error);
  for (const LayerStack &stack : family.stacks)
    if (llvm::Error error = resolveStack(stack))
      return std::move(error);
  return std::move(model);
}

llvm::Error ModelResolver::evaluateChecks() {
  for (const Check &check : family.checks) {
    llvm::Expected<Value> holds = evaluateHere(*check.condition);
    if (!holds)
      return holds.takeError();
    if (!holds->truth())
      return inputError("{}: {}; '{}' does not hold ({})", config.path,
                        check.message, toString(*check.condition),
                        sources.place(check.condition->loc));
  }
  return llvm::Error::success();
}

llvm::Error ModelResolver::resolveStack(const LayerStack &stack) {
  llvm::Expected<Value> count = evaluateHere(*stack.count);
  if (!count)
    return count.takeError();
  if (!count->isInt() || count->integer() < 0 || count->integer() > maxLayers)
    return inputError("{}: {} is {}; a model has 0 to {} layers", config.path,
                      toString(*stack.count), count->str(), maxLayers);
  constants["stack"] =
      Value(llvm::StringRef(stack.name).split('.').first.str());
  for (int64_t n = 0; n < count->integer(); ++n) {
    constants["n"] = Value(n);
    bool moe = true;
    if (stack.moe) {
      llvm::Expected<Value> condition = evaluateHere(*stack.moe);
      if (!condition)
        return condition.takeError();
      moe = condition->truth();
    }
    if (llvm::Error error = resolveLayer(stack, n, moe))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error ModelResolver::evaluateDims(ResolvedLayer *layer) {
  for (const NamedExpr &dim : family.dims) {
    llvm::Expected<Value> value = evaluateHere(*dim.value);
    if (!value)
      return value.takeError();
    if (!value->isInt() || value->integer() < 0)
      return inputError("{}: {} is {}; a dimension is a whole number that is "
                        "not negative ({})",
                        config.path, toString(*dim.value), value->str(),
                        sources.place(dim.loc));
    layer->dims.emplace_back(dim.name, value->integer());
    constants[dim.name] = *value;
  }
  return llvm::Error::success();
}

llvm::Error ModelResolver::resolveMoe(LayerScope &scope,
                                      const LayerStack &stack,
                                      ResolvedLayer &layer) {
  if (llvm::Error error = declareTensors(scope))
    return error;
  if (llvm::Error error = buildRoutines(scope, layer))
    return error;
  return resolveTensors(scope, stack, directory, policy, layer);
}

llvm::Error ModelResolver::resolveLayer(const LayerStack &stack, int64_t n,
                                        bool moe) {
  ResolvedLayer layer;
  llvm::StringRef pattern = stack.name;
  size_t at = pattern.find("{n}");
  layer.name =
      (pattern.take_front(at) + llvm::Twine(n) + pattern.substr(at + 3)).str();
  layer.moe = moe;
  if (moe)
    if (llvm::Error error = evaluateDims(&layer))
      return error;
  LayerScope scope{sources, family, config.path, constants, {}, {}, {}};
  if (moe)
    if (llvm::Error error = resolveMoe(scope, stack, layer))
      return error;
  if (directory)
    if (llvm::Error error = checkStrayTensors(scope, stack, *directory, layer))
      return error;
  model.layers.push_back(std::move(layer));
  return llvm::Error::success();
}

} // namespace

llvm::Expected<ResolvedModel> resolveModel(const FamilyRegistry &registry,
                                           const Family &family,
                                           const ConfigFile &config,
                                           const TensorDirectory *tensors,
                                           const ResolveOptions &options) {
  return ModelResolver(registry, family, config, tensors).run(options);
}

bool ResolvedTensor::isDirect() const {
  size_t skip = stacked ? 1 : 0;
  if (fileShape != Shape(llvm::drop_begin(shape, skip)) ||
      subscript.size() + skip != shape.size())
    return false;
  for (auto [i, index] : llvm::enumerate(subscript)) {
    AffineIndex wanted;
    wanted.coefficients.resize(shape.size());
    wanted.coefficients[i + skip] = 1;
    if (!(index == wanted))
      return false;
  }
  return true;
}

std::string ResolvedTensor::sourceName(size_t i, int64_t first) const {
  return stackedName(sources[i], first);
}

StoredTensor ResolvedTensor::stored(size_t i) const {
  Shape result = fileShape;
  switch (encoding) {
  case Encoding::Plain:
    return {element, result};
  case Encoding::Fp8Block:
    if (i == 0)
      return {DType::F8E4M3, result};
    for (auto [size, block] : {std::pair(&result[result.size() - 2], blockRows),
                               std::pair(&result.back(), blockCols)})
      *size = *size / block + (*size % block != 0);
    return {DType::F32, result};
  case Encoding::Mxfp4:
    result.back() /= 32;
    if (i == 0)
      result.push_back(16);
    return {DType::U8, result};
  }
  return {};
}

uint64_t ResolvedTensor::storedBytes() const {
  auto ofShape = [&](DType dtype) {
    return tensorBytes(shape, dtype).value_or(0);
  };
  switch (encoding) {
  case Encoding::Plain:
    return ofShape(element);
  case Encoding::Mxfp4:
    return ofShape(DType::F4E2M1) + ofShape(DType::U8) / 32;
  case Encoding::Fp8Block: {
    std::optional<uint64_t> scales = tensorBytes(stored(1).shape, DType::F32);
    return ofShape(DType::F8E4M3) +
           scales.value_or(0) * (stacked ? shape[0] : 1);
  }
  }
  return 0;
}

} // namespace moec::hf
