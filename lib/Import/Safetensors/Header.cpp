//===- Header.cpp - the JSON header of a safetensors file -------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A SAX handler takes the one form a header may have and nothing else, so that
// repeated keys are seen and nesting cannot get deep; then the tensors' places
// are checked against their shapes and against each other.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/Safetensors/SafetensorsFile.h"
#include "moec/Support/Error.h"
#include "moec/Support/Json.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

#include <limits>
#include <numeric>

using namespace llvm;
using nlohmann::json;

namespace moec {

static constexpr StringRef advice =
    "; the file is damaged: fetch or write it again";

/// More dimensions than any tensor library has.
static constexpr size_t maxRank = 64;

namespace {

class HeaderHandler {
public:
  SafetensorsHeader header;
  /// Why parsing stopped.
  std::string problem;

  bool null() { return unexpected("null"); }
  bool boolean(bool) { return unexpected("a boolean"); }
  bool binary(json::binary_t &) { return unexpected("binary data"); }

  bool number_integer(int64_t value) {
    return wrongNumber(fmt::to_string(value));
  }
  bool number_float(double, const std::string &text) {
    return wrongNumber(quote(text, 40));
  }
  bool number_unsigned(uint64_t value) {
    if (state == State::Shape) {
      if (value > uint64_t(std::numeric_limits<int64_t>::max()))
        return wrongNumber(fmt::to_string(value));
      if (tensor().shape.size() == maxRank)
        return fail("tensor {} has more than {} dimensions", tensorName(),
                    maxRank);
      tensor().shape.push_back(int64_t(value));
      return true;
    }
    if (state == State::Offsets) {
      if (offsets == 2)
        return wrongOffsetCount("more");
      (offsets++ == 0 ? tensor().begin : tensor().end) = value;
      return true;
    }
    return unexpected("a number");
  }

  bool string(std::string &value) {
    if (state == State::Metadata) {
      header.metadata.back().second = std::move(value);
      return true;
    }
    if (state != State::Tensor || field != Field::DType)
      return unexpected("a string");
    std::optional<DType> dtype = parseSafetensorsDType(value);
    if (!dtype)
      return fail("tensor {} has the dtype {}, which is not one of the "
                  "format's",
                  tensorName(), quote(value, 40));
    tensor().dtype = *dtype;
    return true;
  }

  bool start_object(size_t) {
    if (state == State::Start) {
      state = State::Top;
      return true;
    }
    if (state != State::Top)
      return unexpected("an object");
    state = inMetadata ? State::Metadata : State::Tensor;
    seen[0] = seen[1] = seen[2] = false;
    return true;
  }

  bool end_object() {
    if (state == State::Tensor) {
      for (auto [isSeen, name] : zip(seen, fieldNames))
        if (!isSeen)
          return fail("tensor {} has no {}", tensorName(), quote(name));
    }
    state = State::Top;
    return true;
  }

  bool start_array(size_t) {
    if (state != State::Tensor || field == Field::DType)
      return unexpected("an array");
    state = field == Field::Shape ? State::Shape : State::Offsets;
    offsets = 0;
    return true;
  }

  bool end_array() {
    if (state == State::Offsets && offsets != 2)
      return wrongOffsetCount("fewer");
    state = State::Tensor;
    return true;
  }

  bool key(std::string &name) {
    if (state == State::Top) {
      inMetadata = name == "__metadata__";
      if (inMetadata && std::exchange(hasMetadata, true))
        return fail("'__metadata__' appears twice");
      if (!inMetadata)
        header.tensors.emplace_back().name = std::move(name);
      return true;
    }
    if (state == State::Metadata) {
      if (!metadataKeys.insert(name).second)
        return fail("'__metadata__' has the key {} twice", quote(name));
      header.metadata.emplace_back(std::move(name), "");
      return true;
    }
    const auto *found = find(fieldNames, name);
    if (found == std::end(fieldNames))
      return fail("tensor {} has the unknown key {}", tensorName(),
                  quote(name));
    field = Field(found - fieldNames);
    if (std::exchange(seen[unsigned(field)], true))
      return fail("tensor {} has the key {} twice", tensorName(), quote(name));
    return true;
  }

  bool parse_error(size_t, const std::string &, const json::exception &error) {
    return fail("the header is not valid JSON: {}", jsonErrorText(error));
  }

private:
  /// Where in the header the parser is.
  enum class State : uint8_t { Start, Top, Metadata, Tensor, Shape, Offsets };
  enum class Field : uint8_t { DType, Shape, Offsets };
  static constexpr StringRef fieldNames[] = {"dtype", "shape", "data_offsets"};

  SafetensorsEntry &tensor() { return header.tensors.back(); }
  std::string tensorName() { return quote(tensor().name); }

  template <typename... Args>
  bool fail(fmt::format_string<Args...> format, Args &&...args) {
    problem = fmt::format(format, std::forward<Args>(args)...);
    return false;
  }

  bool wrongNumber(const std::string &number) {
    if (state == State::Shape)
      return fail("tensor {} has the dimension {}, but a dimension is an "
                  "integer from 0 to 2^63 - 1",
                  tensorName(), number);
    if (state == State::Offsets)
      return fail("tensor {} has the offset {}, but an offset is an integer "
                  "from 0 to 2^64 - 1",
                  tensorName(), number);
    return unexpected("a number");
  }

