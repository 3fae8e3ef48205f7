//===- DeclareTensors.cpp - Declared tensors of a layer ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes and conditions of the tensor declarations, and how numbers are stored
// where there are no files to look at.
//
//===----------------------------------------------------------------------===//

#include "Resolver.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {

static llvm::Expected<RoutineType>
declaredType(const LayerScope &scope, const TensorDeclaration &declaration) {
  RoutineType type;
  for (const TensorDeclaration::Index &index : declaration.indices) {
    llvm::Expected<Value> size = scope.evaluate(*index.size);
    if (!size)
      return size.takeError();
    if (!size->isInt() || size->integer() < 1)
      return scope.blameConfig(
          index.size->loc,
          fmt::format("{} is {}, the size of dimension {} of tensor '{}'; it "
                      "must be at least 1",
                      scope.nameForUser(*index.size), size->str(), index.name,
                      declaration.name));
    type.shape.push_back(size->integer());
  }
  if (!tensorBytes(type.shape, DType::F64))
    return scope.blameConfig(declaration.loc,
                             fmt::format("tensor '{}' would have the shape {}, "
                                         "which no memory holds",
                                         declaration.name,
                                         formatShape(type.shape)));
  type.perExpert = declaration.indices.front().name == "e";
  return type;
}

llvm::Error declareTensors(LayerScope &scope) {
  for (const TensorDeclaration &declaration : scope.family.tensors) {
    if (declaration.guard) {
      llvm::Expected<Value> there = scope.evaluate(*declaration.guard);
      if (!there)
        return there.takeError();
      if (!there->truth()) {
        scope.absentTensors.emplace(declaration.name,
                                    toString(*declaration.guard));
        continue;
      }
    }
    if (scope.constants.count(declaration.name))
      return scope.sources.error(declaration.loc,
                                 "'" + llvm::Twine(declaration.name) +
                                     "' is already a key or a dimension");
    llvm::Expected<RoutineType> type = declaredType(scope, declaration);
    if (!type)
      return type.takeError();
    auto [known, isNew] = scope.tensors.emplace(declaration.name, *type);
    if (!isNew && known->second.shape != type->shape)
      return scope.sources.error(
          declaration.loc, "tensor '" + llvm::Twine(declaration.name) +
                               "' is " + type->str() + " here and " +
                               known->second.str() + " in another declaration");
  }
  return llvm::Error::success();
}

llvm::Expected<StoragePolicy> readStoragePolicy(const ConfigFile &config,
                                                const ResolveOptions &options) {
  using nlohmann::json;
  StoragePolicy policy;
  auto find = [&](const json &object, const char *key) -> const json * {
    auto it = object.find(key);
    return it == object.end() || it->is_null() ? nullptr : &*it;
  };
  const json *text = find(config.root, "text_config");
  auto findEither = [&](const char *key) {
    const json *found = find(config.root, key);
    return found || !text || !text->is_object() ? found : find(*text, key);
  };

  const json *dtype = findEither("dtype");
  if (!dtype)
    dtype = findEither("torch_dtype");
  if (dtype && dtype->is_string()) {
    const std::string &name = dtype->get_ref<const std::string &>();
    policy.dtype = name == "float32"   ? DType::F32
                   : name == "float16" ? DType::F16
                                       : DType::BF16;
  }
  if (const json *quantization = findEither("quantization_config")) {
    if (!quantization->is_object())
      return inputError("{}: key 'quantization_config' is no object",
                        config.path);
    const json *method = find(*quantization, "quant_method");
    std::string name = method && method->is_string()
                           ? method->get<std::string>()
                           : std::string();
    if (name != "fp8" && name != "mxfp4")
      return inputError("{}: quantization_config's quant_method is {}; weights "
                        "stored as fp8 and mxfp4 can be read",
                        config.path, quote(name));
    policy.mxfp4 = name == "mxfp4";
    if (name == "fp8") {
      policy.dtype = DType::F8E4M3;
      const json *block = find(*quantization, "weight_block_size");
      bool good = block && block->is_array() && block->size() == 2 &&
                  (*block)[0].is_number_integer() &&
                  (*block)[1].is_number_integer();
      if (good) {
        policy.blockRows = (*block)[0].get<int64_t>();
        policy.blockCols = (*block)[1].get<int64_t>();
        good = policy.blockRows >= 1 && policy.blockCols >= 1;
      }
      if (!good)
        return inputError("{}: quantization_config's weight_block_size is not "
                          "two integers of at least 1; fp8 weights can be "
                          "read with a scale for each block",
                          config.path);
    }
  }
  if (options.dtype)
    policy.dtype = *options.dtype;
  policy.mxfp4 |= options.mxfp4;
  if (policy.dtype == DType::F8E4M3 && policy.blockRows == 0)
    policy.blockRows = policy.blockCols = 128;
  return policy;
}

} // namespace moec::hf
