//===- Tensor.cpp - check tensors that come from outside ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rules for tensors that moec_run states, and their messages.
//
//===----------------------------------------------------------------------===//

#include "Tensor.h"

#include <algorithm>

namespace moec {

bool TensorSpec::takes(moec_dtype type) const {
  return std::find(types.begin(), types.end(), type) != types.end();
}

std::optional<moec_dtype> TensorSpec::kernelType(moec_dtype type) const {
  if (takes(type))
    return type;
  bool isNarrow = type == MOEC_DTYPE_F16 || type == MOEC_DTYPE_BF16;
  if (isHidden && isNarrow && takes(MOEC_DTYPE_F32))
    return MOEC_DTYPE_F32;
  return std::nullopt;
}

bool TensorSpec::mayConvert() const {
  return kernelType(MOEC_DTYPE_F16) == MOEC_DTYPE_F32 ||
         kernelType(MOEC_DTYPE_BF16) == MOEC_DTYPE_F32;
}

std::string TensorSpec::describeTypes() const {
  std::vector<std::string_view> names;
  for (moec_dtype type : {MOEC_DTYPE_F32, MOEC_DTYPE_F16, MOEC_DTYPE_BF16,
                          MOEC_DTYPE_I32, MOEC_DTYPE_I64})
    if (kernelType(type))
      names.push_back(elementTypeName(type));
  if (names.size() == 1)
    return std::string(names[0]);
  return fmt::format("{} or {}",
                     fmt::join(names.begin(), names.end() - 1, ", "),
                     names.back());
}

std::string TensorPlace::describe() const {
  return fmt::format("{}: {} '{}'", layer, kind, name);
}

static std::string describeShape(const DLTensor &tensor) {
  return fmt::format("[{}]",
                     fmt::join(tensor.shape, tensor.shape + tensor.ndim, ", "));
}

static Status wrongShape(const DLTensor &tensor, const TensorSpec &spec,
                         const TensorPlace &place) {
  return makeError(MOEC_ERROR_ARGUMENT,
                   "{} has shape {}; expected [T, {}] or [B, S, {}]{}",
                   place.describe(), describeShape(tensor), spec.cols,
                   spec.cols, spec.cols == 1 ? ", or [T] or [B, S]" : "");
}

/// Finds tokens and sequence in the shape. `leading` is set to the number of
/// dimensions before the columns.
static Status readShape(const DLTensor &tensor, const TensorSpec &spec,
                        const TensorPlace &place, int &leading,
                        TensorView &view) {
  if (tensor.ndim < 1 || tensor.ndim > 3 || !tensor.shape)
    return makeError(
        MOEC_ERROR_ARGUMENT, "{} has {} dimensions{}; expected 2, or 3",
        place.describe(), tensor.ndim, tensor.shape ? "" : " and no shape");
  bool endsInCols =
      tensor.ndim > 1 && tensor.shape[tensor.ndim - 1] == spec.cols;
  // A single column may be left out. [B, S] with S = 1 reads the same way.
  leading = endsInCols ? tensor.ndim - 1 : tensor.ndim;
  if (leading > 2 || (!endsInCols && spec.cols != 1))
    return wrongShape(tensor, spec, place);
  for (int dim = 0; dim < leading; ++dim)
    if (tensor.shape[dim] < 0)
      return wrongShape(tensor, spec, place);
  view.sequence = tensor.shape[leading - 1];
  view.tokens = view.sequence;
  if (leading == 2 &&
      __builtin_mul_overflow(tensor.shape[0], view.sequence, &view.tokens))
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{} has shape {}, more elements than 64 bits count",
                     place.describe(), describeShape(tensor));
  return Status::ok();
}

/// Finds the distance of rows in the strides.
static Status readStrides(const DLTensor &tensor, const TensorSpec &spec,
                          const TensorPlace &place, int leading,
                          TensorView &view) {
  view.rowStride = spec.cols;
  if (!tensor.strides || view.tokens == 0)
    return Status::ok();
  auto wrong = [&](const char *rule) {
    return makeError(
        MOEC_ERROR_ARGUMENT, "{} has strides [{}] for shape {}; {}",
        place.describe(),
        fmt::join(tensor.strides, tensor.strides + tensor.ndim, ", "),
        describeShape(tensor), rule);
  };
  if (leading < tensor.ndim && spec.cols > 1 && tensor.strides[leading] != 1)
    return wrong("expected the elements of a row to be adjacent");
  int64_t sequences = view.tokens / view.sequence;
  const int64_t *strides = tensor.strides;
  if (view.sequence > 1) {
    view.rowStride = strides[leading - 1];
    int64_t step = 0;
    if (sequences > 1 &&
        (__builtin_mul_overflow(view.rowStride, view.sequence, &step) ||
         strides[0] != step))
      return wrong("expected sequences to follow each other like rows");
  } else if (sequences > 1) {
    view.rowStride = strides[0];
  }
  if (view.rowStride < spec.cols)
    return wrong("expected rows that do not overlap");
  if (!spec.isHidden && view.rowStride != spec.cols)
    return wrong("expected contiguous rows");
  return Status::ok();
}

