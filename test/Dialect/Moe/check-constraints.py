"""Cross-checks the constraints of the moe dialect.

A constraint has a label in its operation's or attribute's description
("- C1: ..."). It must be in an invalid test, and every clause of a verifier
must be in one too. Usage: check-constraints.py PROJECT
"""
import glob
import os
import re
import sys

from tablegen import isA, records

project = sys.argv[1]
failures = []


def describedLabels():
    """What is described: name, with the labels of its constraints."""
    described = {}
    for record in records(project, "MoeOps.td"):
        if isA(record, "Moe_Op"):
            name = f"moe.{record['opName']}"
        elif isA(record, "Moe_Attr"):
            name = f"#moe.{record['mnemonic']}"
        else:
            continue
        described[name] = re.findall(r"^\s*- (C\d+):", record["description"], re.M)
    return described


def testedMessages():
    """Messages of the invalid tests: (name, label, text)."""
    messages = []
    for path in glob.glob(os.path.join(project, "test/Dialect/Moe/invalid*.mlir")):
        for text in re.findall(r"expected-error[^{]*\{\{(.*)\}\}$", open(path).read(), re.M):
            match = re.match(r"(?:'(moe\.\w+)' op|(#moe\.\w+)) (C\d+): (.*)", text)
            if match:
                messages.append((match[1] or match[2], match[3], match[4]))
    return messages


def clauses():
    """Clauses of the verifiers: (file, label, pattern of the message)."""
    literal = r'"((?:[^"\\]|\\.|"\s*")*)"'
    shapes = [
        # broken(op, "C1", "format", ...)
        (r'broken\([^"]*"(C\d+)",\s*' + literal, lambda m: formatPattern(m[2])),
        # emitOpError("C1: text") and emitError() << "#moe.x C1: text"
        (r'emitOpError\("(C\d+): ' + literal[1:], lambda m: re.escape(joined(m[2]))),
        (r'emitError\(\)\s*<< "#moe\.\w+ (C\d+): ' + literal[1:],
         lambda m: re.escape(joined(m[2]))),
        # checkRank(op, "C1", "name", ...)
        (r'checkRank\([^"]*"(C\d+)",\s*"([^"]*)"', lambda m: f"'{m[2]}' has rank"),
        (r'checkSameRows\([^"]*"(C\d+)"', lambda m: "'.*' has a first dimension of"),
        (r'checkSameWidth\([^"]*"(C\d+)"', lambda m: "'.*' is .* wide, the result"),
    ]
    for path in glob.glob(os.path.join(project, "lib/Dialect/Moe/IR/*.cpp")):
        source = open(path).read()
        for shape, pattern in shapes:
            for match in re.finditer(shape, source):
                yield os.path.basename(path), match[1], pattern(match)


def joined(text):
    return re.sub(r'"\s*"', "", text)


def formatPattern(text):
    text = re.escape(joined(text).replace("{{", "\0"))
    return re.sub(r"\\{\d\\}", ".*", text).replace("\0", r"\{")


described, tested = describedLabels(), testedMessages()
for name, labels in described.items():
    expected = [f"C{i + 1}" for i in range(len(labels))]
    if labels != expected:
        failures.append(f"{name}: labels are {labels}, not {expected}")
    for label in labels:
        if not any(test[:2] == (name, label) for test in tested):
            failures.append(f"{name} {label}: no invalid test")
for name, label, text in tested:
    if label not in described.get(name, []):
        failures.append(f"{name} {label}: not described, but tested: {text}")
count = 0
for path, label, pattern in clauses():
    count += 1
    if not any(label == test[1] and re.match(pattern, test[2]) for test in tested):
        failures.append(f"{path}: {label}: no invalid test for the clause '{pattern}'")

if count < 40:
    failures.append(f"only {count} clauses found; does the script still read the sources?")
if failures:
    sys.exit("\n".join(failures))
print(f"{sum(map(len, described.values()))} constraints, {count} clauses, {len(tested)} tests")
