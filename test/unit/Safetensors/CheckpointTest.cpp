//===- CheckpointTest.cpp - the tensors of a checkpoint directory -*- C++ -*-=//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One file, shards with and without an index, and everything that can be wrong
// between them.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/Safetensors/Checkpoint.h"
#include "TestFiles.h"
#include "moec/Import/Safetensors/SafetensorsWriter.h"

#include <sys/resource.h>
#include <thread>

using namespace llvm;
using namespace moec;

namespace {

/// A file in `dir` with u8 tensors whose one byte is the last of their name.
void writeShard(const TempDir &dir, StringRef file,
                std::initializer_list<const char *> names) {
  std::vector<std::pair<std::string, HostTensor>> tensors;
  for (StringRef name : names)
    tensors.emplace_back(name.str(),
                         HostTensor{DType::U8, {1}, {uint8_t(name.back())}});
  EXPECT_EQ(message(writeSafetensors(dir.path(file), tensors)), "");
}

uint8_t byteOf(const Checkpoint &checkpoint, StringRef name) {
  const CheckpointTensor *tensor = checkpoint.find(name);
  uint8_t byte = 0;
  EXPECT_TRUE(tensor) << name.str();
  if (tensor)
    EXPECT_EQ(message(checkpoint.read(*tensor, 0, byte)), "");
  return byte;
}

constexpr StringRef indexName = "model.safetensors.index.json";

TEST(CheckpointTest, aSingleFileComesFirst) {
  TempDir dir;
  writeShard(dir, "model.safetensors", {"b", "a"});
  writeShard(dir, "other.safetensors", {"a", "c"});
  dir.write(indexName, "not read");
  auto checkpoint = cantFail(Checkpoint::open(dir.path()));
  ASSERT_EQ(checkpoint.tensors().size(), 2u);
  EXPECT_EQ(checkpoint.tensors()[0].name(), "a");
  EXPECT_EQ(byteOf(checkpoint, "b"), 'b');
  EXPECT_EQ(checkpoint.find("c"), nullptr);
  EXPECT_EQ(checkpoint.totalBytes(), 2u);
  EXPECT_EQ(checkpoint.files(), std::vector{dir.path("model.safetensors")});
}

TEST(CheckpointTest, shardsAreJoined) {
  TempDir dir;
  writeShard(dir, "x.safetensors", {"c", "a"});
  writeShard(dir, "y.safetensors", {"b"});
  writeShard(dir, "unrelated.safetensors", {"z"});
  dir.write(indexName, R"({"metadata":{"total_size":3},"weight_map":)"
                       R"({"a":"x.safetensors","b":"y.safetensors",)"
                       R"("c":"x.safetensors"}})");
  auto opened = cantFail(Checkpoint::open(dir.path()));
  Checkpoint checkpoint = std::move(opened);
  EXPECT_EQ(checkpoint.tensors().size(), 3u);
  for (const char *name : {"a", "b", "c"})
    EXPECT_EQ(byteOf(checkpoint, name), name[0]);
  EXPECT_EQ(checkpoint.find("z"), nullptr);
}

TEST(CheckpointTest, filesWithoutAnIndexAreJoined) {
  TempDir dir;
  writeShard(dir, "m-00001-of-00002.safetensors", {"a"});
  writeShard(dir, "m-00002-of-00002.safetensors", {"b"});
  writeShard(dir, "extra.safetensors", {"c"});
  dir.write("README.md", "");
  EXPECT_EQ(cantFail(Checkpoint::open(dir.path())).tensors().size(), 3u);
}

TEST(CheckpointTest, whatIsMissingIsNamed) {
  TempDir dir;
  EXPECT_EQ(message(Checkpoint::open(dir.path("none")), dir.path()),
            "cannot open DIR/none: No such file or directory; check the path");
  EXPECT_EQ(message(Checkpoint::open(dir.write("file", "")), dir.path()),
            "cannot open DIR/file: a checkpoint is a directory with "
            "config.json and *.safetensors files");
  EXPECT_EQ(message(Checkpoint::open(dir.path()), dir.path()),
            "DIR: no weights: neither model.safetensors, nor "
            "model.safetensors.index.json, nor any other *.safetensors file; "
            "fetch them, or convert the checkpoint to safetensors");
  writeShard(dir, "m-00002-of-00003.safetensors", {"a"});
  EXPECT_EQ(message(Checkpoint::open(dir.path()), dir.path()),
            "DIR: by the names of the others, the file "
            "'m-00001-of-00003.safetensors' is missing (2 of the 3 files are); "
            "fetch them");
  dir.write(indexName, R"({"weight_map":{"a":"m-00002-of-00003.safetensors",)"
                       R"("b":"m-00003-of-00003.safetensors"}})");
  EXPECT_EQ(message(Checkpoint::open(dir.path()), dir.path()),
            "DIR: by the index, the file 'm-00003-of-00003.safetensors' is "
            "missing (1 of the 2 files are); fetch it");
}

TEST(CheckpointTest, aDamagedShardIsNamed) {
  TempDir dir;
  writeShard(dir, "x.safetensors", {"a"});
  dir.write("y.safetensors", "short");
  EXPECT_EQ(message(Checkpoint::open(dir.path()), dir.path()),
            "DIR/y.safetensors: the file has 5 bytes, but a safetensors file "
            "starts with the 8 of its header's length; fetch or write it "
            "again");
}

TEST(CheckpointTest, aTensorIsInOneFile) {
  TempDir dir;
  writeShard(dir, "x.safetensors", {"a", "b"});
  writeShard(dir, "y.safetensors", {"b"});
  EXPECT_EQ(message(Checkpoint::open(dir.path()), dir.path()),
            "DIR: tensor 'b' is in two files, 'x.safetensors' and "
            "'y.safetensors'; remove the one that does not belong to the "
            "checkpoint");
}

TEST(CheckpointTest, badIndexesAreExplained) {
  TempDir dir;
  writeShard(dir, "x.safetensors", {"a"});
  const std::pair<std::string, const char *> cases[] = {
      {"[]", "the index is not an object; fetch it again"},
      {"{}", "the index has no 'weight_map'; fetch it again"},
      {"{\"weight_map\": []}", "'weight_map' is not an object of tensor and "
                               "file names; fetch it again"},
      {"{\"weight_map\": {\"a\": 1}}", "'weight_map' gives no file name for "
                                       "tensor 'a'; fetch it again"},
      {"{\"weight_map\": {\"a\": \"../x.safetensors\"}}",
       "tensor 'a' is said to be in '../x.safetensors', which is not the plain "
       "name of a file in the same directory; do not use this checkpoint"},
      {"{\"weight_map\": {\"a\": \"/etc/x.safetensors\"}}",
       "tensor 'a' is said to be in '/etc/x.safetensors', which is not the "
       "plain name of a file in the same directory; do not use this "
       "checkpoint"},
      {"{\"weight_map\": {\"a\": \"..\"}}",
       "tensor 'a' is said to be in '..', which is not the plain name of a "
       "file in the same directory; do not use this checkpoint"},
      {"{\"weight_map\": {\"a\": \"\"}}",
       "tensor 'a' is said to be in '', which is not the plain name of a file "
       "in the same directory; do not use this checkpoint"},
      {"{\"weight_map\": {\"a\": \"x\\u0000.safetensors\"}}",
       "tensor 'a' is said to be in 'x\\x00.safetensors', which is not the "
       "plain name of a file in the same directory; do not use this "
       "checkpoint"},
      {"{\"weight_map\": {\"a\": \"pytorch_model.bin\"}}",
       "tensor 'a' is said to be in 'pytorch_model.bin', which is not a "
       ".safetensors file; convert the checkpoint"},
      {"{\"weight_map\": {\"a\": \"x.safetensors\", \"a\": "
       "\"x.safetensors\"}}",
       "the key 'a' appears twice in one object; keep one of them"},
      {"{\"weight_map\": {\"q\": \"x.safetensors\"}}",
       "tensor 'q' is said to be in 'x.safetensors', which does not have it; "
       "fetch both files again"},
  };
  for (const auto &[text, want] : cases) {
    dir.write(indexName, text);
    EXPECT_EQ(message(Checkpoint::open(dir.path()), dir.path()),
              fmt::format("DIR/{}: {}", indexName, want));
  }
}

TEST(CheckpointTest, readersShareFewHandles) {
  TempDir dir;
  constexpr int files = 100, tensorsPerFile = 300;
  for (int f = 0; f < files; ++f) {
    std::vector<std::pair<std::string, HostTensor>> tensors;
    for (int t = 0; t < tensorsPerFile; ++t)
      tensors.emplace_back(
          fmt::format("model.layers.{}.mlp.experts.{}.w", f, t),
          HostTensor{DType::U8, {1}, {uint8_t(f + t)}});
    ASSERT_EQ(message(writeSafetensors(
                  dir.path(fmt::format("{:03}.safetensors", f)), tensors)),
              "");
  }
  rlimit before, limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  limit = before;
  limit.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  auto checkpoint = cantFail(Checkpoint::open(dir.path()));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 2000; ++i) {
        int f = (i * 37 + thread) % files, t = i % tensorsPerFile;
        EXPECT_EQ(byteOf(checkpoint,
                         fmt::format("model.layers.{}.mlp.experts.{}.w", f, t)),
                  uint8_t(f + t));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(checkpoint.tensors().size(), size_t(files * tensorsPerFile));
}

} // namespace
