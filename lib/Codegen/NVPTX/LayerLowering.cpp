//===- LayerLowering.cpp - From a layer function to launches --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks the layer function, finds the buffers of its values and keeps the list
// of launches. What passes the layer's border is in LayerInterface.cpp.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "ScalarBody.h"
#include "moec/Codegen/NVPTX/Attributes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

LogicalResult LayerLowering::run() {
  FailureOr<llvm::MapVector<Value, int64_t>> returned =
      layerOutputs(kernel, "NVPTX");
  if (failed(returned))
    return failure();
  auto terminator =
      cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
  outputs = std::move(*returned);
  splitRouters(kernel, outputs);
  SmallVector<int64_t> ranges;
  for (auto [calls, end] : {std::pair(Calls::Few, fewBelowName),
                            std::pair(Calls::Some, manyFromName)}) {
    auto below = kernel->getAttrOfType<IntegerAttr>(end);
    if (!below)
      continue;
    if (failed(lowerCalls(calls, terminator)))
      return failure();
    ranges.append({static_cast<int64_t>(launches.size()), below.getInt()});
  }
  if (failed(lowerCalls(Calls::Many, terminator)))
    return failure();
  emitPlan(ranges);
  return success();
}

LogicalResult LayerLowering::lowerCalls(Calls calls, func::ReturnOp op) {
  this->calls = calls;
  buffers.clear();
  tileTables.clear();
  copies.clear();
  direct.clear();
  freeBuffers = llvm::to_vector(
      llvm::seq<int64_t>(0, static_cast<int64_t>(deviceBuffers.size())));
  if (counters)
    llvm::erase(freeBuffers, counters->getNumber());
  if (failed(bindArguments()))
    return failure();
  for (const Phase &phase : orderPhases(kernel.getBody().front())) {
    // Products of the phase before are what these read.
    if (phase.kind == PhaseKind::Product && failed(flush()))
      return failure();
    for (const Step &step : phase.steps)
      if (failed(lowerUnlessGiven(step)))
        return failure();
  }
  return failure(failed(finish(op)) || failed(flush()));
}

LogicalResult LayerLowering::lowerUnlessGiven(const Step &step) {
  if (!makesRouting(kernel, outputs, *step.op))
    return lower(step);
  when = moe::When::Routed;
  if (failed(lower(step)))
    return failure();
  // What the caller gives is already there if the caller's memory serves as
  // the value's buffer; else it is fetched.
  when = moe::When::Given;
  for (Value value : step.op->getResults())
    if (auto output = outputs.find(value);
        output != outputs.end() && !direct.contains(value) &&
        failed(copyIn(output->second, get(value))))
      return failure();
  when = moe::When::Always;
  return success();
}

LogicalResult LayerLowering::lower(const Step &step) {
  bool isProduct = step.kind == PhaseKind::Product;
  return llvm::TypeSwitch<Operation *, LogicalResult>(step.op)
      .Case([&](moe::LinearOp op) {
        return isProduct ? lowerLinear(*this, op) : lowerRowProduct(*this, op);
      })
      .Case([&](moe::GroupedMatmulOp op) {
        return isProduct ? lowerGroupedMatmul(*this, op) : lowerSums(*this, op);
      })
      .Case([&](moe::EncodeOp op) { return lowerEncode(*this, op); })
      .Case([&](moe::RouterOp op) { return lowerRouter(*this, op); })
      .Case([&](moe::GroupOp op) { return lowerGroup(*this, op); })
      .Case([&](moe::CapacityOp op) { return lowerCapacity(*this, op); })
      .Case([&](moe::DispatchOp op) { return lowerDispatch(*this, op); })
      .Case([&](moe::CombineOp op) { return lowerCombine(*this, op); })
      .Case([&](moe::IdentityExpertsOp op) {
        return lowerIdentityExperts(*this, op);
      })
      .Case([&](linalg::GenericOp op) { return lowerGeneric(*this, op); })
      .Case([&](linalg::FillOp op) { return lowerFill(*this, op); })
      // Destinations are their results' buffers, numbers are computed where
      // they are used.
      .Case([&](tensor::EmptyOp op) { return success(); })
      .Case(
          [&](tensor::DimOp op) -> LogicalResult { return askedDimension(op); })
      .Default([&](Operation *op) -> LogicalResult {
        Type type =
            op->getNumResults() == 1 ? op->getResult(0).getType() : Type();
        if (isa_and_present<RankedTensorType>(type) && isElementwise(*op))
          return lowerElementwise(*this, *op);
        if (type && type.isIntOrIndexOrFloat() && op->getNumRegions() == 0)
          return success();
        return op->emitOpError("has no NVPTX lowering");
      });
}

