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

static void fail(void) {
  fprintf(stderr, "run_layer: %s\n", moec_last_error());
  exit(1);
}

/* Uniform in [-1, 1), the same on every machine. */
static float nextRandom(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

int main(int argc, char **argv) {
  int64_t tokens = argc == 4 ? strtoll(argv[3], NULL, 10) : 0;
  if (tokens < 1 || tokens > 1000000) {
    fprintf(stderr, "usage: run_layer BUNDLE LAYER TOKENS\n");
    return 2;
  }
  moec_model *model;
  moec_context *context;
  if (moec_open(argv[1], NULL, &model) != MOEC_OK)
    fail();
  int32_t layer = moec_layer_find(model, argv[2]);
  moec_layer_info info = {.struct_size = sizeof(info)};
  if (layer < 0 || moec_layer_get_info(model, layer, &info) != MOEC_OK ||
      moec_context_create(model, /*threads=*/0, &context) != MOEC_OK)
    fail();

  int64_t shape[] = {tokens, info.hidden};
  size_t count = (size_t)tokens * (size_t)info.hidden;
  float *x = malloc(count * sizeof(float));
  float *y = malloc(count * sizeof(float));
  if (!x || !y) {
    fprintf(stderr, "run_layer: no memory for %zu numbers\n", 2 * count);
    return 1;
  }
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
    fail();

  double sum = 0.0;
  for (size_t i = 0; i < count; ++i)
    sum += y[i];
  printf("%s: %lld tokens, %lld of %lld experts each, checksum %.6f\n",
         info.name, (long long)tokens, (long long)info.top_k,
         (long long)info.experts, sum);

  free(x);
  free(y);
  moec_context_destroy(context);
  moec_close(model);
  return 0;
}
