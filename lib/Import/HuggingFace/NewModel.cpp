//===- NewModel.cpp - Random checkpoints ------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses a configuration, resolves it as import would without files, and
// writes every file tensor that the layers name.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/NewModel.h"
#include "RandomTensor.h"
#include "moec/Import/Safetensors/SafetensorsWriter.h"
#include "moec/Support/Error.h"
#include "moec/Support/Json.h"
#include "moec/Support/OutputDir.h"
#include "moec/Support/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>
#include <set>

namespace moec::hf {
namespace {

using nlohmann::json;

json toJson(const Value &value) {
  if (value.isNull())
    return nullptr;
  if (value.isBool())
    return value.boolean();
  if (value.isInt())
    return value.integer();
  if (value.isFloat())
    return value.number();
  if (value.isString())
    return value.string();
  json list = json::array();
  for (const Value &item : value.list())
    list.push_back(toJson(item));
  return list;
}

/// Sets a key; dots make nested objects.
void setKey(json &object, llvm::StringRef path, json value) {
  auto [head, rest] = path.split('.');
  json &slot = object[head.str()];
  if (rest.empty()) {
    slot = std::move(value);
    return;
  }
  if (!slot.is_object())
    slot = json::object();
  setKey(slot, rest, std::move(value));
}

llvm::StringRef configName(DType dtype) {
  return dtype == DType::F32   ? "float32"
         : dtype == DType::F16 ? "float16"
                               : "bfloat16";
}

class ConfigWriter {
public:
  ConfigWriter(const Family &family, const NewModelOptions &options)
      : family(family), options(options) {}

  llvm::Expected<json> run();

private:
  llvm::Error setDim(llvm::StringRef dim, llvm::StringRef option,
                     std::optional<int64_t> wanted, int64_t small);
  llvm::Error setSize(const Expr &expr, llvm::StringRef what,
                      llvm::StringRef option, std::optional<int64_t> wanted,
                      int64_t small);
  llvm::Error setStorage();

