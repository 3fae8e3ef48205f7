"""variant.py MODEL OUT EDIT...: a copy of a checkpoint with some edits.

KEY=JSON sets a key of config.json, -KEY removes it, TENSOR:nan makes the first
element of a bf16 tensor NaN, TENSOR:rename=NAME gives it a name as long.
"""
import json
import pathlib
import shutil
import struct
import sys

model, out, *edits = sys.argv[1:]
out = pathlib.Path(out)
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
for name in ("config.json", "model.safetensors"):
    shutil.copyfile(pathlib.Path(model) / name, out / name)
config = json.loads((out / "config.json").read_text())
data = bytearray((out / "model.safetensors").read_bytes())
for edit in edits:
    if edit.startswith("-"):
        del config[edit[1:]]
    elif edit.endswith(":nan"):
        size = struct.unpack_from("<Q", data)[0]
        header = json.loads(data[8 : 8 + size])
        at = 8 + size + header[edit[:-4]]["data_offsets"][0]
        data[at : at + 2] = b"\xc0\x7f"
    elif ":rename=" in edit:
        old, new = edit.encode().split(b":rename=")
        assert len(old) == len(new) and data.count(old) == 1
        data = data.replace(old, new)
    else:
        key, value = edit.split("=", 1)
        config[key] = json.loads(value)
(out / "config.json").write_text(json.dumps(config))
(out / "model.safetensors").write_bytes(data)
