//===- ProductMutantsTest.cpp - Mistakes in our own GPU products ----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product as the compiler makes it is right in every completion mode. Each
// mutant has one mistake of the kind that is made when such a kernel is
// written; the emulator has to find it in at least one mode, by the finding
// that names it or by wrong numbers. Instructions are found by what they do,
// not by where they stand, so that the kernels may change.
//
//===----------------------------------------------------------------------===//

#include "Mistakes.h"
#include "RecordedLaunch.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;
using namespace moec;
using namespace moec::emulator;

namespace {

using enum FindingKind;

//===----------------------------------------------------------------------===//
// Where
//===----------------------------------------------------------------------===//

/// What the warps that copy do stands in front of what those that multiply do,
/// which begins where they take registers.
bool isCopying(const CallInst &call) {
  for (const BasicBlock &block : *call.getFunction())
    for (const Instruction &instruction : block) {
      if (&instruction == &call)
        return true;
      auto *other = dyn_cast<CallInst>(&instruction);
      if (other && other->getCalledOperand()->getName().contains("maxnreg.inc"))
        return false;
    }
  return true;
}

Calls copying(Function &function, StringRef text) {
  Calls calls = callsOf(function, text);
  erase_if(calls, [](CallInst *call) { return !isCopying(*call); });
  return calls;
}

Calls multiplying(Function &function, StringRef text) {
  Calls calls = callsOf(function, text);
  erase_if(calls, [](CallInst *call) { return isCopying(*call); });
  return calls;
}

SmallVector<Instruction *> globalStores(Function &function) {
  SmallVector<Instruction *> stores;
  for (BasicBlock &block : function)
    for (Instruction &instruction : block)
      if (auto *store = dyn_cast<StoreInst>(&instruction);
          store && store->getPointerAddressSpace() == 1)
        stores.push_back(store);
  return stores;
}

//===----------------------------------------------------------------------===//
// The mutants
//===----------------------------------------------------------------------===//

struct Mutant {
  const char *name;
  void (*apply)(Function &function);
  /// What has to be found; none: wrong numbers.
  std::optional<FindingKind> finding;
  /// Nothing is wrong in any mode.
  bool isRight = false;
};

void PrintTo(const Mutant &mutant, std::ostream *stream) {
  *stream << mutant.name;
}

const char *const wait = "mbarrier.try_wait", *const box = "tensor.g2s",
                  *const descriptor = "mov.b64 $0, {low";

/// The high half of a descriptor: 128-byte swizzle, 1024 bytes between groups
/// of 8 rows.
constexpr uint32_t high = 1u << 30 | 1024 >> 4;

void setDescriptors(Function &function, uint32_t bits) {
  replacePtx(callsOf(function, descriptor), std::to_string(high),
             std::to_string(bits));
}

/// mbarrier.init of the barriers that `arrivals` arrive at.
Calls barriersOf(Function &function, bool full) {
  Calls calls = callsOf(function, "mbarrier.init.shared");
  auto arrivals = [](CallInst *call) {
    return cast<ConstantInt>(call->getArgOperand(1))->getZExtValue();
  };
  // 8 warps of each of two blocks free a stage.
  erase_if(calls,
           [&](CallInst *call) { return (arrivals(call) != 16) != full; });
  return calls;
}

const Mutant wgmmaMutants[] = {
    {"as it is", [](Function &) {}, std::nullopt, /*isRight=*/true},
    // Only operands without a swizzle have columns of chunks.
    {"another distance between columns of chunks",
     [](Function &f) { add(callsOf(f, descriptor), 0, 1 << 16); }, std::nullopt,
     /*isRight=*/true},

    {"full barriers count one too many",
     [](Function &f) { add(barriersOf(f, true), 1, 1); }, Deadlock},
    {"full barriers count one too few",
     [](Function &f) { add(barriersOf(f, true), 1, -1); }, Barrier},
    {"empty barriers count one too many",
     [](Function &f) { add(barriersOf(f, false), 1, 1); }, Deadlock},
    {"empty barriers count one warpgroup only",
     [](Function &f) { add(barriersOf(f, false), 1, -4); }, InFlightRead},
    {"empty barriers count one block only",
     [](Function &f) { add(barriersOf(f, false), 1, -8); }, InFlightRead},
    {"barriers used before they are there",
     [](Function &f) { drop(callsOf(f, "barrier.cluster")); }, Barrier},

    {"producer does not wait for free stages",
     [](Function &f) { drop(copying(f, wait)); }, InFlightRead},
    {"producer waits for the wrong phase",
     [](Function &f) { invertParity(copying(f, wait)); }, Deadlock},
    {"consumers do not wait for full stages",
     [](Function &f) { drop(multiplying(f, wait)); }, InFlightWrite},
    {"consumers wait for the wrong phase",
     [](Function &f) { invertParity(multiplying(f, wait)); }, InFlightWrite},
    {"every lane of the producer arrives",
     [](Function &f) {
       Calls arrivals = copying(f, "mbarrier.arrive.shared");
       always(SmallVector<Instruction *>(arrivals.begin(), arrivals.end()));
     },
     Barrier},
    {"every lane of a consumer arrives",
     [](Function &f) {
       Calls arrivals = multiplying(f, "mbarrier.arrive.scope");
       always(SmallVector<Instruction *>(arrivals.begin(), arrivals.end()));
     },
     Barrier},

    {"expect_tx of half the bytes",
     [](Function &f) { add(callsOf(f, "expect.tx"), 1, -(8 << 10)); },
     Deadlock},
    {"expect_tx of twice the bytes",
     [](Function &f) { add(callsOf(f, "expect.tx"), 1, 16 << 10); }, Deadlock},
    {"no expect_tx", [](Function &f) { drop(callsOf(f, "expect.tx")); },
     Deadlock},
    {"weights complete at the next stage's barrier",
     [](Function &f) { add(callsOf(f, box), 1, 8); }, Deadlock},
    {"weights for the first block only",
     [](Function &f) { add(callsOf(f, box), 5, -2); }, Deadlock},
    {"weights of other columns",
     [](Function &f) { add(callsOf(f, box), 3, 64); }, std::nullopt},
    {"weights of another row", [](Function &f) { add(callsOf(f, box), 4, 1); },
     std::nullopt},
    {"weights not aligned in shared memory",
     [](Function &f) { add(callsOf(f, box), 0, 64); }, Misaligned},

    {"tokens announced a group too early",
     [](Function &f) { add(callsOf(f, "cp.async.wait.group"), 0, 1); },
     InFlightWrite},
    {"copies of tokens in no group",
     [](Function &f) { drop(callsOf(f, "cp.async.commit.group")); },
     InFlightWrite},
    {"no fence.proxy.async",
     [](Function &f) { drop(callsOf(f, "fence.proxy.async")); },
     MissingProxyFence},
    {"no __syncwarp before the arrival",
     [](Function &f) { drop(copying(f, "bar.warp.sync")); }, Race},
    {"tokens stored without the swizzle",
     [](Function &f) {
       dropSwizzle(callsOf(f, "cp.async.cg").front()->getArgOperand(0));
     },
     std::nullopt},

    {"descriptors with half the stride",
     [](Function &f) { setDescriptors(f, 1u << 30 | 512 >> 4); }, std::nullopt},
    {"descriptors with a swizzle of 64 bytes",
     [](Function &f) { setDescriptors(f, 2u << 30 | 1024 >> 4); },
     std::nullopt},
    {"descriptors without a swizzle",
     [](Function &f) { setDescriptors(f, 1024 >> 4); }, std::nullopt},
    {"descriptors one step of K further",
     [](Function &f) { add(callsOf(f, descriptor), 0, 32 >> 4); },
     std::nullopt},
    {"no wgmma.fence", [](Function &f) { drop(callsOf(f, "wgmma.fence")); },
     Operand},
    {"no wgmma.commit_group",
     [](Function &f) { drop(callsOf(f, "wgmma.commit_group")); }, InFlightRead},
    {"stages freed before wgmma.wait_group",
     [](Function &f) { drop(callsOf(f, "wgmma.wait_group")); }, InFlightRead},
    {"wgmma.wait_group off by one",
     [](Function &f) { add(callsOf(f, "wgmma.wait_group"), 0, 1); },
     InFlightRead},

    {"producer gives up too few registers",
     [](Function &f) { add(callsOf(f, "setmaxnreg.dec"), 0, 16); }, Divergence},

    {"results stored without transposition",
     [](Function &f) { rename(callsOf(f, "stmatrix"), ".trans", ""); },
     std::nullopt},
    {"results stored without the swizzle",
     [](Function &f) {
       dropSwizzle(callsOf(f, "stmatrix").front()->getArgOperand(0));
     },
     std::nullopt},
    {"no barrier around the results in shared memory",
     [](Function &f) { drop(callsOf(f, "barrier.cta.sync.aligned.count")); },
     Race},
    {"barrier of the wrong number of threads",
     [](Function &f) {
       add(callsOf(f, "barrier.cta.sync.aligned.count"), 1, 32);
     },
     Deadlock},
    {"rows past the end are stored too",
     [](Function &f) { always(globalStores(f)); }, GlobalOverlap},
};

/// Of the tile of few tokens, whose warps have rings of their own.
const Mutant splitMutants[] = {
    {"as it is", [](Function &) {}, std::nullopt, /*isRight=*/true},
    {"a turn begins before its stage is there",
     [](Function &f) { add(callsOf(f, "cp.async.wait.group"), 0, 1); },
     InFlightWrite},
    {"copies in no group",
     [](Function &f) { drop(callsOf(f, "cp.async.commit.group")); },
     InFlightWrite},
    {"lanes do not wait for each other",
     [](Function &f) { drop(callsOf(f, "bar.warp.sync")); }, Race},
    {"chunks stored without the swizzle",
     [](Function &f) {
       dropSwizzle(callsOf(f, "cp.async.cg").front()->getArgOperand(0));
     },
     std::nullopt},
    {"sums put where other warps still copy",
     [](Function &f) { drop(callsOf(f, "barrier.cta.sync.aligned.all")); },
     Race},
};

//===----------------------------------------------------------------------===//
// Running them
//===----------------------------------------------------------------------===//

constexpr Completion modes[] = {Completion::Lazy, Completion::Eager,
                                Completion::Random};

/// A kernel, and what its launch leaves if there is no mistake in it.
class Subject {
public:
  Subject(StringRef chip, StringRef operation, int64_t hidden, int64_t tokens)
      : launch(chip, operation, hidden, tokens),
        right(launch.repeat(*build([](Function &) {}), {}).memory) {}

