"""Makes and shows the files that `moec run` reads and writes.

    tensors.py make FILE [NAME:DTYPE:SHAPE[=VALUES]]...
    tensors.py show FILE

DTYPE is f32, f16, i32 or i64, SHAPE is like 5x64. Without VALUES (numbers
with commas between) the elements are a fixed sequence from -1 to 1. A .npy file
holds one tensor and prints no name.
"""
import json
import math
import struct
import sys

CODES = {"f64": "d", "f32": "f", "f16": "e", "i32": "i", "i64": "q", "bf16": "H"}
NPY = {"f64": "<f8", "f32": "<f4", "f16": "<f2", "i32": "<i4", "i64": "<i8"}


def parse(text):
    head, _, values = text.partition("=")
    name, dtype, shape = head.split(":")
    shape = [int(n) for n in shape.split("x")]
    count = math.prod(shape)
    if values:
        elements = [float(v) if dtype[0] == "f" else int(v) for v in values.split(",")]
    elif dtype[0] == "f":
        elements = [(i * 37 % 101) / 50 - 1 for i in range(count)]
    else:
        elements = list(range(count))
    return name, dtype, shape, struct.pack(f"<{count}{CODES[dtype]}", *elements)


def make(path, tensors):
    if path.endswith(".npy"):
        _, dtype, shape, data = tensors[0]
        header = repr({"descr": NPY[dtype], "fortran_order": False, "shape": tuple(shape)})
        header += " " * (-(len(header) + 11) % 64) + "\n"
        prefix = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    else:
        entries, data = {}, b""
        for name, dtype, shape, values in tensors:
            end = len(data) + len(values)
            entries[name] = {"dtype": dtype.upper(), "shape": shape, "data_offsets": [len(data), end]}
            data += values
        header = json.dumps(entries)
        header += " " * (-len(header) % 8)
        prefix = struct.pack("<Q", len(header)) + header.encode()
    with open(path, "wb") as file:
        file.write(prefix + data)


def show(path):
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".npy"):
        size = struct.unpack("<H", data[8:10])[0]
        print(data[10 : 10 + size].decode().strip())
        return
    size = struct.unpack("<Q", data[:8])[0]
    for name, entry in sorted(json.loads(data[8 : 8 + size]).items()):
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        dtype = entry["dtype"].lower()
        line = f"{name} {dtype} {entry['shape']}"
        if dtype == "i32":
            line += f" {[v for v, in struct.iter_unpack('<i', data[begin:end])]}"
        print(line)


if sys.argv[1] == "make":
    make(sys.argv[2], [parse(text) for text in sys.argv[3:]])
else:
    show(sys.argv[2])
