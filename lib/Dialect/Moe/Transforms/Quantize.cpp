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
#include "llvm/Support/MathExtras.h"

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
    // Before rows are encoded, which then are of f32.
    if (outputs == "rows")
      getOperation().walk([](CombineOp combine) { roundOutputs(combine); });
    getOperation().walk([&](GroupedMatmulOp product) {
      for (OpOperand &weight : product.getWeightsMutable())
        encodeWeight(weight);
      encodeRows(product.getInputMutable(), product.getWeights()[0]);
    });
    getOperation().walk([&](LinearOp linear) {
      if (isGate(linear))
        return;
      encodeWeight(linear.getWeightMutable());
      encodeRows(linear.getXMutable(), linear.getWeight());
    });
    if (rowEncoding && !anyRows) {
      getOperation().emitError()
          << "activations=int8 multiplies encoded weights, and there are none; "
             "choose weights too";
      return signalPassFailure();
    }
    // What is left of dispatches and roundings that nobody reads any more.
    for (Operation *op : replaced)
      if (isOpTriviallyDead(op))
        op->erase();
  }

private:
  LogicalResult readOptions() {
    rowEncoding = Attribute();
    if (group < 0 || group % 32 != 0)
      return getOperation().emitError()
             << "group=" << group.getValue() << " is not 0 or a multiple of 32";
    constexpr StringRef known[] = {"stored", "int8", "int4", "uint4", "mxfp4"};
    if (!llvm::is_contained(known, StringRef(weights)))
      return getOperation().emitError()
             << "weights=" << weights
             << " is not stored, int8, int4, uint4 or mxfp4";
    if (activations == "int8")
      rowEncoding = Int8Attr::get(&getContext(), 0);
    else if (activations != "float")
      return getOperation().emitError()
             << "activations=" << activations << " is not float or int8";
    if (outputs != "f32" && outputs != "rows")
      return getOperation().emitError()
             << "outputs=" << outputs << " is not f32 or rows";
    return success();
  }

  /// Rounds what `combine` adds up to the type of the rows that it is made of,
  /// if that has the range of f32.
  static void roundOutputs(CombineOp combine) {
    auto product = combine.getRows().getDefiningOp<GroupedMatmulOp>();
    if (!product || !product.getResult().hasOneUse())
      return;
    Type element = getElementTypeOrSelf(product.getInput());
    if (element.isBF16())
      product.getResult().setType(
          cast<RankedTensorType>(product.getResult().getType().clone(element)));
  }

  /// What weights with rows of `k` numbers are encoded as; null: as stored. A
  /// group ends with its row: scales of nothing are never stored.
  Attribute weightEncoding(int64_t k) {
    MLIRContext *context = &getContext();
    int64_t whole = llvm::alignTo(k, 32);
    if (weights == "int8")
      return Int8Attr::get(context, group < whole ? group : 0);
    int64_t numbers = std::min<int64_t>(group ? group : 32, whole);
    if (weights == "int4")
      return Int4Attr::get(context, numbers);
    if (weights == "uint4")
      return UInt4Attr::get(context, numbers);
    if (weights == "mxfp4")
      return Mxfp4Attr::get(context);
    return {};
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

  static Attribute encodingOf(Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getEncoding();
  }

  /// Encodes a weight as asked for; one that is stored in an encoding that
  /// products can read keeps it.
  void encodeWeight(OpOperand &weight) {
    Attribute stored = encodingOf(weight.get());
    auto type = cast<RankedTensorType>(weight.get().getType());
    if (Attribute chosen = weightEncoding(type.getShape().back()))
      weight.set(encode(weight.get(), chosen));
    else if (isa_and_present<Mxfp4Attr>(stored))
      weight.set(encode(weight.get(), stored));
  }

  /// Rows are encoded for products whose weights are.
  void encodeRows(OpOperand &rows, Value weight) {
    if (!rowEncoding || !weight.getDefiningOp<EncodeOp>())
      return;
    rows.set(encodedRows(rows.get()));
    anyRows = true;
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

  Attribute rowEncoding;
  bool anyRows = false;
  DenseMap<std::pair<Value, Attribute>, Value> encodings;
  /// In the order in which they read each other.
  llvm::SetVector<Operation *> replaced;
};

} // namespace
} // namespace mlir::moe
