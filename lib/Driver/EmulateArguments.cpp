//===- EmulateArguments.cpp - A kernel's arguments as text ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulateArguments.h"
#include "moec/Driver/Options.h"
#include "moec/Emulator/TensorMap.h"
#include "moec/Support/Error.h"
#include "moec/Support/Npy.h"

#include "llvm/ADT/StringExtras.h"

#include <cstring>

using namespace llvm;
using namespace moec::emulator;

namespace moec::driver {
namespace {

/// What the text of a tensor map says, dimensions in the array's order.
struct MapText {
  StringRef source;
  std::optional<DType> type;
  SmallVector<uint64_t> dims, strides, box;
  Swizzle swizzle = Swizzle::None;
};

/// Makes the arguments one after the other.
class ArgumentMaker {
public:
  explicit ArgumentMaker(DeviceMemory &memory) : memory(memory) {}

  /// Fills `argument` from its text, for a parameter of `bytes` bytes.
  Error make(KernelArgument &argument, uint64_t bytes);

  /// Those that are made.
  std::vector<KernelArgument> arguments;

private:
  /// `fill`: the value of all bytes, if they are to have one.
  Error makeBuffer(KernelArgument &argument, uint64_t bytes,
                   std::optional<char> fill);
  Error makeArray(KernelArgument &argument, const HostTensor &tensor);
  Error makeMap(KernelArgument &argument, uint64_t bytes);
  Error makeSource(KernelArgument &argument, MapText &map);

