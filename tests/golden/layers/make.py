"""Reference values of every layer type, computed by PyTorch in float64.

Run   /usr/bin/python3 tests/golden/layers/make.py        (torch 1.13, numpy)

Writes, beside itself,
  cases.json   one entry per case: spec, and for each array its offset into values.npy and its shape
  values.npy   float64 [total]: all arrays one after another

Arrays of a case: `x`; `state/<key>` (state dict); `f` [n, o]; `ntk` [n, n, o, o]; `jacobian` [n, o, p] when it is small,
else `gradient` [n, p], the gradient of sum_o (o + 1) f_o. Columns are in the order of spec.parameters, row-major each.

Weights and inputs are random; every derivative is taken by torch.autograd, one example and one output at a time. Layers
that torch 1.13 has no module for (RMSNorm, causal self-attention, NTK parameterization), and two whose derivatives it
rounds, are written with plain torch operations below.
"""

import json
import math
import os

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
LARGEST_JACOBIAN = 700


class RMSNorm(nn.Module):
    def __init__(self, normalized_shape, eps=None):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.axes = tuple(range(-len(normalized_shape), 0))
        self.eps = torch.finfo(torch.float64).eps if eps is None else eps

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(self.axes, keepdim=True) + self.eps) * self.weight


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, bias=True, causal=False):
        super().__init__()
        self.inner = nn.MultiheadAttention(embed_dim, num_heads, bias=bias, batch_first=True)
        self.causal = causal

    def forward(self, x):
        t = x.shape[1]
        mask = torch.triu(torch.full((t, t), -math.inf), 1) if self.causal else None
        return self.inner(x, x, x, need_weights=False, attn_mask=mask)[0]


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.inner = kind(batch_first=True, **options)

    def forward(self, x):
        return self.inner(x)[0]


class NtkLinear(nn.Module):
    def __init__(self, in_features, out_features, sigma_w=1.0, sigma_b=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features))
        self.scale, self.sigma_b = sigma_w / math.sqrt(in_features), sigma_b

    def forward(self, x):
        return x @ (self.scale * self.weight).T + self.sigma_b * self.bias


class NtkConv2d(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, sigma_w=1.0, sigma_b=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels))
        self.scale, self.sigma_b = sigma_w / math.sqrt(in_channels * kernel_size**2), sigma_b

    def forward(self, x):
        return nn.functional.conv2d(x, self.scale * self.weight, self.sigma_b * self.bias)


class Token(nn.Module):
    """A parameter that is prepended (cls) or added (pos)."""

    def __init__(self, kind, shape):
        super().__init__()
        self.kind = kind
        self.value = nn.Parameter(torch.empty(shape))

    def forward(self, x):
        if self.kind == "pos":
            return x + self.value
        return torch.cat([self.value.expand(x.shape[0], -1, -1), x], 1)


class Function(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


class Residual(nn.Module):
    def __init__(self, layers, shortcut=None):
        super().__init__()
        self.body = sequential(layers)
        self.shortcut = None if shortcut is None else sequential(shortcut)

    def forward(self, x):
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))


class Concat(nn.Module):
    def __init__(self, branches, axis=0):
        super().__init__()
        self.branches = nn.ModuleList([sequential(branch) for branch in branches])
        self.axis = axis

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1 + self.axis)


def sequential(layers):
    return nn.Sequential(*[module_of(layer) for layer in layers])