  const Family &family;
  const NewModelOptions &options;
  json config = json::object();
};

llvm::Error ConfigWriter::setSize(const Expr &expr, llvm::StringRef what,
                                  llvm::StringRef option,
                                  std::optional<int64_t> wanted,
                                  int64_t small) {
  bool isKey = expr.kind == Expr::Kind::Name && family.findKey(expr.text);
  if (!isKey) {
    if (!wanted)
      return llvm::Error::success();
    return inputError("family {} has no key for {}: it is '{}'; leave out {}, "
                      "or set the keys it depends on",
                      family.name, what, toString(expr), option);
  }
  bool chosen =
      wanted || (!options.classDefaults && !family.small.count(expr.text));
  if (chosen)
    setKey(config, expr.text, wanted.value_or(small));
  return llvm::Error::success();
}

llvm::Error ConfigWriter::setDim(llvm::StringRef dim, llvm::StringRef option,
                                 std::optional<int64_t> wanted, int64_t small) {
  for (const NamedExpr &known : family.dims)
    if (known.name == dim)
      return setSize(*known.value, "dimension " + dim.str(), option, wanted,
                     small);
  if (!wanted)
    return llvm::Error::success();
  return inputError("family {} has no dimension {}, so {} says nothing",
                    family.name, dim, option);
}

llvm::Error ConfigWriter::setStorage() {
  config["dtype"] = configName(options.dtype).str();
  switch (options.dtype) {
  case DType::F32:
  case DType::F16:
  case DType::BF16:
    return llvm::Error::success();
  case DType::F8E4M3:
    config["quantization_config"] = {{"quant_method", "fp8"},
                                     {"fmt", "e4m3"},
                                     {"activation_scheme", "dynamic"},
                                     {"weight_block_size", {128, 128}}};
    return llvm::Error::success();
  case DType::F4E2M1: {
    bool known = llvm::any_of(family.tensors, [](const auto &declaration) {
      return declaration.form == StorageForm::Mxfp4;
    });
    if (!known)
      return inputError("family {} has no mxfp4 form; choose f32, f16, bf16 or "
                        "fp8, or a family that has one (gpt_oss)",
                        family.name);
    config["quantization_config"] = {{"quant_method", "mxfp4"}};
    return llvm::Error::success();
  }
  default:
    return inputError("weights are not stored as {}; choose f32, f16, bf16, "
                      "fp8 or mxfp4",
                      dtypeName(options.dtype));
  }
}

llvm::Expected<json> ConfigWriter::run() {
  config["model_type"] = family.modelTypes.front();
  for (const KeyDescription &key : family.keys)
    if (!key.required)
      setKey(config, key.name, toJson(key.defaultValue));
  if (!options.classDefaults)
    for (const auto &[name, value] : family.small)
      setKey(config, name, toJson(value));
  for (auto [dim, option, wanted, small] :
       {std::tuple("H", "--hidden", options.hidden, int64_t(64)),
        std::tuple("E", "--experts", options.experts, int64_t(8)),
        std::tuple("K", "--top-k", options.topK, int64_t(2)),
        std::tuple("I", "--width", options.width, int64_t(32))})
    if (llvm::Error error = setDim(dim, option, wanted, small))
      return std::move(error);
  for (const LayerStack &stack : family.stacks) {
    bool isKey = stack.count->kind == Expr::Kind::Name &&
                 family.findKey(stack.count->text);
    if (!isKey && &stack != &family.stacks.front())
      continue; // follows from the first
    if (llvm::Error error = setSize(*stack.count, "the number of layers",
                                    "--layers", options.layers, 2))
      return std::move(error);
  }
  if (llvm::Error error = setStorage())
    return std::move(error);
  for (const auto &[key, text] : options.keys) {
    json value = json::parse(text, nullptr, false);
    // What is no JSON is a word: hidden_act=gelu.
    setKey(config, key, value.is_discarded() ? json(text) : std::move(value));
  }
  return std::move(config);
}

/// A file tensor to write.
struct Plan {
  moec::TensorDeclaration declaration;
  Distribution distribution;
};

/// What a tensor is to the programs decides how its numbers are spread.
class Planner {
public:
  explicit Planner(const ResolvedModel &model) : model(model) {}
  std::vector<Plan> run();

private:
  Distribution distributionOf(const ResolvedLayer &layer,
                              const ResolvedTensor &tensor);
  void addTensor(const ResolvedLayer &layer, const ResolvedTensor &tensor,
                 int64_t expert);

