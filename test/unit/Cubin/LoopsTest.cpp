//===- LoopsTest.cpp - The innermost loops of a kernel --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Cubin/Cubin.h"

#include <gtest/gtest.h>

using namespace moec::cubin;

namespace {

using Ranges = std::vector<std::pair<size_t, size_t>>;

/// Builds code a letter an instruction: '.' does nothing, 'w' works, 'c'
/// copies, 'f' loads a fragment, 'p' is a product, 'b' a barrier of the block.
struct Code {
  explicit Code(const char *text) {
    for (; *text; ++text) {
      Instruction instruction;
      instruction.kind = kindOf(*text);
      instruction.isBarrier = *text == 'b';
      code.push_back(instruction);
    }
  }
  static OpClass kindOf(char letter) {
    switch (letter) {
    case 'w':
      return OpClass::Float;
    case 'c':
      return OpClass::Copy;
    case 'f':
      return OpClass::Fragment;
    case 'p':
      return OpClass::Tensor;
    case 'b':
      return OpClass::Sync;
    default:
      return OpClass::Control;
    }
  }
  Code &branch(size_t from, size_t to, bool always = false) {
    code[from].branch = int64_t(to) - int64_t(from) - 1;
    code[from].ends = always;
    return *this;
  }
  /// First and last instruction of each loop.
  Ranges loops() const { return ranges(innermostLoops(code)); }
  Ranges unrolled() const {
    return ranges(unrolledLoops(code, innermostLoops(code)));
  }
  static Ranges ranges(const std::vector<Loop> &loops) {
    Ranges result;
    for (const Loop &loop : loops)
      result.push_back({loop.begin, loop.begin + loop.code.size() - 1});
    return result;
  }
  std::vector<Instruction> code;
};

} // namespace

TEST(Loops, areTheInnermostOnes) {
  EXPECT_EQ(Code(".w.w..").branch(3, 2).branch(5, 0).loops(), (Ranges{{2, 3}}));
  EXPECT_EQ(Code(".w.w..").branch(2, 1).branch(4, 3).loops(),
            (Ranges{{1, 2}, {3, 4}}));
  EXPECT_TRUE(Code("wwww").loops().empty());
}

TEST(Loops, doWork) {
  // A wait inside a loop does not hide it.
  EXPECT_EQ(Code(".w..w.").branch(3, 2).branch(5, 1).loops(), (Ranges{{1, 5}}));
  EXPECT_TRUE(Code("....").branch(3, 3).loops().empty());
}

TEST(Loops, areWholeIfThereAreSeveralWaysBack) {
  EXPECT_EQ(Code("ww..w.").branch(2, 1).branch(5, 1).loops(), (Ranges{{1, 5}}));
}

TEST(Loops, doNotReachToWhatSpinsOutOfLine) {
  // 1 to 4 is the loop; at 2 it waits, and if in vain spins at 6, from where it
  // jumps back to 3.
  EXPECT_EQ(Code("ww.ww.w.")
                .branch(2, 6)
                .branch(4, 1)
                .branch(5, 5, true)
                .branch(7, 3, true)
                .loops(),
            (Ranges{{1, 4}}));
}

TEST(Loops, stayInside) {
  EXPECT_TRUE(Code("ww").branch(1, 0).loops().size() == 1);
  Code outside("ww");
  for (int64_t distance : {int64_t(-3), int64_t(5), INT64_MIN, INT64_MAX}) {
    outside.code[1].branch = distance;
    EXPECT_TRUE(outside.loops().empty()) << distance;
  }
}

TEST(Loops, areToldByTheirProductsIfUnrolled) {
  EXPECT_EQ(Code("..cw.f.pw.pw.").unrolled(), (Ranges{{2, 10}}));
  EXPECT_TRUE(Code("..cwfw").unrolled().empty());
}

TEST(Loops, endAtBarriersIfUnrolled) {
  EXPECT_EQ(Code("cb.fpwb..bcp").unrolled(), (Ranges{{3, 4}, {10, 11}}));
  // The assembler may have moved a product behind the barrier.
  EXPECT_EQ(Code("cfp.bpwcfp").unrolled(), (Ranges{{0, 5}, {7, 9}}));
}

TEST(Loops, haveTurnsBeforeAndBehindThatAreNoneOfTheirOwn) {
  Code code("cfp.fp.fpwbfp");
  code.branch(6, 3);
  EXPECT_EQ(code.loops(), (Ranges{{3, 6}}));
  EXPECT_EQ(code.unrolled(), (Ranges{{11, 12}}));
}
