"""at-once.py COMMAND... : COMMAND...: starts all commands; fails if one does."""
import itertools
import subprocess
import sys

groups = itertools.groupby(sys.argv[1:], lambda word: word == ":")
processes = [subprocess.Popen(list(words)) for colon, words in groups if not colon]
if any([process.wait() for process in processes]):
    sys.exit(f"exit codes {[process.returncode for process in processes]}")
