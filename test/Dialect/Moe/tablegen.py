"""The definitions in dialects/moe/*.td, as llvm-tblgen dumps them."""
import json
import os
import shutil
import subprocess


def records(project, source):
    """The records of dialects/moe/`source` as dictionaries."""
    td = os.path.join(project, "dialects", "moe")
    tool = os.path.realpath(shutil.which("llvm-tblgen"))
    include = os.path.join(os.path.dirname(tool), "..", "include")
    command = [tool, "--dump-json", "-I", td, "-I", include, os.path.join(td, source)]
    everything = json.loads(subprocess.check_output(command)).values()
    return [value for value in everything if isinstance(value, dict) and "!name" in value]


def isA(record, kind):
    """Whether `record` is derived from the class `kind`."""
    return kind in record["!superclasses"]
