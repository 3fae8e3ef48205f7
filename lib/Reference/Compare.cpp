//===- Compare.cpp - judging outputs by the reference -----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where ids differ, the layer is run again with the wish for the ids that were
// found: the reference takes them where its bounds leave the choice, and what
// still differs is wrong.
//
//===----------------------------------------------------------------------===//

#include "moec/Reference/Compare.h"

#include "moec/Support/Error.h"

#include "llvm/ADT/STLExtras.h"

#include <map>

using namespace llvm;

namespace moec::reference {

double Deviation::error() const {
  bool same =
      actual == expected || (std::isnan(actual) && std::isnan(expected));
  if (same)
    return 0;
  double error = std::abs(actual - expected);
  return std::isnan(error) ? infinity : error;
}

double Deviation::ratio() const {
  double difference = error();
  if (difference == 0 || bound == infinity)
    return 0;
  return difference == infinity ? infinity : difference / bound;
}

bool CompareReport::isGood() const {
  return mismatches.empty() && all_of(outputs, [](const OutputReport &output) {
           return output.outside == 0;
         });
}

static const NamedTensor *findOutput(ArrayRef<NamedTensor> tensors,
                                     StringRef name) {
  const auto *it = find_if(
      tensors, [&](const NamedTensor &other) { return other.name == name; });
  return it == tensors.end() ? nullptr : it;
}

/// The element `i` of an output next to what it should be.
static Deviation deviationAt(const Tensor &actual, const Tensor &expected,
                             int64_t i) {
  int64_t columns = std::max<int64_t>(expected.rowSize(), 1);
  return {actual.value[i], expected.value[i], expected.errorAt(i), i / columns,
          i % columns};
}

static OutputReport judge(const NamedTensor &actual, const Tensor &expected) {
  OutputReport report;
  report.name = actual.name;
  for (int64_t i = 0; i < expected.size(); ++i) {
    Deviation deviation = deviationAt(actual.tensor, expected, i);
    report.outside += !deviation.isWithin();
    report.unbounded += deviation.bound == infinity;
    bool isWorse =
        report.elements++ == 0 || deviation.ratio() > report.worst.ratio() ||
        (report.worst.bound == infinity && deviation.bound != infinity);
    if (isWorse)
      report.worst = deviation;
  }
  return report;
}

/// Judges the rows of "hidden" by expert.
static std::vector<ExpertReport>
judgeExperts(const Tensor &actual, const Tensor &expected, const Tensor &ids) {
  std::map<int64_t, ExpertReport> experts;
  int64_t columns = expected.rowSize(), topK = ids.rowSize();
  for (int64_t row = 0; row < expected.shape[0]; ++row) {
    Deviation worst = {0, 0, 0, row, 0};
    for (int64_t i = row * columns; i < (row + 1) * columns; ++i)
      if (Deviation deviation = deviationAt(actual, expected, i);
          i == row * columns || deviation.ratio() > worst.ratio())
        worst = deviation;
    SmallVector<int64_t> used;
    for (int64_t j = row * topK; j < (row + 1) * topK; ++j)
      if (int64_t id = ids.ints[j]; id >= 0 && !is_contained(used, id))
        used.push_back(id);
    for (int64_t id : used) {
      ExpertReport &expert = experts[id];
      expert.expert = id;
      if (expert.rows++ == 0 || worst.ratio() > expert.worst.ratio())
        expert.worst = worst;
    }
  }
  std::vector<ExpertReport> list;
  for (auto &[id, expert] : experts)
    list.push_back(expert);
  return list;
}

static bool isSameRow(const Tensor &a, const Tensor &b, int64_t row) {
  int64_t k = a.rowSize();
  return std::equal(a.ints.begin() + row * k, a.ints.begin() + (row + 1) * k,
                    b.ints.begin() + row * k);
}

static std::vector<int64_t> idsOf(const Tensor &ids, int64_t row) {
  int64_t k = ids.rowSize();
  return {ids.ints.begin() + row * k, ids.ints.begin() + (row + 1) * k};
}

/// Rows in which two tensors of ids differ.
static SmallVector<int64_t> differingRows(const Tensor &a, const Tensor &b) {
  SmallVector<int64_t> rows;
  for (int64_t row = 0; row < a.shape[0]; ++row)
    if (!isSameRow(a, b, row))
      rows.push_back(row);
  return rows;
}

static IdMismatch mismatchAt(int64_t row, const Tensor &actual,
                             const Tensor &expected, const RunResult &result) {
  IdMismatch mismatch;
  mismatch.row = row;
  mismatch.actual = idsOf(actual, row);
  mismatch.expected = idsOf(expected, row);
  mismatch.gap = std::numeric_limits<double>::quiet_NaN();
  for (const RowDecision &decision : result.decisions)
    if (decision.row == row) {
      mismatch.gap = decision.gap;
      mismatch.bound = decision.bound;
    }
  return mismatch;
}

/// Fails unless every output is one of the layer's, with its shape and kind.
static Error checkOutputs(ArrayRef<NamedTensor> actual, const RunResult &result,
                          StringRef layer) {
  for (const NamedTensor &output : actual) {
    const Tensor *expected = result.find(output.name);
    if (!expected)
      return inputError("layer {} has no output {}", quote(layer),
                        quote(output.name));
    if (expected->shape != output.tensor.shape)
      return inputError("output {} of layer {} has the shape {}, not {}",
                        quote(output.name), quote(layer),
                        formatShape(output.tensor.shape),
                        formatShape(expected->shape));
    if (expected->kind != output.tensor.kind)
      return inputError("output {} of layer {} does not hold {}",
                        quote(output.name), quote(layer),
                        expected->kind == Kind::Float ? "floats" : "integers");
  }
  return Error::success();
}

Expected<CompareReport> compareLayer(mlir::ModuleOp module, StringRef name,
                                     ArrayRef<NamedTensor> inputs,
                                     WeightProvider &weights,
                                     ArrayRef<NamedTensor> actual,
                                     const RunOptions &options) {
  Expected<RunResult> result = runLayer(module, name, inputs, weights, options);
  if (!result)
    return result.takeError();
  if (Error error = checkOutputs(actual, *result, name))
    return std::move(error);

  CompareReport report;
  const NamedTensor *ids = findOutput(actual, "topk_ids");
  if (ids) {
    SmallVector<int64_t> rows =
        differingRows(ids->tensor, *result->find("topk_ids"));
    if (!rows.empty()) {
      RunOptions wishing = options;
      wishing.preferredIds = ids->tensor;
      result = runLayer(module, name, inputs, weights, wishing);
      if (!result)
        return result.takeError();
    }
    const Tensor &expected = *result->find("topk_ids");
    SmallVector<int64_t> wrong = differingRows(ids->tensor, expected);
    for (int64_t row : wrong)
      report.mismatches.push_back(
          mismatchAt(row, ids->tensor, expected, *result));
    report.tooClose = static_cast<int64_t>(
        count_if(rows, [&](int64_t row) { return !is_contained(wrong, row); }));
  }
  for (const NamedTensor &output : actual) {
    const Tensor &expected = *result->find(output.name);
    if (expected.rank() > 0)
      report.rows = std::max(report.rows, expected.shape[0]);
    if (expected.kind == Kind::Float)
      report.outputs.push_back(judge(output, expected));
  }
  const NamedTensor *hidden = findOutput(actual, "hidden");
  const Tensor *expectedIds = result->find("topk_ids");
  bool hasExperts = hidden && expectedIds && expectedIds->rank() == 2 &&
                    hidden->tensor.rank() == 2 &&
                    expectedIds->shape[0] == hidden->tensor.shape[0];
  if (hasExperts)
    report.experts =
        judgeExperts(hidden->tensor, *result->find("hidden"), *expectedIds);
  return report;
}

} // namespace moec::reference
