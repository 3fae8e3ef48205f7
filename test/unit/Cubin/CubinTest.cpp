//===- CubinTest.cpp - Reading of machine code ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The file is made here, as ptxas lays one out.
//
//===----------------------------------------------------------------------===//

#include "moec/Cubin/Cubin.h"
#include "../TestFiles.h"

#include "llvm/Object/ELF.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace moec;
using Header = object::ELF64LE::Ehdr;
using Section = object::ELF64LE::Shdr;

namespace {

template <typename T>
StringRef bytesOf(const T &value) {
  return StringRef(reinterpret_cast<const char *>(&value), sizeof(value));
}

/// One record of ".nv.info" with a symbol and a number.
std::string record(uint8_t what, uint32_t symbol, uint32_t value) {
  std::string bytes = {4, char(what), 8, 0};
  char words[8];
  support::endian::write32le(words, symbol);
  support::endian::write32le(words + 4, value);
  return bytes + std::string(words, 8);
}

/// An ELF file that grows by sections.
class ElfFile {
public:
  ElfFile() : sections(1) { std::memset(&sections[0], 0, sizeof(Section)); }

  Section &add(StringRef name, StringRef content) {
    Section section;
    std::memset(&section, 0, sizeof(section));
    section.sh_name = uint32_t(names.size());
    section.sh_type = ELF::SHT_PROGBITS;
    section.sh_offset = sizeof(Header) + data.size();
    section.sh_size = content.size();
    names += name.str() + '\0';
    data += content.str();
    sections.push_back(section);
    return sections.back();
  }

  std::string bytes(unsigned machine = ELF::EM_CUDA, unsigned chip = 80) {
    Section &table = add(".shstrtab", "");
    table.sh_type = ELF::SHT_STRTAB;
    table.sh_size = names.size();
    data += names;
    data.resize(alignTo(data.size(), 8));
    Header header;
    std::memset(&header, 0, sizeof(header));
    std::memcpy(header.e_ident, ELF::ElfMagic, 4);
    header.e_ident[ELF::EI_CLASS] = ELF::ELFCLASS64;
    header.e_ident[ELF::EI_DATA] = ELF::ELFDATA2LSB;
    header.e_ident[ELF::EI_ABIVERSION] = 8;
    header.e_machine = uint16_t(machine);
    header.e_flags = chip << 8;
    header.e_ehsize = sizeof(Header);
    header.e_shentsize = sizeof(Section);
    header.e_shoff = sizeof(Header) + data.size();
    header.e_shnum = uint16_t(sections.size());
    header.e_shstrndx = uint16_t(sections.size() - 1);
    std::string result = bytesOf(header).str() + data;
    for (const Section &section : sections)
      result += bytesOf(section);
    return result;
  }

private:
  std::string names = std::string(1, '\0'), data;
  std::vector<Section> sections;
};

constexpr uint32_t symbol = 7;

/// A kernel of two instructions, with 40 registers and a stack of 16 bytes.
ElfFile sample(StringRef code = StringRef("", 0)) {
  constexpr uint8_t registers = 0x2f, frame = 0x11, least = 0x12;
  ElfFile file;
  file.add(".nv.info", record(registers, symbol, 40) +
                           record(frame, symbol, 8) +
                           record(least, symbol, 16));
  std::string two(32, '\0');
  support::endian::write64le(two.data(), 0x00000a0000017a02);
  support::endian::write64le(two.data() + 8, 0x000fe40000000f00);
  support::endian::write64le(two.data() + 16, 0x000000000000794d);
  support::endian::write64le(two.data() + 24, 0x000fea0003800000);
  file.add(".text.k", code.empty() ? StringRef(two) : code).sh_info = symbol;
  Section &shared = file.add(".nv.shared.k", "");
  shared.sh_type = ELF::SHT_NOBITS;
  shared.sh_size = 512;
  return file;
}

std::string failure(const std::string &bytes) {
  auto cubin = cubin::readCubin(bytes, "k.cubin");
  return cubin ? "" : toString(cubin.takeError());
}

} // namespace

TEST(Cubin, hasKernelsWithTheirNeeds) {
  std::string bytes = sample().bytes();
  auto cubin = cubin::readCubin(bytes, "k.cubin");
  ASSERT_TRUE(bool(cubin)) << toString(cubin.takeError());
  EXPECT_EQ(cubin->architecture, 80u);
  ASSERT_EQ(cubin->kernels.size(), 1u);
  const cubin::Kernel &kernel = cubin->kernels[0];
  EXPECT_EQ(kernel.name, "k");
  EXPECT_EQ(kernel.registers, 40);
  EXPECT_EQ(kernel.stackBytes, 16);
  EXPECT_EQ(kernel.sharedBytes, 512);
  ASSERT_EQ(kernel.code.size(), 2u);
  EXPECT_EQ(kernel.code[0].name(), "MOV");
  EXPECT_EQ(kernel.code[1].name(), "EXIT");
}

TEST(Cubin, refusesOtherFiles) {
  EXPECT_EQ(failure(sample().bytes(ELF::EM_X86_64)),
            "k.cubin: this is code for ELF machine 62, not for an NVIDIA GPU "
            "(190)");
  EXPECT_EQ(failure(sample().bytes(ELF::EM_CUDA, 60)),
            "k.cubin: this is code for sm_60; chips from sm_70 on can be read");
  EXPECT_NE(failure(""), "");
  EXPECT_EQ(failure(std::string(64, 'x')),
            "k.cubin is no 64-bit little-endian ELF file");
}

TEST(Cubin, refusesDamagedSections) {
  EXPECT_EQ(failure(sample(std::string(24, '\0')).bytes()),
            "k.cubin: the code of 'k' has 24 bytes, which is no multiple of "
            "16");
  ElfFile lacking;
  lacking.add(".text.k", std::string(16, '\0')).sh_info = symbol;
  EXPECT_EQ(failure(lacking.bytes()),
            "k.cubin: section .nv.info does not say how many registers 'k' "
            "has");
  ElfFile strange;
  strange.add(".nv.info",
              record(0x2f, UINT32_MAX, 1) + record(0x2f, UINT32_MAX - 1, 1));
  EXPECT_EQ(failure(strange.bytes()), "");
  ElfFile cut;
  cut.add(".nv.info", StringRef("\4\x2f\x20\0abc", 7));
  EXPECT_EQ(failure(cut.bytes()), "k.cubin: a record of section .nv.info has "
                                  "32 bytes, of which 3 are there");
  ElfFile shorter;
  shorter.add(".nv.info", "\4\x2f");
  EXPECT_EQ(failure(shorter.bytes()),
            "k.cubin: section .nv.info ends inside a record");
}

/// Whatever a byte is changed to, and wherever the file ends, reading it and
/// looking for loops ends in order.
TEST(Cubin, survivesDamage) {
  const std::string whole = sample().bytes();
  auto read = [](const std::string &bytes) {
    auto cubin = cubin::readCubin(bytes, "k.cubin");
    if (!cubin)
      return consumeError(cubin.takeError());
    for (const cubin::Kernel &kernel : cubin->kernels)
      (void)cubin::innermostLoops(kernel.code);
  };
  for (size_t length = 0; length < whole.size(); ++length)
    read(whole.substr(0, length));
  for (size_t at = 0; at < whole.size(); ++at)
    for (int change : {1, 0x40, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[at] = char(damaged[at] ^ change);
      read(damaged);
    }
}
