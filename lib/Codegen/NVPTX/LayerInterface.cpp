//===- LayerInterface.cpp - What passes a layer's border ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs, weights and outputs. Hidden rows come and go as f32, f16 or bf16;
// inside they are f32 with padded rows.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"

#include "moec-c/Kernel.h"

namespace moec::nvptx {

/// Threads of a block that copies rows; a block takes one row.
static constexpr int64_t copyThreads = 128;

/// Calls `body` with the memory of a hidden tensor, for whatever element type
/// it has.
static void forHiddenType(DeviceKernel &k, Value dtype, Value pointer,
                          Value stride, function_ref<void(Memory)> body) {
  const std::pair<int64_t, Type> types[] = {
      {MOEC_DTYPE_F32, k.b.getF32Type()},
      {MOEC_DTYPE_F16, k.b.getF16Type()},
      {MOEC_DTYPE_BF16, k.b.getBF16Type()}};
  for (auto [number, type] : types)
    k.when(k.equal(dtype, number),
           [&, type = type] { body({pointer, type, stride}); });
}

/// Calls `body` for the columns [0, cols) that are this thread's.
static void forColumns(DeviceKernel &k, int64_t cols,
                       function_ref<void(Value)> body) {
  k.loop(k.thread(), cols, k.threads, body);
}

//===----------------------------------------------------------------------===//
// Inputs and weights
//===----------------------------------------------------------------------===//

LogicalResult LayerLowering::bindArguments() {
  int64_t inputs = 0;
  for (BlockArgument argument : kernel.getArguments()) {
    auto name = kernel.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                    "moe.name");
    if (argument.getType().isIndex()) {
      if (!name || name.getValue() != "sequence")
        return kernel.emitOpError("argument ")
               << argument.getArgNumber()
               << " is an index, but not named \"sequence\"";
    } else if (name) {
      if (failed(bindInput(argument, name.getValue(), inputs++)))
        return failure();
    } else {
      int64_t number = weightNumbers.size();
      weightNumbers[argument] = number;
    }
  }
  return success();
}

LogicalResult LayerLowering::bindInput(BlockArgument argument, StringRef name,
                                       int64_t position) {
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  if (!type || type.getRank() < 1 || type.getRank() > 2 ||
      !type.isDynamicDim(0) || (type.getRank() == 2 && type.isDynamicDim(1)))
    return kernel.emitOpError("input '")
           << name << "' is " << argument.getType()
           << ", not tensor<?x..> or tensor<?x?x..> of static width";
  int64_t cols = type.getRank() == 2 ? type.getDimSize(1) : 1;
  auto of = [&](moe::ArgumentKind kind) {
    return this->argument(kind, position);
  };
  if (type.getElementType().isInteger()) {
    set(argument, {of(moe::ArgumentKind::Input),
                   {.perToken = 1},
                   cols,
                   cols,
                   type.getElementType()});
    return success();
  }
  if (!type.getElementType().isF32())
    return kernel.emitOpError("input '")
           << name << "' is " << type << "; float inputs are f32 here";

  Buffer rows = allocate({.perToken = 1}, cols, type.getElementType());
  DeviceKernel k = begin(kernel.getLoc(), "rows", copyThreads);
  Memory to = use(k, rows);
  Value row = k.block();
  forHiddenType(k, k.parameter(of(moe::ArgumentKind::InputType)),
                k.parameter(of(moe::ArgumentKind::Input)),
                k.parameter(of(moe::ArgumentKind::InputStride)),
                [&](Memory from) {
                  forColumns(k, cols, [&](Value col) {
                    k.storeF32(k.loadF32(from, row, col), to, row, col);
                  });
                });
  forColumns(k, rows.stride - cols, [&](Value col) {
    k.storeF32(k.f32(0.0), to, row, k.add(col, cols));
  });
  launch(k, {.rows = {.perToken = 1}});
  set(argument, rows);
  return success();
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

Buffer LayerLowering::outputMemory(int64_t position, RankedTensorType type) {
  int64_t cols = type.getRank() == 2 ? type.getDimSize(1) : 1;
  return {argument(moe::ArgumentKind::Output, position),
          {.perToken = 1},
          cols,
          cols,
          type.getElementType()};
}

void LayerLowering::copyOut(Buffer source, int64_t position) {
  auto of = [&](moe::ArgumentKind kind) { return argument(kind, position); };
  DeviceKernel k = begin(kernel.getLoc(), "result", copyThreads);
  Memory from = use(k, source);
  Value row = k.block();
  if (outputName(kernel, position) == "hidden") {
    forHiddenType(k, k.parameter(of(moe::ArgumentKind::OutputType)),
                  k.parameter(of(moe::ArgumentKind::Output)),
                  k.parameter(of(moe::ArgumentKind::OutputStride)),
                  [&](Memory to) {
                    forColumns(k, source.cols, [&](Value col) {
                      k.storeF32(k.loadF32(from, row, col), to, row, col);
                    });
                  });
  } else {
    Memory to{k.parameter(of(moe::ArgumentKind::Output)), source.element,
              k.i64(source.cols)};
    forColumns(k, source.cols, [&](Value col) {
      k.store(k.load(from, row, col), to, row, col);
    });
  }
  launch(k, {.rows = {.perToken = 1}});
}

void LayerLowering::copyIn(int64_t position, Buffer destination) {
  auto type = RankedTensorType::get({ShapedType::kDynamic, destination.cols},
                                    destination.element);
  DeviceKernel k = begin(kernel.getLoc(), "given", copyThreads);
  Memory from = use(k, outputMemory(position, type)), to = use(k, destination);
  Value row = k.block();
  forColumns(k, destination.cols,
             [&](Value col) { k.store(k.load(from, row, col), to, row, col); });
  launch(k, {.rows = {.perToken = 1}});
}

LogicalResult LayerLowering::finish(func::ReturnOp op) {
  for (auto [value, position] : outputs) {
    if (direct.contains(value))
      continue;
    Buffer buffer = get(value);
    if (outputName(kernel, position) == "hidden" && !buffer.element.isF32())
      return op.emitOpError("returns 'hidden' as ")
             << buffer.element << ", not f32";
    copyOut(buffer, position);
  }
  return success();
}

} // namespace moec::nvptx
