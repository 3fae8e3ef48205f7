//===- WriterTest.cpp - writing safetensors files ---------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is written is read back, in one file and in shards.
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "moec/Import/Safetensors/Checkpoint.h"
#include "moec/Import/Safetensors/SafetensorsWriter.h"

#include <sys/stat.h>

using namespace llvm;
using namespace moec;

namespace {

using Names = std::vector<std::string>;

const std::vector<TensorDeclaration> declarations = {
    {"w2", DType::BF16, {2, 3}}, // bytes 0 to 11
    {"empty", DType::F32, {0}},
    {"w1", DType::U8, {8}},           // 12 to 19
    {"w\"3\"\n", DType::F4E2M1, {4}}, // 20 and 21
};

std::vector<uint8_t> countingBytes(size_t count) {
  std::vector<uint8_t> bytes(count);
  for (size_t i = 0; i < count; ++i)
    bytes[i] = uint8_t(i);
  return bytes;
}

TEST(WriterTest, writesWhatIsRead) {
  TempDir dir;
  auto writer = cantFail(SafetensorsWriter::create(dir.path("f"), declarations,
                                                   {{"format", "pt"}}));
  EXPECT_EQ(writer.remaining(), 22u);
  std::vector<uint8_t> bytes = countingBytes(22);
  for (size_t at = 0, step = 1; at < bytes.size(); at += step, step = 5)
    ASSERT_EQ(message(writer.append(ArrayRef(bytes).slice(
                  at, std::min(step, bytes.size() - at)))),
              "");
  ASSERT_EQ(message(writer.commit()), "");

  auto file = cantFail(SafetensorsFile::open(dir.path("f")));
  ASSERT_EQ(file.metadata().size(), 1u);
  EXPECT_EQ(file.metadata()[0].first, "format");
  for (const TensorDeclaration &want : declarations) {
    const SafetensorsEntry *entry = file.find(want.name);
    ASSERT_NE(entry, nullptr) << want.name;
    EXPECT_EQ(entry->dtype, want.dtype);
    EXPECT_EQ(entry->shape, want.shape);
  }
  EXPECT_EQ(cantFail(readTensor(file, "w1")).bytes,
            (std::vector<uint8_t>{12, 13, 14, 15, 16, 17, 18, 19}));
  EXPECT_EQ((dir.read("f").size() - 22) % 8, 0u);
}

TEST(WriterTest, missingAndExcessBytesAreErrors) {
  TempDir dir;
  auto writer =
      cantFail(SafetensorsWriter::create(dir.path("f"), declarations));
  EXPECT_EQ(message(writer.append(countingBytes(23)), dir.path()),
            "DIR/f: 23 bytes were to be appended, but the declared tensors "
            "have 22 left");
  EXPECT_EQ(message(writer.append(countingBytes(20))), "");
  EXPECT_EQ(message(writer.commit(), dir.path()),
            "DIR/f: the declared tensors still lack 2 bytes");
  EXPECT_EQ(message(writer.appendZeros(3), dir.path()),
            "DIR/f: 3 bytes were to be appended, but the declared tensors have "
            "2 left");
  EXPECT_EQ(message(writer.appendZeros(2)), "");
  EXPECT_EQ(message(writer.commit()), "");
}

TEST(WriterTest, badDeclarationsAreErrors) {
  constexpr int64_t huge = int64_t(1) << 59;
  const std::pair<std::vector<TensorDeclaration>, const char *> cases[] = {
      {{{"a", DType::U8, {1}}, {"a", DType::U8, {1}}},
       "f: tensor 'a' is declared twice; declare it once"},
      {{{"__metadata__", DType::U8, {1}}},
       "f: '__metadata__' cannot be the name of a tensor; use other UTF-8 "
       "text"},
      {{{"\xff", DType::U8, {1}}},
       "f: '\\xff' cannot be the name of a tensor; use other UTF-8 text"},
      {{{"a", DType::F4E2M1, {3}}},
       "f: tensor 'a' of shape [3] of f4e2m1 is not a whole number of bytes "
       "up to 2^60; choose smaller dimensions"},
      {{{"a", DType::U8, {-1}}},
       "f: tensor 'a' of shape [-1] of u8 is not a whole number of bytes up "
       "to 2^60; choose smaller dimensions"},
      {{{"a", DType::U8, {huge}},
        {"b", DType::U8, {huge}},
        {"c", DType::U8, {huge}},
        {"d", DType::U8, {huge}},
        {"e", DType::U8, {huge}},
        {"f", DType::U8, {huge}},
        {"g", DType::U8, {huge}},
        {"h", DType::U8, {huge}},
        {"i", DType::U8, {huge}}},
       "f: the tensors up to 'i' have more than 2^62 bytes; choose smaller "
       "dimensions"},
  };
  for (const auto &[tensors, want] : cases)
    EXPECT_EQ(message(SafetensorsWriter::create("f", tensors)), want);
}

TEST(WriterTest, abandonedFilesLeaveNothing) {
  TempDir dir;
  {
    auto writer =
        cantFail(SafetensorsWriter::create(dir.path("f"), declarations));
    EXPECT_EQ(message(writer.append(countingBytes(20))), "");
  }
  EXPECT_EQ(dir.list(), Names{});
}

TEST(WriterTest, zerosTakeNoSpace) {
  TempDir dir;
  auto writer = cantFail(SafetensorsWriter::create(
      dir.path("f"),
      {{"a", DType::BF16, {int64_t(1) << 32}}, {"b", DType::U8, {2}}}));
  ASSERT_EQ(message(writer.appendZeros(uint64_t(1) << 33)), "");
  ASSERT_EQ(message(writer.append({1, 2})), "");
  ASSERT_EQ(message(writer.commit()), "");
  struct stat status;
  ASSERT_EQ(stat(dir.path("f").c_str(), &status), 0);
  EXPECT_LT(status.st_blocks, 1000);
  auto file = cantFail(SafetensorsFile::open(dir.path("f")));
  EXPECT_EQ(cantFail(readTensor(file, "b")).bytes,
            (std::vector<uint8_t>{1, 2}));
}

TEST(ShardedWriterTest, shardsAreReadAsOne) {
  TempDir dir;
  // w2 and empty fill one, w1 takes one though it is too large, w3 the last.
  auto writer =
      cantFail(ShardedSafetensorsWriter::create(dir.path(), declarations, 7));
  EXPECT_EQ(writer.remaining(), 22u);
  ASSERT_EQ(message(writer.append(countingBytes(15))), "");
  ASSERT_EQ(message(writer.appendZeros(6)), "");
  ASSERT_EQ(message(writer.append({77})), "");
  ASSERT_EQ(message(writer.commit()), "");
  EXPECT_EQ(dir.list(), (Names{"model-00001-of-00003.safetensors",
                               "model-00002-of-00003.safetensors",
                               "model-00003-of-00003.safetensors",
                               "model.safetensors.index.json"}));
  auto checkpoint = cantFail(Checkpoint::open(dir.path()));
  EXPECT_EQ(checkpoint.tensors().size(), declarations.size());
  std::vector<uint8_t> bytes(8);
  ASSERT_EQ(message(checkpoint.read(*checkpoint.find("w1"), 0, bytes)), "");
  EXPECT_EQ(bytes, (std::vector<uint8_t>{12, 13, 14, 0, 0, 0, 0, 0}));
}

TEST(ShardedWriterTest, oneShardNeedsNoIndex) {
  TempDir dir;
  auto writer =
      cantFail(ShardedSafetensorsWriter::create(dir.path(), declarations));
  ASSERT_EQ(message(writer.append(countingBytes(22))), "");
  ASSERT_EQ(message(writer.commit()), "");
  EXPECT_EQ(dir.list(), Names{"model.safetensors"});
}

TEST(ShardedWriterTest, tensorsWithoutBytesAreWrittenToo) {
  TempDir dir;
  auto writer = cantFail(ShardedSafetensorsWriter::create(
      dir.path(), {{"a", DType::U8, {0}}, {"b", DType::U8, {0}}}, 1));
  ASSERT_EQ(message(writer.commit()), "");
  EXPECT_EQ(cantFail(Checkpoint::open(dir.path())).tensors().size(), 2u);
}

TEST(ShardedWriterTest, misuseIsAnError) {
  TempDir dir;
  EXPECT_EQ(message(ShardedSafetensorsWriter::create(
                        dir.path(),
                        {{"a", DType::U8, {1}}, {"a", DType::U8, {1}}}, 1),
                    dir.path()),
            "DIR: tensor 'a' is declared twice; declare it once");
  auto writer =
      cantFail(ShardedSafetensorsWriter::create(dir.path(), declarations, 7));
  EXPECT_EQ(message(writer.append(countingBytes(23)), dir.path()),
            "DIR: 23 bytes were to be appended, but the declared tensors have "
            "22 left");
  EXPECT_EQ(message(writer.commit(), dir.path()),
            "DIR: the declared tensors still lack 22 bytes");
}

} // namespace
