"""Races other engines against a compiled layer, on the same weights and rows.

usage: rivals.py DIRECTORY LIBRARY FORMAT TOKENS THREADS SECONDS RESULTS

DIRECTORY holds "checkpoint" and "bundle", which was compiled from it with
weights in FORMAT; LIBRARY is libmoec_rt. TOKENS and THREADS are lists; 0 threads
are a GPU, on which calls are captured in CUDA graphs and replayed. Engines
take turns of a few calls, so that all see the machine in the same moods; turns
in which other programs used the CPUs count only if there are no others. Writes
a list of {engine, version, tokens, threads, ms, best_ms, agree, quiet} to
RESULTS and what is missing to the standard error. `agree` is the share of rows
that differ by less than TOLERANCE of their length from the compiled layer's:
where two experts are nearly as good, a router in bf16 may choose the other one.
"""
import gc
import json
import os
import resource
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("torch is not installed, which all rivals need: pip install torch")

import engines
import moec_rt

# Of a row's length: bf16, and 8 or 4 bits of weights rounded in another way.
TOLERANCE = {"f32": 0.01, "bf16": 0.03, "int8": 0.08, "int4": 0.5, "mxfp4": 0.5}
TURN = 0.15  # seconds; the system counts CPU time in hundredths


def othersSince(before=None):
    """CPU seconds of all other processes and the host of a virtual machine."""
    with open("/proc/stat") as file:
        ticks = [int(text) for text in file.readline().split()[1:9]]
    busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    now = busy - usage.ru_utime - usage.ru_stime
    return now if before is None else now - before


class Contestant:
    rivals = engines.ENGINES

    def __init__(self, name, version, layer):
        self.name, self.version, self.layer = name, version, layer

    def setThreads(self, count):
        self.layer.setThreads(count)

    def reset(self):
        self.turns, self.next = [], 0

    def turn(self, rows, allowed):
        """Calls for a while, after one that nobody times."""
        self.layer(rows[self.next % len(rows)])
        times, before, start = [], othersSince(), time.perf_counter()
        while not times or time.perf_counter() - start < TURN:
            self.next += 1
            x = rows[self.next % len(rows)]
            begin = time.perf_counter()
            self.layer(x)
            times.append(time.perf_counter() - begin)
        wall = time.perf_counter() - start
        self.turns.append((othersSince(before) < allowed * wall + 0.01, times))
        # Idle threads of an engine may spin for a while.
        time.sleep(0.05)

    def result(self):
        quiet = [t for isQuiet, times in self.turns if isQuiet for t in times]
        times = sorted(quiet or [t for _, times in self.turns for t in times])
        return dict(
            engine=self.name,
            version=self.version,
            ms=times[len(times) // 2] * 1e3,
            best_ms=times[0] * 1e3,
            quiet=bool(quiet),
        )


class GpuContestant(Contestant):
    """Its turns are replays of a graph that has a call for each of the rows."""

    rivals = engines.GPU_ENGINES

    def setThreads(self, count):
        """There are none."""

    def reset(self):
        super().reset()
        self.graph = None

    def capture(self, rows):
        with torch.cuda.stream(torch.cuda.Stream()):
            for x in rows:
                self.layer(x)
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            for x in rows:
                self.layer(x)

    def turn(self, rows, allowed):
        if self.graph is None:
            self.capture(rows)
        self.graph.replay()
        times, start = [], time.perf_counter()
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        while not times or time.perf_counter() - start < TURN:
            begin.record()
            self.graph.replay()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end) / len(rows) / 1e3)
        self.turns.append((True, times))


def agreement(ours, theirs, tolerance):
    ours, theirs = ours.float(), theirs.float()
    errors = (ours - theirs).norm(dim=1) / ours.norm(dim=1)
    return (errors < tolerance).float().mean().item()


def enter(weights, format, kind):
    """The engines that are installed, on these weights."""
    found = []
    for engine in kind.rivals:
        try:
            if format in engine.formats:
                version = engine.version()
                found.append(kind(engine.name, version, engine(weights, format)))
        except (ImportError, RuntimeError) as error:
            print(f"{engine.name} does not take part: {error}", file=sys.stderr)
    return found


def race(contestants, tokens, hidden, dtype, threads, seconds):
    """Lets all take turns; theirs come with their agreement with ours."""
    generator = torch.Generator().manual_seed(tokens)
    count = max(2, min(64, 256 // tokens))
    device = "cpu" if threads else "cuda"
    rows = [
        torch.randn(tokens, hidden, generator=generator).to(device, dtype)
        for _ in range(count)
    ]
    allowed = 0.12 if threads >= os.cpu_count() else 0.5
    for contestant in contestants:
        contestant.reset()
    end = time.perf_counter() + seconds * len(contestants)
    while time.perf_counter() < end:
        for contestant in contestants:
            contestant.turn(rows, allowed)
    return rows[: max(1, 64 // tokens)]


def main():
    directory, library, format, tokenList, threadList, seconds, path = sys.argv[1:]
    # Engines choose for themselves how rows are rounded.
    format = format.split("/")[0].split(":")[0]
    torch.set_grad_enabled(False)
    weights = engines.Weights(os.path.join(directory, "checkpoint"))
    dtype, hidden = weights.router.dtype, weights.router.shape[1]
    kind = Contestant if threadList != "0" else GpuContestant
    if kind is GpuContestant:
        weights.toGpu()
    others = enter(weights, format, kind)
    results = []
    for threads in map(int, threadList.split(",")):
        for contestant in others:
            contestant.setThreads(threads)
        layer = moec_rt.Layer(library, os.path.join(directory, "bundle"), threads)
        ours = kind("moec", layer.version(), layer)
        for tokens in map(int, tokenList.split(",")):
            checked = race([ours] + others, tokens, hidden, dtype, threads, float(seconds))
            for contestant in [ours] + others:
                agree = [agreement(layer(x), contestant.layer(x), TOLERANCE[format]) for x in checked]
                results.append(
                    dict(
                        contestant.result(),
                        tokens=tokens,
                        threads=threads,
                        agree=sum(agree) / len(agree),
                    )
                )
        del layer, ours
        gc.collect()
    with open(path, "w") as file:
        json.dump(results, file)


main()