//===----------------------------------------------------------------------===//
// Device functions
//===----------------------------------------------------------------------===//

DeviceKernel LayerLowering::begin(Location loc, StringRef suffix,
                                  int64_t threads) {
  return DeviceKernel(kernel->getParentOfType<ModuleOp>(), loc,
                      kernel.getSymName() + "_" + Twine(launches.size()) + "_" +
                          suffix,
                      threads);
}

void LayerLowering::launch(DeviceKernel &k, Grid grid) {
  letsNextBegin = false;
  LLVM::LLVMFuncOp function = k.finish();
  launches.push_back(moe::LaunchAttr::get(
      kernel.getContext(), function.getSymNameAttr(), when, grid.rows.perToken,
      grid.rows.fixed, grid.perBlock, grid.columns, k.threads, k.sharedBytes(),
      grid.resident, grid.cluster, grid.overlaps, k.arguments()));
}

Memory LayerLowering::use(DeviceKernel &k, const Buffer &buffer) {
  if (buffer.isCallers)
    return useCallers(k, buffer);
  return {k.parameter(buffer.memory), buffer.element, k.i64(buffer.stride),
          buffer.transposed};
}

Value LayerLowering::count(DeviceKernel &k, Count count) {
  if (!count.perToken)
    return k.i32(count.fixed);
  return k.add(k.mul(k.tokens(), count.perToken), count.fixed);
}

FailureOr<Value> LayerLowering::scalar(DeviceKernel &k, Value value,
                                       Operation *user) {
  auto toIndex = [&](Value number) -> Value {
    return arith::IndexCastOp::create(k.b, k.b.getIndexType(), number);
  };
  if (isa<BlockArgument>(value))
    return toIndex(k.parameter(argument(moe::ArgumentKind::Sequence)));
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    FailureOr<int64_t> position = askedDimension(dim);
    if (failed(position))
      return failure();
    auto type = cast<RankedTensorType>(dim.getSource().getType());
    if (!type.isDynamicDim(*position))
      return toIndex(k.i32(type.getDimSize(*position)));
    return toIndex(count(k, tensorRows(dim.getSource())));
  }
  if (!isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()) ||
      op->getNumRegions() != 0)
    return user->emitOpError("needs a number that '")
           << op->getName() << "' computes, which has no NVPTX lowering";
  IRMapping map;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> mapped = scalar(k, operand, user);
    if (failed(mapped))
      return failure();
    map.map(operand, *mapped);
  }
  return k.b.clone(*op, map)->getResult(0);
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

moe::ArgumentAttr LayerLowering::argument(moe::ArgumentKind kind,
                                          int64_t number) {
  return moe::ArgumentAttr::get(kernel.getContext(), kind, number);
}

Buffer LayerLowering::allocateDense(Count rows, int64_t cols, Type element) {
  auto buffer =
      moe::DeviceBufferAttr::get(kernel.getContext(), rows.perToken, rows.fixed,
                                 cols * elementBytes(element));
  int64_t number = deviceBuffers.size();
  auto *free = llvm::find_if(
      freeBuffers, [&](int64_t i) { return deviceBuffers[i] == buffer; });
  if (free != freeBuffers.end()) {
    number = *free;
    freeBuffers.erase(free);
  } else {
    deviceBuffers.push_back(buffer);
  }
  return {argument(moe::ArgumentKind::Buffer, number), rows, cols, cols,
          element};
}

Buffer LayerLowering::allocate(Count rows, int64_t cols, Type element) {
  Buffer buffer =
      allocateDense(rows, llvm::alignTo(cols, Buffer::rowPadding), element);
  buffer.cols = cols;
  return buffer;
}

