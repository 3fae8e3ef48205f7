//===- TensorTest.cpp - check tensors that come from outside --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What DLPack can describe and which of it a layer takes.
//
//===----------------------------------------------------------------------===//

#include "Tensor.h"

#include <gtest/gtest.h>

namespace moec {

static const TensorSpec kHidden = {"hidden", 4, {MOEC_DTYPE_F32}, true, false};
static const TensorSpec kIds = {"topk_ids", 4, {MOEC_DTYPE_I32}, false, true};
static const TensorSpec kTokens = {
    "token_ids", 1, {MOEC_DTYPE_I32, MOEC_DTYPE_I64}, false, true};

alignas(64) static char memory[4096];

/// A DLPack tensor that owns its shape and strides.
struct Described {
  Described(std::vector<int64_t> dims, std::vector<int64_t> steps = {},
            DLDataType dtype = {kDLFloat, 32, 1})
      : shape(std::move(dims)), strides(std::move(steps)) {
    tensor = {memory, {kDLCPU, 0},  int(shape.size()),
              dtype,  shape.data(), strides.empty() ? nullptr : strides.data(),
              0};
  }
  std::vector<int64_t> shape, strides;
  DLTensor tensor;
};

static std::string errorOf(const DLTensor &tensor,
                           const TensorSpec &spec = kHidden) {
  static const std::string layer = "layers.0";
  TensorView view;
  Status status =
      viewTensor(tensor, spec, {layer, "input", spec.name}, nullptr, view);
  EXPECT_TRUE(!status.failed() || status.code() == MOEC_ERROR_ARGUMENT);
  return status.message();
}

static TensorView viewOf(const Described &described,
                         const TensorSpec &spec = kHidden) {
  static const std::string layer = "layers.0";
  TensorView view;
  Status status = viewTensor(described.tensor, spec,
                             {layer, "input", spec.name}, nullptr, view);
  EXPECT_FALSE(status.failed()) << status.message();
  return view;
}

struct Accepted {
  std::vector<int64_t> shape, strides;
  int64_t tokens, sequence, rowStride;
};

TEST(TensorTest, acceptsRowsOfTokensAndOfSequences) {
  for (const Accepted &entry :
       std::vector<Accepted>{{{3, 4}, {}, 3, 3, 4},
                             {{3, 4}, {4, 1}, 3, 3, 4},
                             {{3, 4}, {10, 1}, 3, 3, 10},
                             {{2, 3, 4}, {}, 6, 3, 4},
                             {{2, 3, 4}, {30, 10, 1}, 6, 3, 10},
                             {{2, 1, 4}, {10, 77, 1}, 2, 1, 10},
                             {{1, 3, 4}, {-5, 10, 1}, 3, 3, 10},
                             {{1, 4}, {-7, 1}, 1, 1, 4},
                             {{1, 1, 4}, {0, 0, 1}, 1, 1, 4},
                             {{0, 4}, {-3, -3}, 0, 0, 4},
                             {{0, 5, 4}, {}, 0, 5, 4}}) {
    TensorView view = viewOf(Described(entry.shape, entry.strides));
    EXPECT_EQ(view.tokens, entry.tokens);
    EXPECT_EQ(view.sequence, entry.sequence);
    EXPECT_EQ(view.rowStride, entry.rowStride);
  }
}

TEST(TensorTest, acceptsOneColumnWithoutItsDimension) {
  DLDataType i64 = {kDLInt, 64, 1};
  EXPECT_EQ(viewOf(Described({5}, {}, i64), kTokens).tokens, 5);
  EXPECT_EQ(viewOf(Described({5, 1}, {}, i64), kTokens).tokens, 5);
  EXPECT_EQ(viewOf(Described({2, 3}, {}, i64), kTokens).tokens, 6);
  EXPECT_EQ(viewOf(Described({2, 3}, {3, 1}, i64), kTokens).tokens, 6);
  EXPECT_EQ(viewOf(Described({2, 3, 1}, {}, i64), kTokens).tokens, 6);
}

TEST(TensorTest, byteOffsetMovesTheData) {
  Described described({3, 4});
  described.tensor.byte_offset = 8;
  EXPECT_EQ(viewOf(described).data, memory + 8);
}

struct Refused {
  std::vector<int64_t> shape, strides;
  const char *error;
};

TEST(TensorTest, refusesWrongShapesAndStrides) {
  for (const Refused &entry : std::vector<Refused>{
           {{}, {}, "has 0 dimensions and no shape; expected 2, or 3"},
           {{1, 1, 3, 4}, {}, "has 4 dimensions; expected 2, or 3"},
           {{4}, {}, "has shape [4]; expected [T, 4] or [B, S, 4]"},
           {{4, 3}, {}, "has shape [4, 3]; expected [T, 4] or [B, S, 4]"},
           {{-1, 4}, {}, "has shape [-1, 4]; expected [T, 4] or [B, S, 4]"},
           {{-2, -3, 4},
            {},
            "has shape [-2, -3, 4]; expected [T, 4] or [B, S, 4]"},
           {{INT64_MAX, 2, 4},
            {},
            "has shape [9223372036854775807, 2, 4], more elements than 64 bits "
            "count"},
           {{INT64_MAX, 4},
            {},
            "has shape [9223372036854775807, 4], more bytes than 64 bits "
            "count"},
           {{3, 4},
            {8, 2},
            "has strides [8, 2] for shape [3, 4]; expected the elements of a "
            "row to be adjacent"},
           {{3, 4},
            {3, 1},
            "has strides [3, 1] for shape [3, 4]; expected rows that do not "
            "overlap"},
           {{3, 4},
            {-4, 1},
            "has strides [-4, 1] for shape [3, 4]; expected rows that do not "
            "overlap"},
           {{2, 3, 4},
            {40, 10, 1},
            "has strides [40, 10, 1] for shape [2, 3, 4]; expected sequences "
            "to follow each other like rows"},
           {{2, 3, 4},
            {1, INT64_MAX, 1},
            "has strides [1, 9223372036854775807, 1] for shape [2, 3, 4]; "
            "expected sequences to follow each other like rows"}})
    EXPECT_EQ(errorOf(Described(entry.shape, entry.strides).tensor),
              "layers.0: input 'hidden' " + std::string(entry.error));
}

TEST(TensorTest, onlyHiddenMayHaveRowsApart) {
  EXPECT_EQ(errorOf(Described({3, 4}, {10, 1}, {kDLInt, 32, 1}).tensor, kIds),
            "layers.0: input 'topk_ids' has strides [10, 1] for shape [3, 4]; "
            "expected contiguous rows");
}

TEST(TensorTest, refusesWrongTypesPlacesAndAddresses) {
  EXPECT_EQ(errorOf(Described({3, 4}, {}, {kDLFloat, 64, 1}).tensor),
            "layers.0: input 'hidden' is of type f64; expected f32, f16 or "
            "bf16");
  EXPECT_EQ(errorOf(Described({3, 4}, {}, {kDLFloat, 32, 2}).tensor),
            "layers.0: input 'hidden' is of type f32x2; expected f32, f16 or "
            "bf16");
  EXPECT_EQ(errorOf(Described({3, 4}, {}, {250, 8, 1}).tensor, kIds),
            "layers.0: input 'topk_ids' is of type unknown8; expected i32");
  EXPECT_EQ(errorOf(Described({3}, {}, {kDLUInt, 32, 1}).tensor, kTokens),
            "layers.0: input 'token_ids' is of type u32; expected i32 or i64");
  Described described({3, 4});
  described.tensor.device.device_type = kDLCUDA;
  EXPECT_EQ(errorOf(described.tensor),
            "layers.0: input 'hidden' is on device type 2; expected 1, CPU "
            "memory");
  described.tensor.device.device_type = kDLCPU;
  described.tensor.data = nullptr;
  EXPECT_EQ(errorOf(described.tensor),
            "layers.0: input 'hidden' has shape [3, 4] but no data");
  described.tensor.shape = nullptr;
  EXPECT_EQ(errorOf(described.tensor), "layers.0: input 'hidden' has 2 "
                                       "dimensions and no shape; expected 2, "
                                       "or 3");
  Described odd({3, 4});
  odd.tensor.data = reinterpret_cast<void *>(uintptr_t(0x1002));
  EXPECT_EQ(errorOf(odd.tensor), "layers.0: input 'hidden' begins at address "
                                 "0x1002; expected a multiple of 4");
}

TEST(TensorTest, overlapKnowsInterleavedColumns) {
  auto view = [](size_t offset, int64_t tokens, int64_t cols, int64_t stride) {
    return TensorView{memory + offset, MOEC_DTYPE_F32, cols,
                      tokens,          tokens,         stride};
  };
  // Left and right half of one matrix.
  EXPECT_FALSE(overlap(view(0, 3, 4, 8), view(16, 3, 4, 8)));
  EXPECT_FALSE(overlap(view(16, 3, 4, 8), view(0, 3, 4, 8)));
  EXPECT_TRUE(overlap(view(0, 3, 5, 8), view(16, 3, 4, 8)));
  // The right part of the second runs into the next row of the first.
  EXPECT_TRUE(overlap(view(0, 3, 4, 8), view(20, 3, 4, 8)));
  EXPECT_TRUE(overlap(view(0, 3, 4, 4), view(0, 3, 4, 4)));
  EXPECT_FALSE(overlap(view(0, 3, 4, 4), view(48, 3, 4, 4)));
  EXPECT_TRUE(overlap(view(0, 3, 4, 4), view(44, 3, 4, 4)));
  EXPECT_TRUE(overlap(view(0, 3, 4, 8), view(16, 3, 4, 4)));
  EXPECT_FALSE(overlap(view(0, 0, 4, 4), view(0, 3, 4, 4)));
  EXPECT_FALSE(overlap(TensorView(), view(0, 3, 4, 4)));
}

} // namespace moec
