//===- Quantize.cpp - Encoded weights and rows ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-quantize in dialects/moe/MoePasses.td.
//
//===----------------------------------------------------------------------===//

#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/Passes.h"

#include "llvm/ADT/SetVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOEQUANTIZEPASS
#include "moec/Dialect/Moe/MoePasses.h.inc"

namespace {

/// Products of fewer columns are gates.
constexpr int64_t fewestColumns = 16;

/// Whether `linear` makes scores or factors instead of rows.
bool isGate(LinearOp linear) {
  auto weight = cast<RankedTensorType>(linear.getWeight().getType());
  return weight.getDimSize(0) < fewestColumns ||
         cast<RankedTensorType>(linear.getX().getType()).getRank() != 2 ||
         llvm::any_of(
             linear.getResult().getUsers(),
             [](Operation *user) { return isa<RouterOp>(user); });
}

struct MoeQuantizePass : impl::MoeQuantizePassBase<MoeQuantizePass> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(readOptions()))
      return signalPassFailure();
    if (!weightEncoding)
      return;
    getOperation().walk([&](GroupedMatmulOp product) {
      for (OpOperand &weight : product.getWeightsMutable())
        weight.set(encode(weight.get(), weightEncoding));
      encodeRows(product.getInputMutable());
    });
    getOperation().walk([&](LinearOp linear) {
      if (isGate(linear))
        return;
      linear.getWeightMutable().set(encode(linear.getWeight(), weightEncoding));
      encodeRows(linear.getXMutable());
    });
    // What is left of dispatches and roundings that nobody reads any more.
    for (Operation *op : replaced)
      if (isOpTriviallyDead(op))
        op->erase();
  }

private:
  LogicalResult readOptions() {
    weightEncoding = rowEncoding = Attribute();
    if (weights == "int8") {
      if (group < 0 || group % 32 != 0)
        return getOperation().emitError() << "group=" << group.getValue()
                                          << " is not 0 or a multiple of 32";
      weightEncoding = Int8Attr::get(&getContext(), group);
    } else if (weights != "stored") {
      return getOperation().emitError()
             << "weights=" << weights << " is not stored or int8";
    }
    if (activations == "int8")
      rowEncoding = Int8Attr::get(&getContext(), 0);
    else if (activations != "float")
      return getOperation().emitError()
             << "activations=" << activations << " is not float or int8";
    if (rowEncoding && !weightEncoding)
      return getOperation().emitError()
             << "activations=int8 multiplies encoded weights; choose weights "
                "too";
    return success();
  }

  /// `tensor` in another encoding, made where it is.
  Value encode(Value tensor, Attribute encoding) {
    Value &encoded = encodings[{tensor, encoding}];
    if (encoded)
      return encoded;
    auto type = cast<RankedTensorType>(tensor.getType());
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfterValue(tensor);
    return encoded = EncodeOp::create(
               builder, tensor.getLoc(),
               RankedTensorType::get(type.getShape(), builder.getF32Type(),
                                     encoding),
               tensor);
  }

  void encodeRows(OpOperand &rows) {
    if (rowEncoding)
      rows.set(encodedRows(rows.get()));
  }

  /// `rows` encoded, as near to their source as can be.
  Value encodedRows(Value rows) {
    if (auto truncate = rows.getDefiningOp<arith::TruncFOp>()) {
      replaced.insert(truncate);
      return encode(truncate.getIn(), rowEncoding);
    }
    auto dispatch = rows.getDefiningOp<DispatchOp>();
    if (!dispatch)
      return encode(rows, rowEncoding);
    Value &encoded = encodings[{rows, rowEncoding}];
    if (encoded)
      return encoded;
    replaced.insert(dispatch);
    Value x = encodedRows(dispatch.getX());
    OpBuilder builder(dispatch);
    auto type = RankedTensorType::get(dispatch.getType().getShape(),
                                      builder.getF32Type(), rowEncoding);
    return encodings[{rows, rowEncoding}] = DispatchOp::create(
               builder, dispatch.getLoc(), type, x, dispatch.getSlots(),
               dispatch.getScale(), dispatch.getTopKAttr());
  }

  Attribute weightEncoding, rowEncoding;
  DenseMap<std::pair<Value, Attribute>, Value> encodings;
  /// In the order in which they read each other.
  llvm::SetVector<Operation *> replaced;
};

} // namespace
} // namespace mlir::moe
