//===- Packer.cpp - Weights in the layout a kernel wants ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Packer.h"
#include "moec/Dialect/Moe/NumberFormat.h"
#include "moec/Support/Error.h"
#include "moec/Support/Fragments.h"

#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace mlir;

namespace moec {

static DType dtypeOf(Type type) {
  if (type.isBF16())
    return DType::BF16;
  if (type.isF16())
    return DType::F16;
  if (type.isInteger(8))
    return DType::I8;
  return type.isInteger(64) ? DType::I64 : DType::F32;
}

/// Copies a row-major matrix into the columns [first, first + share) of panels
/// of `pack.cols` columns: `share` columns of the matrix for each panel.
template <typename T>
static void fillPanels(moe::PanelsAttr pack, const T *matrix, int64_t n,
                       int64_t k, int64_t first, int64_t share, T *panels) {
  int64_t cols = pack.getCols(), depth = pack.getDepth();
  int64_t panelSize = pack.getSteps() * cols * depth;
  for (int64_t row = 0; row < n; ++row) {
    T *column =
        panels + row / share * panelSize + (first + row % share) * depth;
    const T *source = matrix + row * k;
    int64_t step = 0;
    for (; (step + 1) * depth <= k; ++step)
      for (int64_t d = 0; d < depth; ++d)
        column[step * cols * depth + d] = source[step * depth + d];
    for (int64_t d = 0; step * depth + d < k; ++d)
      column[step * cols * depth + d] = source[step * depth + d];
  }
}

namespace {

/// Encodes the rows of a matrix into the columns of panels.
class PanelEncoder {
public:
  PanelEncoder(moe::PanelsAttr pack, int64_t n, int64_t k, int64_t first,
               int64_t share)
      : pack(pack), n(n), k(k), first(first), share(share),
        cols(pack.getCols()), depth(pack.getDepth()), group(pack.getGroup()),
        panelBytes(pack.getPanelBytes()), stepBytes(pack.getStepBytes()),
        codes(group) {
    for (int64_t g = 0; g * group < k; ++g)
      groups.push_back({pack.getScaleOffset(g), pack.getCodeOffset(g)});
  }

  /// Columns that no row fills have a scale of zero. Elements that are products
  /// of codes and scales already have these in `scales`, and keep them if a
  /// group has one scale. Where one has several, or a scale that the panels
  /// cannot hold, the result says so.
  Error encode(const float *matrix, ArrayRef<float> scales, uint8_t *panels) {
    for (int64_t row = 0; row < n; ++row) {
      uint8_t *panel = panels + row / share * panelBytes;
      for (int64_t g = 0; g * group < k; ++g) {
        size_t begin = row * k + g * group,
               size = std::min(group, k - g * group);
        ArrayRef<float> own =
            scales.empty() ? scales : scales.slice(begin, size);
        if (!own.empty() && !all_equal(own))
          return inputError(
              "{} numbers of a row have several scales; its index "
              "map has to keep blocks whole",
              group);
        if (Error error = encodeGroup({matrix + begin, size}, own, g,
                                      first + row % share, panel))
          return error;
      }
    }
    return Error::success();
  }
  RelativeError error;

private:
  Error encodeGroup(ArrayRef<float> values, ArrayRef<float> scales, int64_t g,
                    int64_t col, uint8_t *panel) {
    MutableArrayRef<int8_t> target =
        MutableArrayRef(codes).take_front(values.size());
    Scale scale = scales.empty() ? quantize(format, values, target)
                                 : Scale{recoverFp8(scales[0], values, target)};
    for (auto [code, value] : zip_equal(target, values))
      error.add(codeValue(format.code, code) * scale.factor, value);
    stored.assign(codes.size(), 0);
    for (auto [i, code] : enumerate(target))
      stored[i] = static_cast<uint8_t>(code + format.bias() + scale.zero);
    if (pack.getOrder() == moe::PanelOrder::Fragments)
      return storeFragments(scale, g, col, panel);
    storeScale(format.scale, scale,
               panel + groups[g].scales + col * format.scaleBits() / 8);
    storeColumn(col, panel + groups[g].codes);
    return Error::success();
  }

  /// The codes of a group in the order `columns`, whose first step is `steps`.
  void storeColumn(int64_t col, uint8_t *steps) {
    // Two columns share a byte if codes have four bits.
    bool half = format.codeBits() == 4;
    int64_t place = half ? col % (cols / 2) : col;
    int shift = place == col ? 0 : 4;
    uint8_t *step = steps + place * depth;
    for (const uint8_t *code = stored.data(), *end = code + stored.size();
         code < end; code += depth, step += stepBytes)
      for (int64_t d = 0; d < depth; ++d)
        step[d] |= code[d] << shift;
  }

  /// Scale and codes of a group in the order `fragments`.
  Error storeFragments(Scale scale, int64_t g, int64_t col, uint8_t *panel) {
    constexpr int64_t laneCodes = 8, lanesOfRow = 4;
    int64_t runs = cols / laneCodes, run = col / laneCodes,
            row = col % laneCodes, bytes = format.codeBits();
    if (!storeFragmentScale(format.scale, scale,
                            panel + groups[g].scales +
                                (row * runs + run) * format.scaleBits() / 8))
      return inputError("a scale of {} is too large for panels in the order of "
                        "fragments, which hold up to 2^33",
                        scale.factor);
    uint8_t *step = panel + groups[g].codes;
    ArrayRef<uint8_t> rest = stored;
    for (; !rest.empty(); step += stepBytes)
      for (int64_t lane = 0; lane < lanesOfRow; ++lane) {
        int64_t chunk = row * lanesOfRow + lane;
        packFragment(format, rest.take_front(laneCodes),
                     step + (chunk * runs + run) * bytes);
        rest = rest.drop_front(laneCodes);
      }
    return Error::success();
  }