def module_of(layer):
    options = {k: v for k, v in layer.items() if k not in ("type", "name", "parameterization")}
    kind, name = layer["type"], layer.get("name")
    if layer.get("parameterization") == "ntk":
        module = {"Linear": NtkLinear, "Conv2d": NtkConv2d}[kind](**options)
    elif kind == "RMSNorm":
        module = RMSNorm(**options)
    elif kind == "MultiheadAttention":
        module = SelfAttention(**options)
    elif kind == "TransformerEncoderLayer":
        module = nn.TransformerEncoderLayer(dropout=0.0, batch_first=True, **options)
    elif kind in ("RNN", "GRU", "LSTM"):
        module = Recurrent(getattr(nn, kind), **options)
    elif kind in ("ClsToken", "PosEmbed"):
        tokens = options.get("num_tokens", 1)
        module = Token({"ClsToken": "cls", "PosEmbed": "pos"}[kind], (1, tokens, options["dim"]))
    elif kind == "Residual":
        module = Residual(**options)
    elif kind == "Concat":
        module = Concat(**options)
    elif kind == "ToTokens":
        module = Function(lambda x: x.flatten(2).transpose(1, 2))
    elif kind == "SelectToken":
        module = Function(lambda x: x[:, options["index"]])
    elif kind == "MeanTokens":
        module = Function(lambda x: x.mean(1))
    elif kind == "Scale":
        module = Function(lambda x: options["factor"] * x)
    elif kind == "Erf":
        module = Function(torch.erf)
    # torch 1.13 rounds 1/6 and 1/alpha to float32 in the derivatives of these two, whatever the dtype.
    elif kind == "Hardsigmoid":
        module = Function(lambda x: nn.functional.relu6(x + 3) / 6)
    elif kind == "CELU":
        alpha = options.get("alpha", 1.0)
        module = Function(lambda x: torch.where(x > 0, x, alpha * torch.expm1(torch.minimum(x, torch.zeros(())) / alpha)))
    elif kind == "Sin":
        module = Function(torch.sin)
    else:
        module = getattr(nn, kind)(**{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()})
    module.spec_name = name
    return module


def named_tensors(net):
    """(state-dict key in the spec's naming, tensor), parameters then buffers, in module order."""
    out = []
    for module in net.modules():
        name = getattr(module, "spec_name", None)
        if name is None:
            continue
        inner = getattr(module, "inner", module)
        if isinstance(module, Token):
            out.append((name, module.value))
            continue
        for key, tensor in list(inner.named_parameters()) + list(inner.named_buffers()):
            if key != "num_batches_tracked":
                out.append((f"{name}.{key}", tensor))
    return out


def randomize(key, tensor, rng):
    value = rng.standard_normal(tuple(tensor.shape))
    if key.endswith("running_var"):
        value = 0.3 + value**2
    elif tensor.dim() > 1:
        value = value * (1.3 / math.sqrt(max(1, tensor[0].numel())) if "embed" not in key else 1.0)
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(np.asarray(value)))


def evaluate(name, layers, shape, rng, tokens=None, n=3):
    net = sequential(layers)
    for module in net.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout)):
            module.eval()
    state = named_tensors(net)
    for key, tensor in state:
        randomize(key, tensor, rng)
    if tokens is None:
        x = torch.from_numpy(1.2 * rng.standard_normal((n, *shape)))
    else:
        x = torch.from_numpy(rng.integers(0, tokens, (n, *shape)))
    parameters = [(key, tensor) for key, tensor in state if isinstance(tensor, nn.Parameter)]
    outputs, rows = [], []
    for i in range(n):
        f = net(x[i : i + 1]).reshape(-1)
        outputs.append(f.detach().numpy())
        per_output = []
        for o in range(f.numel()):
            grads = torch.autograd.grad(f[o], [t for _, t in parameters], retain_graph=True, allow_unused=True)
            parts = [torch.zeros_like(t) if g is None else g for g, (_, t) in zip(grads, parameters)]
            per_output.append(torch.cat([part.reshape(-1) for part in parts]).numpy())
        rows.append(per_output)
    jacobian = np.array(rows)
    arrays = {"x": x.numpy().astype(np.float64), "f": np.array(outputs)}
    for key, tensor in state:
        arrays[f"state/{key}"] = tensor.detach().numpy()
    arrays["ntk"] = np.einsum("nop,mqp->nmoq", jacobian, jacobian)
    if jacobian.size <= LARGEST_JACOBIAN:
        arrays["jacobian"] = jacobian
    else:
        arrays["gradient"] = np.einsum("nop,o->np", jacobian, 1.0 + np.arange(jacobian.shape[1]))
    spec = {
        "input_shape": [n, *shape],
        "layers": layers,
        "parameters": [{"name": key, "shape": list(tensor.shape)} for key, tensor in parameters],
    }
    assert all(np.isfinite(a).all() for a in arrays.values()), name
    return {"name": name, "spec": spec}, arrays


