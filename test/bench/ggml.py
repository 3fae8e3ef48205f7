"""A MoE layer of ggml's operators, as llama.cpp's build_moe_ffn makes it.

The library is that of the package llama-cpp-python, or in the directory GGML_LIB.
"""
import ctypes
import functools
import importlib.util
import os

import torch

# ggml_type
F32, Q4_0, Q8_0, Q4_K, BF16, MXFP4 = 0, 2, 8, 12, 30, 39
# Of these its kernels want another order.
REPACKED = (Q4_0, Q4_K, MXFP4)


def libraryPath():
    directory = os.environ.get("GGML_LIB")
    if not directory:
        package = importlib.util.find_spec("llama_cpp")
        if not package:
            raise ImportError("no package llama-cpp-python, and GGML_LIB is not set")
        directory = os.path.join(os.path.dirname(package.origin), "lib")
    path = os.path.join(directory, "libggml-cpu.so")
    if not os.path.exists(path):
        raise ImportError(f"there is no {path}")
    return path


class Library:
    """ggml's functions by their names without ggml_."""

    def __init__(self):
        self.library = ctypes.CDLL(libraryPath())
        # It would name every tensor whose order it changes.
        self.silence = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(lambda *_: None)
        self.log_set(self.silence, None)

    def __getattr__(self, name):
        function = getattr(self.library, "ggml_" + name)
        function.restype = ctypes.c_void_p

        def call(*values):
            # Whole numbers of all sizes and addresses are passed alike.
            whole = lambda value: isinstance(value, int)
            return function(*(ctypes.c_int64(v) if whole(v) else v for v in values))

        return call

    def context(self):
        """Room for the descriptions of a layer's tensors and a graph of them."""

        class Parameters(ctypes.Structure):
            _fields_ = [
                ("size", ctypes.c_size_t),
                ("memory", ctypes.c_void_p),
                ("describeOnly", ctypes.c_bool),
            ]

        size = 256 * self.tensor_overhead() + self.graph_overhead()
        return self.init(Parameters(size, None, True))

    def repackingBuffers(self):
        """The kind of buffer that changes the order of weights put into it."""
        registry = self.backend_cpu_reg()
        name = b"ggml_backend_dev_get_extra_bufts"
        address = self.backend_reg_get_proc_address(registry, name)
        kind = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)
        for buffers in kind(address)(self.backend_reg_dev_get(registry, 0)):
            if not buffers:
                raise ImportError("ggml was built without GGML_CPU_REPACK")
            if ctypes.string_at(self.backend_buft_name(buffers)) == b"CPU_REPACK":
                return buffers

    def floats(self, tensor, *shape):
        """A tensor's memory as one of torch."""
        count = functools.reduce(int.__mul__, shape)
        memory = (ctypes.c_float * count).from_address(self.get_data(tensor))
        return torch.frombuffer(memory, dtype=torch.float32).view(shape)


class Layer:
    """Weights as in engines.Weights; experts are stored as `type`."""

    def __init__(self, weights, type):
        self.lib, self.topK, self.normalize = Library(), weights.topK, weights.normalize
        self.backend = self.lib.backend_cpu_init()
        usual = self.lib.backend_cpu_buffer_type()
        buffers = self.lib.repackingBuffers() if type in REPACKED else usual
        self.router = self.put(weights.router[None], F32, usual)
        self.gateUp = self.put(weights.gateUp, type, buffers)
        self.down = self.put(weights.down, type, buffers)
        self.experts, self.hidden = weights.router.shape
        self.allocator = self.lib.gallocr_new(usual)
        self.described = self.tokens = None

    def put(self, matrices, type, buffers):
        """[E, N, K] in one tensor."""
        count, n, k = matrices.shape
        context = self.lib.context()
        tensor = self.lib.new_tensor_3d(context, type, k, n, count)
        self.lib.backend_alloc_ctx_tensors_from_buft(context, buffers)
        size = n * self.lib.row_size(type, k)
        codes = torch.empty(count, size, dtype=torch.uint8)
        for matrix, code in zip(matrices, codes):
            matrix = matrix.float().contiguous()
            self.lib.quantize_chunk(
                type, matrix.data_ptr(), code.data_ptr(), 0, n, k, None
            )
        self.lib.backend_tensor_set(tensor, codes.data_ptr(), 0, codes.numel())
        return tensor

    def setThreads(self, count):
        self.lib.backend_cpu_set_n_threads(self.backend, count)

    def prepare(self, tokens):
        """The graph for this many tokens."""
        lib, experts, topK = self.lib, self.experts, self.topK
        if self.described:
            lib.free(self.described)
        self.described = context = lib.context()
        x = lib.new_tensor_2d(context, F32, self.hidden, tokens)
        lib.set_input(x)
        scores = lib.soft_max(context, lib.mul_mat(context, self.router, x))
        ids = lib.argsort_top_k(context, scores, topK)
        scores = lib.reshape_3d(context, scores, 1, experts, tokens)
        weights = lib.get_rows(context, scores, ids)
        if self.normalize:
            weights = lib.reshape_2d(context, weights, topK, tokens)
            weights = lib.div(context, weights, lib.sum_rows(context, weights))
            weights = lib.reshape_3d(context, weights, 1, topK, tokens)
        rows = lib.reshape_3d(context, x, self.hidden, 1, tokens)
        rows = lib.swiglu(context, lib.mul_mat_id(context, self.gateUp, rows, ids))
        rows = lib.mul_mat_id(context, self.down, rows, ids)
        rows = lib.mul(context, rows, weights)
        row = 4 * self.hidden
        choices = [
            lib.view_2d(context, rows, self.hidden, tokens, topK * row, i * row)
            for i in range(topK)
        ]
        y = functools.reduce(lambda a, b: lib.add(context, a, b), choices)
        y = lib.cont(context, y) if topK == 1 else y
        lib.set_output(y)
        self.graph = lib.new_graph(context)
        lib.build_forward_expand(self.graph, y)
        lib.gallocr_alloc_graph(self.allocator, self.graph)
        self.tokens = tokens
        self.x = lib.floats(x, tokens, self.hidden)
        self.y = lib.floats(y, tokens, self.hidden)

    def __call__(self, x):
        if self.tokens != x.shape[0]:
            self.prepare(x.shape[0])
        self.x.copy_(x)
        self.lib.backend_graph_compute(self.backend, self.graph)
        return self.y
