//===- FuseEpilogue.cpp - Element-wise work on accumulators -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-fuse-epilogue in dialects/moe/MoePasses.td.
//
//===----------------------------------------------------------------------===//

#include "FusionLog.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOEFUSEEPILOGUEPASS
#include "moec/Dialect/Moe/MoePasses.h.inc"

namespace {

/// A product whose result an element-wise operation reads: a grouped matmul, or
/// a linear over a matrix of rows, which is a grouped matmul of one group.
struct Product {
  Operation *op = nullptr;
  Value input, offsets, gather, scale;
  SmallVector<Value> weights, columns;
  std::optional<uint64_t> topK;

  static std::optional<Product> get(Value value) {
    Operation *op = value.getDefiningOp();
    if (auto linear = dyn_cast_if_present<LinearOp>(op)) {
      auto x = cast<RankedTensorType>(linear.getX().getType());
      auto weight = cast<RankedTensorType>(linear.getWeight().getType());
      if (x.getRank() != 2 || x.isDynamicDim(1) || !weight.hasStaticShape())
        return std::nullopt;
      Product product{op, linear.getX(), {}, {}, {}, {}, {}, {}};
      product.weights.push_back(linear.getWeight());
      if (linear.getBias())
        product.columns.push_back(linear.getBias());
      return product;
    }
    auto grouped = dyn_cast_if_present<GroupedMatmulOp>(op);
    if (!grouped || grouped.getCombineWeights())
      return std::nullopt;
    return Product{op,
                   grouped.getInput(),
                   grouped.getOffsets(),
                   grouped.getGather(),
                   grouped.getScale(),
                   llvm::to_vector(grouped.getWeights()),
                   llvm::to_vector(grouped.getColumns()),
                   grouped.getTopK()};
  }

  /// Whether both multiply the same rows by matrices of the same shape.
  bool fits(const Product &other) const {
    return std::tie(input, offsets, gather, scale, topK) ==
               std::tie(other.input, other.offsets, other.gather, other.scale,
                        other.topK) &&
           weights[0].getType() == other.weights[0].getType();
  }

  /// The value of an element, given its accumulators and column elements.
  Value emitElement(OpBuilder &builder, ValueRange accumulators,
                    ValueRange columnElements) const {
    auto grouped = dyn_cast<GroupedMatmulOp>(op);
    if (grouped && grouped.hasEpilogue()) {
      IRMapping map;
      Block &body = grouped.getEpilogue().front();
      map.map(body.getArguments(), llvm::to_vector(llvm::concat<Value>(
                                       llvm::to_vector(accumulators),
                                       llvm::to_vector(columnElements))));
      for (Operation &inner : body.without_terminator())
        builder.clone(inner, map);
      return map.lookup(body.getTerminator()->getOperand(0));
    }
    if (columnElements.empty())
      return accumulators[0];
    return arith::AddFOp::create(builder, op->getLoc(), accumulators[0],
                                 columnElements[0]);
  }
};

/// Whether `generic` works element by element on rank-2 tensors, each read by
/// the identity map, and reads neither its output nor indices.
bool isElementwise(linalg::GenericOp generic) {
  return generic.hasPureTensorSemantics() && generic.getNumLoops() == 2 &&
         generic.getNumDpsInits() == 1 && generic.getNumDpsInputs() > 0 &&
         generic.getNumParallelLoops() == 2 &&
         llvm::all_of(generic.getIndexingMapsArray(),
                      [](AffineMap map) { return map.isIdentity(); }) &&
         !generic.hasIndexSemantics() &&
         generic.getRegionOutputArgs()[0].use_empty();
}

/// The products that `generic` reads, one per operand; or why it cannot move.
FailureOr<SmallVector<Product>> findProducts(linalg::GenericOp generic,
                                             StringRef &reason) {
  SmallVector<Product> products;
  for (Value operand : generic.getDpsInputs()) {
    std::optional<Product> product = Product::get(operand);
    if (!product)
      return reason = "an operand is not a product", failure();
    if (llvm::any_of(operand.getUsers(),
                     [&](Operation *user) { return user != generic; }))
      return reason = "a product has another reader", failure();
    if (product->op->getBlock() != generic->getBlock())
      return reason = "a product is in another block", failure();
    if (!getElementTypeOrSelf(operand).isF32())
      return reason = "a product is rounded to less than f32", failure();
    if (!products.empty() && !products[0].fits(*product))
      return reason = "the products have other rows, groups or shapes",
             failure();
    products.push_back(std::move(*product));
  }
  return products;
}

/// What the body of `generic` yields before it is rounded to the result's type.
Value yieldedBeforeRounding(linalg::GenericOp generic) {
  Value yielded = generic.getBlock()->getTerminator()->getOperand(0);
  auto truncate = yielded.getDefiningOp<arith::TruncFOp>();
  return truncate ? truncate.getIn() : yielded;
}

/// Whether the body of `generic` computes an f32 that is rounded at most at its
/// end, to nearest, to a type that a product can have.
bool isF32Body(linalg::GenericOp generic) {
  Operation *yield = generic.getBlock()->getTerminator();
  Type element = getElementTypeOrSelf(generic.getResult(0));
  if (!yieldedBeforeRounding(generic).getType().isF32() ||
      !(element.isF32() || element.isF16() || element.isBF16()))
    return false;
  return llvm::all_of(
      generic.getBlock()->without_terminator(), [&](Operation &op) {
        if (auto truncate = dyn_cast<arith::TruncFOp>(op))
          return truncate->hasOneUse() && *op.user_begin() == yield &&
                 !truncate.getRoundingmode();
        return isMemoryEffectFree(&op) && op.getNumRegions() == 0;
      });
}

/// Erases what makes `value` as far as nothing else reads it.
void eraseIfDead(RewriterBase &rewriter, Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isOpTriviallyDead(op))
    return;
  SmallVector<Value> operands(op->getOperands());
  rewriter.eraseOp(op);
  for (Value operand : operands)
    eraseIfDead(rewriter, operand);
}

