//===- PtxProgram.cpp - Inline PTX, ready to run --------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interpreter.
//
//===----------------------------------------------------------------------===//

#include "PtxProgram.h"
#include "Launch.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::emulator {

static void runInstruction(Thread &thread, const Site &site,
                           const PtxInstruction &instruction,
                           uint64_t *registers) {
  uint64_t in[maxRegisters], out[maxRegisters];
  bool hasResult = instruction.operation.result != PtxResult::None;
  unsigned skip = instruction.operation.result == PtxResult::First
                      ? instruction.firstCount()
                      : 0;
  unsigned count = 0;
  for (const PtxOperand &operand :
       ArrayRef(instruction.operands).drop_front(skip)) {
    uint64_t value = operand.value;
    if (operand.kind == PtxOperand::Register)
      value += registers[operand.index];
    else if (operand.kind == PtxOperand::Special)
      value = thread.registers[operand.index];
    in[count++] = value;
  }
  // Operands that may be left out are 0.
  std::fill_n(in + count, std::min(4u, maxRegisters - count), 0);
  instruction.operation.run(thread, site, in, out);
  for (unsigned i = 0; hasResult && i < instruction.firstCount(); ++i)
    if (instruction.operands[i].kind == PtxOperand::Register)
      registers[instruction.operands[i].index] = out[i];
}

static void runProgram(Thread &thread, const Site &site,
                       const PtxProgram &program, const uint64_t *in,
                       uint64_t *out) {
  uint64_t registers[maxRegisters];
  std::fill_n(registers, program.numRegisters, 0);
  for (auto [number, tied] : program.arguments) {
    registers[number] = *in;
    if (tied >= 0)
      registers[tied] = *in;
    ++in;
  }
  for (size_t at = 0; at < program.instructions.size();) {
    const PtxInstruction &instruction = program.instructions[at++];
    if (instruction.predicate >= 0 &&
        bool(registers[instruction.predicate]) == instruction.negated)
      continue;
    if (instruction.label.empty()) {
      runInstruction(thread, site, instruction, registers);
      continue;
    }
    if (instruction.target < at)
      thread.launch().tick(thread);
    at = instruction.target;
  }
  for (unsigned number : program.results)
    *out++ = registers[number];
}

/// Whether the code is a single instruction whose operands are the slots of the
/// call as they come, so that it can do without registers.
static bool isDirect(const PtxProgram &program) {
  if (program.instructions.size() != 1)
    return false;
  const PtxInstruction &only = program.instructions.front();
  bool hasResult = only.operation.result == PtxResult::First;
  if (only.predicate >= 0 || !only.label.empty() ||
      only.operation.result == PtxResult::InOut)
    return false;
  ArrayRef<PtxOperand> results = only.operands, sources = only.operands;
  results = results.take_front(hasResult ? only.firstCount() : 0);
  sources = sources.drop_front(results.size());
  if (results.size() != program.results.size() ||
      sources.size() != program.arguments.size())
    return false;
  for (auto [operand, number] : zip(results, program.results))
    if (operand.kind != PtxOperand::Register || operand.index != number)
      return false;
  for (auto [operand, argument] : zip(sources, program.arguments))
    if (operand.kind != PtxOperand::Register || operand.value ||
        (operand.index != argument.first &&
         int(operand.index) != argument.second))
      return false;
  return true;
}

Operation makeOperation(PtxProgram program) {
  // An operand that may be left out would read past the slots.
  if (isDirect(program) && program.arguments.size() >= 4)
    return program.instructions.front().operation.run;
  auto shared = std::make_shared<const PtxProgram>(std::move(program));
  return
      [shared](Thread &thread, const Site &site, const uint64_t *in,
               uint64_t *out) { runProgram(thread, site, *shared, in, out); };
}

} // namespace moec::emulator
