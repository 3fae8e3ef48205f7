//===- run_layer.c - run one layer of a bundle from C ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opens a bundle, runs one layer on random tokens and prints a checksum:
//
//   run_layer BUNDLE LAYER TOKENS
//
//===----------------------------------------------------------------------===//

#include "moec-c/Runtime.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(void) {
  fprintf(stderr, "run_layer: %s\n", moec_last_error());
  return 1;
}

/* Uniform in [-1, 1), the same on every machine. */
static float nextRandom(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: run_layer BUNDLE LAYER TOKENS\n");
    return 2;
  }
  moec_model *model;
  moec_context *context;
  if (moec_open(argv[1], NULL, &model) != MOEC_OK)
    return fail();
  int32_t layer = moec_layer_find(model, argv[2]);
  moec_layer_info info = {.struct_size = sizeof(info)};
  if (moec_layer_get_info(model, layer, &info) != MOEC_OK ||
      moec_context_create(model, /*threads=*/0, &context) != MOEC_OK)
    return fail();

  int64_t shape[] = {strtoll(argv[3], NULL, 10), info.hidden};
  size_t count = (size_t)shape[0] * (size_t)shape[1];
  float *x = malloc(count * sizeof(float));
  float *y = malloc(count * sizeof(float));
  uint32_t seed = 1;
  for (size_t i = 0; i < count; ++i)
    x[i] = nextRandom(&seed);

  DLTensor input = {.data = x,
                    .device = {kDLCPU, 0},
                    .ndim = 2,
                    .dtype = {kDLFloat, 32, 1},
                    .shape = shape};
  DLTensor output = input;
  output.data = y;
  const DLTensor *inputs[] = {&input};
  DLTensor *outputs[] = {&output}; /* ids, weights and logits are not wanted */
  if (moec_run(context, layer, inputs, 1, outputs, 1, 0) != MOEC_OK)
    return fail();

  double sum = 0.0;
  for (size_t i = 0; i < count; ++i)
    sum += y[i];
  printf("%s: %lld tokens, %lld of %lld experts each, checksum %.6f\n",
         info.name, (long long)shape[0], (long long)info.top_k,
         (long long)info.experts, sum);

  free(x);
  free(y);
  moec_context_destroy(context);
  moec_close(model);
  return 0;
}
