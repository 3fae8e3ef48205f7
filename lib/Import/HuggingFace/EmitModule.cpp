//===- EmitModule.cpp - A model as a module ---------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights and functions of the layers.
//
//===----------------------------------------------------------------------===//

#include "LayerEmitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/IR/Verifier.h"
#include "moec/Dialect/Moe/Moe.h"

namespace moec::hf {
namespace {

using namespace mlir;
using HfOperation = moec::hf::Operation;

Type elementType(OpBuilder &builder, DType dtype) {
  switch (dtype) {
  case DType::F32:
    return builder.getF32Type();
  case DType::F16:
    return builder.getF16Type();
  case DType::I32:
    return builder.getI32Type();
  case DType::I64:
    return builder.getI64Type();
  default:
    return builder.getBF16Type();
  }
}

RankedTensorType weightType(OpBuilder &builder, const ResolvedTensor &tensor) {
  MLIRContext *context = builder.getContext();
  Attribute encoding;
  if (tensor.encoding == Encoding::Fp8Block)
    encoding =
        moe::Fp8BlockAttr::get(context, tensor.blockRows, tensor.blockCols);
  else if (tensor.encoding == Encoding::Mxfp4)
    encoding = moe::Mxfp4Attr::get(context);
  return RankedTensorType::get(tensor.shape,
                               elementType(builder, tensor.element), encoding);
}

/// From a logical index to the index in a file tensor.
AffineMap indexMap(OpBuilder &builder, const ResolvedTensor &tensor) {
  SmallVector<AffineExpr> results;
  for (const AffineIndex &index : tensor.subscript) {
    AffineExpr expr = builder.getAffineConstantExpr(0);
    for (auto [i, coefficient] : llvm::enumerate(index.coefficients))
      if (coefficient != 0)
        expr = expr + builder.getAffineDimExpr(i) * coefficient;
    results.push_back(expr + index.constant);
  }
  return AffineMap::get(tensor.shape.size(), 0, results, builder.getContext());
}

class ModuleEmitter {
public:
  ModuleEmitter(MLIRContext &context, const Sources &sources,
                const EmitOptions &options)
      : sources(sources), options(options), builder(&context) {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        linalg::LinalgDialect, math::MathDialect,
                        moe::MoeDialect, tensor::TensorDialect>();
  }

  llvm::Expected<OwningOpRef<ModuleOp>> run(const ResolvedModel &model);

private:
  void emitWeights(const ResolvedLayer &layer);
  llvm::Error emitLayer(const ResolvedLayer &layer);
  func::FuncOp createFunction(const ResolvedLayer &layer);

