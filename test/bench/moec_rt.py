"""The C interface of libmoec_rt for torch tensors, of the CPU and of a GPU
(include/moec-c/Runtime.h)."""
import ctypes

import torch


class DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("deviceType", ctypes.c_int32),
        ("deviceId", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.c_void_p),
        ("byteOffset", ctypes.c_uint64),
    ]

    CODES = {torch.float32: (2, 32), torch.float16: (2, 16), torch.bfloat16: (4, 16)}

    @classmethod
    def of(cls, tensor):
        shape = (ctypes.c_int64 * tensor.dim())(*tensor.shape)
        code, bits = cls.CODES[tensor.dtype]
        device = 2 if tensor.is_cuda else 1
        return cls(tensor.data_ptr(), device, 0, tensor.dim(), code, bits, 1, shape, None, 0)


class Options(ctypes.Structure):
    """moec_options; with weights in memory of this process, as others have."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("flags", ctypes.c_uint64),
        ("threads", ctypes.c_int32),
        ("spinMicroseconds", ctypes.c_int32),
        ("device", ctypes.c_void_p),
    ]
    COPY_WEIGHTS = 4

    @classmethod
    def usual(cls):
        return cls(ctypes.sizeof(cls), cls.COPY_WEIGHTS, 0, 2000, None)


class Layer:
    """The first layer of a bundle with a team of threads."""

    def __init__(self, library, bundle, threads):
        self.lib = ctypes.CDLL(library)
        self.lib.moec_last_error.restype = ctypes.c_char_p
        self.model, self.context = ctypes.c_void_p(), ctypes.c_void_p()
        options = Options.usual()
        self.check(
            self.lib.moec_open(
                bundle.encode(), ctypes.byref(options), ctypes.byref(self.model)
            )
        )
        self.check(
            self.lib.moec_context_create(
                self.model, threads, ctypes.byref(self.context)
            )
        )

    def check(self, status):
        if status:
            raise RuntimeError(self.lib.moec_last_error().decode())

    def version(self):
        self.lib.moec_version.restype = ctypes.c_char_p
        return self.lib.moec_version().decode()

    def __call__(self, x):
        if x.is_cuda:
            # CUDA's default stream has the number 1.
            stream = torch.cuda.current_stream().cuda_stream or 1
            self.check(
                self.lib.moec_context_set_stream(self.context, ctypes.c_void_p(stream))
            )
        y = torch.empty_like(x)
        inputs, outputs = DLTensor.of(x), DLTensor.of(y)
        self.check(
            self.lib.moec_run(
                self.context,
                0,
                (ctypes.POINTER(DLTensor) * 1)(ctypes.pointer(inputs)),
                1,
                (ctypes.POINTER(DLTensor) * 1)(ctypes.pointer(outputs)),
                1,
                ctypes.c_uint64(0),
            )
        )
        return y
