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

namespace {

/// Rows of a caller's hidden tensor, of whatever element type and place it has.
class HiddenRows {
public:
  HiddenRows(DeviceKernel &k, Value dtype, Value pointer, Value stride)
      : k(k), dtype(dtype), pointer(pointer), stride(stride) {}

  /// Calls `body` for each element type, once for rows that are read by 16
  /// bytes and once for others.
  void forKinds(function_ref<void(const Memory &, bool byRuns)> body);

  static SmallVector<Value> read(DeviceKernel &k, const Memory &from,
                                 bool byRuns, Value row, Value col,
                                 int64_t count);
  static void write(DeviceKernel &k, ValueRange values, const Memory &to,
                    bool byRuns, Value row, Value col);

private:
  DeviceKernel &k;
  Value dtype, pointer, stride;
};

} // namespace

void HiddenRows::forKinds(function_ref<void(const Memory &, bool)> body) {
  const std::pair<int64_t, Type> types[] = {
      {MOEC_DTYPE_F32, k.b.getF32Type()},
      {MOEC_DTYPE_F16, k.b.getF16Type()},
      {MOEC_DTYPE_BF16, k.b.getBF16Type()}};
  Value address = LLVM::PtrToIntOp::create(k.b, k.b.getI64Type(), pointer);
  for (auto [number, type] : types)
    k.when(k.equal(dtype, number), [&, type = type] {
      constexpr int64_t readBytes = 16;
      Value places = k.bitOr(address, k.mul(stride, k.i64(elementBytes(type))));
      Memory memory{pointer, type, stride};
      k.either(
          k.equal(k.bitAnd(places, k.i64(readBytes - 1)), k.i64(0)),
          [&] { body(memory, true); }, [&] { body(memory, false); });
    });
}

SmallVector<Value> HiddenRows::read(DeviceKernel &k, const Memory &from,
                                    bool byRuns, Value row, Value col,
                                    int64_t count) {
  if (byRuns)
    return k.loadRunF32(from, row, col, count);
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(k.loadF32(from, row, k.add(col, i)));
  return values;
}

void HiddenRows::write(DeviceKernel &k, ValueRange values, const Memory &to,
                       bool byRuns, Value row, Value col) {
  if (byRuns)
    return k.storeRunF32(values, to, row, col);
  for (auto [i, value] : llvm::enumerate(values))
    k.storeF32(value, to, row, k.add(col, int64_t(i)));
}

void LayerLowering::loadHidden(DeviceKernel &k, int64_t position,
                               const RowPart &part, const Memory &to,
                               Value toRow, int64_t cols, int64_t stride) {
  auto parameter = [&](moe::ArgumentKind kind) {
    return k.parameter(argument(kind, position));
  };
  HiddenRows hidden(k, parameter(moe::ArgumentKind::InputType),
                    parameter(moe::ArgumentKind::Input),
                    parameter(moe::ArgumentKind::InputStride));
  hidden.forKinds([&](const Memory &from, bool byRuns) {
    part.mapRuns(
        k, cols,
        [&](Value col, int64_t count) {
          return HiddenRows::read(k, from, byRuns, part.row, col, count);
        },
        [&](ValueRange values, Value col) {
          k.storeRunF32(values, to, toRow, col);
        });
  });
  part.forColumns(k, stride - cols, [&](Value col) {
    k.storeF32(k.f32(0.0), to, toRow, k.add(col, cols));
  });
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
  hiddenInputs[input.argument] = position;
  return onRows(kernel.getLoc(), "rows", {rows.rows},
                [this, position, rows](DeviceKernel &k, const RowPart &part) {
                  loadHidden(k, position, part, use(k, rows), part.row,
                             rows.cols, rows.stride);
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
        HiddenRows hidden(k, k.parameter(of(moe::ArgumentKind::OutputType)),
                          pointer,
                          k.parameter(of(moe::ArgumentKind::OutputStride)));
        hidden.forKinds([&](const Memory &to, bool byRuns) {
          part.forRuns(k, source.cols, [&](Value col, int64_t count) {
            HiddenRows::write(k, k.loadRunF32(from, part.row, col, count), to,
                              byRuns, part.row, col);
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
