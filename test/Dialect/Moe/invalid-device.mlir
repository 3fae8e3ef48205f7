// Every clause of the verifiers of MoeDeviceOps.td.
// RUN: moe-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{#moe.gpu_tile C1: a tile of 64 x 0 x 16 with 1 stages and 4 warps is empty or has more than 32 warps}}
func.func private @f() attributes {tile = #moe.gpu_tile<mma = fma, rows = 64, tokens = 0, depth = 16, warps = 4, stages = 1>}

// -----

// expected-error @+1 {{#moe.gpu_tile C1: a tile of 64 x 32 x 16 with 1 stages and 33 warps is empty or has more than 32 warps}}
func.func private @f() attributes {tile = #moe.gpu_tile<mma = fma, rows = 64, tokens = 32, depth = 16, warps = 33, stages = 1>}

// -----

// expected-error @+1 {{#moe.device_buffer C1: -1 * T + 0 rows of 64 bytes are not an amount of memory}}
func.func private @f() attributes {buffer = #moe.device_buffer<per_token = -1, fixed = 0, row_bytes = 64>}

// -----

// expected-error @+1 {{#moe.argument C1: buffer number -2 is negative}}
func.func private @f() attributes {argument = #moe.argument<buffer, -2>}

// -----

// expected-error @+1 {{#moe.launch C1: a grid of (1 * T + 0) / 0 by 1 blocks of 128 threads with 0 bytes of shared memory cannot be launched}}
func.func private @f() attributes {launch = #moe.launch<kernel = "k", when = always, per_token = 1, fixed = 0, per_block = 0, columns = 1, threads = 128, shared = 0, arguments = [<tokens>]>}

// -----

// expected-error @+1 {{#moe.launch C1: a grid of (1 * T + 0) / 1 by 1 blocks of 2048 threads with 0 bytes of shared memory cannot be launched}}
func.func private @f() attributes {launch = #moe.launch<kernel = "k", when = always, per_token = 1, fixed = 0, per_block = 1, columns = 1, threads = 2048, shared = 0, arguments = [<tokens>]>}

// -----

// expected-error @+1 {{'moe.plan' op C1: a launch names buffer 1, there are 1}}
moe.plan @k packs [] buffers [#moe.device_buffer<per_token = 1, fixed = 0, row_bytes = 64>] launches [#moe.launch<kernel = "k", when = always, per_token = 1, fixed = 0, per_block = 1, columns = 1, threads = 128, shared = 0, arguments = [<buffer, 1>]>]

// -----

// expected-error @+1 {{'moe.plan' op C1: a launch names weight 0, there are 0}}
moe.plan @k packs [] buffers [] launches [#moe.launch<kernel = "k", when = always, per_token = 1, fixed = 0, per_block = 1, columns = 1, threads = 128, shared = 0, arguments = [<weight, 0>]>]
