"""Rounds the f32 weights of a checkpoint's only file towards zero to numbers of bf16.

    round_weights.py CHECKPOINT
"""
import array
import glob
import struct
import sys

path, = glob.glob(sys.argv[1] + "/*.safetensors")
data = open(path, "rb").read()
begin = 8 + struct.unpack("<Q", data[:8])[0]
words = array.array("I", data[begin:])
with open(path, "wb") as file:
    file.write(data[:begin] + array.array("I", (word & 0xFFFF0000 for word in words)).tobytes())
