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

//===----------------------------------------------------------------------===//
// Inputs and weights
//===----------------------------------------------------------------------===//

LogicalResult LayerLowering::bindArguments() {
  FailureOr<LayerArguments> arguments = layerArguments(kernel);
  if (failed(arguments))
    return failure();
  weightNumbers = std::move(arguments->weightNumbers);
  for (auto [position, input] : llvm::enumerate(arguments->inputs))
    if (failed(bindInput(input, int64_t(position))))
      return failure();
  return success();
}

LogicalResult LayerLowering::bindInput(const LayerArguments::Input &input,
                                       int64_t position) {
  int64_t cols = input.cols;
  auto of = [this, position](moe::ArgumentKind kind) {
    return this->argument(kind, position);
  };
  if (input.element().isInteger()) {
    set(input.argument, {of(moe::ArgumentKind::Input),
                         {.perToken = 1},
                         cols,
                         cols,
                         input.element()});
    return success();
  }

  Buffer rows = allocate({.perToken = 1}, cols, input.element());
  set(input.argument, rows);
  return onRows(kernel.getLoc(), "rows", {rows.rows},
                [this, of, rows, cols](DeviceKernel &k, const RowPart &part) {
                  Memory to = use(k, rows);
                  forHiddenType(k,
                                k.parameter(of(moe::ArgumentKind::InputType)),
                                k.parameter(of(moe::ArgumentKind::Input)),
                                k.parameter(of(moe::ArgumentKind::InputStride)),
                                [&](Memory from) {
                                  part.forColumns(k, cols, [&](Value col) {
                                    k.storeF32(k.loadF32(from, part.row, col),
                                               to, part.row, col);
                                  });
                                });
                  part.forColumns(k, rows.stride - cols, [&](Value col) {
                    k.storeF32(k.f32(0.0), to, part.row, k.add(col, cols));
                  });
                  return success();
                });
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

LogicalResult LayerLowering::copyOut(Buffer source, int64_t position) {
  auto of = [this, position](moe::ArgumentKind kind) {
    return argument(kind, position);
  };
  bool isHidden = outputName(kernel, position) == "hidden";
  return onRows(
      kernel.getLoc(), "result", {source.rows},
      [this, of, source, isHidden](DeviceKernel &k, const RowPart &part) {
        Memory from = use(k, source);
        Value pointer = k.parameter(of(moe::ArgumentKind::Output));
        if (!isHidden) {
          Memory to{pointer, source.element, k.i64(source.cols)};
          part.forColumns(k, source.cols, [&](Value col) {
            k.store(k.load(from, part.row, col), to, part.row, col);
          });
          return success();
        }
        forHiddenType(
            k, k.parameter(of(moe::ArgumentKind::OutputType)), pointer,
            k.parameter(of(moe::ArgumentKind::OutputStride)), [&](Memory to) {
              part.forColumns(k, source.cols, [&](Value col) {
                k.storeF32(k.loadF32(from, part.row, col), to, part.row, col);
              });
            });
        return success();
      },
      /*width=*/source.cols);
}

LogicalResult LayerLowering::copyIn(int64_t position, Buffer destination) {
  auto type = RankedTensorType::get({ShapedType::kDynamic, destination.cols},
                                    destination.element);
  Buffer source = outputMemory(position, type);
  return onRows(
      kernel.getLoc(), "given", {destination.rows},
      [this, source, destination](DeviceKernel &k, const RowPart &part) {
        Memory from = use(k, source), to = use(k, destination);
        part.forColumns(k, destination.cols, [&](Value col) {
          k.store(k.load(from, part.row, col), to, part.row, col);
        });
        return success();
      });
}

LogicalResult LayerLowering::finish(func::ReturnOp op) {
  for (auto [value, position] : outputs) {
    if (direct.contains(value))
      continue;
    Buffer buffer = get(value);
    if (outputName(kernel, position) == "hidden" && !buffer.element.isF32())
      return op.emitOpError("returns 'hidden' as ")
             << buffer.element << ", not f32";
    if (failed(copyOut(buffer, position)))
      return failure();
  }
  return success();
}

} // namespace moec::nvptx
