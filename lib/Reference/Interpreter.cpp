//===- Interpreter.cpp - runs layers as they are specified ------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds a layer's function, binds its arguments and names its results.
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using mlir::func::FuncOp;
using mlir::moe::LayerOp;
using mlir::moe::WeightOp;

namespace moec::reference {

WeightProvider::~WeightProvider() = default;

Expected<Tensor> WeightProvider::getExpert(WeightOp weight, int64_t index) {
  Expected<Tensor> whole = get(weight);
  if (!whole)
    return whole.takeError();
  return whole->row(index);
}

const Tensor *RunResult::find(StringRef name) const {
  for (const NamedTensor &output : outputs)
    if (output.name == name)
      return &output.tensor;
  return nullptr;
}

namespace {

/// A layer: its function and the weights of the function's last arguments.
struct Layer {
  FuncOp function;
  SmallVector<WeightOp> weights;
};

} // namespace

static Expected<Layer> findLayer(mlir::ModuleOp module, StringRef name) {
  mlir::Operation *op = mlir::SymbolTable::lookupSymbolIn(module, name);
  Layer layer;
  if (auto binding = dyn_cast_if_present<LayerOp>(op)) {
    layer.function = mlir::SymbolTable::lookupNearestSymbolFrom<FuncOp>(
        binding, binding.getKernelAttr());
    for (mlir::Attribute symbol : binding.getWeights())
      layer.weights.push_back(
          mlir::SymbolTable::lookupNearestSymbolFrom<WeightOp>(
              binding, cast<mlir::FlatSymbolRefAttr>(symbol)));
  } else {
    layer.function = dyn_cast_if_present<FuncOp>(op);
  }
  if (!layer.function || layer.function.isExternal())
    return inputError("the module has no layer {}; `moec inspect` lists them",
                      quote(name));
  if (!layer.function.getBody().hasOneBlock())
    return inputError("layer {} has more than one block, which the reference "
                      "does not run",
                      quote(name));
  return layer;
}

static StringRef nameOf(mlir::DictionaryAttr attributes) {
  if (attributes)
    if (auto name = attributes.getAs<mlir::StringAttr>("moe.name"))
      return name.getValue();
  return {};
}

/// Whether `tensor` can be the value of an argument of `type`.
static Error checkInput(const Tensor &tensor, mlir::Type type, StringRef name) {
  auto tensorType = dyn_cast<mlir::RankedTensorType>(type);
  ArrayRef<int64_t> shape;
  if (tensorType)
    shape = tensorType.getShape();
  bool fits = shape.size() == tensor.shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = mlir::ShapedType::isDynamic(shape[i]) || shape[i] == tensor.shape[i];
  if (!fits)
    return inputError(
        "the input '{}' has the shape {}, the layer takes {}", name,
        formatShape(tensor.shape),
        // A dynamic size prints as -1, whatever MLIR has for it.
        formatShape(to_vector<4>(map_range(
            shape, [](int64_t size) { return std::max<int64_t>(size, -1); }))));
  bool isFloat = isa<mlir::FloatType>(mlir::getElementTypeOrSelf(type));
  if (isFloat != (tensor.kind == Kind::Float))
    return inputError("the input '{}' holds {}, the layer takes {}", name,
                      isFloat ? "integers" : "floats",
                      isFloat ? "floats" : "integers");
  return Error::success();
}

static Error bindInputs(Layer &layer, ArrayRef<NamedTensor> inputs,
                        Evaluator &evaluator, Frame &frame) {
  FuncOp function = layer.function;
  size_t count = function.getNumArguments() - layer.weights.size();
  SmallVector<const NamedTensor *> unnamed;
  for (const NamedTensor &input : inputs)
    if (input.name.empty())
      unnamed.push_back(&input);
  size_t nextUnnamed = 0;
  for (size_t i = 0; i < count; ++i) {
    StringRef name = nameOf(function.getArgAttrDict(i));
    const NamedTensor *input = nullptr;
    if (name.empty()) {
      if (nextUnnamed < unnamed.size())
        input = unnamed[nextUnnamed++];
    } else if (auto it = find_if(
                   inputs, [&](auto &other) { return other.name == name; });
               it != inputs.end()) {
      input = it;
    }
    if (!input)
      return inputError("layer '{}' takes an input '{}' (argument {}), which "
                        "is not given",
                        printable(function.getSymName()), printable(name), i);
    mlir::BlockArgument argument = function.getArgument(i);
    if (Error error = checkInput(input->tensor, argument.getType(), name))
      return error;
    frame.define(argument, input->tensor);
    if (Error error = evaluator.applyOverride(argument, frame))
      return error;
  }
  for (auto [i, weight] : enumerate(layer.weights))
    evaluator.bindWeight(function.getArgument(count + i), weight);
  return Error::success();
}

/// Sets what a given routing overrides: the values returned under its names.
static Error bindRouting(FuncOp function, const RunOptions &options,
                         Evaluator &evaluator) {
  mlir::Operation *terminator = function.getBody().front().getTerminator();
  auto bind = [&](const std::optional<Tensor> &given, StringRef name) -> Error {
    if (!given)
      return Error::success();
    for (auto [i, value] : enumerate(terminator->getOperands()))
      if (nameOf(function.getResultAttrDict(i)) == name) {
        evaluator.override(value, *given, name);
        return Error::success();
      }
    return inputError("layer '{}' has no result '{}' that a routing could be "
                      "given for",
                      printable(function.getSymName()), name);
  };
  if (Error error = bind(options.ids, "topk_ids"))
    return error;
  return bind(options.weights, "topk_weights");
}

Expected<RunResult> runLayer(mlir::ModuleOp module, StringRef name,
                             ArrayRef<NamedTensor> inputs,
                             WeightProvider &weights,
                             const RunOptions &options) {
  Expected<Layer> layer = findLayer(module, name);
  if (!layer)
    return layer.takeError();
  FuncOp function = layer->function;
  Evaluator evaluator(weights, options);
  Frame frame(evaluator);
  if (Error error = bindRouting(function, options, evaluator))
    return std::move(error);
  if (Error error = bindInputs(*layer, inputs, evaluator, frame))
    return std::move(error);
  mlir::Block &block = function.getBody().front();
  if (Error error = evaluator.evaluateBody(block, frame))
    return std::move(error);
  auto terminator = dyn_cast<mlir::func::ReturnOp>(block.getTerminator());
  if (!terminator)
    return errorAt(block.getTerminator(),
                   "the reference does not know this operation");

  RunResult result;
  for (auto [i, value] : enumerate(terminator.getOperands())) {
    Expected<TensorRef> tensor = evaluator.whole(value, frame);
    if (!tensor)
      return tensor.takeError();
    StringRef resultName = nameOf(function.getResultAttrDict(i));
    result.outputs.push_back(
        {resultName.empty() ? fmt::format("result {}", i) : resultName.str(),
         **tensor});
  }
  result.decisions = evaluator.takeDecisions();
  return result;
}

} // namespace moec::reference
