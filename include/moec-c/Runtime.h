/*===- Runtime.h - run MoE layers of a compiled bundle ------------*- C -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C interface of libmoec_rt. A program opens a bundle, makes a context (a
// team of threads and its workspace) and runs layers on DLPack tensors:
//
//   moec_model *model;
//   moec_context *context;
//   moec_open("qwen3.moec", NULL, &model);
//   moec_context_create(model, 0, &context);
//   const DLTensor *inputs[] = {&x};           // in the layer's input order
//   DLTensor *outputs[] = {&y, &ids, NULL, NULL};
//   moec_run(context, moec_layer_find(model, "layers.0"), inputs, 1, outputs,
//            4, 0);
//
// Threads: models are immutable, so any number of threads may use one. Calls on
// one context wait for each other; different contexts run independently. A
// context may outlive moec_close of its model. A process that has created a
// context must not use it, or destroy it, in a child after fork().
//
// Errors: a function that can fail returns a moec_status, and leaves a message
// for the calling thread in moec_last_error(). No output is written unless the
// arguments were found right. Nothing aborts, throws or prints.
//
//===----------------------------------------------------------------------===*/

#ifndef MOEC_C_RUNTIME_H
#define MOEC_C_RUNTIME_H

#include <dlpack/dlpack.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MOEC_API __attribute__((visibility("default")))
#else
#define MOEC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What became of a call. */
typedef enum moec_status {
  MOEC_OK = 0,
  MOEC_ERROR_ARGUMENT = 1, /**< an argument breaks a rule of its function */
  MOEC_ERROR_BUNDLE = 2,   /**< the bundle is missing, damaged or of a format
                                this library does not read */
  MOEC_ERROR_CPU = 3,      /**< the bundle needs features this CPU lacks */
  MOEC_ERROR_SYSTEM = 4,   /**< no memory, no thread, or an I/O error */
  MOEC_ERROR_DEVICE = 5    /**< the bundle needs a device that is not there, or
                                the device failed */
} moec_status;

/** An opened bundle: the layer table, the code and the mapped weights. */
typedef struct moec_model moec_model;

/** A team of threads with its workspace, which runs layers of one model. */
typedef struct moec_context moec_context;

/** The message of the last call on this thread that failed, or "" if none has.
    Valid until the next call that fails on this thread. */
MOEC_API const char *moec_last_error(void);

/** The name of a moec_status: "ok", "argument", "bundle", "cpu", "system" or
    "device"; "unknown" for any other number. */
MOEC_API const char *moec_status_name(int status);

/** The library's version, "MAJOR.MINOR.PATCH". */
MOEC_API const char *moec_version(void);

/*===- Models -------------------------------------------------------------===*/

/** Bits of moec_options.flags. */
enum {
  /** Read all of weights.bin once and compare its hash with the manifest. The
      hash of the code is always compared. */
  MOEC_OPEN_CHECK_WEIGHTS = 1,
  /** Tie each worker thread to one CPU. The thread that calls moec_run is the
      team's thread 0 and is never tied. */
  MOEC_OPEN_PIN_THREADS = 2,
  /** Copy the weights into this process's own memory, in huge pages where there
      are some, instead of mapping weights.bin: opening takes as long as reading
      the file, the memory is shared with no other process, and calls spend less
      time on translating addresses. */
  MOEC_OPEN_COPY_WEIGHTS = 4,
  /** Read the manifest and nothing else, whatever machine the bundle is for:
     its layers can be described, and no context be made. */
  MOEC_OPEN_DESCRIBE = 8
};

/** How to open a model. Start from MOEC_OPTIONS_INIT, which is what passing
    NULL means. */
typedef struct moec_options {
  size_t struct_size; /**< sizeof(moec_options) of the caller */
  uint64_t flags;     /**< MOEC_OPEN_* */
  int32_t threads;    /**< team size of contexts made with threads = 0;
                           0: one for each CPU this process may use */
  int32_t spin_us;    /**< microseconds a waiting thread keeps its CPU before it
                           sleeps; 0: sleep at once; default 2000 */
  const struct moec_device *device; /**< what runs a bundle for a GPU
                           (moec-c/Device.h); NULL: the CUDA driver's first
                           device. Has to outlive the model */
} moec_options;

#define MOEC_OPTIONS_INIT {sizeof(moec_options), 0, 0, 2000, NULL}