def layer(kind, **options):
    return {"type": kind, **options}


def linear(name, i, o, **options):
    return layer("Linear", name=name, in_features=i, out_features=o, **options)


def conv(name, i, o, k, kind="Conv2d", **options):
    return layer(kind, name=name, in_channels=i, out_channels=o, kernel_size=k, **options)


def on_image(*layers, channels=2):
    """An image that depends on parameters, the layers, and a small readout: mean over positions."""
    return [conv("in", 1, channels, 1), *layers, layer("Tanh"), layer("AdaptiveAvgPool2d", output_size=1), layer("Flatten")]


def on_signal(*layers, channels=2):
    return [conv("in", 1, channels, 1, "Conv1d"), *layers, layer("Tanh"), layer("AdaptiveAvgPool1d", output_size=1), layer("Flatten")]


def on_tokens(*layers, width=4, inputs=3):
    return [linear("in", inputs, width), *layers, layer("MeanTokens")]


def cases():
    yield "linear", [linear("a", 3, 4), layer("Tanh"), linear("b", 4, 2, bias=False)], (3,)
    yield "linear_ntk", [
        linear("a", 3, 4, parameterization="ntk", sigma_w=1.5, sigma_b=0.4),
        layer("Erf"),
        linear("b", 4, 2, parameterization="ntk"),
    ], (3,)
    yield "linear_on_tokens", [linear("a", 3, 4), layer("ReLU"), linear("b", 4, 2), layer("Flatten")], (2, 3)

    activations = [
        layer("ReLU"), layer("Tanh"), layer("Erf"), layer("Sigmoid"), layer("SiLU"), layer("Sin"),
        layer("LeakyReLU"), layer("LeakyReLU", negative_slope=0.3), layer("ELU"), layer("ELU", alpha=1.7),
        layer("SELU"), layer("CELU"), layer("CELU", alpha=0.6), layer("GELU"), layer("GELU", approximate="tanh"),
        layer("Mish"), layer("Softplus"), layer("Softplus", beta=2.5, threshold=1.0), layer("LogSigmoid"),
        layer("Softsign"), layer("Tanhshrink"), layer("Hardtanh"), layer("Hardtanh", min_val=-0.4, max_val=0.7),
        layer("ReLU6"), layer("Hardsigmoid"), layer("Hardswish"), layer("Softmax", dim=1), layer("Softmax", dim=-1),
        layer("Identity"), layer("Dropout", p=0.5),
    ]
    for index, activation in enumerate(activations):
        scale = [layer("Scale", factor=4.0)] if activation["type"] in ("ReLU6", "Hardsigmoid", "Hardswish", "Tanhshrink") else []
        name = "_".join(["activation", str(index), activation["type"].lower()])
        yield name, [linear("a", 2, 4), *scale, activation, linear("b", 4, 2)], (2,)
    for dim in (1, 2, -1, -2):
        yield f"softmax_dim_{dim}", on_tokens(layer("Softmax", dim=dim), linear("b", 4, 2)), (5, 3)
    for dim in (1, 2, 3):
        yield f"softmax_image_dim_{dim}", on_image(layer("Softmax", dim=dim), conv("b", 2, 2, 2)), (1, 3, 4)
    yield "prelu_1", [linear("a", 3, 4), layer("PReLU", name="p"), linear("b", 4, 2)], (3,)
    yield "prelu_c_vector", [linear("a", 3, 4), layer("PReLU", name="p", num_parameters=4), linear("b", 4, 2)], (3,)
    yield "prelu_c_image", on_image(layer("PReLU", name="p", num_parameters=2), conv("b", 2, 2, 2)), (1, 3, 4)
    yield "prelu_1_image", on_image(layer("PReLU", name="p", num_parameters=1), conv("b", 2, 2, 2)), (1, 3, 4)

    convolutions = {
        "plain": dict(),
        "no_bias": dict(bias=False),
        "stride": dict(stride=2),
        "stride_hw": dict(stride=[1, 2], padding=[2, 1]),
        "same": dict(padding="same"),
        "valid": dict(padding="valid"),
        "dilation": dict(dilation=2),
        "dilation_hw": dict(dilation=[2, 1], padding=[1, 2]),
        "groups": dict(groups=2),
        "depthwise": dict(groups=4),
        "depthwise_multiplied": dict(groups=4, multiply=2),
        "groups_stride_dilation": dict(groups=2, stride=2, dilation=2, padding=2),
    }
    for key, options in convolutions.items():
        options = dict(options)
        out = 4 * options.pop("multiply", 1)
        yield f"conv2d_{key}", on_image(conv("b", 4, out, 3, **options), channels=4), (1, 6, 5)
    yield "conv2d_same_even", on_image(conv("b", 2, 3, [2, 4], padding="same")), (1, 5, 6)
    yield "conv2d_same_dilated_groups", on_image(conv("b", 2, 4, [2, 3], padding="same", dilation=[3, 2], groups=2)), (1, 5, 6)
    yield "conv2d_rectangle", on_image(conv("b", 2, 3, [3, 1], stride=[2, 1], padding=[1, 0])), (1, 5, 4)
    yield "conv2d_stride_beyond_kernel", on_image(conv("b", 2, 2, 2, stride=3)), (1, 7, 8)
    yield "conv2d_twice", [conv("a", 1, 3, 3, padding=1), layer("ReLU"), conv("b", 3, 2, 3), layer("Flatten")], (1, 4, 4)
    yield "conv2d_ntk", [conv("a", 2, 3, 2, parameterization="ntk", sigma_w=1.4, sigma_b=0.2), layer("Tanh"), layer("Flatten"), linear("b", 12, 2)], (2, 3, 3)
    for key, options in {
        "plain": dict(),
        "list_options": dict(stride=[2], padding=[1]),
        "same": dict(padding="same"),
        "dilation": dict(dilation=2, padding=3),
        "groups": dict(groups=2, stride=2),
        "depthwise": dict(groups=4, padding=1),
    }.items():
        yield f"conv1d_{key}", on_signal(conv("b", 4, 4, 3, "Conv1d", **options), channels=4), (1, 7)
    yield "conv1d_same_even", on_signal(conv("b", 2, 3, 4, "Conv1d", padding="same", dilation=3)), (1, 9)

    transposed = {
        "plain": dict(),
        "stride_output_padding": dict(stride=2, padding=1, output_padding=1),
        "stride_hw": dict(stride=[2, 3], padding=[0, 1], output_padding=[1, 2]),
        "groups": dict(groups=2, stride=2),
        "depthwise": dict(groups=4, padding=1),
        "dilation": dict(dilation=2, output_padding=1, padding=2),
        "no_bias": dict(bias=False, stride=2, groups=2, output_padding=1),
    }
    for key, options in transposed.items():
        yield f"convtranspose2d_{key}", on_image(conv("b", 4, 4, 3, "ConvTranspose2d", **options), channels=4), (1, 3, 2)
    for key, options in {
        "plain": dict(),
        "stride_output_padding": dict(stride=3, padding=1, output_padding=2),
        "groups_dilation": dict(groups=2, dilation=3),
    }.items():
        yield f"convtranspose1d_{key}", on_signal(conv("b", 4, 6, 3, "ConvTranspose1d", **options), channels=4), (1, 4)

    for key, options in {
        "plain": dict(kernel_size=2),
        "overlapping": dict(kernel_size=3, stride=1),
        "padding": dict(kernel_size=3, stride=2, padding=1),
        "rectangle": dict(kernel_size=[3, 2], stride=[1, 2], padding=[1, 0]),
        "dilation": dict(kernel_size=2, stride=1, dilation=2),
        "dilation_hw": dict(kernel_size=2, stride=[2, 1], dilation=[1, 3], padding=1),
    }.items():
        yield f"maxpool2d_{key}", on_image(layer("MaxPool2d", **options), conv("b", 2, 2, 1)), (1, 6, 5)
    for key, options in {
        "plain": dict(kernel_size=2),
        "padding": dict(kernel_size=3, stride=2, padding=1),
        "padding_not_counted": dict(kernel_size=3, stride=2, padding=1, count_include_pad=False),
        "rectangle": dict(kernel_size=[2, 4], stride=[2, 1], padding=[0, 2], count_include_pad=False),
    }.items():
        yield f"avgpool2d_{key}", on_image(layer("AvgPool2d", **options), conv("b", 2, 2, 1)), (1, 6, 5)
    yield "maxpool1d", on_signal(layer("MaxPool1d", kernel_size=3, stride=2, padding=1, dilation=2), conv("b", 2, 2, 1, "Conv1d")), (1, 9)
    yield "avgpool1d", on_signal(layer("AvgPool1d", kernel_size=3, padding=1, count_include_pad=False), conv("b", 2, 2, 1, "Conv1d")), (1, 8)
    yield "adaptiveavgpool2d", on_image(layer("AdaptiveAvgPool2d", output_size=[3, 2]), conv("b", 2, 2, 2)), (1, 6, 4)
    yield "adaptiveavgpool1d", on_signal(layer("AdaptiveAvgPool1d", output_size=3), conv("b", 2, 2, 2, "Conv1d")), (1, 6)
    for key, options in {
        "nearest": dict(scale_factor=2),
        "nearest_hw": dict(scale_factor=[3, 2], mode="nearest"),
        "bilinear": dict(scale_factor=2, mode="bilinear"),
        "bilinear_hw": dict(scale_factor=[2, 3], mode="bilinear", align_corners=False),
        "bilinear_aligned": dict(scale_factor=[3, 2], mode="bilinear", align_corners=True),
    }.items():
        yield f"upsample_{key}", on_image(layer("Upsample", **options), conv("b", 2, 2, 2)), (1, 3, 4)
    yield "upsample_1d_nearest", on_signal(layer("Upsample", scale_factor=3), conv("b", 2, 2, 2, "Conv1d")), (1, 4)
    yield "upsample_1d_linear", on_signal(layer("Upsample", scale_factor=2, mode="linear"), conv("b", 2, 2, 2, "Conv1d")), (1, 4)
    yield "upsample_1d_linear_aligned", on_signal(layer("Upsample", scale_factor=3, mode="linear", align_corners=True), conv("b", 2, 2, 2, "Conv1d")), (1, 4)

    yield "batchnorm2d", on_image(layer("BatchNorm2d", name="n", num_features=2), conv("b", 2, 2, 2)), (1, 3, 3)
    yield "batchnorm2d_eps", on_image(layer("BatchNorm2d", name="n", num_features=2, eps=0.2), layer("ReLU"), conv("b", 2, 2, 2)), (1, 3, 3)
    yield "batchnorm2d_not_affine", on_image(layer("BatchNorm2d", name="n", num_features=2, affine=False), conv("b", 2, 2, 2)), (1, 3, 3)
    yield "batchnorm1d_vector", [linear("a", 3, 4), layer("BatchNorm1d", name="n", num_features=4), layer("Tanh"), linear("b", 4, 2)], (3,)
    yield "batchnorm1d_signal", on_signal(layer("BatchNorm1d", name="n", num_features=2), conv("b", 2, 2, 2, "Conv1d")), (1, 5)
    yield "layernorm", on_tokens(layer("LayerNorm", name="n", normalized_shape=[4]), linear("b", 4, 2)), (3, 3)
    yield "layernorm_two_axes", on_tokens(layer("LayerNorm", name="n", normalized_shape=[3, 4], eps=0.1), linear("b", 4, 2)), (3, 3)
    yield "layernorm_image", on_image(layer("LayerNorm", name="n", normalized_shape=[2, 3, 4]), conv("b", 2, 2, 2)), (1, 3, 4)
    yield "layernorm_not_affine", on_tokens(layer("LayerNorm", name="n", normalized_shape=[4], elementwise_affine=False), linear("b", 4, 2)), (3, 3)
    yield "rmsnorm", on_tokens(layer("RMSNorm", name="n", normalized_shape=[4]), linear("b", 4, 2)), (3, 3)
    yield "rmsnorm_eps_two_axes", on_tokens(layer("RMSNorm", name="n", normalized_shape=[3, 4], eps=0.05), linear("b", 4, 2)), (3, 3)
    yield "groupnorm", on_image(layer("GroupNorm", name="n", num_groups=2, num_channels=4), conv("b", 4, 2, 2), channels=4), (1, 3, 3)
    yield "groupnorm_one_group_eps", on_image(layer("GroupNorm", name="n", num_groups=1, num_channels=4, eps=0.1), conv("b", 4, 2, 2), channels=4), (1, 3, 3)
    yield "groupnorm_instance_not_affine", on_image(layer("GroupNorm", name="n", num_groups=4, num_channels=4, affine=False), conv("b", 4, 2, 2), channels=4), (1, 3, 3)
    yield "groupnorm_vector", [linear("a", 3, 6), layer("GroupNorm", name="n", num_groups=2, num_channels=6), linear("b", 6, 2)], (3,)

    table = layer("Embedding", name="embed", num_embeddings=5, embedding_dim=3)
    yield "embedding", [table, linear("b", 3, 2), layer("Tanh"), layer("MeanTokens")], (6,), 5
    yield "embedding_flat", [table, layer("Flatten"), layer("Tanh"), linear("b", 12, 2)], (4,), 5
    yield "embedding_gru", [table, layer("GRU", name="r", input_size=3, hidden_size=3), layer("SelectToken", index=-1)], (5,), 5

    for heads in (1, 2, 4):
        attention = layer("MultiheadAttention", name="m", embed_dim=4, num_heads=heads)
        yield f"attention_{heads}_heads", on_tokens(attention, layer("Tanh")), (5, 3)
    yield "attention_no_bias", on_tokens(layer("MultiheadAttention", name="m", embed_dim=4, num_heads=2, bias=False)), (4, 3)
    yield "attention_causal", on_tokens(layer("MultiheadAttention", name="m", embed_dim=4, num_heads=2, causal=True), layer("Tanh")), (5, 3)
    for norm_first in (False, True):
        for activation in ("relu", "gelu"):
            encoder = layer("TransformerEncoderLayer", name="t", d_model=4, nhead=2, dim_feedforward=6, activation=activation, norm_first=norm_first)
            yield f"transformer_{'pre' if norm_first else 'post'}_{activation}", on_tokens(encoder), (3, 3)
    encoder = layer("TransformerEncoderLayer", name="t", d_model=4, nhead=1, dim_feedforward=5, layer_norm_eps=0.1)
    yield "transformer_eps", on_tokens(encoder), (3, 3)
    patch = conv("p", 1, 4, 2, stride=2)
    yield "vision_transformer", [
        patch, layer("ToTokens"), layer("ClsToken", name="cls", dim=4), layer("PosEmbed", name="pos", num_tokens=5, dim=4),
        layer("TransformerEncoderLayer", name="t", d_model=4, nhead=2, dim_feedforward=4, activation="gelu", norm_first=True),
        layer("SelectToken", index=0), layer("LayerNorm", name="n", normalized_shape=[4]), linear("h", 4, 3),
    ], (1, 4, 4)

    for kind in ("RNN", "GRU", "LSTM"):
        variants = {
            "plain": dict(),
            "no_bias": dict(bias=False),
            "two_layers": dict(num_layers=2),
            "bidirectional": dict(bidirectional=True),
            "two_layers_bidirectional_no_bias": dict(num_layers=2, bidirectional=True, bias=False),
        }
        if kind == "RNN":
            variants["relu"] = dict(nonlinearity="relu", num_layers=2)
        for key, options in variants.items():
            recurrent = layer(kind, name="r", input_size=2, hidden_size=2, **options)
            yield f"{kind.lower()}_{key}", [recurrent, layer("SelectToken", index=-2), layer("Tanh")], (4, 2)
        yield f"{kind.lower()}_all_steps", [layer(kind, name="r", input_size=2, hidden_size=3), linear("h", 3, 1), layer("Flatten")], (3, 2)

    yield "residual", [linear("a", 3, 4), layer("Residual", layers=[linear("b", 4, 4), layer("Tanh"), linear("c", 4, 4)]), layer("Tanh"), linear("d", 4, 2)], (3,)
    yield "residual_shortcut", on_image(layer(
        "Residual",
        layers=[conv("b", 2, 3, 3, stride=2, padding=1, bias=False), layer("BatchNorm2d", name="n", num_features=3), layer("ReLU"), conv("c", 3, 3, 3, padding=1)],
        shortcut=[conv("s", 2, 3, 1, stride=2, bias=False), layer("BatchNorm2d", name="m", num_features=3)],
    )), (1, 4, 5)
    nested = layer("Residual", layers=[linear("b", 4, 4), layer("Residual", layers=[linear("c", 4, 4), layer("Sigmoid")])])
    yield "residual_nested", [linear("a", 3, 4), nested, linear("d", 4, 2)], (3,)
    yield "concat_channels", on_image(layer("Concat", branches=[[conv("b", 2, 1, 1)], [conv("c", 2, 2, 3, padding=1), layer("ReLU")], [layer("Identity")]]), conv("d", 5, 2, 2)), (1, 3, 3)
    yield "concat_tokens", on_tokens(layer("Concat", axis=0, branches=[[linear("b", 4, 4)], [layer("Tanh")]]), linear("d", 4, 2)), (3, 3)
    yield "concat_features", on_tokens(layer("Concat", axis=1, branches=[[linear("b", 4, 1)], [layer("Identity")]]), linear("d", 5, 2)), (3, 3)
    yield "flatten_part", [conv("a", 1, 2, 2), layer("Flatten", start_dim=2), layer("Tanh"), linear("b", 6, 1)], (1, 3, 4)
    yield "flatten_end", [conv("a", 1, 2, 2), layer("Flatten", start_dim=1, end_dim=2), layer("Tanh"), linear("b", 3, 1)], (1, 3, 4)
    yield "select_token", [linear("a", 3, 4), layer("Tanh"), layer("SelectToken", index=1), linear("b", 4, 2)], (3, 3)


def main():
    entries, parts, offset = [], [], 0
    for index, (name, layers, shape, *tokens) in enumerate(cases()):
        rng = np.random.default_rng(1000 + index)
        entry, arrays = evaluate(name, layers, shape, rng, *tokens, n=2 if index % 3 else 3)
        entry["arrays"] = {}
        for key, value in arrays.items():
            entry["arrays"][key] = [offset, list(value.shape)]
            parts.append(np.ascontiguousarray(value, dtype=np.float64).reshape(-1))
            offset += value.size
        entries.append(entry)
    np.save(os.path.join(HERE, "values.npy"), np.concatenate(parts))
    with open(os.path.join(HERE, "cases.json"), "w") as file:
        lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
        file.write(f'{{"torch":"{torch.__version__}","numpy":"{np.__version__}","cases":[\n{lines}\n]}}\n')
    print(len(entries), "cases", offset, "numbers")


main()
