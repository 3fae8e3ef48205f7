//===- WeightOps.cpp - Weights as named externals -------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.weight, moe.use and moe.layer.
//
//===----------------------------------------------------------------------===//

#include "Verify.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Support/StackedName.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::moe;

static bool isStackedName(Attribute source) {
  return moec::findStackedMark(cast<StringAttr>(source).getValue()).has_value();
}

bool WeightOp::isStacked() { return isStackedName(getSources()[0]); }

AffineMap WeightOp::getIndexMap() {
  return getAt().value_or(getDefaultIndexMap());
}

AffineMap WeightOp::getDefaultIndexMap() {
  int64_t rank = getTensorType().getRank();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, getContext());
  return isStacked() ? identity.dropResult(0) : identity;
}

LogicalResult WeightOp::verify() {
  RankedTensorType type = getTensorType();
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (size <= 0)
      return broken(*this, "C1", "dimension {0} of the type is {1}", dim,
                    sizeText(size));
  int64_t elements = 1;
  for (int64_t size : type.getShape())
    if (llvm::MulOverflow(elements, size, elements) || elements >> 62 != 0)
      return emitOpError("C6: ") << type << " has 2^62 elements or more";
  bool scaled = isa_and_nonnull<Fp8BlockAttr, Mxfp4Attr>(type.getEncoding());
  if (type.getEncoding() && !scaled)
    return emitOpError("C2: unknown encoding ") << type.getEncoding();
  size_t wanted = scaled ? 2 : 1;
  if (getSources().size() != wanted)
    return broken(*this, "C2", "the encoding takes {0} source(s), {1} given",
                  wanted, getSources().size());
  if (getAt() && getAt()->getNumInputs() != type.getRank())
    return broken(*this, "C3", "'at' takes {0} indices, the type has rank {1}",
                  getAt()->getNumInputs(), type.getRank());
  Type element = type.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16() &&
      !isa<IntegerType>(element))
    return emitOpError("C4: element type is ")
           << element << ", not f32, f16, bf16 or an integer";
  if (llvm::count_if(getSources(), isStackedName) % getSources().size() != 0)
    return broken(*this, "C5", "some sources contain {{e} and some do not");
  if (isStacked() && type.getRank() == 0)
    return broken(*this, "C5", "sources contain {{e}, but the type has rank 0");
  return success();
}

/// The last part of the weight's name.
void UseOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), getWeight().substr(getWeight().rfind('.') + 1));
}

LogicalResult UseOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight =
      symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError("C1: ") << getWeightAttr() << " is not a moe.weight";
  if (weight.getTensorType() != getType())
    return emitOpError("C2: result type is ")
           << getType() << ", but " << getWeightAttr() << " has type "
           << weight.getType();
  return success();
}

LogicalResult LayerOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("C1: ") << getKernelAttr() << " is not a func.func";
  ArrayRef<Type> inputs = kernel.getFunctionType().getInputs();
  if (inputs.size() < getWeights().size())
    return broken(*this, "C3", "{0} weights, but the kernel has {1} arguments",
                  getWeights().size(), inputs.size());
  ArrayRef<Type> trailing = inputs.take_back(getWeights().size());
  for (auto [symbol, type] : llvm::zip_equal(getWeights(), trailing)) {
    auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(
        *this, cast<FlatSymbolRefAttr>(symbol));
    if (!weight)
      return emitOpError("C2: ") << symbol << " is not a moe.weight";
    if (weight.getTensorType() != type)
      return emitOpError("C3: ")
             << symbol << " has type " << weight.getType()
             << ", but the kernel's argument has type " << type;
  }
  return success();
}
