"""pages.py MOEC: fails if a help page has a line of more than 80 columns."""
import subprocess
import sys


def page(*arguments):
    return subprocess.check_output([sys.argv[1], *arguments, "--help"], text=True).splitlines()


program = page()
first = program.index("Commands:") + 1
commands = [line.split()[0] for line in program[first : program.index("", first)]]
for name in [None, *commands]:
    for line in page(*([name] if name else [])):
        if len(line) > 80:
            sys.exit(f"moec {name or ''} --help: {len(line)} columns: {line}")
