// What is known of a CPU is one option, which is written as it is read.
// RUN: moe-opt %s --moe-choose-strategy="cpu={lanes=8 registers=16 fetch-rate=2.5}" --dump-pass-pipeline 2>&1 | FileCheck %s
// CHECK: moe-choose-strategy{cpu={arch=x86_64 lanes=8 registers=16 bf16-dot=false int8-dot=false {{.*}} fetch-rate=2.5 {{.*}}}}
// RUN: moe-opt %s --moe-cpu-loops="cpu={arch=aarch64 lanes=4 int8-dot=true}" --dump-pass-pipeline 2>&1 | FileCheck %s --check-prefix=PIPELINE
// PIPELINE: moe-lower-to-cpu{cpu={arch=aarch64 lanes=4 registers=32 bf16-dot=false int8-dot=true {{.*}}}}
// RUN: not moe-opt %s --moe-choose-strategy="cpu={speed=3}" 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: a CPU has no 'speed'
// RUN: not moe-opt %s --moe-choose-strategy="cpu={lanes=many}" 2>&1 | FileCheck %s --check-prefix=NUMBER
// NUMBER: 'many' is no value of a CPU's lanes
// RUN: not moe-opt %s --moe-choose-strategy="cpu={bf16-dot}" 2>&1 | FileCheck %s --check-prefix=FLAG
// FLAG: '' is no value of a CPU's bf16-dot
// RUN: not moe-opt %s --moe-choose-strategy="cpu={arch=riscv}" 2>&1 | FileCheck %s --check-prefix=ARCH
// ARCH: 'riscv' is no value of a CPU's arch
// RUN: not moe-opt %s --moe-choose-strategy="cpu={lanes=3}" 2>&1 | FileCheck %s --check-prefix=LANES
// LANES: takes 1 to 16 lanes, a power of two, and 16 registers or more; 3 and 32 given