Buffer LayerLowering::allocateRows(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t cols = type.getRank() == 2 ? type.getDimSize(1) : 1;
  Buffer buffer = allocate(tensorRows(tensor), cols, storedElement(tensor));
  buffer.transposed = isTransposed(tensor);
  if (type.getEncoding())
    buffer.scales =
        allocateDense(buffer.rows, 1, Float32Type::get(type.getContext()))
            .memory;
  set(tensor, buffer);
  return buffer;
}

Buffer LayerLowering::allocateResult(Value tensor) {
  auto output = outputs.find(tensor);
  if (output == outputs.end())
    return allocateRows(tensor);
  auto type = cast<RankedTensorType>(tensor.getType());
  // Routings are read element by element, hidden rows by nobody else.
  bool isDirect =
      isHidden(output->second)
          ? type.getElementType().isF32() && tensor.hasOneUse()
          : isa<moe::RouterOp, moe::CapacityOp>(tensor.getDefiningOp());
  if (!isDirect)
    return allocateRows(tensor);
  direct.insert(tensor);
  Buffer buffer = outputMemory(output->second, type);
  set(tensor, buffer);
  return buffer;
}

std::optional<int64_t> LayerLowering::weightNumber(Value tensor) const {
  if (auto encode = tensor.getDefiningOp<moe::EncodeOp>())
    return weightNumber(encode.getX());
  auto found = weightNumbers.find(tensor);
  return found == weightNumbers.end() ? std::nullopt
                                      : std::optional(found->second);
}

Buffer LayerLowering::weight(Attribute pack, int64_t rows, int64_t cols,
                             int64_t stride, Type element) {
  int64_t number = llvm::find(packs, pack) - packs.begin();
  if (number == static_cast<int64_t>(packs.size()))
    packs.push_back(pack);
  return {argument(moe::ArgumentKind::Weight, number),
          {.fixed = rows},
          cols,
          stride,
          element};
}

moe::ArgumentAttr LayerLowering::tensorMap(const Buffer &packed,
                                           int64_t boxRows) {
  maps.push_back(moe::TensorMapAttr::get(
      kernel.getContext(), packed.memory.getNumber(), packed.rows.fixed,
      packed.stride, elementBytes(packed.element), boxRows));
  return argument(moe::ArgumentKind::TensorMap, maps.size() - 1);
}

FailureOr<Buffer> LayerLowering::weightRows(Value tensor, Type element,
                                            Operation *user) {
  std::optional<int64_t> number = weightNumber(tensor);
  if (!number)
    return user->emitOpError("reads a tensor that has to be a weight of the "
                             "layer, but is computed");
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t cols = type.getShape().back();
  int64_t stride = llvm::alignTo(cols, Buffer::rowPadding);
  auto pack =
      moe::PaddedRowsAttr::get(kernel.getContext(), *number, stride, element);
  return weight(pack, type.getNumElements() / cols, cols, stride, element);
}

const Buffer *LayerLowering::tileTable(Value offsets, int64_t tokens) const {
  auto found = tileTables.find({offsets, tokens});
  return found == tileTables.end() ? nullptr : &found->second;
}

void LayerLowering::setTileTable(Value offsets, int64_t tokens, Buffer table) {
  tileTables[{offsets, tokens}] = table;
}

void LayerLowering::emitPlan(ArrayRef<int64_t> ranges) {
  OpBuilder b(kernel);
  if (counters)
    deviceBuffers[counters->getNumber()] = moe::DeviceBufferAttr::get(
        b.getContext(), /*per_token=*/0, mostCounters, counterBytes);
  auto plan = moe::PlanOp::create(
      b, kernel.getLoc(), kernel.getSymName(), /*sym_visibility=*/StringAttr(),
      b.getArrayAttr(packs), b.getArrayAttr(deviceBuffers),
      b.getArrayAttr(maps), b.getArrayAttr(launches));
  if (!ranges.empty())
    plan->setAttr(rangesName, b.getDenseI64ArrayAttr(ranges));
  if (counters)
    plan->setAttr(countersName, b.getI64IntegerAttr(counters->getNumber()));
}

} // namespace moec::nvptx
