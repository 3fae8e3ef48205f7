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
static constexpr int64_t kMaxSharedBytes = 1 << 20;
static constexpr int64_t kMaxRowBytes = int64_t(1) << 40;

/// In the order of ArgumentKind and LaunchWhen.
static constexpr const char *kArgumentNames[] = {
    "tokens", "sequence",    "input",         "input_type", "input_stride",
    "output", "output_type", "output_stride", "weight",     "buffer"};
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

static bool getArguments(JsonObject &object, size_t buffers,
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
    if (argument.kind == ArgumentKind::Buffer &&
        size_t(argument.number) >= buffers)
      return object.errors().report(object.pathOf("arguments"),
                                    "names {}; the plan has {} buffers",
                                    inQuotes(text), buffers);
  }
  return true;
}

bool getPlan(JsonObject &kernel, ManifestPlan &plan) {
  std::optional<JsonObject> object;
  std::vector<JsonObject> buffers, launches;
  if (!kernel.getObject("plan", object) ||
      !object->getObjects("buffers", kMaxBuffers, buffers) ||
      !object->getObjects("launches", kMaxLaunches, launches))
    return false;
  for (JsonObject &entry : buffers) {
    ManifestBuffer &buffer = plan.buffers.emplace_back();
    if (!entry.getInteger("per_token", 0, INT32_MAX, buffer.perToken) ||
        !entry.getInteger("fixed", 0, INT32_MAX, buffer.fixed) ||
        !entry.getInteger("row_bytes", 1, kMaxRowBytes, buffer.rowBytes))
      return false;
  }
  for (JsonObject &entry : launches) {
    ManifestLaunch &launch = plan.launches.emplace_back();
    if (!entry.getString("kernel", launch.kernel) ||
        !getWhen(entry, launch.when) ||
        !entry.getInteger("per_token", 0, INT32_MAX, launch.perToken) ||
        !entry.getInteger("fixed", 0, INT32_MAX, launch.fixed) ||
        !entry.getInteger("per_block", 1, INT32_MAX, launch.perBlock) ||
        !entry.getInteger("columns", 1, kMaxColumns, launch.columns) ||
        !entry.getInteger("threads", 1, kMaxThreads, launch.threads) ||
        !entry.getInteger("shared", 0, kMaxSharedBytes, launch.shared) ||
        !getArguments(entry, buffers.size(), launch.arguments))
      return false;
  }
  return true;
}

bool checkPlan(JsonObject &object, const ManifestPlan &plan,
               const ManifestLayer &layer) {
  for (const ManifestLaunch &launch : plan.launches)
    for (const ManifestArgument &argument : launch.arguments) {
      size_t limit = 0;
      switch (argument.kind) {
      case ArgumentKind::Tokens:
      case ArgumentKind::Sequence:
      case ArgumentKind::Buffer:
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
