//===- SanitizerOptions.cpp - let sanitizers run the tests ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tests ask for more memory than there is, on purpose. A sanitizer's allocator
// ends the program then, unless told to return null as others do.
//
//===----------------------------------------------------------------------===//

extern "C" {
const char *__asan_default_options();
const char *__tsan_default_options();

const char *__asan_default_options() { return "allocator_may_return_null=1"; }
const char *__tsan_default_options() { return "allocator_may_return_null=1"; }
}
