//===- ManifestErrorsTest.cpp - manifests that are refused ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every rule of Manifest.h, broken one at a time, with the message it gives.
//
//===----------------------------------------------------------------------===//

#include "moec/Runtime/Manifest.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace moec {

using nlohmann::json;
using Pointer = json::json_pointer;

static json manifestJson() {
  return json::parse(R"({
    "format": "moec-bundle", "format_version": 1, "producer": "moec",
    "model": {},
    "target": {"triple": "x86_64-linux", "cpu": "generic", "features": []},
    "kernel": {"file": "kernel.so", "bytes": 4096, "xxh3": "0123456789abcdef"},
    "weights": {"file": "weights.bin", "bytes": 256,
                "xxh3": "0123456789abcdef"},
    "kernels": [{"symbol": "moe_0", "workspace_symbol": "moe_0_workspace"}],
    "layers": [{
      "name": "layers.0", "kernel": 0, "router": "", "hidden": 64, "width": 32,
      "experts": 8, "identity_experts": 0, "top_k": 2,
      "weight_position": "after", "needs_sequence": false,
      "given_routing": true,
      "inputs": [{"name": "hidden", "cols": 64, "dtypes": ["f32"],
                  "optional": false}],
      "outputs": [{"name": "hidden", "cols": 64, "dtypes": ["f32"]},
                  {"name": "topk_ids", "cols": 2, "dtypes": ["i32"]},
                  {"name": "topk_weights", "cols": 2, "dtypes": ["f32"]}],
      "weights": [{"name": "w1", "dtype": "bf16", "shape": [8], "layout": "e",
                   "offset": 64, "bytes": 16}]
    }],
    "xxh3": "4bc76889b9c91f08"
  })");
}

/// The error that `text` gives without its common ending, or "" if none.
static std::string errorOf(const std::string &text) {
  Manifest manifest;
  std::string error;
  if (parseManifest(text, "m.json", manifest, error))
    return "";
  std::string advice = "; compile the model again with this version of moec";
  size_t at = error.rfind(advice);
  return at == std::string::npos ? error : error.substr(0, at);
}

struct Case {
  const char *pointer; ///< the value to change
  const char *value;   ///< JSON text; null: the key is removed
  const char *error;
};

