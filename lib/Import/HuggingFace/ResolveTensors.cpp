//===- ResolveTensors.cpp - Finds the tensors of a layer --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From declarations to file tensors: names, index maps, shapes, element types
// and storage, checked against what the checkpoint holds. Of several
// declarations of a tensor the first that the files fit is taken, of several
// prefixes the one that most tensors are found under.
//
//===----------------------------------------------------------------------===//

#include "AffineEval.h"
#include "Resolver.h"
#include "TensorNames.h"
#include "TensorUses.h"
#include "moec/Support/StackedName.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

namespace moec::hf {
namespace {

class TensorResolver {
public:
  TensorResolver(const LayerScope &scope, const LayerStack &stack,
                 const TensorDirectory *directory, const StoragePolicy &policy,
                 ResolvedLayer &layer)
      : scope(scope), stack(stack), directory(directory), policy(policy),
        layer(layer) {}

  llvm::Error run();

private:
  llvm::Error choosePrefix();
  llvm::Expected<ResolvedTensor> lay(const TensorDeclaration &declaration);
  llvm::Error resolve(const std::string &name);
  llvm::Error checkFiles(ResolvedTensor &tensor);
  llvm::Error checkData(ResolvedTensor &tensor, const std::string &name,
                        const StoredTensor &stored, bool isFirst);
  llvm::Error checkFp8(ResolvedTensor &tensor, const std::string &name,
                       bool isFirst);
  llvm::Error checkScales(const ResolvedTensor &tensor,
                          const std::string &name);
  llvm::Error wrongShape(const ResolvedTensor &tensor, const std::string &name,
                         const StoredTensor &stored, const Shape &wanted);
  void decideStorage(ResolvedTensor &tensor);
  llvm::Error missing(const std::string &name, const ResolvedTensor &tensor);