  void expectFound(const Mutant &mutant) {
    std::unique_ptr<Emulator> code = build(mutant.apply);
    bool found = false;
    std::string reports;
    for (size_t i = 0; i < std::size(modes) && !found; ++i) {
      LaunchOptions options;
      options.completion = modes[i];
      options.maxIdleIterations = 1 << 20;
      auto [report, memory] = launch.repeat(*code, options);
      found = mutant.finding ? report.has(*mutant.finding) : memory != right;
      found |= mutant.isRight && !report.clean();
      reports += report.text();
    }
    EXPECT_NE(found, mutant.isRight) << mutant.name << "\n" << reports;
  }

private:
  std::unique_ptr<Emulator> build(void (*apply)(Function &)) {
    LLVMContext context;
    std::unique_ptr<Module> module = launch.module(context);
    apply(*module->getFunction(launch.kernel()));
    return cantFail(Emulator::create(*module, launch.memory()));
  }

  RecordedLaunch launch;
  const std::vector<char> right;
};

class ProductTest : public testing::TestWithParam<Mutant> {
protected:
  static void TearDownTestSuite() { subject.reset(); }

  static std::unique_ptr<Subject> subject;
};

std::unique_ptr<Subject> ProductTest::subject;

/// Six steps of 64 in K, so that rings of stages turn; more rows for an expert
/// than one tile of tokens.
class WgmmaProductTest : public ProductTest {
protected:
  static void SetUpTestSuite() {
    subject = std::make_unique<Subject>("sm_90a", "wgmma.mma_async",
                                        /*hidden=*/384, /*tokens=*/56);
  }
};

/// So many steps that there is a loop, and one that only one warp has.
class SplitProductTest : public ProductTest {
protected:
  static void SetUpTestSuite() {
    subject = std::make_unique<Subject>("sm_80", "mma.m16n8k16",
                                        /*hidden=*/45 * 64, /*tokens=*/1);
  }
};

TEST_P(WgmmaProductTest, MistakesAreCaught) {
  subject->expectFound(GetParam());
}
TEST_P(SplitProductTest, MistakesAreCaught) {
  subject->expectFound(GetParam());
}

std::string nameOf(const testing::TestParamInfo<Mutant> &info) {
  std::string name = info.param.name;
  for (char &c : name)
    if (!isalnum(c))
      c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Seeded, WgmmaProductTest,
                         testing::ValuesIn(wgmmaMutants), nameOf);
INSTANTIATE_TEST_SUITE_P(Seeded, SplitProductTest,
                         testing::ValuesIn(splitMutants), nameOf);

} // namespace