/** Opens the bundle directory `path`: checks its manifest, its target against
    this CPU and the hash of its code, loads the code and maps the weights.
    Executes code of the bundle: open only bundles you trust as you would trust
    a shared library. On success `*model` is to be given to moec_close. */
MOEC_API moec_status moec_open(const char *path, const moec_options *options,
                               moec_model **model);

/** Closes a model. Its memory is released once no context uses it. NULL is
    allowed. */
MOEC_API void moec_close(moec_model *model);

/** The manifest's description of the source model (name, model_type, ...), a
    JSON object as text. Valid until moec_close. */
MOEC_API const char *moec_model_json(const moec_model *model);

/** What runs the layers of a bundle for a GPU, for memory to have tensors in;
    NULL for a bundle for a CPU. Valid until moec_close. */
MOEC_API const struct moec_device *moec_model_device(const moec_model *model);

/*===- Layers -------------------------------------------------------------===*/

/** What a layer is. Strings are valid until moec_close. */
typedef struct moec_layer_info {
  size_t struct_size;       /**< sizeof(moec_layer_info) of the caller */
  const char *name;         /**< e.g. "layers.3", "encoder.layers.1" */
  const char *router;       /**< in words, may be "" */
  int64_t hidden;           /**< H: columns of the input and the output */
  int64_t width;            /**< I: columns inside an expert */
  int64_t experts;          /**< E: experts with weights */
  int64_t identity_experts; /**< ids E .. E + identity_experts - 1 copy x */
  int64_t top_k;            /**< K: expert choices of one token */
  int64_t weights_bytes;    /**< packed size in weights.bin */
  int32_t num_inputs;       /**< tensors moec_run reads */
  int32_t num_outputs;      /**< tensors moec_run writes */
  int32_t needs_sequence;   /**< 1: results depend on where sequences end, as
                                 capacity is counted per sequence */
  int32_t can_give_routing; /**< 1: MOEC_RUN_GIVEN_ROUTING is supported */
  int32_t weight_before;    /**< 1: weights scale an expert's input, 0: its
                                 output */
} moec_layer_info;

/** What one input or output of a layer is: a [T, cols] tensor. */
typedef struct moec_tensor_info {
  size_t struct_size; /**< sizeof(moec_tensor_info) of the caller */
  const char *name; /**< inputs: "hidden", "token_ids", ...; outputs: "hidden",
                         "topk_ids", "topk_weights", "router_logits", ... */
  int64_t cols;     /**< columns; with 1, a tensor [T] is accepted too */
  DLDataType dtype; /**< the type that needs no conversion */
  int32_t optional; /**< 1: may be NULL in moec_run; an input is 0 then */
} moec_tensor_info;

/** Number of layers. */
MOEC_API int32_t moec_layer_count(const moec_model *model);

/** The index of the layer called `name`, or -1 (and an error message). */
MOEC_API int32_t moec_layer_find(const moec_model *model, const char *name);

/** Describes layer `layer`, 0 <= layer < moec_layer_count. `info->struct_size`
    must be set. */
MOEC_API moec_status moec_layer_get_info(const moec_model *model, int32_t layer,
                                         moec_layer_info *info);

/** Describes input `index` of a layer. `info->struct_size` must be set. */
MOEC_API moec_status moec_layer_get_input(const moec_model *model,
                                          int32_t layer, int32_t index,
                                          moec_tensor_info *info);

/** Describes output `index` of a layer. `info->struct_size` must be set. */
MOEC_API moec_status moec_layer_get_output(const moec_model *model,
                                           int32_t layer, int32_t index,
                                           moec_tensor_info *info);

/** The position of the input called `name`, or -1 (and an error message). */
MOEC_API int32_t moec_layer_find_input(const moec_model *model, int32_t layer,
                                       const char *name);

/** The position of the output called `name`, or -1 (and an error message). */
MOEC_API int32_t moec_layer_find_output(const moec_model *model, int32_t layer,
                                        const char *name);

/*===- Contexts -----------------------------------------------------------===*/

/** Starts a team of `threads` threads, of which the caller of moec_run is one.
    0 means the number given to moec_open; more than the CPUs this process may
    use are reduced to that number. While other programs want these CPUs, runs
    take fewer threads, unless threads are tied to CPUs or spin_us is 0; results
    are the same with any number. */
