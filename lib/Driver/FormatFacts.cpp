//===- FormatFacts.cpp - Facts as text and as JSON ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two forms of what inspect prints.
//
//===----------------------------------------------------------------------===//

#include "Facts.h"
#include "Table.h"

#include "llvm/Support/MathExtras.h"

#include <fmt/ranges.h>

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

bool LayerFacts::isLike(const LayerFacts &other) const {
  LayerFacts renamed = other;
  renamed.name = name;
  auto key = [](const LayerFacts &f) {
    return std::tie(f.name, f.moe, f.experts, f.identityExperts, f.topK,
                    f.hidden, f.width, f.weightBefore, f.storage, f.bytes,
                    f.activeBytes, f.flops);
  };
  return key(*this) == key(renamed);
}

uint64_t ModelFacts::moeLayers() const {
  return count_if(layers, [](const LayerFacts &layer) { return layer.moe; });
}

uint64_t ModelFacts::total(uint64_t LayerFacts::*number) const {
  uint64_t sum = 0;
  for (const LayerFacts &layer : layers)
    sum = SaturatingAdd(sum, layer.*number);
  return sum;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static json toJson(const LayerFacts &layer) {
  if (!layer.moe)
    return {{"name", layer.name}, {"kind", "dense"}};
  return {{"name", layer.name},
          {"kind", "moe"},
          {"experts", layer.experts},
          {"identity_experts", layer.identityExperts},
          {"top_k", layer.topK},
          {"hidden", layer.hidden},
          {"width", layer.width},
          {"dtype", layer.storage},
          {"weight_position", layer.weightBefore ? "before" : "after"},
          {"bytes", layer.bytes},
          {"active_bytes_per_token", layer.activeBytes},
          {"flops_per_token", layer.flops}};
}

json toJson(const ModelFacts &facts) {
  json result = {
      {"kind", facts.kind},
      {"name", facts.name},
      {"path", facts.path},
      {"family", facts.family},
      {"model_type", facts.modelType},
      {"router", facts.router},
      {"has_weights", facts.hasWeights},
      {"bytes", facts.total(&LayerFacts::bytes)},
      {"active_bytes_per_token", facts.total(&LayerFacts::activeBytes)},
      {"flops_per_token", facts.total(&LayerFacts::flops)}};
  json &layers = result["layers"] = json::array();
  for (const LayerFacts &layer : facts.layers)
    layers.push_back(toJson(layer));
  if (facts.kind != "bundle")
    return result;
  result["source"] = facts.source;
  result["target"] = {{"cpu", facts.cpu}, {"features", facts.features}};
  result["kernels"] = facts.kernels;
  result["code_bytes"] = facts.codeBytes;
  json &errors = result["encoding_errors"] = json::object();
  for (const TensorError &error : facts.errors)
    errors[error.tensor] = error.error;
  return result;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string expertsInWords(const LayerFacts &layer) {
  if (layer.identityExperts == 0)
    return std::to_string(layer.experts);
  return fmt::format("{} + {} identity", layer.experts, layer.identityExperts);
}

/// A number that may not be known.
static std::string orDash(uint64_t number, std::string (*format)(uint64_t)) {
  return number ? format(number) : "-";
}

static std::string layerTable(const Console &console, const ModelFacts &facts) {
  Table table({"layers", "kind", ">experts", ">top-k", ">hidden", ">width",
               "stored", ">bytes", ">token reads", ">token flops"});
  // Layers that are alike share a line, at the place of the first.
  std::vector<std::pair<const LayerFacts *, std::vector<std::string>>> groups;
  for (const LayerFacts &layer : facts.layers) {
    auto group = find_if(
        groups, [&](const auto &other) { return other.first->isLike(layer); });
    if (group == groups.end())
      group = groups.insert(groups.end(), {&layer, {}});
    group->second.push_back(layer.name);
  }
  for (const auto &[first, names] : groups) {
    const LayerFacts &layer = *first;
    if (!layer.moe) {
      table.addRow({foldLayerNames(names), "dense"});
      continue;
    }
    table.addRow({foldLayerNames(names), "MoE", expertsInWords(layer),
                  std::to_string(layer.topK), std::to_string(layer.hidden),
                  std::to_string(layer.width), layer.storage,
                  formatBytes(layer.bytes),
                  orDash(layer.activeBytes, formatBytes),
                  orDash(layer.flops, formatCount)});
  }
  return table.str(console);
}

static std::string fact(const Console &console, StringRef what,
                        StringRef text) {
  if (text.empty())
    return "";
  std::string label = fmt::format("{:<12}", what);
  return "  " + console.styled(Style::Dim, label) +
         wrapText(text, 2 + label.size()) + "\n";
}

std::string TensorError::inPercent() const {
  return fmt::format("{:.3g} %", 100 * error);
}

std::string inWords(ArrayRef<TensorError> errors) {
  if (errors.empty())
    return "";
  auto [least, most] = std::minmax_element(
      errors.begin(), errors.end(), [](const auto &one, const auto &other) {
        return one.error < other.error;
      });
  return fmt::format("{} to {} (root mean square of a tensor, by that of its "
                     "numbers; {} most)",
                     least->inPercent(), most->inPercent(),
                     printable(most->tensor));
}

/// Weights and arithmetic for one token; empty if not known.
static std::string tokenCost(const ModelFacts &facts) {
  uint64_t active = facts.total(&LayerFacts::activeBytes);
  uint64_t flops = facts.total(&LayerFacts::flops);
  if (active == 0 || flops == 0)
    return "";
  std::string count = formatCount(flops);
  StringRef space = StringRef(count).contains(' ') ? "" : " ";
  return fmt::format("reads {} of weights, {}{}flops", formatBytes(active),
                     count, space);
}

static std::string modelLine(const ModelFacts &facts) {
  if (facts.family.empty())
    return "a " + facts.kind;
  std::string text =
      fmt::format("a {} of the family {}", facts.kind, printable(facts.family));
  if (facts.modelType != facts.family)
    text += fmt::format(" (model_type {})", printable(facts.modelType));
  return text;
}

std::string formatFacts(const Console &console, const ModelFacts &facts) {
  bool bundle = facts.kind == "bundle";
  std::string text = console.styled(Style::Bold, printable(facts.name)) + ": " +
                     modelLine(facts) + "\n";
  text += fact(console, "router", printable(facts.router));
  if (bundle) {
    text += fact(console, "made from", printable(facts.source));
    text += fact(console, "target",
                 fmt::format("{} ({})", printable(facts.cpu),
                             fmt::join(facts.features, " ")));
    text += fact(console, "code",
                 fmt::format("{}, {}", plural(facts.kernels, "kernel"),
                             formatBytes(facts.codeBytes)));
  }
  std::string files =
      !facts.hasWeights ? "not included"
      : bundle ? fmt::format("weights.bin, {}", formatBytes(facts.fileBytes))
               : fmt::format("{} in {}, {} with all other layers",
                             plural(facts.tensors, "tensor"),
                             plural(facts.files, "file"),
                             formatBytes(facts.fileBytes));
  text += fact(console, "weights", files);
  text += fact(console, "encoding",
               facts.errors.empty()
                   ? ""
                   : "changes weights by " + inWords(facts.errors));
  text += fact(console, "MoE layers",
               fmt::format("{} of {}, {} of weights", facts.moeLayers(),
                           plural(facts.layers.size(), "layer"),
                           formatBytes(facts.total(&LayerFacts::bytes))));
  text += fact(console, "a token", tokenCost(facts));
  return text + "\n" + layerTable(console, facts);
}

} // namespace moec::driver
