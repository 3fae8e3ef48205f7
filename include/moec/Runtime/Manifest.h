//===- Manifest.h - the description of a bundle -----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The manifest of a bundle, as the compiler writes it and the run time reads
// it. Plain C++: nothing here depends on LLVM.
//
// BUNDLE/manifest.json, format version 1 (an object of at most 16 MiB; keys not
// listed are ignored, a repeated key is an error):
//
//   {
//     "format": "moec-bundle",
//     "format_version": 1,
//     "producer": "moec 0.1.0",
//     "model": {...},                      any object: name, model_type, ...
//     "target": {
//       "triple": "x86_64-pc-linux-gnu",
//       "cpu": "znver4",
//       "features": ["avx2", "avx512f"]    names of CpuFeatures.h, all needed
//     },
//     "kernel": {"file": "kernel.so", "bytes": 81920,
//                "xxh3": "0123456789abcdef"},
//     "images": [{"kind": "cubin", "file": "kernel.cubin", ...}],
//                                          the same code in other forms, if any
//     "weights": {"file": "weights.bin", "bytes": 1280000,
//                 "xxh3": "0123456789abcdef"},         or null: not included
//     "kernels": [
//       {"symbol": "moe_0", "workspace_symbol": "moe_0_workspace",
//        "stages": ["input", "weight 0", "router"]}
//     ],                                   on a device: "symbol" and "plan"
//     "variants": [{                       on a device: code for other chips,
//       "cpu": "sm_80", "features": [],    of the same layers and weights, the
//       "kernel": {...}, "images": [...],  best chip first; kernels as above,
//       in "kernels": [...]                   the same order
//     }],
//     "layers": [{
//       "name": "layers.0",                unique
//       "kernel": 0,                       index in "kernels"
//       "router": "softmax, top-2",        in words
//       "hidden": 64, "width": 32, "experts": 8, "identity_experts": 0,
//       "top_k": 2,
//       "weight_position": "after",        or "before": of the expert
//       "needs_sequence": false,           counts capacity per sequence
//       "given_routing": true,             obeys MOEC_CALL_GIVEN_ROUTING
//       "inputs": [
//         {"name": "hidden", "cols": 64, "dtypes": ["f32"], "optional": false}
//       ],
//       "outputs": [
//         {"name": "hidden", "cols": 64, "dtypes": ["f32"]},
//         {"name": "topk_ids", "cols": 2, "dtypes": ["i32"]},
//         {"name": "topk_weights", "cols": 2, "dtypes": ["f32"]},
//         {"name": "router_logits", "cols": 8, "dtypes": ["f32"]}
//       ],
//       "weights": [
//         {"name": "layers.0.w1", "dtype": "bf16", "shape": [8, 32, 64],
//          "layout": "e i/16 h i%16", "offset": 0, "bytes": 32768}
//                                          of encoded ones also "errors": of
//                                          each tensor, the root mean square
//                                          of what encoding it changed, by
//                                          that of its numbers
//       ]
//     }],
//     "xxh3": "0123456789abcdef"           manifestHash() of all the above
//   }
//
// A target whose triple begins with "nvptx64" is a device: "kernel" is PTX, a
// cubin is an image, and so is the LLVM bitcode ("llvm") that an emulator runs.
// A plan is what a device is told to do for a layer:
//
//       {"buffers": [{"per_token": 1, "fixed": 0, "row_bytes": 256}],
//        "maps": [{"weight": 1, "rows": 256, "cols": 64,
//                  "element_bytes": 2, "box_rows": 128}],
//        "counters": 0,                  the number of a buffer, or -1
//        "launches": [{
//          "kernel": "moe_0_0_rows",       its name in the code
//          "when": "always",               or "routed", or "given": only in
//                                          calls without, or with, given
//                                          routing
//          "from": 0, "below": 65,         in calls of 0 to 64 tokens
//          "per_token": 1, "fixed": 0, "per_block": 1, "columns": 1,
//          "threads": 128, "shared": 0, "resident": 0,
//          "cluster": 1, "overlaps": false,
//          "arguments": ["tokens", "input 0", "input_type 0", "buffer 0"]
//        }]}
//
// Buffers have row_bytes * (per_token * T + fixed) bytes each. That of the
// counters has as many for all T; it is zero before each launch and again
// behind it. A launch has ceil((per_token * T + fixed) / per_block) by columns
// blocks, but at most "resident" for each multiprocessor if that is not 0;
// whole clusters of "cluster" blocks, which run side by side.
// If it "overlaps", its kernel itself waits for the launch before it.
// Arguments and maps are those of #moe.argument and #moe.tensor_map
// (docs/dialect/device.md).
//
// "stages", which is optional, says what a kernel does from one barrier to the
// next in calls without given routing; "weight N" is the product with the
// layer's weight N.
//
// "dtypes" lists what the kernel reads or writes itself; "f32" in the list of a
// tensor called "hidden" makes the run time accept f16 and bf16 as well, by
// converting. Inputs and outputs called "hidden" have "hidden" columns, and
// both exist; outputs called "topk_ids" (i32) and "topk_weights" (f32) have
// "top_k" columns. "dtype", "shape" and "layout" of a weight are for people;
// "offset" is a multiple of 64, and weights may share bytes. Hashes are XXH3,
// 64 bits, seed 0, as 16 lower-case hexadecimal digits (Hash.h).
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_RUNTIME_MANIFEST_H
#define MOEC_RUNTIME_MANIFEST_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moec {

/// The only format version that is written and read.
inline constexpr int64_t kBundleFormatVersion = 1;
/// The name of the manifest in a bundle.
inline constexpr const char *kManifestFileName = "manifest.json";
/// Alignment of each weight in weights.bin, and of the file's mapping, in
/// bytes.
inline constexpr int64_t kWeightAlignment = 64;

