"""Checks that the dialect's and the passes' text is complete and true.

Every operation, attribute and pass has a summary, a description and an example
that moe-opt takes; a pass changes its example. Operations and attributes say
their constraints, passes what comes after. Every word of every enumeration is
in an example. Usage: check-examples.py PROJECT
"""
import re
import subprocess
import sys
import textwrap

from tablegen import isA, records

project = sys.argv[1]
failures = []


def examplesOf(record):
    blocks = re.findall(r"```mlir\n(.*?)```", record["description"], re.S)
    return [textwrap.dedent(block) for block in blocks]


def optimize(example, *arguments):
    command = ["moe-opt", "-", *arguments]
    return subprocess.run(command, input=example, capture_output=True, text=True)


def check(name, record, spelling, words):
    """What everything has; returns the examples that moe-opt takes."""
    if not record["summary"].strip():
        failures.append(f"{name}: no summary")
    if not record["description"].strip():
        failures.append(f"{name}: no description")
    for word in words:
        if word not in record["description"]:
            failures.append(f"{name}: the description does not say '{word}'")
    good = []
    for example in examplesOf(record):
        result = optimize(example)
        if result.returncode == 0:
            good.append(example)
        else:
            failures.append(f"{name}: its example does not run:\n{result.stderr}")
    if not examplesOf(record):
        failures.append(f"{name}: no example")
    elif spelling and not any(spelling in example for example in good):
        failures.append(f"{name}: no example contains {spelling}")
    return good


shown = ""
counts = {"operations": 0, "attributes": 0, "enumerations": 0, "passes": 0}
dialect = records(project, "MoeOps.td")
for record in dialect:
    if isA(record, "Moe_Op"):
        counts["operations"] += 1
        name = f"moe.{record['opName']}"
    elif isA(record, "Moe_Attr"):
        counts["attributes"] += 1
        name = f"#moe.{record['mnemonic']}"
    else:
        continue
    shown += "".join(check(name, record, name, ["Example", "Constraints:"]))

for record in dialect:
    if isA(record, "Moe_Enum"):
        counts["enumerations"] += 1
        name = record["className"]
        if not record["summary"].strip():
            failures.append(f"{name}: no summary")
        cases = [case["def"] for case in record["enumerants"]]
        for case in (other for other in dialect if other["!name"] in cases):
            if not re.search(rf"\b{case['str']}\b", shown):
                failures.append(f"{name}: no example contains '{case['str']}'")

for source in ("MoePasses.td", "MoeCpuPasses.td", "MoeNvptxPasses.td"):
    for record in records(project, source):
        if not isA(record, "PassBase"):
            continue
        counts["passes"] += 1
        name = record["argument"]
        for example in check(name, record, "", ["Before:", "After"]):
            after = optimize(example, f"--{name}")
            if after.returncode != 0:
                failures.append(f"{name}: fails on its example:\n{after.stderr}")
            elif after.stdout == optimize(example).stdout:
                failures.append(f"{name}: does not change its example")

for kind, count in counts.items():
    if count == 0:
        failures.append(f"no {kind} found; does the script still read the .td files?")
if failures:
    sys.exit("\n".join(failures))
print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
