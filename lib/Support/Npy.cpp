//===- Npy.cpp - NumPy's array files ----------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header of a .npy file is a Python dictionary literal with three keys; the
// parser takes that form and nothing else of Python.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Npy.h"
#include "moec/Support/Error.h"
#include "moec/Support/InputFile.h"
#include "moec/Support/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

#include <algorithm>

using namespace llvm;

namespace moec {

static constexpr StringRef magic = "\x93NUMPY";

namespace {
struct TypeName {
  StringRef descr;
  DType dtype;
};
} // namespace

static constexpr TypeName typeNames[] = {
    {"<f8", DType::F64}, {"<f4", DType::F32}, {"<f2", DType::F16},
    {"<i8", DType::I64}, {"<i4", DType::I32}, {"<i2", DType::I16},
    {"|i1", DType::I8},  {"<u8", DType::U64}, {"<u4", DType::U32},
    {"<u2", DType::U16}, {"|u1", DType::U8},  {"|b1", DType::Bool},
};

/// More dimensions than NumPy itself allows (64 since version 2).
static constexpr size_t maxRank = 64;

namespace {

/// Parses the dictionary; `problem` says what is wrong with it.
class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : rest(text) {}

  StringRef descr;
  bool fortranOrder = false;
  Shape shape;
  std::string problem;

  bool parse() {
    if (!take("{"))
      return fail("does not start with '{'");
    bool hasDescr = false, hasOrder = false, hasShape = false;
    while (!take("}")) {
      StringRef key;
      if (!parseString(key) || !take(":"))
        return fail("has no \"'key':\" where one is due");
      bool *seen = key == "descr"           ? &hasDescr
                   : key == "fortran_order" ? &hasOrder
                   : key == "shape"         ? &hasShape
                                            : nullptr;
      if (!seen)
        return fail("has the unknown key " + quote(key));
      if (std::exchange(*seen, true))
        return fail("has the key " + quote(key) + " twice");
      if (!parseValue(key))
        return false;
      if (!take(",") && !rest.ltrim().starts_with("}"))
        return fail("has no ',' after " + quote(key));
    }
    if (!hasDescr || !hasOrder || !hasShape)
      return fail("lacks one of 'descr', 'fortran_order' and 'shape'");
    if (!rest.trim(" \t\r\n").empty())
      return fail("goes on after its '}'");
    return true;
  }

private:
  bool fail(std::string what) {
    if (problem.empty())
      problem = std::move(what);
    return false;
  }

  bool take(StringRef token) {
    StringRef text = rest.ltrim();
    if (!text.consume_front(token))
      return false;
    rest = text;
    return true;
  }

  bool parseString(StringRef &value) {
    for (StringRef mark : {"'", "\""}) {
      if (!take(mark))
        continue;
      size_t length = rest.find(mark);
      if (length == StringRef::npos)
        return false;
      value = rest.take_front(length);
      rest = rest.drop_front(length + 1);
      return true;
    }
    return false;
  }

  bool parseValue(StringRef key) {
    if (key == "descr")
      return parseString(descr) ||
             fail("has a 'descr' that is not one type name; only plain arrays "
                  "are read");
    if (key == "fortran_order") {
      fortranOrder = take("True");
      return fortranOrder || take("False") ||
             fail("has a 'fortran_order' that is neither True nor False");
    }
    return parseShape();
  }

  bool parseShape() {
    if (!take("("))
      return fail("has a 'shape' that is not a tuple");
    while (!take(")")) {
      StringRef text = rest.ltrim();
      int64_t dim;
      size_t digits = text.find_if_not(isDigit);
      if (text.take_front(digits).getAsInteger(10, dim))
        return fail("has a 'shape' with a dimension that is not a number from "
                    "0 to 2^63 - 1");
      if (shape.size() == maxRank)
        return fail(
            fmt::format("has a 'shape' of more than {} dimensions", maxRank));
      shape.push_back(dim);
      rest = text.drop_front(std::min(digits, text.size()));
      if (!take(",") && !rest.ltrim().starts_with(")"))
        return fail("has a 'shape' that does not end");
    }
    return true;
  }

  StringRef rest;
};

} // namespace

static Expected<DType> findType(StringRef descr, StringRef file) {
  for (const TypeName &name : typeNames)
    // For one-byte types every byte order mark means the same.
    if (name.descr == descr ||
        (bitWidth(name.dtype) == 8 && descr.size() == 3 &&
         StringRef("<>=|").contains(descr[0]) &&
         descr.drop_front() == name.descr.drop_front()))
      return name.dtype;
  if (descr.starts_with(">"))
    return inputError("{}: elements of type {} are big-endian, but only "
                      "little-endian ones are read; save "
                      "array.astype(array.dtype.newbyteorder('<'))",
                      printable(file), quote(descr));
  return inputError("{}: elements of type {} are not read; save it as f4 "
                    "(array.astype('float32'))",
                    printable(file), quote(descr));
}