/// A file of the bundle: its name there, size in bytes and XXH3 hash.
struct ManifestFile {
  std::string file;
  int64_t bytes = 0;
  std::string xxh3;
};

/// Another form of the bundle's code: "ptx", "cubin" or "llvm".
struct ManifestImage {
  std::string kind;
  ManifestFile file;
};

/// Memory that a plan's launches share: rowBytes * (perToken * T + fixed).
struct ManifestBuffer {
  int64_t perToken = 0;
  int64_t fixed = 0;
  int64_t rowBytes = 0;
};

/// What a launch is passed; the names of #moe.argument.
enum class ArgumentKind {
  Tokens,
  Sequence,
  Input,
  InputType,
  InputStride,
  Output,
  OutputType,
  OutputStride,
  Weight,
  Buffer,
  TensorMap
};

struct ManifestArgument {
  ArgumentKind kind = ArgumentKind::Tokens;
  int64_t number = 0;
};

/// "buffer 3", "tokens"; and back. Returns false on anything else.
std::string printArgument(const ManifestArgument &argument);
bool parseArgument(std::string_view text, ManifestArgument &argument);

/// In which calls a launch happens.
enum class LaunchWhen { Always, Routed, Given };

struct ManifestLaunch {
  std::string kernel;
  LaunchWhen when = LaunchWhen::Always;
  /// In calls of so many tokens.
  int64_t from = 0;
  int64_t below = INT32_MAX;
  int64_t perToken = 0;
  int64_t fixed = 0;
  int64_t perBlock = 1;
  int64_t columns = 1;
  int64_t threads = 1;
  int64_t shared = 0;
  int64_t resident = 0;
  int64_t cluster = 1;
  bool overlaps = false;
  std::vector<ManifestArgument> arguments;
};

/// A packed weight as the copy engine of a device sees it.
struct ManifestMap {
  int64_t weight = 0;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t elementBytes = 0;
  int64_t boxRows = 0;
};

struct ManifestPlan {
  std::vector<ManifestBuffer> buffers;
  std::vector<ManifestMap> maps;
  /// The number of the buffer with the counters, or -1.
  int64_t counters = -1;
  std::vector<ManifestLaunch> launches;
};

/// The names of a kernel's moec_kernel_fn and moec_workspace_fn; on a device,
/// the name of its plan.
struct ManifestKernel {
  std::string symbol;
  std::string workspaceSymbol;
  std::optional<ManifestPlan> plan = std::nullopt;
  std::vector<std::string> stages = {};
};

/// One [T, cols] tensor of a layer's interface. `dtypes` are the element types
/// the kernel takes, "f32", "f16", "bf16", "i32" or "i64"; the first is the
/// preferred one. `optional` is for inputs; outputs always are.
struct ManifestTensor {
  std::string name;
  int64_t cols = 0;
  std::vector<std::string> dtypes;
  bool optional = false;
};

/// Bytes [offset, offset + bytes) of weights.bin.
struct ManifestWeight {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  std::string layout;
  int64_t offset = 0;
  int64_t bytes = 0;
  std::vector<double> errors = {};
};

/// One MoE layer: sizes, kernel, interface and weights in kernel order.
struct ManifestLayer {
  std::string name;
  std::string router;
  int64_t kernel = 0;
  int64_t hidden = 0;
  int64_t width = 0;
  int64_t experts = 0;
  int64_t identityExperts = 0;
  int64_t topK = 0;
  bool weightBefore = false;
  bool needsSequence = false;
  bool givenRouting = false;
  std::vector<ManifestTensor> inputs;
  std::vector<ManifestTensor> outputs;
  std::vector<ManifestWeight> weights;
};

/// Code for one CPU or chip.
struct ManifestCode {
  std::string cpu;
  std::vector<std::string> features;
  ManifestFile kernel;
  std::vector<ManifestImage> images;
  std::vector<ManifestKernel> kernels;
};

/// The whole manifest. `model` is the text of a JSON object. What it inherits
/// is the code for the first chip, or the chosen one.
struct Manifest : ManifestCode {
  std::string producer;
  std::string model = "{}";
  std::string triple;
  std::optional<ManifestFile> weights;
  std::vector<ManifestLayer> layers;
  /// For other chips.
  std::vector<ManifestCode> variants;
};

/// The chips or the CPU that there is code for, the chosen one first.
std::vector<std::string> chipsOf(const Manifest &manifest);

/// Makes the code for `chip` the chosen one; false if there is none.
bool chooseChip(Manifest &manifest, std::string_view chip);

/// Whether the bundle's code is for a device.
inline bool isForDevice(const Manifest &manifest) {
  return manifest.triple.rfind("nvptx64", 0) == 0;
}

/// Reads and checks a manifest; everything the comment above promises holds for
/// the result, and every weight lies inside weights.bin. `file` is how messages
/// name it. On failure returns false and sets `error` to a message that names
/// file, key, rule and values.
bool parseManifest(std::string_view text, const std::string &file,
                   Manifest &manifest, std::string &error);

/// The hash of what a manifest says, however it is spelled. A manifest that was
/// damaged or changed by hand would make its kernel read elsewhere than in its
/// weights; parseManifest refuses it.
std::string manifestHash(const Manifest &manifest);

/// Whether parseManifest would take what printManifest makes of `manifest`; if
/// not, `error` says which rule is broken.
bool checkManifest(const Manifest &manifest, std::string &error);

/// The text of `manifest`, indented, ending in a newline; parseManifest reads
/// it back. `manifest.model` must be the text of a JSON object, else it is
/// written as an empty one.
std::string printManifest(const Manifest &manifest);

} // namespace moec

#endif // MOEC_RUNTIME_MANIFEST_H
