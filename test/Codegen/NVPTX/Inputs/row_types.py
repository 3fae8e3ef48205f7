"""Runs the first layer of a bundle on rows of every type, into rows of every type,
with few tokens and with many, and fails unless the results are the same: the numbers
given are numbers of all three types.

    row_types.py BUNDLE [OPTION OF moec run...]
"""
import json
import random
import struct
import subprocess
import sys

SIZES = {"f32": 4, "f16": 2, "bf16": 2}


def moec(*arguments):
    return subprocess.run(["moec", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def encode(numbers, dtype):
    """As bytes, rounded to the nearest, ties to even."""
    if dtype != "bf16":
        return struct.pack(f"<{len(numbers)}{'f' if dtype == 'f32' else 'e'}", *numbers)
    words = struct.unpack(f"<{len(numbers)}I", encode(numbers, "f32"))
    return struct.pack(f"<{len(numbers)}H", *((w + 0x7FFF + (w >> 16 & 1)) >> 16 for w in words))


def write(path, numbers, shape, dtype):
    data = encode(numbers, dtype)
    header = json.dumps({"hidden": {"dtype": dtype.upper(), "shape": shape, "data_offsets": [0, len(data)]}})
    header += " " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode() + data)


def read(path):
    """The bytes of every output, by name."""
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    return {name: data[slice(*(8 + size + offset for offset in entry["data_offsets"]))]
            for name, entry in json.loads(data[8:8 + size]).items()}


bundle = sys.argv[1]
layer = next(l for l in json.loads(moec("inspect", "--json", bundle))["layers"] if l["kind"] == "moe")
hidden = layer["hidden"]
random.seed(1)

for tokens in 2, 19:
    # Seven bits each.
    numbers = [random.randint(-127, 127) / 64 for _ in range(tokens * hidden)]

    def run(given, result):
        write("x.safetensors", numbers, [tokens, hidden], given)
        moec("run", "-q", bundle, f"--layer={layer['name']}", "-i", "x.safetensors",
             "-o", "y.safetensors", f"--output-dtype={result}", *sys.argv[2:])
        return read("y.safetensors")

    def check(holds, given, result):
        if not holds:
            sys.exit(f"{bundle}: {tokens} rows of {given} give other rows of {result} than rows of f32 give of f32")

    def floats(data):
        return struct.unpack(f"<{tokens * hidden}f", data)

    expected = run("f32", "f32")
    rows = floats(expected["hidden"])
    largest = max(map(abs, rows))
    check(largest > 0, "f32", "f32")
    for result in "f16", "bf16":
        got = run("f32", result)
        check(got["hidden"] == encode(rows, result) and got["topk_ids"] == expected["topk_ids"], "f32", result)
    # A router may add up rows of another type in another order.
    for given in "f16", "bf16":
        got = run(given, "f32")
        near = all(abs(x - y) <= largest / 100 for x, y in zip(rows, floats(got["hidden"])))
        check(near and got["topk_ids"] == expected["topk_ids"], given, "f32")
