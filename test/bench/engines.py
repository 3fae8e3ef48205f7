"""Other engines' MoE layers on the weights of a checkpoint.

An engine is a class with a `name`, the `formats` it can have weights in, a
static `version()` that raises ImportError where a package is missing, and
`__call__(x)`, a whole layer: router, choice, experts, combination. Its maker
gets a Weights.
"""
import glob
import json
import os
import re

import torch
import torch.nn.functional as F


class Weights:
    """A layer with silu-gated experts and a softmax router, as in a checkpoint
    of the families mixtral, qwen3_moe and olmoe."""

    def __init__(self, directory):
        from safetensors import safe_open

        with open(os.path.join(directory, "config.json")) as file:
            config = json.load(file)
        self.topK = config["num_experts_per_tok"]
        self.normalize = config.get("norm_topk_prob", True)
        gate, up, down = {}, {}, {}
        places = dict(w1=gate, gate_proj=gate, w3=up, up_proj=up, w2=down, down_proj=down)
        for path in glob.glob(os.path.join(directory, "*.safetensors")):
            with safe_open(path, "pt") as file:
                for name in file.keys():
                    expert = re.search(r"experts\.(\d+)\.(\w+)\.weight$", name)
                    if expert and expert[2] in places:
                        places[expert[2]][int(expert[1])] = file.get_tensor(name)
                    elif name.endswith("gate.weight"):
                        self.router = file.get_tensor(name)
                    else:
                        raise ValueError(f"no rival knows what {name} is")
        if not gate:
            raise ValueError("no rival can run a layer of this family")
        count = range(len(gate))
        self.gateUp = torch.stack([torch.cat([gate[e], up[e]]) for e in count])
        self.down = torch.stack([down[e] for e in count])

    def route(self, x):
        scores = torch.softmax(F.linear(x, self.router).float(), -1)
        weights, ids = torch.topk(scores, self.topK)
        if self.normalize:
            weights = weights / weights.sum(-1, keepdim=True)
        return weights, ids


def perChannel(weights):
    """[E, N, K] as int8 with a scale for each row."""
    quantised = torch.empty(weights.shape, dtype=torch.int8)
    scales = torch.empty(weights.shape[:2])
    for e, matrix in enumerate(weights.float()):
        scale = matrix.abs().amax(-1, keepdim=True) / 127
        quantised[e], scales[e] = torch.round(matrix / scale), scale[:, 0]
    return quantised, scales


def grouped4(weights, group):
    """[E, N, K] as zentorch packs 4-bit weights with scales of `group` of K."""
    packed, scales = [], []
    for matrix in weights.float():
        n, k = matrix.shape
        groups = matrix.view(n, k // group, group)
        scale = groups.abs().amax(-1, keepdim=True) / 7
        codes = torch.round(groups / scale).clamp(-8, 7).to(torch.int8).view(n, k)
        packed.append(torch.ops.zentorch.zentorch_woq_repack_weight(codes))
        scales.append(scale[:, :, 0].t().to(torch.bfloat16))
    return torch.stack(packed), torch.stack(scales).contiguous()


class Zentorch:
    """AMD's plug-in; quantised weights come with 8-bit activations."""

    name, formats = "zentorch", ("f32", "bf16", "int8", "int4")

    @staticmethod
    def version():
        import zentorch

        return zentorch.__version__

    def __init__(self, weights, format):
        self.weights = weights
        # The first call packs weights where they are.
        self.gateUp, self.down = weights.gateUp.clone(), weights.down.clone()
        self.scales = [None, None]
        if format == "int8":
            self.gateUp, self.scales[0] = perChannel(self.gateUp)
            self.down, self.scales[1] = perChannel(self.down)
        elif format == "int4":
            sizes = weights.gateUp.shape[2], weights.down.shape[2]
            group = 128 if all(size % 128 == 0 for size in sizes) else 32
            self.gateUp, self.scales[0] = grouped4(self.gateUp, group)
            self.down, self.scales[1] = grouped4(self.down, group)

    def __call__(self, x):
        weights, ids = self.weights.route(x)
        y = torch.empty_like(x)
        # fmt: off
        torch.ops.zentorch.zentorch_fused_moe(
            y, x, self.gateUp, self.down, None, None, weights,
            ids.to(torch.int32), False, "silu", *self.scales)
        # fmt: on
        return y


class TorchGrouped:
    """torch._grouped_mm, as transformers' experts implementation of that name
    calls it."""

    name, formats = "torch grouped_mm", ("f32", "bf16")

    @staticmethod
    def version():
        return torch.__version__

    def __init__(self, weights, format):
        self.weights = weights

    def __call__(self, x):
        weights, ids = self.weights.route(x)
        order = torch.argsort(ids.view(-1))
        experts = self.weights.gateUp.shape[0]
        ends = torch.bincount(ids.view(-1), minlength=experts).cumsum(0).int()
        rows = x[order // self.weights.topK]
        both = torch._grouped_mm(rows, self.weights.gateUp.transpose(-2, -1), offs=ends)
        gate, up = both.chunk(2, -1)
        out = torch._grouped_mm(
            F.silu(gate) * up, self.weights.down.transpose(-2, -1), offs=ends
        )
        out = out * weights.view(-1)[order, None].to(out.dtype)
        slots = torch.empty_like(out)
        slots[order] = out
        return slots.view(*ids.shape, -1).sum(1)


class TorchEager:
    """A loop over experts, as transformers' eager implementation."""

    name, formats = "torch eager", ("f32", "bf16")

    @staticmethod
    def version():
        return torch.__version__

    def __init__(self, weights, format):
        self.weights = weights

    def __call__(self, x):
        weights, ids = self.weights.route(x)
        y = torch.zeros_like(x)
        for e in ids.unique().tolist():
            rows, choice = torch.where(ids == e)
            gate, up = F.linear(x[rows], self.weights.gateUp[e]).chunk(2, -1)
            out = F.linear(F.silu(gate) * up, self.weights.down[e])
            y.index_add_(0, rows, out * weights[rows, choice, None].to(out.dtype))
        return y


ENGINES = [Zentorch, TorchGrouped, TorchEager]
