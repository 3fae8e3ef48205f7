//===- FakeKernel.c - a layer in plain C, for tests -----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer whose result shows whether the run time kept its side of Kernel.h.
// Token t chooses experts (t + j) mod (E + 1), the last being an identity
// expert, with weights 1 / (j + 1); expert e scales by scale[e], the identity
// expert by 1. Token ids are added. A broken promise of the run
// time turns the whole output into NaN.
//
//===----------------------------------------------------------------------===//

#include "moec-c/Kernel.h"

#include <math.h>
#include <time.h>

enum { hidden = 6, experts = 4, topK = 3 };

/* The manifest's order. */
enum { inHidden, inTokenIds };
enum { outHidden, outIds, outWeights, outLogits };

static int isKept(const moec_kernel_call *call, int32_t thread,
                  int32_t threads) {
  int64_t need = call->tokens * hidden * (int64_t)sizeof(float);
  int isAligned = ((uintptr_t)call->workspace % 64 == 0) &&
                  ((uintptr_t)call->weights[0] % 64 == 0);
  int isTyped = call->inputs[inHidden].dtype == MOEC_DTYPE_F32 &&
                call->outputs[outHidden].dtype == MOEC_DTYPE_F32 &&
                call->outputs[outIds].dtype == MOEC_DTYPE_I32 &&
                call->outputs[outIds].row_stride == topK;
  if (!call->inputs[inTokenIds].data)
    return 0;
  for (int index = outHidden; index <= outLogits; ++index)
    if (!call->outputs[index].data || call->outputs[index].reserved)
      return 0;
  return isAligned && isTyped && call->tokens > 0 && call->sequence > 0 &&
         call->tokens % call->sequence == 0 && call->workspace_bytes >= need &&
         thread >= 0 && thread < threads;
}

static float tokenId(const moec_tensor_arg *ids, int64_t row) {
  return ids->dtype == MOEC_DTYPE_I64
             ? (float)((const int64_t *)ids->data)[row]
             : (float)((const int32_t *)ids->data)[row];
}

/* Chooses the experts of rows [begin, end) and copies their input. */
static void route(const moec_kernel_call *call, int64_t begin, int64_t end) {
  const moec_tensor_arg *x = &call->inputs[inHidden];
  int32_t *ids = call->outputs[outIds].data;
  float *weights = call->outputs[outWeights].data;
  float *logits = call->outputs[outLogits].data;
  float *copy = call->workspace;
  for (int64_t row = begin; row < end; ++row) {
    for (int col = 0; col < hidden; ++col)
      copy[row * hidden + col] =
          ((const float *)x->data)[row * x->row_stride + col];
    if (call->flags & MOEC_CALL_GIVEN_ROUTING)
      continue;
    for (int j = 0; j < topK; ++j) {
      ids[row * topK + j] = (int32_t)((row + j) % (experts + 1));
      weights[row * topK + j] = 1.0f / (float)(j + 1);
    }
    for (int e = 0; e <= experts; ++e)
      logits[row * (experts + 1) + e] = (float)(row * 10 + e);
  }
}

/* Applies the experts to rows [begin, end). */
static void apply(const moec_kernel_call *call, int64_t begin, int64_t end,
                  float valid) {
  const moec_tensor_arg *y = &call->outputs[outHidden];
  const int32_t *ids = call->outputs[outIds].data;
  const float *weights = call->outputs[outWeights].data;
  const float *scale = call->weights[0];
  const float *copy = call->workspace;
  for (int64_t row = begin; row < end; ++row) {
    float sum = 0.0f;
    for (int j = 0; j < topK; ++j) {
      int32_t id = ids[row * topK + j];
      if (id >= 0)
        sum += weights[row * topK + j] * (id < experts ? scale[id] : 1.0f);
    }
    for (int col = 0; col < hidden; ++col)
      ((float *)y->data)[row * y->row_stride + col] =
          valid * (sum * copy[row * hidden + col] +
                   tokenId(&call->inputs[inTokenIds], row));
  }
}

void fake_layer(const moec_kernel_call *call, int32_t thread, int32_t threads) {
  int64_t begin = call->tokens * thread / threads;
  int64_t end = call->tokens * (thread + 1) / threads;
  float valid = isKept(call, thread, threads) ? 1.0f : NAN;
  route(call, begin, end);
  call->barrier(call->barrier_state, thread, threads);
  /* Rows another thread prepared, so that the barrier matters. */
  int32_t other = threads - 1 - thread;
  begin = call->tokens * other / threads;
  end = call->tokens * (other + 1) / threads;
  apply(call, begin, end, valid);
}

int64_t fake_workspace(int64_t tokens, int32_t threads) {
  (void)threads;
  return tokens * hidden * (int64_t)sizeof(float);
}

int64_t fake_negative_workspace(int64_t tokens, int32_t threads) {
  return -tokens - threads;
}

int64_t fake_endless_workspace(int64_t tokens, int32_t threads) {
  return tokens > 1 ? INT64_MAX - threads : (int64_t)1 << 62;
}

/* Says how the call came: tokens, sequence, threads and first output type in
   the first row; copies nothing. */
void fake_describe(const moec_kernel_call *call, int32_t thread,
                   int32_t threads) {
  float *y = call->outputs[outHidden].data;
  if (thread != 0 || call->outputs[outHidden].dtype != MOEC_DTYPE_F32)
    return;
  y[0] = (float)call->tokens;
  y[1] = (float)call->sequence;
  y[2] = (float)threads;
  y[3] = (float)call->inputs[inHidden].dtype;
  y[4] = (float)call->inputs[inHidden].row_stride;
  y[5] = (float)call->flags;
}

/* Three stages of 1, 2 and 3 milliseconds, for which all wait for the last
   thread. */
void fake_slow(const moec_kernel_call *call, int32_t thread, int32_t threads) {
  for (int stage = 1; stage <= 3; ++stage) {
    if (stage > 1)
      call->barrier(call->barrier_state, thread, threads);
    struct timespec time = {0, stage * 1000000};
    if (thread == threads - 1)
      nanosleep(&time, 0);
  }
}
