//===- Float.cpp - narrow floating-point formats ----------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversion of spans: one loop a type, around the scalar functions.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Float.h"
#include "moec/Support/Error.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace moec {

bool isDecodable(DType dtype) {
  return dtype != DType::C64 && dtype != DType::F6E2M3 &&
         dtype != DType::F6E3M2;
}

/// Decodes elements of the type Stored with `convert`.
template <typename Stored, typename Function>
static void decodeAs(ArrayRef<uint8_t> bytes, MutableArrayRef<float> values,
                     Function convert) {
  const uint8_t *from = bytes.data();
  for (float &value : values) {
    value = convert(support::endian::read<Stored, endianness::little>(from));
    from += sizeof(Stored);
  }
}

template <typename Stored, typename Function>
static void encodeAs(ArrayRef<float> values, MutableArrayRef<uint8_t> bytes,
                     Function convert) {
  uint8_t *to = bytes.data();
  for (float value : values) {
    support::endian::write<Stored, endianness::little>(to, convert(value));
    to += sizeof(Stored);
  }
}

static void decodeF4(ArrayRef<uint8_t> bytes, MutableArrayRef<float> values) {
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = e2m1ToFloat(bytes[i / 2] >> (i % 2 * 4) & 15);
}

static Error checkSizes(DType dtype, size_t bytes, size_t values) {
  uint64_t want = (uint64_t(values) * bitWidth(dtype) + 7) / 8;
  if (bytes != want)
    return inputError("{} elements of {} take {} bytes, but {} were given",
                      values, dtypeName(dtype), want, bytes);
  return Error::success();
}

Error decodeToFloat(DType dtype, ArrayRef<uint8_t> bytes,
                    MutableArrayRef<float> values) {
  if (Error error = checkSizes(dtype, bytes.size(), values.size()))
    return error;
  auto toFloat = [](auto stored) { return float(stored); };
  switch (dtype) {
  case DType::F64:
    decodeAs<uint64_t>(bytes, values, [](uint64_t bits) {
      return float(std::bit_cast<double>(bits));
    });
    break;
  case DType::F32:
    decodeAs<uint32_t>(bytes, values, std::bit_cast<float, uint32_t>);
    break;
  case DType::F16:
    decodeAs<uint16_t>(bytes, values, f16ToFloat);
    break;
  case DType::BF16:
    decodeAs<uint16_t>(bytes, values, bf16ToFloat);
    break;
  case DType::F8E4M3:
    decodeAs<uint8_t>(bytes, values, f8e4m3ToFloat);
    break;
  case DType::F8E5M2:
    decodeAs<uint8_t>(bytes, values, f8e5m2ToFloat);
    break;
  case DType::F8E8M0:
    decodeAs<uint8_t>(bytes, values, e8m0ToFloat);
    break;
  case DType::F4E2M1:
    decodeF4(bytes, values);
    break;
  case DType::I64:
    decodeAs<int64_t>(bytes, values, toFloat);
    break;
  case DType::I32:
    decodeAs<int32_t>(bytes, values, toFloat);
    break;
  case DType::I16:
    decodeAs<int16_t>(bytes, values, toFloat);
    break;
  case DType::I8:
    decodeAs<int8_t>(bytes, values, toFloat);
    break;
  case DType::U64:
    decodeAs<uint64_t>(bytes, values, toFloat);
    break;
  case DType::U32:
    decodeAs<uint32_t>(bytes, values, toFloat);
    break;
  case DType::U16:
    decodeAs<uint16_t>(bytes, values, toFloat);
    break;
  case DType::U8:
    decodeAs<uint8_t>(bytes, values, toFloat);
    break;
  case DType::Bool:
    decodeAs<uint8_t>(bytes, values, [](uint8_t b) { return float(b != 0); });
    break;
  case DType::F6E2M3:
  case DType::F6E3M2:
  case DType::C64:
    return inputError("values of type {} cannot be read as f32; convert the "
                      "tensor to another type",
                      dtypeName(dtype));
  }
  return Error::success();
}

Error encodeFromFloat(DType dtype, ArrayRef<float> values,
                      MutableArrayRef<uint8_t> bytes) {
  if (Error error = checkSizes(dtype, bytes.size(), values.size()))
    return error;
  switch (dtype) {
  case DType::F64:
    encodeAs<uint64_t>(values, bytes, [](float value) {
      return std::bit_cast<uint64_t>(double(value));
    });
    break;
  case DType::F32:
    encodeAs<uint32_t>(values, bytes, std::bit_cast<uint32_t, float>);
    break;
  case DType::F16:
    encodeAs<uint16_t>(values, bytes, floatToF16);
    break;
  case DType::BF16:
    encodeAs<uint16_t>(values, bytes, floatToBf16);
    break;
  case DType::F8E4M3:
    encodeAs<uint8_t>(values, bytes, floatToF8e4m3);
    break;
  case DType::F8E5M2:
    encodeAs<uint8_t>(values, bytes, floatToF8e5m2);
    break;
  default:
    return inputError("f32 values cannot be stored as {}; use f64, f32, f16, "
                      "bf16, f8e4m3 or f8e5m2",
                      dtypeName(dtype));
  }
  return Error::success();
}

} // namespace moec
