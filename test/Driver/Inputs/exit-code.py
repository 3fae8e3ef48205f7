"""exit-code.py CODE COMMAND...: runs the command; fails unless it ends with CODE."""
import subprocess
import sys

wanted, code = int(sys.argv[1]), subprocess.run(sys.argv[2:]).returncode
if code != wanted:
    sys.exit(f"exit code {code}, expected {wanted}")
