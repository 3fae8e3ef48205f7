/*===- Device.h - what runs the kernels of a bundle for a GPU -----*- C -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A device as the run time sees it: memory, code, launches. libmoec_rt has one
// of its own, the CUDA driver's first GPU; a program may give another to
// moec_open, and `moec --device=emulator` does.
//
// Functions return NULL, or a message that lives until the next call of the
// same thread. Several threads may call at a time. What is asked of one stream
// happens in the order of the calls; the stream NULL is the device's own.
//
//===----------------------------------------------------------------------===*/

#ifndef MOEC_C_DEVICE_H
#define MOEC_C_DEVICE_H

#include <dlpack/dlpack.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a tensor map, and what the address of one is aligned to. */
#define MOEC_TENSOR_MAP_BYTES 128
#define MOEC_TENSOR_MAP_ALIGNMENT 64

/** A matrix in the device's memory that kernels copy by boxes of `box_rows`
 * rows and 128 bytes, with zeros for what lies outside; in shared memory, bits
 * 4 to 6 of an address are xored with bits 7 to 9. */
typedef struct moec_matrix {
  void *memory;
  int64_t rows, cols;
  int32_t element_bytes;
  int32_t box_rows;
} moec_matrix;

/** One launch: a grid of blocks[0] x blocks[1] blocks. */
typedef struct moec_launch {
  const char *kernel; /**< its name in the code */
  int32_t blocks[2];
  int32_t threads;      /**< of a block */
  int32_t shared_bytes; /**< of a block's dynamic shared memory */
  void **arguments;     /**< where each parameter's value is */
  void *stream;
  int32_t cluster;  /**< blocks in a row that run side by side; divides
                         blocks[0] */
  int32_t overlaps; /**< whether it may begin before what was asked of the
                         stream before has ended; its kernel waits for that */
} moec_launch;

typedef struct moec_device {
  size_t struct_size;        /**< sizeof(moec_device) of whoever made it */
  void *state;               /**< the first argument of every function */
  const char *const *images; /**< the kinds of code `load` takes, the best
                                  first, then NULL: "cubin", "ptx", "llvm" */
  DLDevice memory;           /**< what DLPack calls the device of its memory */

  /** Prepares code; `*module` is to be given to `unload`. */
  const char *(*load)(void *state, const char *kind, const void *image,
                      int64_t bytes, void **module);
  void (*unload)(void *state, void *module);
  /** Memory of at least 1 byte, aligned to 256. */
  const char *(*allocate)(void *state, int64_t bytes, void **memory);
  void (*release)(void *state, void *memory);
  /** `from` may change once it has returned. */
  const char *(*upload)(void *state, void *stream, void *to, const void *from,
                        int64_t bytes);
  /** Waits for the stream. */
  const char *(*download)(void *state, void *stream, void *to, const void *from,
                          int64_t bytes);
  const char *(*wait)(void *state, void *stream);
  const char *(*launch)(void *state, void *module, const moec_launch *launch);

  /** What runs blocks side by side; at least 1. */
  int32_t multiprocessors;
  /** Makes the tensor map of a matrix, MOEC_TENSOR_MAP_BYTES that kernels take
   * by value. */
  const char *(*make_tensor_map)(void *state, const moec_matrix *matrix,
                                 void *map);
  /** The chip whose code it runs, "sm_80"; NULL: of a bundle for several, the
   * first that it can load, the newest chip's first. */
  const char *chip;
} moec_device;

#ifdef __cplusplus
}
#endif

#endif /* MOEC_C_DEVICE_H */