static const Case kCases[] = {
    {"/format", nullptr, "m.json: the file has no \"format\""},
    {"/format", "\"zip\"", "m.json: format is 'zip'; expected 'moec-bundle'"},
    {"/format", "7", "m.json: format is of type number; expected a string"},
    {"/format_version", "2",
     "m.json: format_version is 2; this library reads version 1 only"},
    {"/format_version", "1.0",
     "m.json: format_version is of type number; expected an integer"},
    {"/format_version", "18446744073709551615",
     "m.json: format_version is 18446744073709551615; expected a value in "
     "[-9223372036854775808, 9223372036854775807]"},
    {"/producer", "null",
     "m.json: producer is of type null; expected a string"},
    {"/model", "[]", "m.json: model is of type array; expected an object"},
    {"/target", nullptr, "m.json: the file has no \"target\""},
    {"/target/triple", "\"\"",
     "m.json: target.triple is ''; expected 1 to 1024 characters, none a "
     "control character"},
    {"/target/cpu", "\"a\\nb\"",
     "m.json: target.cpu is 'a\\x0ab'; expected 1 to 1024 characters, none a "
     "control character"},
    {"/target/features", "\"avx\"",
     "m.json: target.features is of type string; expected an array"},
    {"/target/features", "[\"avx\", 2]",
     "m.json: target.features[1] is of type number; expected a string"},
    {"/kernel", "null", "m.json: kernel is of type null; expected an object"},
    {"/kernel/file", "\"../kernel.so\"",
     "m.json: kernel.file is '../kernel.so'; expected the name of a file in "
     "the bundle"},
    {"/kernel/file", "\"..\"",
     "m.json: kernel.file is '..'; expected the name of a file in the bundle"},
    {"/kernel/bytes", "-1",
     "m.json: kernel.bytes is -1; expected a value in [0, "
     "9223372036854775807]"},
    {"/kernel/xxh3", "\"0123456789ABCDEF\"",
     "m.json: kernel.xxh3 is '0123456789ABCDEF'; expected 16 lower-case "
     "hexadecimal digits"},
    {"/weights", nullptr, "m.json: the file has no \"weights\""},
    {"/weights", "3", "m.json: weights is of type number; expected an object"},
    {"/weights/bytes", "true",
     "m.json: weights.bytes is of type boolean; expected an integer"},
    {"/kernels/0/stages", "[\"router\", \"\"]",
     "m.json: kernels[0].stages is ''; expected 1 to 1024 characters, none a "
     "control character"},
    {"/kernels/0/symbol", nullptr, "m.json: kernels[0] has no \"symbol\""},
    {"/kernels/0", "1",
     "m.json: kernels[0] is of type number; expected an object"},
    {"/kernels", "[]",
     "m.json: layers[0].kernel is 0; the manifest has 0 kernels"},
    {"/layers", "{}", "m.json: layers is of type object; expected an array"},
    {"/layers/0/name", "\"\"",
     "m.json: layers[0].name is ''; expected 1 to 1024 characters, none a "
     "control character"},
    {"/layers/0/kernel", "1",
     "m.json: layers[0].kernel is 1; the manifest has 1 kernels"},
    {"/layers/0/hidden", "0",
     "m.json: layers[0].hidden is 0; expected a value in [1, 2147483647]"},
    {"/layers/0/width", "-1",
     "m.json: layers[0].width is -1; expected a value in [0, 2147483647]"},
    {"/layers/0/experts", "2147483648",
     "m.json: layers[0].experts is 2147483648; expected a value in [1, "
     "2147483647]"},
    {"/layers/0/identity_experts", "2147483640",
     "m.json: layers[0].identity_experts is 2147483640; expected a value in "
     "[0, 2147483639]"},
    {"/layers/0/top_k", "9",
     "m.json: layers[0].top_k is 9; expected a value in [1, 8]"},
    {"/layers/0/weight_position", "\"inside\"",
     "m.json: layers[0].weight_position is 'inside'; expected 'before' or "
     "'after'"},
    {"/layers/0/needs_sequence", "0",
     "m.json: layers[0].needs_sequence is of type number; expected true or "
     "false"},
    {"/layers/0/given_routing", nullptr,
     "m.json: layers[0] has no \"given_routing\""},
    {"/layers/0/weights/0/errors", "[0.5, -0.5]",
     "m.json: layers[0].weights[0].errors[1] is not a number of 0 or more"},
    {"/layers/0/weights/0/errors", "[\"0\"]",
     "m.json: layers[0].weights[0].errors[0] is not a number of 0 or more"},
    {"/layers/0/inputs", "[]",
     "m.json: layers[0].inputs has no tensor called 'hidden'"},
    {"/layers/0/inputs/0/cols", "65",
     "m.json: layers[0].inputs[0].cols is 65; the layer's \"hidden\" is 64"},
    {"/layers/0/inputs/0/dtypes", "[]",
     "m.json: layers[0].inputs[0].dtypes is empty"},
    {"/layers/0/inputs/0/dtypes", "[\"f64\"]",
     "m.json: layers[0].inputs[0].dtypes names 'f64'; expected f32, f16 or "
     "bf16"},
    {"/layers/0/inputs/0/dtypes", "[\"i32\"]",
     "m.json: layers[0].inputs[0].dtypes names 'i32'; expected f32, f16 or "
     "bf16"},
    {"/layers/0/inputs/0/optional", "true",
     "m.json: layers[0].inputs[0].optional is true for 'hidden'"},
    {"/layers/0/outputs/1/name", "\"hidden\"",
     "m.json: layers[0].outputs[1].name is 'hidden' for the second time"},
    {"/layers/0/outputs/1/dtypes", "[\"i64\"]",
     "m.json: layers[0].outputs has 'topk_ids' with 2 columns of i64; expected "
     "top_k = 2 columns of i32"},
    {"/layers/0/outputs/2/cols", "3",
     "m.json: layers[0].outputs has 'topk_weights' with 3 columns of f32; "
     "expected top_k = 2 columns of f32"},
    {"/layers/0/outputs/2/name", "\"weights\"",
     "m.json: layers[0].given_routing is true without outputs 'topk_ids' and "
     "'topk_weights'"},
    {"/layers/0/weights/0/shape", "[8, -1]",
     "m.json: layers[0].weights[0].shape[1] is -1; expected a value in [0, "
     "9223372036854775807]"},
    {"/layers/0/weights/0/offset", "100",
     "m.json: layers[0].weights[0].offset is 100, which is not a multiple of "
     "64"},
    {"/layers/0/weights/0/offset", "320",
     "m.json: layers[0].weights[0].offset is 320 and \"bytes\" 16, past the "
     "256 bytes of the weights file"},
    {"/layers/0/weights/0/bytes", "193",
     "m.json: layers[0].weights[0].offset is 64 and \"bytes\" 193, past the "
     "256 bytes of the weights file"},
    {"/layers/0/weights/0/bytes", "9223372036854775807",
     "m.json: layers[0].weights[0].offset is 64 and \"bytes\" "
     "9223372036854775807, past the 256 bytes of the weights file"},
};

