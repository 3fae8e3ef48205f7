//===- NpyTest.cpp - NumPy's array files ------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Round trips, the forms NumPy writes, and a table of headers that are refused.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Npy.h"
#include "TestFiles.h"

using namespace llvm;
using namespace moec;

namespace {

/// A file of version `version` with the dictionary and `data` bytes after it.
std::string npy(StringRef dictionary, size_t data, char version = 1) {
  std::string text("\x93NUMPY", 6);
  text += version;
  text += '\0';
  size_t length = dictionary.size();
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i, length >>= 8)
    text += char(length & 255);
  text += dictionary;
  return text + std::string(data, '\1');
}

TEST(NpyTest, writesWhatItReads) {
  TempDir dir;
  const Shape shapes[] = {{}, {3}, {0, 4}, {2, 3}, {2, 1, 3}};
  for (DType dtype :
       {DType::F64, DType::F32, DType::F16, DType::I64, DType::I32, DType::I16,
        DType::I8, DType::U64, DType::U32, DType::U16, DType::U8, DType::Bool})
    for (const Shape &shape : shapes) {
      HostTensor tensor{dtype, shape, {}};
      tensor.bytes.resize(*tensorBytes(shape, dtype));
      for (size_t i = 0; i < tensor.bytes.size(); ++i)
        tensor.bytes[i] = uint8_t(i);
      ASSERT_EQ(message(writeNpy(dir.path("a.npy"), tensor)), "");
      auto read = readNpy(dir.path("a.npy"));
      ASSERT_TRUE(bool(read)) << message(std::move(read));
      EXPECT_EQ(read->dtype, dtype);
      EXPECT_EQ(read->shape, shape);
      EXPECT_EQ(read->bytes, tensor.bytes);
      EXPECT_EQ((dir.read("a.npy").size() - tensor.bytes.size()) % 64, 0u);
    }
}

TEST(NpyTest, headersAreWhatNumpyWrites) {
  TempDir dir;
  HostTensor tensor{DType::F32, {3}, std::vector<uint8_t>(12)};
  ASSERT_EQ(message(writeNpy(dir.path("a.npy"), tensor)), "");
  std::string text = dir.read("a.npy");
  EXPECT_EQ(text.substr(6, 4), std::string("\1\0\x76\0", 4));
  EXPECT_EQ(StringRef(text).substr(10, 118).rtrim(),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }");
  EXPECT_EQ(text[127], '\n');
}

TEST(NpyTest, otherFormsAreRead) {
  TempDir dir;
  const std::string cases[] = {
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", 24, 2),
      npy("{\"shape\":(2,3,),\"descr\":\"<f4\",\"fortran_order\":False}", 24,
          3),
  };
  for (const std::string &text : cases) {
    auto tensor = readNpy(dir.write("a.npy", text));
    ASSERT_TRUE(bool(tensor)) << message(std::move(tensor));
    EXPECT_EQ(tensor->shape, (Shape{2, 3}));
    EXPECT_EQ(tensor->bytes, std::vector<uint8_t>(24, 1));
  }
  // The orders do not differ where one dimension alone is not 1.
  EXPECT_EQ(message(readNpy(dir.write(
                "a.npy", npy("{'descr': '<f4', 'fortran_order': True, "
                             "'shape': (1, 3)}",
                             12)))),
            "");
}