  const Sources &sources;
  const EmitOptions &options;
  OpBuilder builder;
};

std::string symbolOf(const ResolvedLayer &layer, const ResolvedTensor &tensor) {
  return layer.name + "." + tensor.name;
}

void ModuleEmitter::emitWeights(const ResolvedLayer &layer) {
  for (const ResolvedTensor &tensor : layer.tensors) {
    SmallVector<llvm::StringRef> names(tensor.sources.begin(),
                                       tensor.sources.end());
    AffineMapAttr at;
    if (!tensor.isDirect())
      at = AffineMapAttr::get(indexMap(builder, tensor));
    moe::WeightOp::create(builder, builder.getUnknownLoc(),
                          builder.getStringAttr(symbolOf(layer, tensor)),
                          StringAttr(), builder.getStrArrayAttr(names), at,
                          TypeAttr::get(weightType(builder, tensor)));
  }
}

func::FuncOp ModuleEmitter::createFunction(const ResolvedLayer &layer) {
  int64_t dynamic = ShapedType::kDynamic;
  Type f32 = builder.getF32Type(), i32 = builder.getI32Type();
  auto hidden = RankedTensorType::get({dynamic, layer.hidden}, f32);
  SmallVector<std::pair<std::string, Type>> inputs{{"hidden", hidden}};
  for (const LayerInput &input : layer.inputs) {
    SmallVector<int64_t> shape{dynamic};
    llvm::append_range(shape, input.type.shape);
    inputs.emplace_back(
        input.name, RankedTensorType::get(shape, getElementTypeOrSelf(rowType(
                                                     builder, input.type))));
  }
  if (layer.perSequence)
    inputs.emplace_back("sequence", builder.getIndexType());
  const Routine &router = layer.router;
  auto rowsOf = [&](llvm::StringRef name, Type element) {
    const RoutineType &type = router.types[router.results.find(name)->second];
    return RankedTensorType::get({dynamic, type.shape[0]}, element);
  };
  SmallVector<std::pair<std::string, Type>> outputs{
      {"hidden", hidden},
      {"topk_ids", rowsOf("ids", i32)},
      {"topk_weights", rowsOf("w", f32)},
      {"router_logits", rowsOf("z", f32)}};
  for (const auto &[output, name] : layer.outputs)
    outputs.emplace_back(output, rowsOf(name, f32));
  SmallVector<Type> results = llvm::to_vector(llvm::make_second_range(outputs));
  SmallVector<Type> types;
  for (const auto &input : inputs)
    types.push_back(input.second);
  auto function =
      func::FuncOp::create(builder, builder.getUnknownLoc(), layer.name,
                           builder.getFunctionType(types, results));
  for (auto [i, input] : llvm::enumerate(inputs))
    function.setArgAttr(i, "moe.name", builder.getStringAttr(input.first));
  for (auto [i, input] : llvm::enumerate(layer.inputs))
    if (input.optional)
      function.setArgAttr(i + 1, "moe.optional", builder.getUnitAttr());
  for (auto [i, output] : llvm::enumerate(outputs))
    function.setResultAttr(i, "moe.name", builder.getStringAttr(output.first));
  return function;
}

llvm::Error ModuleEmitter::emitLayer(const ResolvedLayer &layer) {
  emitWeights(layer);
  func::FuncOp function = createFunction(layer);
  Block *body = function.addEntryBlock();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(body);

  LayerEmission emission{sources, layer, builder, options.roundRows, {}, {}};
  emission.arguments["x"] = body->getArgument(0);
  for (auto [i, argument] : llvm::enumerate(body->getArguments()))
    if (auto name = function.getArgAttrOfType<StringAttr>(i, "moe.name"))
      emission.arguments[name.getValue()] = argument;
  for (const ResolvedTensor &tensor : layer.tensors)
    emission.weights[tensor.name] = moe::UseOp::create(
        builder, emission.location(tensor.loc), weightType(builder, tensor),
        FlatSymbolRefAttr::get(builder.getContext(), symbolOf(layer, tensor)));

  llvm::Expected<llvm::StringMap<mlir::Value>> routed = emitRouter(emission);
  if (!routed)
    return routed.takeError();
  for (const auto &named : *routed)
    emission.arguments.try_emplace(named.getKey(), named.getValue());
  BlockEmitter block(emission, layer.block, body->getArgument(0));
  if (llvm::Error error = block.run())
    return error;
  SmallVector<mlir::Value> results;
  for (llvm::StringRef name : {"y", "ids", "w"}) {
    llvm::Expected<mlir::Value> value =
        block.get(layer.block.results.find(name)->second);
    if (!value)
      return value.takeError();
    results.push_back(*value);
  }
  results.push_back((*routed)["z"]);
  for (const auto &output : layer.outputs)
    results.push_back((*routed)[output.second]);
  func::ReturnOp::create(builder, builder.getUnknownLoc(), results);
  return llvm::Error::success();
}

llvm::Expected<OwningOpRef<ModuleOp>>
ModuleEmitter::run(const ResolvedModel &model) {
  OwningOpRef<ModuleOp> module =
      ModuleOp::create(builder, builder.getUnknownLoc());
  builder.setInsertionPointToStart(module->getBody());
  for (const ResolvedLayer &layer : model.layers) {
    if (!layer.moe || (options.wanted && !options.wanted(layer.name)))
      continue;
    if (llvm::Error error = emitLayer(layer))
      return std::move(error);
  }
  // What the programs' types allow, the dialect allows; a difference would be
  // a defect of the importer, shown with the place in the description.
  std::string problem;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &what) {
    llvm::raw_string_ostream os(problem);
    os << what.getLocation() << ": " << what << "\n";
    return success();
  });
  if (failed(verify(*module)))
    return llvm::createStringError(
        "the importer made a module that is not valid: " + problem);
  return std::move(module);
}

} // namespace

llvm::Expected<OwningOpRef<ModuleOp>> emitModule(MLIRContext &context,
                                                 const Sources &sources,
                                                 const ResolvedModel &model,
                                                 const EmitOptions &options) {
  return ModuleEmitter(context, sources, options).run(model);
}

} // namespace moec::hf
