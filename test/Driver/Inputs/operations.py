"""Checks what `moec explain --measure --json` says of a layer's operations."""

import json
import sys

with open(sys.argv[1]) as file:
    layer = json.load(file)["layers"][0]
for batch in layer["batches"]:
    operations = batch["operations"]
    products = [o for o in operations if "flops" in o]
    assert [o["operation"] for o in products] == [p["weights"] for p in layer["products"]]
    for key in "flops", "bytes", "predicted_ms":
        total, parts = batch[key], sum(o[key] for o in products)
        assert abs(total - parts) <= 1e-6 * total, (key, total, parts)
    print(f"{len(operations)} operations, of which {len(products)} products have all the work and the prediction")
    for operation in operations:
        assert 0 <= operation["waiting_ms"] <= operation["ms"], operation
        assert operation["ms"] > 0, operation
    # Medians do not add up to the median, and a call is more than its stages;
    # but stages missed, or counted twice, would show.
    share = sum(o["ms"] for o in operations) / batch["ms"]
    assert 0.02 < share < 2, share
    print("no operation takes less than it waits, and none is left out of the whole")