/// Finds whose memory the tensor is in.
static Status readDevice(const DLTensor &tensor, const TensorPlace &place,
                         const DLDevice *device, TensorView &view) {
  DLDevice found = tensor.device;
  if (found.device_type == kDLCPU)
    return Status::ok();
  if (!device)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{} is on device type {}; expected {}, CPU memory",
                     place.describe(), int(found.device_type), int(kDLCPU));
  view.onDevice = found.device_type == device->device_type &&
                  found.device_id == device->device_id;
  if (view.onDevice)
    return Status::ok();
  return makeError(MOEC_ERROR_ARGUMENT,
                   "{} is on device {} of type {}; expected CPU memory, type "
                   "{}, or device {} of type {}",
                   place.describe(), found.device_id, int(found.device_type),
                   int(kDLCPU), device->device_id, int(device->device_type));
}

/// Kernels read rows in pieces of as many bytes.
static constexpr int64_t kDeviceAlignment = 16;

static Status checkDeviceAlignment(const TensorPlace &place,
                                   const TensorView &view) {
  if (reinterpret_cast<uintptr_t>(view.data) % kDeviceAlignment != 0)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{} begins at address {} of the device; expected a "
                     "multiple of {}",
                     place.describe(), view.data, kDeviceAlignment);
  int64_t rowBytes = view.rowStride * elementTypeSize(view.type);
  if (view.rowStride != view.cols && rowBytes % kDeviceAlignment != 0)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{} has rows {} bytes apart on the device; expected "
                     "adjacent rows or a multiple of {}",
                     place.describe(), rowBytes, kDeviceAlignment);
  return Status::ok();
}

Status viewTensor(const DLTensor &tensor, const TensorSpec &spec,
                  const TensorPlace &place, const DLDevice *device,
                  TensorView &view) {
  if (Status status = readDevice(tensor, place, device, view); status.failed())
    return status;
  std::optional<moec_dtype> type = elementTypeFromDLPack(tensor.dtype);
  if (!type || !spec.kernelType(*type))
    return makeError(MOEC_ERROR_ARGUMENT, "{} is of type {}; expected {}",
                     place.describe(), describeDLPackType(tensor.dtype),
                     spec.describeTypes());
  view.type = *type;
  view.cols = spec.cols;
  int leading = 0;
  if (Status status = readShape(tensor, spec, place, leading, view);
      status.failed())
    return status;
  if (Status status = readStrides(tensor, spec, place, leading, view);
      status.failed())
    return status;
  int64_t size = elementTypeSize(view.type), bytes = 0;
  if (__builtin_mul_overflow(view.tokens, view.rowStride, &bytes) ||
      __builtin_mul_overflow(bytes, size, &bytes))
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{} has shape {}, more bytes than 64 bits count",
                     place.describe(), describeShape(tensor));
  if (view.tokens == 0)
    return Status::ok();
  if (!tensor.data)
    return makeError(MOEC_ERROR_ARGUMENT, "{} has shape {} but no data",
                     place.describe(), describeShape(tensor));
  view.data = static_cast<char *>(tensor.data) + tensor.byte_offset;
  if (reinterpret_cast<uintptr_t>(view.data) % size != 0)
    return makeError(MOEC_ERROR_ARGUMENT,
                     "{} begins at address {}; expected a multiple of {}",
                     place.describe(), view.data, size);
  return view.onDevice ? checkDeviceAlignment(place, view) : Status::ok();
}

bool overlap(const TensorView &a, const TensorView &b) {
  if (a.tokens == 0 || b.tokens == 0)
    return false;
  struct Range {
    uintptr_t begin, stride, row, end;
  };
  auto rangeOf = [](const TensorView &view) {
    uintptr_t size = elementTypeSize(view.type);
    uintptr_t begin = reinterpret_cast<uintptr_t>(view.data);
    uintptr_t stride = view.rowStride * size, row = view.cols * size;
    return Range{begin, stride, row, begin + (view.tokens - 1) * stride + row};
  };
  Range first = rangeOf(a), second = rangeOf(b);
  if (first.begin > second.begin)
    std::swap(first, second);
  if (second.begin >= first.end)
    return false;
  if (first.stride != second.stride)
    return true;
  // Rows of equal distance: where does a row of the second begin in a row of
  // the first?
  uintptr_t column = (second.begin - first.begin) % first.stride;
  return column < first.row || column + second.row > first.stride;
}

} // namespace moec
