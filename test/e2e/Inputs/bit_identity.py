"""Runs the first layer of a bundle on parts of one batch, on one and two
threads, and fails unless every row comes out the same in every bit. Code for a GPU
may add in another order in calls of few tokens: these are compared with each other.

    bit_identity.py BUNDLE [OPTION OF moec run...]
"""
import json
import random
import struct
import subprocess
import sys

TOKENS = 150


def moec(*arguments):
    return subprocess.run(["moec", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def write(path, rows, hidden):
    header = json.dumps({"hidden": {"dtype": "F32", "shape": [len(rows), hidden],
                                    "data_offsets": [0, 4 * hidden * len(rows)]}})
    header += " " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode() + b"".join(rows))


def read(path):
    """The rows of every output, by name, as bytes."""
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    rows = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        count = entry["shape"][0]
        step = (end - begin) // count
        rows[name] = [data[begin + i * step:begin + (i + 1) * step] for i in range(count)]
    return rows


bundle = sys.argv[1]
layer = next(l for l in json.loads(moec("inspect", "--json", bundle))["layers"] if l["kind"] == "moe")
hidden = layer["hidden"]
random.seed(1)
batch = [struct.pack(f"<{hidden}f", *(random.gauss(0, 1) for _ in range(hidden))) for _ in range(TOKENS)]


def run(first, last, threads):
    write("x.safetensors", batch[first:last], hidden)
    moec("run", "-q", bundle, f"--layer={layer['name']}", "-i", "x.safetensors",
         "-o", "y.safetensors", f"--threads={threads}", *sys.argv[2:])
    return read("y.safetensors")


def fewest():
    """The least number of tokens of a call that is none of few."""
    kernels = json.load(open(bundle + "/manifest.json"))["kernels"]
    return max(launch["from"] for kernel in kernels
               for launch in kernel.get("plan", {}).get("launches", [{"from": 0}]))


few = fewest()
whole = run(0, TOKENS, 2)
# Calls of as many tokens as are few.
pieces = [run(first, min(first + few - 1, TOKENS), 2) for first in range(0, 60, few - 1)] if few > 1 else []
parts = [(0, TOKENS, 2), (0, TOKENS, 1), (0, 1, 1), (0, 1, 2), (3, 9, 1), (3, 10, 2), (40, 53, 1), (60, 150, 2)]
for first, last, threads in parts:
    part = run(first, last, threads)
    for name in whole:
        rows = sum((piece[name] for piece in pieces), []) if last - first < few else whole[name]
        for row, (expected, got) in enumerate(zip(rows[first:last], part[name])):
            if expected != got:
                sys.exit(f"{bundle}: row {first + row} of {name} differs in the batch of tokens "
                         f"[{first}, {last}) on {threads} threads")