  bool wrongOffsetCount(StringRef relation) {
    return fail("tensor {} has {} than the 2 data_offsets, begin and end",
                tensorName(), relation);
  }

  bool unexpected(StringRef what) {
    switch (state) {
    case State::Start:
      return fail("the header is {}, but must be an object", what);
    case State::Top:
      if (inMetadata)
        return fail("'__metadata__' is {}, but must be an object", what);
      return fail("tensor {} is described by {}, but must be by an object",
                  tensorName(), what);
    case State::Metadata:
      return fail("'__metadata__' has {} for {}, but its values are strings",
                  what, quote(header.metadata.back().first));
    case State::Tensor:
      return fail("tensor {} has {} for {}, which must be {}", tensorName(),
                  what, quote(fieldNames[unsigned(field)]),
                  field == Field::DType ? "a string" : "an array of integers");
    case State::Shape:
    case State::Offsets:
      return fail("tensor {} has {} in its {}, which holds integers",
                  tensorName(), what, fieldNames[unsigned(field)]);
    }
    return false;
  }

  State state = State::Start;
  Field field = Field::DType;
  bool seen[3] = {};
  bool inMetadata = false, hasMetadata = false;
  unsigned offsets = 0;
  StringSet<> metadataKeys;
};

} // namespace

/// Checks one tensor's shape, type and place; returns the rule it breaks.
static std::string checkTensor(const SafetensorsEntry &tensor,
                               uint64_t dataBytes) {
  std::string name = quote(tensor.name), shape = formatShape(tensor.shape);
  StringRef dtype = safetensorsName(tensor.dtype);
  if (!numElements(tensor.shape))
    return fmt::format("tensor {} has the shape {}, whose product exceeds "
                       "2^63 - 1",
                       name, shape);
  std::optional<uint64_t> bytes = tensorBytes(tensor.shape, tensor.dtype);
  if (!bytes)
    return fmt::format("tensor {} has the shape {} of {} ({} bits each), which "
                       "is no whole number of bytes up to 2^60",
                       name, shape, dtype, bitWidth(tensor.dtype));
  if (tensor.begin > tensor.end)
    return fmt::format("tensor {} begins at byte {}, after its end at {}", name,
                       tensor.begin, tensor.end);
  if (tensor.end > dataBytes)
    return fmt::format("tensor {} ends at byte {}, but the file has {} bytes "
                       "of data",
                       name, tensor.end, dataBytes);
  if (tensor.bytes() != *bytes)
    return fmt::format("tensor {} has {} bytes, but its shape {} of {} takes "
                       "{}",
                       name, tensor.bytes(), shape, dtype, *bytes);
  return "";
}

/// Checks that tensors in the order of their places fill the data; returns the
/// rule that is broken.
static std::string checkPlaces(ArrayRef<SafetensorsEntry> tensors,
                               uint64_t dataBytes) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t(0));
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::pair(tensors[a].begin, tensors[a].end) <
           std::pair(tensors[b].begin, tensors[b].end);
  });
  uint64_t at = 0;
  const SafetensorsEntry *previous = nullptr;
  for (size_t index : order) {
    const SafetensorsEntry &tensor = tensors[index];
    if (tensor.begin < at)
      return fmt::format("tensor {} begins at byte {}, inside tensor {}, which "
                         "ends at {}",
                         quote(tensor.name), tensor.begin,
                         quote(previous->name), at);
    if (tensor.begin > at)
      return fmt::format("bytes {} to {} before tensor {} belong to no tensor",
                         at, tensor.begin, quote(tensor.name));
    at = tensor.end;
    previous = &tensor;
  }
  if (at != dataBytes)
    return fmt::format("the tensors end at byte {}, but the file has {} bytes "
                       "of data",
                       at, dataBytes);
  return "";
}

/// Sorts the tensors by name and checks them; returns the rule that is broken.
static std::string sortAndCheck(std::vector<SafetensorsEntry> &tensors,
                                uint64_t dataBytes) {
  llvm::sort(tensors,
             [](const auto &a, const auto &b) { return a.name < b.name; });
  for (size_t i = 1; i < tensors.size(); ++i)
    if (tensors[i].name == tensors[i - 1].name)
      return fmt::format("tensor {} appears twice", quote(tensors[i].name));
  for (const SafetensorsEntry &tensor : tensors)
    if (std::string problem = checkTensor(tensor, dataBytes); !problem.empty())
      return problem;
  return checkPlaces(tensors, dataBytes);
}

Expected<SafetensorsHeader>
parseSafetensorsHeader(StringRef text, uint64_t dataBytes, StringRef file) {
  HeaderHandler handler;
  std::string problem;
  if (!text.starts_with("{"))
    problem = "the header does not start with '{'";
  else if (!json::sax_parse(text.begin(), text.end(), &handler))
    problem = std::move(handler.problem);
  else
    problem = sortAndCheck(handler.header.tensors, dataBytes);
  if (!problem.empty())
    return inputError("{}: {}{}", printable(file), problem, advice);
  return std::move(handler.header);
}

} // namespace moec