Expected<NpyHeader> parseNpyHeader(ArrayRef<uint8_t> prefix, uint64_t fileBytes,
                                   StringRef file) {
  std::string where = printable(file);
  if (prefix.size() < 10 || toStringRef(prefix.take_front(6)) != magic)
    return inputError("{}: not a .npy file: it does not start with "
                      "\"\\x93NUMPY\" and a version; save it with numpy.save",
                      where);
  unsigned version = prefix[6];
  if (version < 1 || version > 3)
    return inputError("{}: .npy version {}.{}, but only 1 to 3 are read; save "
                      "it with numpy.save",
                      where, version, unsigned(prefix[7]));
  uint64_t start = version == 1 ? 10 : 12;
  if (prefix.size() < start)
    return inputError("{}: the header starts at byte {}, but the file has {} "
                      "bytes; save it again",
                      where, start, fileBytes);
  uint64_t length = version == 1 ? support::endian::read16le(&prefix[8])
                                 : support::endian::read32le(&prefix[8]);
  if (length > maxNpyHeader - start)
    return inputError("{}: the header has {} bytes, but at most {} are read; "
                      "save a plain array",
                      where, length, maxNpyHeader - start);
  if (length > prefix.size() - start)
    return inputError("{}: the header needs {} bytes, but the file has {}; "
                      "save it again",
                      where, start + length, fileBytes);

  HeaderParser parser(toStringRef(prefix.slice(start, length)));
  if (!parser.parse())
    return inputError("{}: the .npy header {}; save it again", where,
                      parser.problem);
  Expected<DType> dtype = findType(parser.descr, file);
  if (!dtype)
    return dtype.takeError();
  // With at most one dimension that is not 1 the two orders are the same.
  if (parser.fortranOrder &&
      count_if(parser.shape, [](int64_t dim) { return dim != 1; }) > 1)
    return inputError("{}: the array is stored in Fortran order, but only C "
                      "order is read; save numpy.ascontiguousarray(array)",
                      where);
  std::optional<uint64_t> bytes = tensorBytes(parser.shape, *dtype);
  uint64_t found = fileBytes - start - length;
  if (!bytes)
    return inputError("{}: an array of shape {} has more than 2^63 - 1 bits; "
                      "save it again",
                      where, formatShape(parser.shape));
  if (*bytes != found)
    return inputError("{}: an array of shape {} of {} takes {} bytes, but {} "
                      "follow the header; save it again",
                      where, formatShape(parser.shape), dtypeName(*dtype),
                      *bytes, found);
  return NpyHeader{*dtype, std::move(parser.shape), start + length};
}

Expected<HostTensor> readNpy(StringRef path) {
  Expected<std::shared_ptr<InputFile>> file = InputFile::open(path);
  if (!file)
    return file.takeError();
  std::vector<uint8_t> prefix(std::min((*file)->size(), maxNpyHeader));
  if (Error error = (*file)->read(0, prefix))
    return error;
  Expected<NpyHeader> header = parseNpyHeader(prefix, (*file)->size(), path);
  if (!header)
    return header.takeError();
  HostTensor tensor{header->dtype, std::move(header->shape), {}};
  tensor.bytes.resize((*file)->size() - header->dataOffset);
  if (Error error = (*file)->read(header->dataOffset, tensor.bytes))
    return error;
  return tensor;
}

Error writeNpy(StringRef path, const HostTensor &tensor) {
  const TypeName *name = find_if(typeNames, [&](const TypeName &candidate) {
    return candidate.dtype == tensor.dtype;
  });
  if (name == std::end(typeNames))
    return inputError("{}: .npy files have no elements of type {}; write f32 "
                      "or a .safetensors file",
                      printable(path), dtypeName(tensor.dtype));
  std::optional<uint64_t> want = tensorBytes(tensor.shape, tensor.dtype);
  if (!want || *want != tensor.bytes.size())
    return inputError("{}: an array of shape {} of {} does not have {} bytes",
                      printable(path), formatShape(tensor.shape),
                      dtypeName(tensor.dtype), tensor.bytes.size());
  std::string dims;
  for (int64_t dim : tensor.shape)
    dims += fmt::format("{}, ", dim);
  if (tensor.shape.size() > 1)
    dims.resize(dims.size() - 2);
  else if (!dims.empty())
    dims.resize(dims.size() - 1);
  std::string dictionary =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                  name->descr, dims);
  // The elements start at a multiple of 64; the last byte is a line feed.
  constexpr size_t fixed = 10, alignment = 64;
  size_t total = alignTo(fixed + dictionary.size() + 1, alignment);
  dictionary.append(total - fixed - dictionary.size() - 1, ' ');
  dictionary += '\n';

  std::string head = magic.str();
  head += {1, 0, char(dictionary.size() & 255), char(dictionary.size() >> 8)};
  Expected<OutputFile> file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  if (Error error = file->write(head + dictionary))
    return error;
  if (Error error = file->write(tensor.bytes))
    return error;
  return file->commit();
}

} // namespace moec
