"""Fails if the innermost loop of a tile keeps a vector on the stack.

usage: spills.py OBJDUMP OBJECT

Looks at the innermost loops of tiles with eight multiplications or more. Prints
how many there are.
"""
import re
import subprocess
import sys

# x86-64, 64-bit Arm.
MULTIPLY = re.compile(r"vpdpbusd|vdpbf16ps|vfmadd|vpmaddwd|fmla|bfdot|sdot")
VECTOR_ON_STACK = re.compile(r"\(%rsp\b.*%[xyz]mm|%[xyz]mm.*\(%rsp\b|\bq\d+, .*\[sp\b")
JUMP = re.compile(r"(?:j\w+|b(?:\.\w+)?|cbn?z\s+\w+,|tbn?z\s+\w+, #\S+,)\s+(?:0x)?([0-9a-f]+)\b")


def functions(text):
    name, code = None, []
    for line in text.splitlines():
        if header := re.match(r"[0-9a-f]+ <(.*)>:", line):
            if name:
                yield name, code
            name, code = header[1], []
        elif instruction := re.match(r"\s*([0-9a-f]+):\s+(.*)", line):
            code.append((int(instruction[1], 16), instruction[2]))
    if name:
        yield name, code


def innermost_loops(code):
    """The instructions from the target of a jump backwards up to the jump, for jumps that
    have no other such jump between them."""
    place = {address: i for i, (address, _) in enumerate(code)}
    begin = 0
    for i, (_, text) in enumerate(code):
        jump = JUMP.match(text)
        target = place.get(int(jump[1], 16)) if jump else None
        if target is None or target > i:
            continue
        if target >= begin:
            yield [text for _, text in code[target : i + 1]]
        begin = i + 1


objdump, path = sys.argv[1:]
text = subprocess.run(
    [objdump, "-d", "--no-show-raw-insn", path], check=True, capture_output=True, text=True
).stdout
loops, failures = 0, []
for name, code in functions(text):
    if not re.search(r"_(?:experts|linear)\d+_tile\d+$", name):
        continue
    for loop in innermost_loops(code):
        if sum(bool(MULTIPLY.search(line)) for line in loop) < 8:
            continue
        loops += 1
        failures += [f"{name}: {line}" for line in loop if VECTOR_ON_STACK.search(line)]
print(*failures, sep="\n")
print(f"{loops} loops, {len(failures)} vectors on the stack")
sys.exit(1 if failures or loops == 0 else 0)
