/*===- Kernel.h - what a compiled MoE kernel is called with -------*- C -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The binary interface between the code in a bundle's kernel.so and whoever
// calls it, which is libmoec_rt or a program of one's own. Generated code reads
// these structures by fixed byte offsets, so every offset is asserted below and
// none changes within one bundle format version.
//
// A kernel runs one MoE layer. All threads of a team call it at the same time
// with the same `call`, and it returns when the calling thread's share is done;
// the layer is done when every thread has returned.
//
//===----------------------------------------------------------------------===*/

#ifndef MOEC_C_KERNEL_H
#define MOEC_C_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Element types of the tensors a kernel sees. Zero is not a type. */
typedef enum moec_dtype {
  MOEC_DTYPE_F32 = 1,
  MOEC_DTYPE_F16 = 2,
  MOEC_DTYPE_BF16 = 3,
  MOEC_DTYPE_I32 = 4,
  MOEC_DTYPE_I64 = 5
} moec_dtype;

/** Bits of moec_kernel_call.flags. */
enum {
  /** The outputs `topk_ids` and `topk_weights` hold the routing to apply: the
      kernel reads them, leaves them as they are and computes `hidden` alone.
      Every id is in [-1, experts + identity_experts); ids of a row may repeat.
   */
  MOEC_CALL_GIVEN_ROUTING = 1
};

/** One [tokens, cols] tensor; `cols` is fixed by the layer and in the manifest.
    Elements of a row are adjacent. Only a tensor named `hidden` may have a
    row_stride other than cols. */
typedef struct moec_tensor_arg {
  void *data;         /**< row 0; aligned to its element type */
  int32_t dtype;      /**< a moec_dtype the manifest lists for this tensor */
  int32_t reserved;   /**< 0 */
  int64_t row_stride; /**< elements from one row to the next, >= cols */
} moec_tensor_arg;

/** What one execution of a layer reads and writes. Lives as long as the call
    and is the same object for all threads. */
typedef struct moec_kernel_call {
  int64_t tokens;           /**< T > 0: rows of every tensor */
  int64_t sequence;         /**< rows of one sequence; divides tokens */
  uint64_t flags;           /**< MOEC_CALL_* */
  moec_tensor_arg *inputs;  /**< in manifest order; an optional input that was
                                 not given is full of zeros */
  moec_tensor_arg *outputs; /**< in manifest order; data is never NULL */
  void *const *weights;    /**< in manifest order, 64-byte aligned, read-only */
  void *workspace;         /**< 64-byte aligned, contents undefined */
  int64_t workspace_bytes; /**< >= what the layer's moec_workspace_fn said */
  /** Returns when all `threads` threads have called it; what they wrote before
      is then visible to all. All threads call it equally often. */
  void (*barrier)(void *state, int32_t thread, int32_t threads);
  void *barrier_state; /**< first argument of `barrier` */
} moec_kernel_call;

/** Runs thread `thread` of `threads` (0 <= thread < threads) of a layer. */
typedef void (*moec_kernel_fn)(const moec_kernel_call *call, int32_t thread,
                               int32_t threads);

/** Bytes of workspace that a call with these sizes needs; >= 0, and not less
    for more tokens. */
typedef int64_t (*moec_workspace_fn)(int64_t tokens, int32_t threads);

#ifdef __cplusplus
}
#define MOEC_STATIC_ASSERT static_assert
#else
#define MOEC_STATIC_ASSERT _Static_assert
#endif

/* The offsets that generated code relies on. */
#define MOEC_ASSERT_OFFSET(type, field, offset)                                \
  MOEC_STATIC_ASSERT(offsetof(type, field) == (offset),                        \
                     #type "." #field " has moved")

MOEC_STATIC_ASSERT(sizeof(void *) == 8, "moec needs 64-bit pointers");
MOEC_ASSERT_OFFSET(moec_tensor_arg, data, 0);
MOEC_ASSERT_OFFSET(moec_tensor_arg, dtype, 8);
MOEC_ASSERT_OFFSET(moec_tensor_arg, reserved, 12);
MOEC_ASSERT_OFFSET(moec_tensor_arg, row_stride, 16);
MOEC_STATIC_ASSERT(sizeof(moec_tensor_arg) == 24, "moec_tensor_arg has grown");
MOEC_ASSERT_OFFSET(moec_kernel_call, tokens, 0);
MOEC_ASSERT_OFFSET(moec_kernel_call, sequence, 8);
MOEC_ASSERT_OFFSET(moec_kernel_call, flags, 16);
MOEC_ASSERT_OFFSET(moec_kernel_call, inputs, 24);
MOEC_ASSERT_OFFSET(moec_kernel_call, outputs, 32);
MOEC_ASSERT_OFFSET(moec_kernel_call, weights, 40);
MOEC_ASSERT_OFFSET(moec_kernel_call, workspace, 48);
MOEC_ASSERT_OFFSET(moec_kernel_call, workspace_bytes, 56);
MOEC_ASSERT_OFFSET(moec_kernel_call, barrier, 64);
MOEC_ASSERT_OFFSET(moec_kernel_call, barrier_state, 72);
MOEC_STATIC_ASSERT(sizeof(moec_kernel_call) == 80, "moec_kernel_call changed");

#undef MOEC_ASSERT_OFFSET
#undef MOEC_STATIC_ASSERT

#endif /* MOEC_C_KERNEL_H */
