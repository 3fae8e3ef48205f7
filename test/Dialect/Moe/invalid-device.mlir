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

// -----

// expected-error @+1 {{#moe.tensor_map C1: weight 0 as 8 x 4 numbers of 2 bytes cannot be copied by boxes of 64 rows}}
func.func private @f() attributes {map = #moe.tensor_map<weight = 0, rows = 8, cols = 4, element_bytes = 2, box_rows = 64>}

// -----

// expected-error @+1 {{#moe.launch C2: a grid of 2 columns cannot be cut to 1 blocks for each multiprocessor, in clusters of 1}}
func.func private @f() attributes {launch = #moe.launch<kernel = "k", when = always, per_token = 1, fixed = 0, per_block = 1, columns = 2, threads = 128, shared = 0, resident = 1, arguments = [<tokens>]>}

// -----

// expected-error @+1 {{#moe.gpu_tile C2: a cluster of 3 blocks cannot share 256 rows; it has 1 to 8 and divides them}}
func.func private @f() attributes {tile = #moe.gpu_tile<mma = wgmma, rows = 256, tokens = 128, depth = 64, warps = 12, stages = 4, cluster = 3>}

// -----

// expected-error @+1 {{#moe.launch C3: a cluster of 9 blocks; there may be 1 to 8}}
func.func private @f() attributes {launch = #moe.launch<kernel = "k", when = always, per_token = 1, fixed = 0, per_block = 1, columns = 1, threads = 128, shared = 0, cluster = 9, arguments = [<tokens>]>}

// -----

// expected-error @+1 {{'moe.plan' op C1: a launch names tensor map 1, there are 1}}
moe.plan @p packs [#moe.padded_rows<arg = 0, width = 64, type = bf16>] buffers [] maps [#moe.tensor_map<weight = 0, rows = 8, cols = 64, element_bytes = 2, box_rows = 64>] launches [#moe.launch<kernel = "k", when = always, per_token = 1, fixed = 0, per_block = 1, columns = 1, threads = 128, shared = 0, arguments = [<tensor_map, 1>]>]

// -----

// expected-error @+1 {{'moe.plan' op C2: a tensor map names weight 1, there are 1}}
moe.plan @p packs [#moe.padded_rows<arg = 0, width = 64, type = bf16>] buffers [] maps [#moe.tensor_map<weight = 1, rows = 8, cols = 64, element_bytes = 2, box_rows = 64>] launches []