  const ResolvedModel &model;
  std::set<std::string> seen;
  std::vector<Plan> plans;
};

Distribution Planner::distributionOf(const ResolvedLayer &layer,
                                     const ResolvedTensor &tensor) {
  Distribution result;
  result.spread = 0.1;
  auto look = [&](const Routine &routine, bool isRouter) {
    for (const Operation &operation : routine.operations)
      for (auto [i, id] : llvm::enumerate(operation.operands)) {
        auto made = llvm::find_if(routine.operations, [&, id = id](auto &o) {
          return o.op == Op::Tensor && o.results[0] == id &&
                 o.attribute("name").string() == tensor.name;
        });
        if (made == routine.operations.end())
          continue;
        double fanIn = static_cast<double>(tensor.shape.back());
        if (operation.op == Op::Linear && i == 1)
          result.spread = (isRouter ? 1.5 : 1.0) / std::sqrt(fanIn);
        if (operation.op == Op::Mul)
          result.centre = 1; // a scale, as of a norm
        if (operation.op == Op::Lookup) {
          result.kind = Distribution::Kind::Ids;
          result.limit = layer.experts;
          result.rowSize = tensor.shape.back();
        }
      }
  };
  look(layer.router, true);
  look(layer.block, false);
  for (const auto &[name, routine] : layer.expertPrograms)
    look(routine, false);
  return result;
}

void Planner::addTensor(const ResolvedLayer &layer,
                        const ResolvedTensor &tensor, int64_t expert) {
  using Kind = Distribution::Kind;
  Distribution distribution = distributionOf(layer, tensor);
  for (size_t i = 0; i < tensor.sources.size(); ++i) {
    std::string name = tensor.sourceName(i, expert);
    if (!seen.insert(name).second)
      continue;
    StoredTensor stored = tensor.stored(i);
    Distribution own = distribution;
    if (tensor.encoding == Encoding::Fp8Block)
      own.kind = i == 0 ? Kind::Fp8Codes : Kind::Fp8Scales;
    if (tensor.encoding == Encoding::Mxfp4)
      own.kind = i == 0 ? Kind::Fp4Codes : Kind::Fp4Scales;
    plans.push_back({{name, stored.dtype, stored.shape}, own});
  }
}

std::vector<Plan> Planner::run() {
  for (const ResolvedLayer &layer : model.layers) {
    int64_t experts = 0;
    for (const ResolvedTensor &tensor : layer.tensors) {
      if (tensor.stacked)
        experts = std::max(experts, tensor.shape[0]);
      else
        addTensor(layer, tensor, 0);
    }
    for (int64_t e = 0; e < experts; ++e)
      for (const ResolvedTensor &tensor : layer.tensors)
        if (tensor.stacked && e < tensor.shape[0])
          addTensor(layer, tensor, e);
  }
  return std::move(plans);
}

llvm::Error writeTensors(const OutputDir &directory,
                         const std::vector<Plan> &plans,
                         const NewModelOptions &options) {
  std::vector<moec::TensorDeclaration> declarations;
  declarations.reserve(plans.size());
  for (const Plan &plan : plans)
    declarations.push_back(plan.declaration);
  llvm::Expected<ShardedSafetensorsWriter> writer =
      ShardedSafetensorsWriter::create(directory.temporaryPath(),
                                       std::move(declarations),
                                       options.maxShardBytes);
  if (!writer)
    return writer.takeError();
  uint64_t total = writer->remaining();
  for (const Plan &plan : plans) {
    // The writer has refused sizes that overflow.
    int64_t elements = numElements(plan.declaration.shape).value_or(0);
    llvm::Error error = generate(
        options.seed, plan.declaration.name, plan.declaration.dtype, elements,
        plan.distribution,
        [&](llvm::ArrayRef<uint8_t> bytes) { return writer->append(bytes); });
    if (error)
      return error;
    if (options.progress)
      options.progress(total - writer->remaining(), total);
  }
  return writer->commit();
}

} // namespace

llvm::Expected<json> newModelConfig(const Family &family,
                                    const NewModelOptions &options) {
  return ConfigWriter(family, options).run();
}

llvm::Error writeNewModel(const FamilyRegistry &registry,
                          llvm::StringRef familyName, llvm::StringRef directory,
                          const NewModelOptions &options) {
  const Family *family = registry.findByName(familyName);
  if (!family)
    return inputError("there is no family {}; the families known are {}; "
                      "describe another with --family-file",
                      quote(familyName), llvm::join(registry.names(), ", "));
  llvm::Expected<json> config = newModelConfig(*family, options);
  if (!config)
    return config.takeError();
  ConfigFile file{"the new config.json", *config};
  llvm::Expected<ResolvedModel> model =
      resolveModel(registry, *family, file, /*tensors=*/nullptr);
  if (!model)
    return model.takeError();

  llvm::Expected<OutputDir> output =
      OutputDir::create(directory, "config.json");
  if (!output)
    return output.takeError();
  if (llvm::Error error =
          writeTextFile(output->file("config.json"), config->dump(2) + "\n"))
    return output->explain(std::move(error));
  if (options.weights)
    if (llvm::Error error =
            writeTensors(*output, Planner(*model).run(), options))
      return output->explain(std::move(error));
  return output->commit();
}

} // namespace moec::hf