  const moe::PanelsAttr pack;
  const BlockFormat format = moe::NumberFormat::of(pack.getEncoding())->block;
  const int64_t n, k, first, share;
  /// Of the panels.
  const int64_t cols, depth, group, panelBytes, stepBytes;
  /// Where the scales and the codes of a group begin.
  struct Offsets {
    int64_t scales, codes;
  };
  std::vector<Offsets> groups;
  std::vector<int8_t> codes;
  /// Those of a group as they are stored; what K does not fill is zero.
  std::vector<uint8_t> stored;
};

} // namespace

Expected<Packer> Packer::create(Attribute pack,
                                ArrayRef<moe::WeightOp> weights) {
  Packer packer;
  packer.pack = pack;
  auto panels = dyn_cast<moe::PanelsAttr>(pack);
  auto padded = dyn_cast<moe::PaddedRowsAttr>(pack);
  if (!panels && !padded)
    return inputError("the kernel wants its weights in an unknown layout");
  SmallVector<int64_t> numbers = panels ? SmallVector<int64_t>(panels.getArgs())
                                        : SmallVector<int64_t>{padded.getArg()};
  for (int64_t number : numbers)
    packer.ops.push_back(weights[number]);
  ArrayRef<int64_t> shape = packer.ops[0].getTensorType().getShape();
  bool sliced = isSliced(packer.ops[0]);
  packer.numSlices = sliced ? shape[0] : 1;
  shape = shape.drop_front(sliced ? 1 : 0);
  packer.cols = shape.back();
  packer.rows = shape.size() < 2 ? 1 : shape[0];
  packer.type = dtypeOf(panels ? panels.getType() : padded.getType());
  uint64_t width = bitWidth(packer.type) / 8;
  if (panels) {
    int64_t share = panels.getCols() / numbers.size();
    packer.bytesOfSlice =
        divideCeil(packer.rows, share) * panels.getPanelBytes();
  } else {
    packer.bytesOfSlice = packer.rows * padded.getWidth() * width;
  }
  return packer;
}

Error Packer::open(const Checkpoint &checkpoint) {
  for (moe::WeightOp op : ops) {
    Expected<WeightReader> reader = WeightReader::create(op, checkpoint);
    if (!reader)
      return reader.takeError();
    readers.push_back(std::move(*reader));
  }
  return Error::success();
}

std::string Packer::layout() const {
  if (auto panels = dyn_cast<moe::PanelsAttr>(pack))
    return fmt::format(
        "panels of {} columns, {} steps of {}{}{}", panels.getCols(),
        panels.getSteps(), panels.getDepth(),
        panels.getEncoding()
            ? fmt::format(", a scale for each {}", panels.getGroup())
            : "",
        ops.size() > 1 ? ", weights side by side" : "");
  return fmt::format("rows of {}", cast<moe::PaddedRowsAttr>(pack).getWidth());
}

bool Packer::encodes() const {
  auto panels = dyn_cast<moe::PanelsAttr>(pack);
  return panels && panels.getEncoding();
}

std::string Packer::storage() const {
  if (!encodes())
    return dtypeName(type).str();
  Attribute encoding = cast<moe::PanelsAttr>(pack).getEncoding();
  return moe::NumberFormat::of(encoding)->name().str();
}

DType Packer::readType() const { return encodes() ? DType::F32 : type; }

Error Packer::packSlice(int64_t slice, PackJob &job) const {
  job.bytes.assign(bytesOfSlice, 0);
  job.errors.clear();
  uint64_t width = bitWidth(readType()) / 8;
  job.matrix.resize(rows * cols * width);
  for (auto [i, reader] : enumerate(readers)) {
    mlir::moe::WeightOp op = ops[i];
    bool hasNan = false;
    if (Error error = reader.readSlice(slice, readType(), job.matrix, hasNan,
                                       job.scratch))
      return error;
    if (hasNan)
      job.nanWeights.push_back(
          readers.size() > 1 || numSlices > 1
              ? fmt::format("{} of expert {}", op.getSymName(), slice)
              : op.getSymName().str());
    if (auto panels = dyn_cast<moe::PanelsAttr>(pack)) {
      int64_t share = panels.getCols() / ops.size();
      if (panels.getEncoding()) {
        PanelEncoder encoder(panels, rows, cols, i * share, share);
        bool keepsScales = isa<moe::Fp8BlockAttr>(panels.getEncoding());
        if (Error error = encoder.encode(
                reinterpret_cast<const float *>(job.matrix.data()),
                keepsScales ? ArrayRef<float>(job.scratch.elementScales)
                            : ArrayRef<float>(),
                job.bytes.data()))
          return inputError("weight {}: {}", quote(op.getSymName()),
                            toString(std::move(error)));
        job.errors.push_back(encoder.error);
        continue;
      }
      auto fill = [&](auto zero) {
        using T = decltype(zero);
        fillPanels(panels, reinterpret_cast<const T *>(job.matrix.data()), rows,
                   cols, i * share, share,
                   reinterpret_cast<T *>(job.bytes.data()));
      };
      width == 2 ? fill(uint16_t(0)) : fill(uint32_t(0));
      continue;
    }
    uint64_t stride = cast<moe::PaddedRowsAttr>(pack).getWidth() * width;
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(job.matrix.begin() + row * cols * width, cols * width,
                  job.bytes.begin() + row * stride);
  }
  return Error::success();
}

} // namespace moec