MOEC_API moec_status moec_context_create(moec_model *model, int32_t threads,
                                         moec_context **context);

/** Stops the team and frees its workspace. No call on this context may be
    running. NULL is allowed. */
MOEC_API void moec_context_destroy(moec_context *context);

/** The size of the team. */
MOEC_API int32_t moec_context_threads(const moec_context *context);

/** The most bytes of workspace that one run of `layer` on `tokens` tokens takes
    from this context, in the memory of whatever runs the layer. */
MOEC_API moec_status moec_workspace_size(const moec_context *context,
                                         int32_t layer, int64_t tokens,
                                         int64_t *bytes);

/** Grows the workspace to what every layer needs for up to `tokens` tokens, so
    that no such moec_run allocates memory. Without it, moec_run grows the
    workspace when a call needs more than any call before. */
MOEC_API moec_status moec_reserve(moec_context *context, int64_t tokens);

/** Of a bundle for a GPU: puts the launches of later calls on `stream`, a
    CUstream or cudaStream_t; CUDA's default stream is cudaStreamLegacy. Calls
    return once everything is enqueued, and wait for the stream only to bring
    outputs to CPU memory. A call whose tensors all are in the GPU's memory then
    does nothing but launch, if moec_reserve has seen as many tokens: it can be
    captured in a CUDA graph. Calls on one context share its workspace: before
    another stream is set, work on the one before has to be done or waited for.
    NULL, as at the start: a stream of the library's own, and moec_run waits. */
MOEC_API moec_status moec_context_set_stream(moec_context *context,
                                             void *stream);

/** What a stage of a layer took, in seconds. */
typedef struct moec_stage_time {
  double seconds; /**< from the end of the stage before, or the beginning of
                       the call, until the last thread had done its share */
  double waiting; /**< of these, what a thread waited for the last one, on
                       average over the team */
} moec_stage_time;

/** Of a bundle for a CPU: lets later calls write what the layer's first `count`
    stages took to `times`, and 0 to what is left of it. What a stage does says
    "stages" of the layer's kernel in the bundle's manifest.json. Calls with
    MOEC_RUN_GIVEN_ROUTING, on no tokens, or that fail leave `times` alone.
   NULL, as at the start: nothing is timed, which costs nothing. */
MOEC_API moec_status moec_context_time_stages(moec_context *context,
                                              moec_stage_time *times,
                                              int32_t count);

/*===- Running ------------------------------------------------------------===*/

/** Bits of moec_run's flags. */
enum {
  /** The outputs `topk_ids` and `topk_weights` are inputs: the experts to use
      and their weights. Every id lies in [-1, experts + identity_experts), -1
      meaning no expert. Only `hidden` is written; other outputs are NULL. */
  MOEC_RUN_GIVEN_ROUTING = 1
};

/** Runs one layer on T tokens and returns when all outputs are written (but see
    moec_context_set_stream).

    inputs[i] is the layer's i-th input, outputs[i] its i-th output, in the
   order of moec_layer_get_input and moec_layer_get_output; `num_inputs` and
    `num_outputs` may be less than the layer's, which leaves the rest NULL.
    Tensors are in CPU memory or, for a bundle for a GPU, in that of device 0
    (kDLCUDA), where they are used in place; there they begin at multiples of 16
    bytes and rows that are not adjacent are multiples of 16 bytes apart, and
    ids of a given routing are not checked:

      hidden         [T, H], or [B, S, H] with T = B * S and sequences of S
                     tokens; f32, f16 or bf16 (in and out independently); rows
                     may be apart, elements of a row are adjacent
      topk_ids       [T, K] i32; -1: this choice was dropped
      topk_weights   [T, K] f32, as applied
      router_logits  [T, E + identity experts] f32
      token_ids      [T] or [B, S], i64
      token_types    likewise; 0 is text, all else images and video

    All but `hidden` are contiguous, and all but `hidden` may have T as [B, S]
    too. Outputs may be NULL and do not overlap an input or each other. T = 0 is
    allowed. T * K may not exceed 2^31 - 1. */
MOEC_API moec_status moec_run(moec_context *context, int32_t layer,
                              const DLTensor *const *inputs, int32_t num_inputs,
                              DLTensor *const *outputs, int32_t num_outputs,
                              uint64_t flags);

#ifdef __cplusplus
}
#endif

#endif /* MOEC_C_RUNTIME_H */