TEST(ManifestErrorsTest, theManifestItselfIsRight) {
  EXPECT_EQ(errorOf(manifestJson().dump()), "");
}

TEST(ManifestErrorsTest, everyBrokenRuleHasItsMessage) {
  for (const Case &entry : kCases) {
    json manifest = manifestJson();
    Pointer pointer(entry.pointer);
    if (entry.value)
      manifest[pointer] = json::parse(entry.value);
    else
      manifest[pointer.parent_pointer()].erase(pointer.back());
    EXPECT_EQ(errorOf(manifest.dump()), entry.error);
  }
}

TEST(ManifestErrorsTest, aChangedNumberIsFoundByTheHash) {
  json manifest = manifestJson();
  manifest["layers"][0]["weights"] = json::array();
  std::string error = errorOf(manifest.dump());
  EXPECT_EQ(error.rfind("m.json: xxh3 is '4bc76889b9c91f08', but what it says "
                        "has the hash ",
                        0),
            0u)
      << error;
}

TEST(ManifestErrorsTest, adviceFollowsTheRule) {
  Manifest manifest;
  std::string error;
  EXPECT_FALSE(parseManifest("{}", "m.json", manifest, error));
  EXPECT_EQ(error, "m.json: the file has no \"format\"; compile the model "
                   "again with this version of moec");
}

TEST(ManifestErrorsTest, layerNamesAreUnique) {
  json manifest = manifestJson();
  manifest["layers"].push_back(manifest["layers"][0]);
  EXPECT_EQ(errorOf(manifest.dump()),
            "m.json: layers[1].name is 'layers.0', as is layers[0].name");
}

TEST(ManifestErrorsTest, everyTruncationIsAnError) {
  std::string text = manifestJson().dump();
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_NE(errorOf(text.substr(0, size)), "") << size;
}

TEST(ManifestErrorsTest, textThatIsNotAJsonObject) {
  EXPECT_EQ(errorOf(""),
            "m.json: the file is not JSON (0 bytes that do not parse)");
  EXPECT_EQ(errorOf("{\"a\": \"\xff\"}"),
            "m.json: the file is not JSON (10 bytes that do not parse)");
  EXPECT_EQ(errorOf("[]"),
            "m.json: the file is of type array; expected an object");
  EXPECT_EQ(errorOf("{\"a\": 1, \"b\": {\"a\": 1, \"a\": 2}}"),
            "m.json: the file has the key 'a' twice in one object");
}

TEST(ManifestErrorsTest, depthAndSizeAreBounded) {
  EXPECT_EQ(errorOf(std::string(100000, '[')),
            "m.json: the file is nested deeper than 32 levels");
  std::string deep;
  for (int level = 0; level < 40; ++level)
    deep += "{\"a\":";
  EXPECT_EQ(errorOf(deep + "1" + std::string(40, '}')),
            "m.json: the file is nested deeper than 32 levels");
  EXPECT_EQ(errorOf(std::string((16 << 20) + 1, ' ')),
            "m.json: the file has 16777217 bytes; expected at most 16777216");
}

TEST(ManifestErrorsTest, listsAreBounded) {
  json manifest = manifestJson();
  manifest["target"]["features"] = std::vector<std::string>(1025, "avx");
  EXPECT_EQ(errorOf(manifest.dump()),
            "m.json: target.features has 1025 elements; expected at most 1024");
}

TEST(ManifestErrorsTest, longNamesAreCutInMessages) {
  json manifest = manifestJson();
  manifest["format"] = std::string(2000, 'x');
  EXPECT_EQ(errorOf(manifest.dump()), "m.json: format is '" +
                                          std::string(80, 'x') +
                                          "...'; expected 'moec-bundle'");
}

} // namespace moec