  const LayerScope &scope;
  const LayerStack &stack;
  const TensorDirectory *directory;
  const StoragePolicy &policy;
  ResolvedLayer &layer;
  std::string prefix;
  TensorUses uses;
};

llvm::Expected<ResolvedTensor>
TensorResolver::lay(const TensorDeclaration &declaration) {
  ResolvedTensor tensor;
  tensor.name = declaration.name;
  tensor.loc = declaration.loc;
  tensor.shape = scope.tensors.find(declaration.name)->second.shape;
  for (const TensorDeclaration::Index &index : declaration.indices)
    tensor.indices.push_back(index.name);
  if (declaration.form == StorageForm::Mxfp4)
    tensor.encoding = Encoding::Mxfp4;
  for (const std::string &source : declaration.sources) {
    llvm::Expected<std::string> name = fillIn(scope, source, declaration.loc);
    if (!name)
      return name.takeError();
    tensor.sources.push_back(joinNames(prefix, *name));
    tensor.stacked = findStackedMark(*name).has_value();
  }
  if (tensor.stacked && tensor.indices.front() != "e")
    return scope.sources.error(declaration.loc,
                               "a name with '{e}' needs a tensor whose first "
                               "index is 'e'");
  llvm::Expected<FileLayout> layout =
      evaluateLayout(scope, declaration, tensor.shape, tensor.stacked);
  if (!layout)
    return layout.takeError();
  tensor.subscript = std::move(layout->subscript);
  tensor.fileShape = std::move(layout->shape);
  if (tensor.encoding == Encoding::Mxfp4 && tensor.fileShape.back() % 32 != 0)
    return scope.blameConfig(
        declaration.loc,
        fmt::format("tensor '{}' is {} as stored; mxfp4 shares a scale among "
                    "32 numbers, and {} is no multiple of 32",
                    tensor.sources[0], formatShape(tensor.fileShape),
                    tensor.fileShape.back()));
  return tensor;
}

llvm::Error TensorResolver::missing(const std::string &name,
                                    const ResolvedTensor &tensor) {
  return inputError("{}: tensor {} is missing; it is '{}' of {} in family {} "
                    "({})",
                    directory->path(), quote(name), tensor.name, layer.name,
                    scope.family.name, scope.sources.place(tensor.loc));
}

llvm::Error TensorResolver::wrongShape(const ResolvedTensor &tensor,
                                       const std::string &name,
                                       const StoredTensor &stored,
                                       const Shape &wanted) {
  std::string dims;
  for (const auto &[dim, size] : layer.dims)
    dims += fmt::format("{}{} = {}", dims.empty() ? "" : ", ", dim, size);
  return inputError("{}: tensor {} has shape {}, expected {} ('{}' of {}, with "
                    "{}); config.json and the tensors contradict each other",
                    directory->path(), quote(name), formatShape(stored.shape),
                    formatShape(wanted), tensor.name, layer.name, dims);
}

llvm::Error TensorResolver::checkScales(const ResolvedTensor &tensor,
                                        const std::string &name) {
  StoredTensor wanted = tensor.stored(1);
  std::optional<StoredTensor> stored = directory->find(name);
  if (!stored)
    return missing(name, tensor);
  if (stored->dtype != wanted.dtype)
    return inputError("{}: tensor {} holds scales as {}; {} is expected",
                      directory->path(), quote(name), dtypeName(stored->dtype),
                      dtypeName(wanted.dtype));
  if (stored->shape != wanted.shape)
    return wrongShape(tensor, name, *stored, wanted.shape);
  return llvm::Error::success();
}

llvm::Error TensorResolver::checkFp8(ResolvedTensor &tensor,
                                     const std::string &name, bool isFirst) {
  if (!isFirst)
    return llvm::Error::success();
  if (tensor.fileShape.size() < 2)
    return inputError("{}: tensor {} is stored as f8e4m3 but has shape {}; "
                      "blocks have rows and columns",
                      directory->path(), quote(name),
                      formatShape(tensor.fileShape));
  if (policy.blockRows == 0)
    return inputError("{}: tensor {} is stored as f8e4m3, but config.json has "
                      "no quantization_config with a weight_block_size",
                      directory->path(), quote(name));
  tensor.encoding = Encoding::Fp8Block;
  tensor.element = DType::BF16;
  tensor.blockRows = policy.blockRows;
  tensor.blockCols = policy.blockCols;
  const std::string &pattern = tensor.sources[0];
  std::string usual = pattern + "_scale_inv";
  std::string shorter =
      (llvm::StringRef(pattern).rsplit('.').first + ".scale").str();
  for (const std::string &candidate : {usual, shorter}) {
    tensor.sources.resize(1);
    tensor.sources.push_back(candidate);
    if (directory->find(tensor.sourceName(1, 0)))
      return llvm::Error::success();
  }
  tensor.sources[1] = usual;
  return missing(tensor.sourceName(1, 0), tensor);
}

llvm::Error TensorResolver::checkData(ResolvedTensor &tensor,
                                      const std::string &name,
                                      const StoredTensor &stored,
                                      bool isFirst) {
  if (tensor.encoding == Encoding::Mxfp4) {
    StoredTensor wanted = tensor.stored(0);
    if (stored.dtype != DType::U8)
      return inputError("{}: tensor {} holds mxfp4 codes as {}; u8 is expected",
                        directory->path(), quote(name),
                        dtypeName(stored.dtype));
    if (stored.shape != wanted.shape)
      return wrongShape(tensor, name, stored, wanted.shape);
    return llvm::Error::success();
  }
  if (stored.shape != tensor.fileShape)
    return wrongShape(tensor, name, stored, tensor.fileShape);
  switch (stored.dtype) {
  case DType::F32:
  case DType::F16:
  case DType::BF16:
  case DType::I32:
  case DType::I64:
    if (isFirst)
      tensor.element = stored.dtype;
    if (tensor.encoding == Encoding::Plain && tensor.element == stored.dtype)
      return llvm::Error::success();
    break;
  case DType::F8E4M3:
    if (isFirst || tensor.encoding == Encoding::Fp8Block)
      return checkFp8(tensor, name, isFirst);
    break;
  default:
    return inputError("{}: tensor {} is stored as {}; f32, f16, bf16, f8e4m3 "
                      "with block scales and mxfp4 can be read",
                      directory->path(), quote(name), dtypeName(stored.dtype));
  }
  return inputError("{}: tensor {} is stored as {} and {} otherwise; the "
                    "experts of a layer are stored alike",
                    directory->path(), quote(name), dtypeName(stored.dtype),
                    quote(tensor.sourceName(0, 0)));
}

llvm::Error TensorResolver::checkFiles(ResolvedTensor &tensor) {
  int64_t count = tensor.stacked ? tensor.shape[0] : 1;
  for (int64_t e = 0; e < count; ++e) {
    std::string name = tensor.sourceName(0, e);
    std::optional<StoredTensor> stored = directory->find(name);
    if (!stored)
      return missing(name, tensor);
    if (llvm::Error error = checkData(tensor, name, *stored, e == 0))
      return error;
    if (tensor.sources.size() == 2)
      if (llvm::Error error = checkScales(tensor, tensor.sourceName(1, e)))
        return error;
  }
  return llvm::Error::success();
}

/// Without files: matrices that the router does not read are stored as the
/// policy says, biases and tables of the router in f32.
void TensorResolver::decideStorage(ResolvedTensor &tensor) {
  bool ofRouter = uses.byRouter.count(tensor.name) != 0;
  bool isMatrix = tensor.fileShape.size() >= 2 &&
                  tensor.fileShape[tensor.fileShape.size() - 2] > 1;
  bool isFp8 = policy.dtype == DType::F8E4M3;
  tensor.element = isFp8 ? DType::BF16 : policy.dtype;
  if (ofRouter && tensor.fileShape.size() == 1)
    tensor.element = DType::F32;
  if (uses.asTable.count(tensor.name))
    tensor.element = DType::I64;
  if (tensor.encoding == Encoding::Mxfp4) {
    tensor.element = DType::BF16;
    return;
  }
  if (!isFp8 || !isMatrix || ofRouter)
    return;
  tensor.encoding = Encoding::Fp8Block;
  tensor.blockRows = policy.blockRows;
  tensor.blockCols = policy.blockCols;
  tensor.sources.push_back(tensor.sources[0] + "_scale_inv");
}

llvm::Error TensorResolver::resolve(const std::string &name) {
  llvm::Error firstMissing = llvm::Error::success();
  bool hasMissing = false;
  const TensorDeclaration *last = nullptr;
  for (const TensorDeclaration &declaration : scope.family.tensors)
    if (declaration.name == name)
      last = &declaration;
  for (const TensorDeclaration &declaration : scope.family.tensors) {
    if (declaration.name != name)
      continue;
    bool isMxfp4 = declaration.form == StorageForm::Mxfp4;
    if (!directory && isMxfp4 != policy.mxfp4 && &declaration != last)
      continue;
    llvm::Expected<ResolvedTensor> tensor = lay(declaration);
    if (!tensor) {
      llvm::consumeError(std::move(firstMissing));
      return tensor.takeError();
    }
    if (!directory) {
      llvm::consumeError(std::move(firstMissing));
      decideStorage(*tensor);
      layer.tensors.push_back(std::move(*tensor));
      return llvm::Error::success();
    }
    bool exists = directory->find(tensor->sourceName(0, 0)).has_value();
    llvm::Error error = checkFiles(*tensor);
    if (!error) {
      llvm::consumeError(std::move(firstMissing));
      layer.tensors.push_back(std::move(*tensor));
      return llvm::Error::success();
    }
    // The error worth showing is about a tensor that is there; of those that
    // are not, the first.
    if (exists || !hasMissing) {
      llvm::consumeError(std::move(firstMissing));
      firstMissing = std::move(error);
      hasMissing = true;
    } else {
      llvm::consumeError(std::move(error));
    }
  }
  return firstMissing;
}

llvm::Error TensorResolver::choosePrefix() {
  size_t most = 0;
  std::string best;
  for (const std::string &pattern : stack.prefixes) {
    llvm::Expected<std::string> filled = fillIn(scope, pattern, stack.loc);
    if (!filled)
      return filled.takeError();
    if (best.empty())
      best = *filled;
    if (!directory)
      break;
    prefix = *filled;
    size_t found = 0;
    for (const TensorDeclaration &declaration : scope.family.tensors) {
      if (!llvm::is_contained(uses.all, declaration.name))
        continue;
      llvm::Expected<std::string> name = firstFile(scope, prefix, declaration);
      if (!name)
        return name.takeError();
      found += directory->find(*name).has_value();
    }
    if (found > most) {
      most = found;
      best = *filled;
    }
  }
  prefix = best;
  return llvm::Error::success();
}

llvm::Error TensorResolver::run() {
  uses = findTensorUses(scope.family, layer);
  if (llvm::Error error = choosePrefix())
    return error;
  for (const std::string &name : uses.all)
    if (llvm::Error error = resolve(name))
      return error;
  return llvm::Error::success();
}

} // namespace

llvm::Error resolveTensors(const LayerScope &scope, const LayerStack &stack,
                           const TensorDirectory *directory,
                           const StoragePolicy &policy, ResolvedLayer &layer) {
  return TensorResolver(scope, stack, directory, policy, layer).run();
}

} // namespace moec::hf
