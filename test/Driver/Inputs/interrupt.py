"""interrupt.py SIGNAL DIR COMMAND...: runs the command in DIR and sends it the
signal (INT, TERM, KILL) once weights.bin grows in a temporary directory there.
Fails unless the command ends by that signal. Then prints what DIR holds.
"""
import glob
import os
import signal
import subprocess
import sys
import time

number = signal.Signals["SIG" + sys.argv[1]]
directory, command = sys.argv[2], sys.argv[3:]


def parts():
    return set(glob.glob(os.path.join(directory, ".*.tmp-*", ".weights.bin.*")))


def packing():
    return any(os.path.getsize(part) for part in parts() - leftovers)


leftovers = parts()
if number != signal.SIGKILL:  # whoever runs this may ignore it
    signal.signal(number, signal.SIG_DFL)
process = subprocess.Popen(command, cwd=directory)


while process.poll() is None:
    try:
        if packing():
            break
    except FileNotFoundError:  # renamed meanwhile
        pass
    time.sleep(0.001)
process.send_signal(number)
if process.wait() != -number:
    sys.exit(f"exit code {process.returncode}, expected {-number}")
for name in sorted(os.listdir(directory)):
    print(name)