TEST(NpyTest, badFilesAreExplained) {
  TempDir dir;
  std::string good = npy("{'descr': '<f4', 'fortran_order': False, 'shape': "
                         "(2, 3), }\n",
                         24);
  auto dict = [](StringRef descr, StringRef order, StringRef shape) {
    return npy(("{'descr': " + descr + ", 'fortran_order': " + order +
                ", 'shape': " + shape + "}")
                   .str(),
               4);
  };
  std::string longRank = "(";
  for (int i = 0; i < 65; ++i)
    longRank += "1,";
  longRank += ")";
  const std::pair<std::string, const char *> cases[] = {
      {"", "not a .npy file: it does not start with \"\\x93NUMPY\" and a "
           "version; save it with numpy.save"},
      {"PK\3\4PK\3\4PK\3\4",
       "not a .npy file: it does not start with "
       "\"\\x93NUMPY\" and a version; save it with numpy.save"},
      {good.substr(0, 20), "the header needs 70 bytes, but the file has 20; "
                           "save it again"},
      {npy("", 0, 9), ".npy version 9.0, but only 1 to 3 are read; save it "
                      "with numpy.save"},
      {npy("", 0, 2).substr(0, 10), "the header starts at byte 12, but the "
                                    "file has 10 bytes; save it again"},
      {std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12),
       "the header has 4294967295 bytes, but at most 65524 are read; save a "
       "plain array"},
      {npy("[]", 0), "the .npy header does not start with '{'; save it again"},
      {npy("{}", 0), "the .npy header lacks one of 'descr', 'fortran_order' "
                     "and 'shape'; save it again"},
      {npy("{'descr' '<f4'}", 0), "the .npy header has no \"'key':\" where one "
                                  "is due; save it again"},
      {npy("{'x': 1}", 0), "the .npy header has the unknown key 'x'; save it "
                           "again"},
      {npy("{'descr': '<f4', 'descr': '<f4'}", 0),
       "the .npy header has the key 'descr' twice; save it again"},
      {npy("{'descr': '<f4' 'shape': ()}", 0),
       "the .npy header has no ',' after 'descr'; save it again"},
      {dict("[('a', '<f4')]", "False", "(1,)"),
       "the .npy header has a 'descr' that is not one type name; only plain "
       "arrays are read; save it again"},
      {dict("'<f4'", "0", "(1,)"), "the .npy header has a 'fortran_order' that "
                                   "is neither True nor False; save it again"},
      {dict("'<f4'", "False", "1"), "the .npy header has a 'shape' that is not "
                                    "a tuple; save it again"},
      {dict("'<f4'", "False", "(-1,)"),
       "the .npy header has a 'shape' with a dimension that is not a number "
       "from 0 to 2^63 - 1; save it again"},
      {dict("'<f4'", "False", "(9223372036854775808,)"),
       "the .npy header has a 'shape' with a dimension that is not a number "
       "from 0 to 2^63 - 1; save it again"},
      {dict("'<f4'", "False", "(1 2)"),
       "the .npy header has a 'shape' that does not end; save it again"},
      {dict("'<f4'", "False", "(1"),
       "the .npy header has a 'shape' that does not end; save it again"},
      {dict("'<f4'", "False", longRank),
       "the .npy header has a 'shape' of more than 64 dimensions; save it "
       "again"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", 4),
       "the .npy header goes on after its '}'; save it again"},
      {dict("'>f4'", "False", "(1,)"),
       "elements of type '>f4' are big-endian, but only little-endian ones are "
       "read; save array.astype(array.dtype.newbyteorder('<'))"},
      {dict("'<V2'", "False", "(2,)"),
       "elements of type '<V2' are not read; save it as f4 "
       "(array.astype('float32'))"},
      {dict("'|O'", "False", "(1,)"),
       "elements of type '|O' are not read; save it as f4 "
       "(array.astype('float32'))"},
      {dict("'<f4'", "True", "(2, 2)"),
       "the array is stored in Fortran order, but only C order is read; save "
       "numpy.ascontiguousarray(array)"},
      {dict("'<f4'", "False", "(4294967296, 4294967296)"),
       "an array of shape [4294967296, 4294967296] has more than 2^63 - 1 "
       "bits; save it again"},
      {dict("'<f4'", "False", "(2,)"),
       "an array of shape [2] of f32 takes 8 bytes, but 4 follow the header; "
       "save it again"},
      {good + "x", "an array of shape [2, 3] of f32 takes 24 bytes, but 25 "
                   "follow the header; save it again"},
  };
  for (const auto &[text, want] : cases)
    EXPECT_EQ(message(readNpy(dir.write("a.npy", text)), dir.path()),
              std::string("DIR/a.npy: ") + want);
}

TEST(NpyTest, whatCannotBeWrittenIsSaid) {
  EXPECT_EQ(message(writeNpy("a.npy", {DType::BF16, {1}, {0, 0}})),
            "a.npy: .npy files have no elements of type bf16; write f32 or a "
            ".safetensors file");
  EXPECT_EQ(message(writeNpy("a.npy", {DType::F32, {2}, {0, 0}})),
            "a.npy: an array of shape [2] of f32 does not have 2 bytes");
}

} // namespace
