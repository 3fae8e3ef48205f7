//===- ManifestPlan.cpp - the launches of a layer in a manifest -----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Read and checked apart from the rest: only bundles for a device have them.
//
//===----------------------------------------------------------------------===//

#include "ManifestPlan.h"
#include "InQuotes.h"

#include <charconv>

namespace moec {

static constexpr size_t kMaxBuffers = 4096;
static constexpr size_t kMaxLaunches = 4096;
static constexpr size_t kMaxArguments = 256;
static constexpr int64_t kMaxThreads = 1024;
/// What a grid has in its second dimension.
static constexpr int64_t kMaxColumns = 65535;
/// Blocks a multiprocessor of any chip holds at once.
static constexpr int64_t kMaxResident = 64;
/// Blocks of a cluster that any chip runs.
static constexpr int64_t kMaxCluster = 8;
static constexpr int64_t kMaxSharedBytes = 1 << 20;
/// What a tensor map may have: in a dimension, rows of a box, and the bytes a
/// row is a multiple of.
static constexpr int64_t kMaxMapSize = UINT32_MAX;
static constexpr int64_t kMaxBoxRows = 256;
static constexpr int64_t kChunkBytes = 16;
static constexpr int64_t kMaxRowBytes = int64_t(1) << 40;

/// In the order of ArgumentKind and LaunchWhen.
static constexpr const char *kArgumentNames[] = {
    "tokens",       "sequence", "input",       "input_type",
    "input_stride", "output",   "output_type", "output_stride",
    "weight",       "buffer",   "tensor_map"};
static constexpr const char *kWhenNames[] = {"always", "routed", "given"};

static bool isNumbered(ArgumentKind kind) {
  return kind != ArgumentKind::Tokens && kind != ArgumentKind::Sequence;
}

std::string printArgument(const ManifestArgument &argument) {
  std::string name = kArgumentNames[int(argument.kind)];
  return isNumbered(argument.kind) ? fmt::format("{} {}", name, argument.number)
                                   : name;
}

bool parseArgument(std::string_view text, ManifestArgument &argument) {
  size_t space = text.find(' ');
  std::string_view name = text.substr(0, space);
  for (size_t kind = 0; kind < std::size(kArgumentNames); ++kind) {
    if (name != kArgumentNames[kind])
      continue;
    argument = {ArgumentKind(kind), 0};
    if (!isNumbered(argument.kind))
      return space == std::string_view::npos;
    if (space == std::string_view::npos)
      return false;
    const char *begin = text.data() + space + 1, *end = text.end();
    auto [stop, error] = std::from_chars(begin, end, argument.number);
    return error == std::errc() && stop == end && argument.number >= 0;
  }
  return false;
}

const char *launchWhenName(LaunchWhen when) { return kWhenNames[int(when)]; }

static bool getWhen(JsonObject &object, LaunchWhen &when) {
  std::string text;
  if (!object.getString("when", text))
    return false;
  for (size_t kind = 0; kind < std::size(kWhenNames); ++kind)
    if (text == kWhenNames[kind]) {
      when = LaunchWhen(kind);
      return true;
    }
  return object.errors().report(object.pathOf("when"),
                                "is {}; expected 'always', 'routed' or 'given'",
                                inQuotes(text));
}

static bool getMap(JsonObject &entry, ManifestMap &map) {
  if (!entry.getInteger("weight", 0, INT32_MAX, map.weight) ||
      !entry.getInteger("rows", 1, kMaxMapSize, map.rows) ||
      !entry.getInteger("cols", 1, kMaxMapSize, map.cols) ||
      !entry.getInteger("element_bytes", 1, 8, map.elementBytes) ||
      !entry.getInteger("box_rows", 1, kMaxBoxRows, map.boxRows))
    return false;
  if (map.cols * map.elementBytes % kChunkBytes == 0)
    return true;
  return entry.errors().report(entry.pathOf("cols"),
                               "is {} numbers of {} bytes; a row of a tensor "
                               "map is a multiple of {} bytes",
                               map.cols, map.elementBytes, kChunkBytes);
}

static bool getArguments(JsonObject &object, const ManifestPlan &plan,
                         std::vector<ManifestArgument> &arguments) {
  std::vector<std::string> texts;
  if (!object.getStrings("arguments", kMaxArguments, texts))
    return false;
  for (const std::string &text : texts) {
    ManifestArgument &argument = arguments.emplace_back();
    if (!parseArgument(text, argument))
      return object.errors().report(object.pathOf("arguments"),
                                    "names {}, which is no argument of a "
                                    "launch",
                                    inQuotes(text));
    auto isIn = [&](ArgumentKind kind, const char *what, size_t count) {
      return argument.kind != kind || size_t(argument.number) < count ||
             object.errors().report(object.pathOf("arguments"),
                                    "names {}; the plan has {} {}",
                                    inQuotes(text), count, what);
    };
    if (!isIn(ArgumentKind::Buffer, "buffers", plan.buffers.size()) ||
        !isIn(ArgumentKind::TensorMap, "tensor maps", plan.maps.size()))
      return false;
  }
  return true;
}

bool getPlan(JsonObject &kernel, ManifestPlan &plan) {
  std::optional<JsonObject> object;
  std::vector<JsonObject> buffers, maps, launches;
  if (!kernel.getObject("plan", object) ||
      !object->getObjects("buffers", kMaxBuffers, buffers) ||
      !object->getObjects("maps", kMaxBuffers, maps) ||
      !object->getObjects("launches", kMaxLaunches, launches))
    return false;
  for (JsonObject &entry : buffers) {
    ManifestBuffer &buffer = plan.buffers.emplace_back();
    if (!entry.getInteger("per_token", 0, INT32_MAX, buffer.perToken) ||
        !entry.getInteger("fixed", 0, INT32_MAX, buffer.fixed) ||
        !entry.getInteger("row_bytes", 1, kMaxRowBytes, buffer.rowBytes))
      return false;
  }
  for (JsonObject &entry : maps)
    if (!getMap(entry, plan.maps.emplace_back()))
      return false;
  int64_t last = int64_t(plan.buffers.size()) - 1;
  if (!object->getInteger("counters", -1, last, plan.counters))
    return false;
  if (plan.counters >= 0 && plan.buffers[size_t(plan.counters)].perToken != 0)
    return object->errors().report(object->pathOf("counters"),
                                   "is buffer {}, whose size depends on T",
                                   plan.counters);
  for (JsonObject &entry : launches) {
    ManifestLaunch &launch = plan.launches.emplace_back();
    if (!entry.getString("kernel", launch.kernel) ||
        !getWhen(entry, launch.when) ||
        !entry.getInteger("from", 0, INT32_MAX, launch.from) ||
        !entry.getInteger("below", launch.from + 1, INT32_MAX, launch.below) ||
        !entry.getInteger("per_token", 0, INT32_MAX, launch.perToken) ||
        !entry.getInteger("fixed", 0, INT32_MAX, launch.fixed) ||
        !entry.getInteger("per_block", 1, INT32_MAX, launch.perBlock) ||
        !entry.getInteger("columns", 1, kMaxColumns, launch.columns) ||
        !entry.getInteger("threads", 1, kMaxThreads, launch.threads) ||
        !entry.getInteger("shared", 0, kMaxSharedBytes, launch.shared) ||
        !entry.getInteger("resident", 0, kMaxResident, launch.resident) ||
        !entry.getInteger("cluster", 1, kMaxCluster, launch.cluster) ||
        !entry.getBool("overlaps", launch.overlaps) ||
        !getArguments(entry, plan, launch.arguments))
      return false;
  }
  return true;
}

/// Whether the weight has what a map shows of it.
static bool checkMap(JsonObject &object, const ManifestMap &map,
                     const ManifestLayer &layer) {
  if (size_t(map.weight) >= layer.weights.size())
    return object.errors().report(
        object.pathOf("kernel"),
        "is a plan with a tensor map of weight {}; the layer has {} weights",
        map.weight, layer.weights.size());
  int64_t bytes = 0, has = layer.weights[size_t(map.weight)].bytes;
  if (!__builtin_mul_overflow(map.rows, map.cols * map.elementBytes, &bytes) &&
      bytes <= has)
    return true;
  return object.errors().report(
      object.pathOf("kernel"),
      "is a plan with a tensor map of {} x {} numbers of {} bytes; weight {} "
      "has {} bytes",
      map.rows, map.cols, map.elementBytes, map.weight, has);
}

bool checkPlan(JsonObject &object, const ManifestPlan &plan,
               const ManifestLayer &layer) {
  for (const ManifestMap &map : plan.maps)
    if (!checkMap(object, map, layer))
      return false;
  for (const ManifestLaunch &launch : plan.launches)
    for (const ManifestArgument &argument : launch.arguments) {
      size_t limit = 0;
      switch (argument.kind) {
      case ArgumentKind::Tokens:
      case ArgumentKind::Sequence:
      case ArgumentKind::Buffer:
      case ArgumentKind::TensorMap:
        continue;
      case ArgumentKind::Input:
      case ArgumentKind::InputType:
      case ArgumentKind::InputStride:
        limit = layer.inputs.size();
        break;
      case ArgumentKind::Output:
      case ArgumentKind::OutputType:
      case ArgumentKind::OutputStride:
        limit = layer.outputs.size();
        break;
      case ArgumentKind::Weight:
        limit = layer.weights.size();
        break;
      }
      if (size_t(argument.number) >= limit)
        return object.errors().report(
            object.pathOf("kernel"),
            "is a plan that passes {} to {}; the layer has {} of this kind",
            inQuotes(printArgument(argument)), inQuotes(launch.kernel), limit);
    }
  return true;
}

} // namespace moec