void fuse(linalg::GenericOp generic, ArrayRef<Product> operands,
          FusionLog &log) {
  // A product may be read by two operands; it is computed once.
  SmallVector<const Product *> products;
  for (const Product &product : operands)
    if (llvm::none_of(products, [&](const Product *seen) {
          return seen->op == product.op;
        }))
      products.push_back(&product);

  SmallVector<Value> weights, columns;
  for (const Product *product : products) {
    llvm::append_range(weights, product->weights);
    llvm::append_range(columns, product->columns);
  }
  const Product &first = *products[0];
  IRRewriter rewriter(generic);
  auto fused = GroupedMatmulOp::create(
      rewriter, generic.getLoc(), generic.getResult(0).getType(), first.input,
      weights, first.offsets, first.gather, first.scale, columns, Value(),
      Value(), Value(),
      first.topK ? rewriter.getI64IntegerAttr(*first.topK) : IntegerAttr(),
      /*strategy=*/nullptr, /*ranges=*/nullptr);

  Block &block = fused.getEpilogue().emplaceBlock();
  Type f32 = rewriter.getF32Type();
  for (size_t i = 0; i < weights.size() + columns.size(); ++i)
    block.addArgument(f32, generic.getLoc());
  rewriter.setInsertionPointToStart(&block);

  DenseMap<Operation *, Value> elements;
  ValueRange accumulators = block.getArguments().take_front(weights.size());
  ValueRange columnElements = block.getArguments().drop_front(weights.size());
  for (const Product *product : products) {
    size_t numWeights = product->weights.size();
    size_t numColumns = product->columns.size();
    elements[product->op] =
        product->emitElement(rewriter, accumulators.take_front(numWeights),
                             columnElements.take_front(numColumns));
    accumulators = accumulators.drop_front(numWeights);
    columnElements = columnElements.drop_front(numColumns);
  }
  IRMapping map;
  for (auto [argument, product] :
       llvm::zip_equal(generic.getRegionInputArgs(), operands))
    map.map(argument, elements[product.op]);
  for (Operation &inner : generic.getBlock()->without_terminator())
    if (!isa<arith::TruncFOp>(inner))
      rewriter.clone(inner, map);
  YieldOp::create(rewriter, generic.getLoc(),
                  map.lookupOrDefault(yieldedBeforeRounding(generic)));

  llvm::SmallSetVector<Value, 4> unread(generic->operand_begin(),
                                        generic->operand_end());
  rewriter.replaceOp(generic, fused);
  for (Value value : unread)
    eraseIfDead(rewriter, value);
  log.taken(fused, "element-wise work runs on the accumulators");
}

struct MoeFuseEpiloguePass
    : impl::MoeFuseEpiloguePassBase<MoeFuseEpiloguePass> {
  void runOnOperation() override {
    FusionLog log("fuse-epilogue");
    // The size of a product's result is asked for by the operations that read
    // it; answered from its operands it is no reader of the product.
    RewritePatternSet patterns(&getContext());
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();

    SmallVector<linalg::GenericOp> generics;
    getOperation().walk([&](linalg::GenericOp op) { generics.push_back(op); });
    for (linalg::GenericOp generic : generics) {
      bool readsProduct =
          llvm::any_of(generic.getDpsInputs(), [](Value operand) {
            return Product::get(operand).has_value();
          });
      if (!readsProduct)
        continue;
      if (!isElementwise(generic) || !isF32Body(generic)) {
        log.refused(generic, "the body is not element-wise f32");
        continue;
      }
      StringRef reason;
      FailureOr<SmallVector<Product>> products = findProducts(generic, reason);
      if (failed(products)) {
        log.refused(generic, reason);
        continue;
      }
      fuse(generic, *products, log);
    }
    log.summarize(getOperation());
  }
};

} // namespace
} // namespace mlir::moe
