"""bench.py FILE: a line for each cell of the JSON that `moec bench` wrote."""
import json
import sys

for cell in json.load(open(sys.argv[1])):
    assert 0 < cell["best_ms"] <= cell["ms"], cell
    assert cell["roofline_ratio"] > 0 and cell["spread"] >= 0, cell
    assert cell["bound"] in ("compute", "memory") and cell["strategy"], cell
    print(
        f"{cell['shape']} {cell['format']} {cell['tokens']} tokens"
        f" {cell['threads']} thread {cell['routing']}:"
        f" {cell['active_experts']:.0f} experts"
    )