  DeviceMemory &memory;
};

} // namespace

template <typename T>
static std::vector<char> bytesOf(T value) {
  std::vector<char> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// A scalar "TYPE:VALUE"; none if it is something else.
static std::optional<std::vector<char>> scalarBytes(StringRef type,
                                                    StringRef value) {
  std::optional<int64_t> number = parseInteger(value);
  double real;
  if (type == "i32" && number && int64_t(int32_t(*number)) == *number)
    return bytesOf(int32_t(*number));
  if (type == "i64" && number)
    return bytesOf(*number);
  if (type == "f32" && to_float(value, real))
    return bytesOf(float(real));
  return std::nullopt;
}

Error ArgumentMaker::makeBuffer(KernelArgument &argument, uint64_t bytes,
                                std::optional<char> fill) {
  Expected<void *> buffer = memory.allocate(bytes, argument.text);
  if (!buffer)
    return buffer.takeError();
  argument.buffer = *buffer;
  argument.bufferBytes = bytes;
  argument.value = bytesOf(*buffer);
  if (fill)
    std::memset(*buffer, *fill, bytes);
  return Error::success();
}

Error ArgumentMaker::makeArray(KernelArgument &argument,
                               const HostTensor &tensor) {
  if (Error error = makeBuffer(argument, tensor.bytes.size(), std::nullopt))
    return error;
  std::memcpy(argument.buffer, tensor.bytes.data(), tensor.bytes.size());
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Tensor maps
//===----------------------------------------------------------------------===//

/// "AxBxC"; false if it is something else.
static bool parseSizes(StringRef text, SmallVector<uint64_t> &sizes) {
  SmallVector<StringRef> parts;
  text.split(parts, 'x');
  for (StringRef part : parts)
    if (!to_integer(part, sizes.emplace_back(), 10))
      return false;
  return true;
}

static bool parseSwizzle(StringRef text, Swizzle &swizzle) {
  unsigned bytes;
  if (!to_integer(text, bytes, 10) ||
      (bytes != 32 && bytes != 64 && bytes != 128))
    return false;
  swizzle = bytes == 32   ? Swizzle::B32
            : bytes == 64 ? Swizzle::B64
                          : Swizzle::B128;
  return true;
}

static Expected<MapText> parseMap(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, ':');
  MapText map;
  map.source = parts.size() > 1 ? parts[1] : "";
  for (StringRef part :
       ArrayRef(parts).drop_front(std::min<size_t>(2, parts.size()))) {
    auto [key, value] = part.split('=');
    bool good = key == "box"       ? parseSizes(value, map.box)
                : key == "dims"    ? parseSizes(value, map.dims)
                : key == "strides" ? parseSizes(value, map.strides)
                : key == "swizzle" ? parseSwizzle(value, map.swizzle)
                : key == "type"    ? bool(map.type = parseDType(value))
                                   : false;
    if (!good)
      return usageError("{}: {} is not box=AxB, dims=AxB, strides=BYTES (AxB "
                        "for three dimensions), swizzle=32, 64 or 128, or "
                        "type=f32, bf16, ...",
                        quote(text), quote(part));
  }
  if (map.source.empty() || map.box.empty())
    return usageError("{} is no tensor map: map:SOURCE:box=AxB", quote(text));
  return map;
}

/// The bytes that the tensor of a map spans, and whether they are in a buffer.
static Error checkSpan(const KernelArgument &argument, const MapText &text,
                       ArrayRef<uint64_t> strides, uint64_t elementBytes) {
  uint64_t span = elementBytes;
  bool overflows = false;
  for (auto [dim, stride] : zip_equal(text.dims, strides)) {
    uint64_t bytes;
    overflows |= dim == 0 || __builtin_mul_overflow(dim - 1, stride, &bytes) ||
                 __builtin_add_overflow(span, bytes, &span);
  }
  if (!overflows && span <= argument.bufferBytes)
    return Error::success();
  return usageError("{}: a tensor of {} does not lie in the {} of {}",
                    quote(argument.text), fmt::join(text.dims, "x"),
                    plural(argument.bufferBytes, "byte"), quote(text.source));
}

/// The map of a tensor in the argument's buffer.
static Expected<TensorMap> encodeMap(const KernelArgument &argument,
                                     MapText &text) {
  uint64_t elementBytes = bitWidth(*text.type) / 8;
  size_t rank = text.dims.size();
  if (text.strides.empty() && rank > 0) {
    uint64_t stride = elementBytes;
    for (uint64_t dim : reverse(ArrayRef(text.dims).drop_front()))
      text.strides.insert(text.strides.begin(), stride *= dim);
  }
  if (text.box.size() != rank || text.strides.size() + 1 != rank)
    return usageError("{}: {} sizes, {} strides and a box of {}; there is a "
                      "stride for each size but the last, and as many box "
                      "sizes",
                      quote(argument.text), rank, text.strides.size(),
                      text.box.size());
  SmallVector<uint64_t> strides(text.strides);
  strides.push_back(elementBytes);
  if (Error error = checkSpan(argument, text, strides, elementBytes))
    return std::move(error);
  std::reverse(text.dims.begin(), text.dims.end());
  std::reverse(text.strides.begin(), text.strides.end());
  SmallVector<uint32_t> box;
  for (uint64_t size : reverse(text.box))
    box.push_back(uint32_t(std::min<uint64_t>(size, UINT32_MAX)));
  Expected<TensorMap> map =
      TensorMap::encode({argument.buffer, unsigned(elementBytes), text.dims,
                         text.strides, box, text.swizzle});
  if (!map)
    return usageError("{}: {}", quote(argument.text),
                      toString(map.takeError()));
  return map;
}

/// The buffer that a map is of, with what it says about type and sizes.
Error ArgumentMaker::makeSource(KernelArgument &argument, MapText &map) {
  StringRef source = map.source;
  if (source.ends_with(".npy")) {
    Expected<HostTensor> tensor = readNpy(source);
    if (!tensor)
      return tensor.takeError();
    if (!map.type)
      map.type = tensor->dtype;
    if (map.dims.empty())
      map.dims.assign(tensor->shape.begin(), tensor->shape.end());
    return makeArray(argument, *tensor);
  }
  if (!map.type || map.dims.empty())
    return usageError("{}: {} says neither type nor sizes; add type=T and "
                      "dims=AxB",
                      quote(argument.text), quote(source));
  if (source == "zeros" || source == "empty") {
    Shape shape(map.dims.begin(), map.dims.end());
    std::optional<uint64_t> bytes = tensorBytes(shape, *map.type);
    if (!bytes)
      return usageError("{}: a tensor of {} is too large", quote(argument.text),
                        formatShape(shape));
    return makeBuffer(argument, *bytes,
                      source == "zeros" ? std::optional<char>(0)
                                        : std::nullopt);
  }
  size_t number;
  if (!source.consume_front("@") || !to_integer(source, number, 10) ||
      number >= arguments.size() || !arguments[number].buffer)
    return usageError("{}: {} is no FILE.npy, zeros, empty or @N, where "
                      "argument N is a buffer before this one",
                      quote(argument.text), quote(map.source));
  argument.buffer = arguments[number].buffer;
  argument.bufferBytes = arguments[number].bufferBytes;
  return Error::success();
}

/// A map is passed by value, or, where the parameter is an address, in memory
/// of its own.
Error ArgumentMaker::makeMap(KernelArgument &argument, uint64_t bytes) {
  Expected<MapText> text = parseMap(argument.text);
  if (!text)
    return text.takeError();
  if (Error error = makeSource(argument, *text))
    return error;
  Expected<TensorMap> map = encodeMap(argument, *text);
  if (!map)
    return map.takeError();
  argument.value = bytesOf(*map);
  if (bytes != sizeof(void *))
    return Error::success();
  Expected<void *> place = memory.allocate(sizeof *map, argument.text);
  if (!place)
    return place.takeError();
  std::memcpy(*place, &*map, sizeof *map);
  argument.value = bytesOf(*place);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

Error ArgumentMaker::make(KernelArgument &argument, uint64_t bytes) {
  StringRef text = argument.text;
  auto [type, value] = text.split(':');
  if (auto scalar = scalarBytes(type, value)) {
    argument.value = std::move(*scalar);
    return Error::success();
  }
  uint64_t size;
  if ((type == "zeros" || type == "empty") && to_integer(value, size, 10))
    return makeBuffer(argument, size,
                      type == "zeros" ? std::optional<char>(0) : std::nullopt);
  if (type == "map")
    return makeMap(argument, bytes);
  if (!text.ends_with(".npy"))
    return usageError("{} is not an argument: i32:N, i64:N, f32:X, "
                      "zeros:BYTES, empty:BYTES, FILE.npy or map:SOURCE:...",
                      quote(text));
  Expected<HostTensor> tensor = readNpy(text);
  if (!tensor)
    return tensor.takeError();
  return makeArray(argument, *tensor);
}

Expected<std::vector<KernelArgument>>
makeKernelArguments(DeviceMemory &memory, ArrayRef<std::string> texts,
                    ArrayRef<uint64_t> sizes) {
  if (texts.size() != sizes.size())
    return usageError("the kernel has {}, --args names {}",
                      plural(sizes.size(), "argument"), texts.size());
  ArgumentMaker maker(memory);
  for (auto [i, text] : enumerate(texts)) {
    KernelArgument argument;
    argument.text = text;
    if (Error error = maker.make(argument, sizes[i]))
      return std::move(error);
    if (argument.value.size() != sizes[i])
      return usageError("argument {} of the kernel has {} bytes, {} has {}", i,
                        sizes[i], quote(text), argument.value.size());
    maker.arguments.push_back(std::move(argument));
  }
  return std::move(maker.arguments);
}

} // namespace moec::driver
