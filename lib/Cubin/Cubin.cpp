//===- Cubin.cpp - Kernels in machine code --------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Cubin/Cubin.h"
#include "moec/Support/Error.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Endian.h"

#include <map>

using namespace llvm;
using File = object::ELFFile<object::ELF64LE>;
using Section = object::ELF64LE::Shdr;

namespace moec::cubin {
namespace {

/// What ".nv.info" says of a function, by the number of its symbol.
struct Needs {
  int64_t registers = 0, stackBytes = 0;
};

class Reader {
public:
  Reader(const File &elf, StringRef file) : elf(elf), file(file) {}

  Expected<Cubin> read();

private:
  template <typename... Args>
  Error error(fmt::format_string<Args...> format, Args &&...args) const {
    return inputError("{}: {}", printable(file),
                      fmt::format(format, std::forward<Args>(args)...));
  }
  /// `result`, whose error gets the file's name.
  template <typename T>
  Expected<T> checked(Expected<T> result) const {
    if (!result)
      return error("{}", printable(toString(result.takeError())));
    return result;
  }

  Error readSection(const Section &section, StringRef name);
  Error readNeeds(ArrayRef<uint8_t> bytes);
  Error readCode(const Section &section, StringRef name);

  const File &elf;
  StringRef file;
  Cubin cubin;
  std::map<uint32_t, Needs> needs;
  StringMap<int64_t> shared;
  /// What the system keeps of every block's shared memory, where the kernels'
  /// sizes have that in them.
  int64_t reserved = 0;
  /// The symbols of the kernels.
  std::vector<uint32_t> symbols;
};

} // namespace

/// Records are a byte for their format, one for what they say, and 16 bits: the
/// length of what follows if the format is 4, else a value.
Error Reader::readNeeds(ArrayRef<uint8_t> bytes) {
  constexpr uint8_t sized = 4, frameSize = 0x11, minStackSize = 0x12,
                    registerCount = 0x2f;
  while (!bytes.empty()) {
    if (bytes.size() < 4)
      return error("section .nv.info ends inside a record");
    uint8_t format = bytes[0], what = bytes[1];
    size_t length = format == sized ? support::endian::read16le(&bytes[2]) : 0;
    bytes = bytes.drop_front(4);
    if (bytes.size() < length)
      return error("a record of section .nv.info has {} bytes, of which {} are "
                   "there",
                   length, bytes.size());
    bool ofStack = what == frameSize || what == minStackSize;
    if (length == 8 && (ofStack || what == registerCount)) {
      Needs &place = needs[support::endian::read32le(bytes.data())];
      int64_t value = support::endian::read32le(bytes.data() + 4);
      int64_t &number = ofStack ? place.stackBytes : place.registers;
      number = std::max(number, value);
    }
    bytes = bytes.drop_front(length);
  }
  return Error::success();
}

Error Reader::readCode(const Section &section, StringRef name) {
  auto bytes = checked(elf.getSectionContents(section));
  if (!bytes)
    return bytes.takeError();
  if (bytes->size() % instructionBytes != 0)
    return error("the code of {} has {} bytes, which is no multiple of {}",
                 quote(name), bytes->size(), instructionBytes);
  constexpr uint64_t most = 1 << 20;
  if (bytes->size() > most)
    return error("the code of {} has {} bytes; at most {} can be read",
                 quote(name), bytes->size(), most);
  Kernel kernel;
  kernel.name = name.str();
  for (size_t at = 0; at < bytes->size(); at += instructionBytes)
    kernel.code.push_back(decode(
        support::endian::read64le(bytes->data() + at),
        support::endian::read64le(bytes->data() + at + 8), cubin.architecture));
  symbols.push_back(section.sh_info & 0xffffff);
  cubin.kernels.push_back(std::move(kernel));
  return Error::success();
}

Error Reader::readSection(const Section &section, StringRef name) {
  constexpr int64_t ofSystem = 1024;
  if (name == ".nv.info") {
    auto bytes = checked(elf.getSectionContents(section));
    return bytes ? readNeeds(*bytes) : bytes.takeError();
  }
  if (name == ".nv.shared.reserved.0")
    reserved = ofSystem;
  else if (name.consume_front(".nv.shared."))
    shared[name] = int64_t(section.sh_size);
  else if (name.consume_front(".text."))
    return readCode(section, name);
  return Error::success();
}

Expected<Cubin> Reader::read() {
  constexpr unsigned least = 70, abiOfLongFlags = 8;
  const auto &header = elf.getHeader();
  if (header.e_machine != ELF::EM_CUDA)
    return error("this is code for ELF machine {}, not for an NVIDIA GPU ({})",
                 unsigned(header.e_machine), unsigned(ELF::EM_CUDA));
  bool longFlags = header.e_ident[ELF::EI_ABIVERSION] >= abiOfLongFlags;
  cubin.architecture = (header.e_flags >> (longFlags ? 8 : 0)) & 0xff;
  if (cubin.architecture < least)
    return error("this is code for sm_{}; chips from sm_{} on can be read",
                 cubin.architecture, least);
  auto sections = checked(elf.sections());
  if (!sections)
    return sections.takeError();
  for (const Section &section : *sections) {
    auto name = checked(elf.getSectionName(section));
    if (!name)
      return name.takeError();
    if (Error failed = readSection(section, *name))
      return std::move(failed);
  }
  for (auto [kernel, symbol] : zip(cubin.kernels, symbols)) {
    auto found = needs.find(symbol);
    if (found == needs.end())
      return error("section .nv.info does not say how many registers {} has",
                   quote(kernel.name));
    kernel.registers = found->second.registers;
    kernel.stackBytes = found->second.stackBytes;
    kernel.sharedBytes =
        std::max<int64_t>(shared.lookup(kernel.name) - reserved, 0);
  }
  return std::move(cubin);
}

Expected<Cubin> readCubin(StringRef bytes, StringRef file) {
  Expected<File> elf = File::create(bytes);
  if (!elf)
    return inputError("{}: {}", printable(file),
                      printable(toString(elf.takeError())));
  if (elf->getHeader().e_ident[ELF::EI_CLASS] != ELF::ELFCLASS64 ||
      elf->getHeader().e_ident[ELF::EI_DATA] != ELF::ELFDATA2LSB ||
      !bytes.starts_with(StringRef("\177ELF", 4)))
    return inputError("{} is no 64-bit little-endian ELF file",
                      printable(file));
  return Reader(*elf, file).read();
}

} // namespace moec::cubin
