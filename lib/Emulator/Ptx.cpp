//===- Ptx.cpp - Inline PTX -----------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading inline assembly.
//
//===----------------------------------------------------------------------===//

#include "Ptx.h"
#include "FunctionRewriter.h"
#include "PtxProgram.h"
#include "moec/Support/Error.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/InlineAsm.h"

using namespace llvm;

namespace moec::emulator {
namespace {

class Parser {
public:
  Parser(const InlineAsm &assembly, const OperationTable &operations)
      : assembly(assembly), operations(operations) {}

  Expected<PtxCode> parse();

private:
  Error readConstraints();
  Error readStatement(StringRef statement);
  Error declare(StringRef names);
  Error readInstruction(StringRef text, PtxInstruction instruction);
  Error readOperands(StringRef text, PtxInstruction &instruction);
  Error readOperand(StringRef text, PtxInstruction &instruction);
  Expected<PtxOperand> readElement(StringRef text);
  Error resolveLabels();

  const InlineAsm &assembly;
  const OperationTable &operations;
  PtxProgram program;
  StringMap<unsigned> registers;
  StringMap<size_t> labels;
  unsigned numRegisters = 0;
  std::string title;
};

} // namespace

Error Parser::readConstraints() {
  for (const InlineAsm::ConstraintInfo &info : assembly.ParseConstraints()) {
    if (info.Type == InlineAsm::isClobber)
      continue;
    unsigned number = numRegisters++;
    if (info.isIndirect || info.Type == InlineAsm::isLabel)
      return inputError("the constraints {} of inline PTX are not modelled",
                        quote(assembly.getConstraintString()));
    if (info.Type == InlineAsm::isOutput) {
      program.results.push_back(number);
      continue;
    }
    int tied = -1;
    unsigned output;
    if (!info.Codes.empty() && to_integer(info.Codes.front(), output, 10))
      tied = program.results.at(output);
    program.arguments.push_back({number, tied});
  }
  return Error::success();
}

Error Parser::declare(StringRef text) {
  // ".reg .pred p, q": the type does not matter.
  auto [type, names] = text.ltrim().split(' ');
  SmallVector<StringRef> list;
  names.split(list, ',');
  for (StringRef name : list) {
    if (name.contains('<'))
      return inputError(
          "numbered registers ({}) in inline PTX are not modelled",
          quote(name.trim()));
    registers[name.trim()] = numRegisters++;
  }
  return Error::success();
}

Expected<PtxOperand> Parser::readElement(StringRef text) {
  text = text.trim();
  StringRef whole = text;
  PtxOperand operand;
  if (text == "_")
    return operand;
  auto [name, offset] = text.split('+');
  if (!offset.empty()) {
    if (!to_integer(offset.trim(), operand.value, 0))
      return inputError("{} in inline PTX is not understood", quote(whole));
    text = name.trim();
  }
  operand.kind = PtxOperand::Register;
  if (text.consume_front("$")) {
    text.consume_front("{");
    text = text.take_while(isDigit);
    if (!to_integer(text, operand.index, 10) || operand.index >= numRegisters)
      return inputError("{} in inline PTX names no operand", quote(whole));
    return operand;
  }
  if (auto known = registers.find(text); known != registers.end()) {
    operand.index = known->second;
    return operand;
  }
  if (text.starts_with("%"))
    if (std::optional<unsigned> special = specialRegister(text.drop_front())) {
      operand.kind = PtxOperand::Special;
      operand.index = *special;
      return operand;
    }
  operand.kind = PtxOperand::Constant;
  int64_t number;
  uint64_t bits;
  if ((text.consume_front("0f") || text.consume_front("0F") ||
       text.consume_front("0d") || text.consume_front("0D")) &&
      to_integer(text, bits, 16))
    operand.value = bits;
  else if (to_integer(text, number, 0))
    operand.value = number;
  else if (to_integer(text, bits, 0))
    operand.value = bits;
  else
    return inputError("{} in inline PTX is not understood", quote(whole));
  return operand;
}

/// Splits at commas outside of braces and brackets.
static SmallVector<StringRef> splitOperands(StringRef text) {
  SmallVector<StringRef> parts;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '{' || text[i] == '[';
    depth -= text[i] == '}' || text[i] == ']';
    if (text[i] == ',' && depth == 0) {
      parts.push_back(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  if (StringRef last = text.substr(start).trim(); !last.empty())
    parts.push_back(last);
  return parts;
}

/// "{a, b}", "[a, {b, c}]", "a|b" and "a" are all lists of elements.
Error Parser::readOperand(StringRef text, PtxInstruction &instruction) {
  bool isList = text.size() > 1 && (text[0] == '{' || text[0] == '[');
  if (isList || text.contains('|')) {
    SmallVector<StringRef> parts;
    if (isList)
      parts = splitOperands(text.drop_front().drop_back());
    else
      text.split(parts, '|');
    for (StringRef part : parts)
      if (Error error = readOperand(part, instruction))
        return error;
    return Error::success();
  }
  Expected<PtxOperand> operand = readElement(text);
  if (!operand)
    return operand.takeError();
  instruction.operands.push_back(*operand);
  return Error::success();
}

Error Parser::readOperands(StringRef text, PtxInstruction &instruction) {
  for (StringRef part : splitOperands(text)) {
    size_t before = instruction.operands.size();
    if (Error error = readOperand(part, instruction))
      return error;
    instruction.counts.push_back(instruction.operands.size() - before);
  }
  if (instruction.operands.size() > maxRegisters)
    return inputError("inline PTX with more than {} operands is not modelled",
                      maxRegisters);
  return Error::success();
}

Error Parser::readInstruction(StringRef text, PtxInstruction instruction) {
  size_t end = text.find_first_of(" \t\n");
  StringRef opcode = text.take_front(end);
  StringRef rest = end == StringRef::npos ? "" : text.substr(end).trim();
  if (opcode == "bra" || opcode == "bra.uni") {
    instruction.label = rest;
    program.instructions.push_back(std::move(instruction));
    return Error::success();
  }
  if (Error error = readOperands(rest, instruction))
    return error;
  instruction.operation = operations.findPtx(opcode, instruction.counts);
  if (!instruction.operation.run)
    return inputError("the PTX instruction {} is not modelled",
                      printable(opcode));
  if (opcode.size() > title.size())
    title = opcode;
  program.instructions.push_back(std::move(instruction));
  return Error::success();
}

Error Parser::readStatement(StringRef statement) {
  statement = statement.trim();
  while (statement.consume_front("{") || statement.consume_front("}"))
    statement = statement.ltrim();
  size_t colon = statement.find(':');
  if (colon != StringRef::npos &&
      statement.take_front(colon).find_first_of(" \t[.") == StringRef::npos) {
    labels[statement.take_front(colon)] = program.instructions.size();
    return readStatement(statement.substr(colon + 1));
  }
  if (statement.empty())
    return Error::success();
  if (statement.consume_front(".reg"))
    return declare(statement);
  PtxInstruction instruction;
  if (statement.consume_front("@")) {
    instruction.negated = statement.consume_front("!");
    auto [name, rest] = statement.split(' ');
    Expected<PtxOperand> predicate = readElement(name);
    if (!predicate)
      return predicate.takeError();
    if (predicate->kind != PtxOperand::Register)
      return inputError("the predicate {} in inline PTX is no register",
                        quote(name));
    instruction.predicate = predicate->index;
    statement = rest.trim();
  }
  return readInstruction(statement, std::move(instruction));
}

Error Parser::resolveLabels() {
  for (PtxInstruction &instruction : program.instructions) {
    if (instruction.label.empty())
      continue;
    auto found = labels.find(instruction.label);
    if (found == labels.end())
      return inputError("inline PTX branches to {}, which it does not define",
                        quote(instruction.label));
    instruction.target = found->second;
  }
  return Error::success();
}

Expected<PtxCode> Parser::parse() {
  if (Error error = readConstraints())
    return std::move(error);
  SmallVector<StringRef> statements;
  StringRef(assembly.getAsmString()).split(statements, ';');
  for (StringRef statement : statements)
    if (Error error = readStatement(statement))
      return std::move(error);
  if (Error error = resolveLabels())
    return std::move(error);
  if (numRegisters > maxRegisters)
    return inputError("inline PTX with more than {} registers is not modelled",
                      maxRegisters);
  if (title.empty())
    title = "inline PTX";
  program.numRegisters = numRegisters;
  return PtxCode{title, makeOperation(std::move(program))};
}

Expected<PtxCode> parsePtx(const InlineAsm &assembly,
                           const OperationTable &operations) {
  return Parser(assembly, operations).parse();
}

} // namespace moec::emulator
