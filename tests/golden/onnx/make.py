"""Writes the small models of `small/`: ONNX files as torch.onnx.export makes them, and float64 references by PyTorch autograd.

Ran with Debian 12's python3-torch 1.13. Weights and inputs are random f32 numbers from fixed seeds; the reference casts both to float64.
Per case: model.onnx, x.npy f32 [n, ...], outputs.npy [n, c], jacobian.npy [n, c, p] with respect to the trainable parameters in the
order of the state dict, ntk.npy [n, n, c, c], expected.json (options of the export, parameters by PyTorch name and shape).
"""
import json, math, os, warnings
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings('ignore')
here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(0)
PRESERVE = torch.onnx.TrainingMode.PRESERVE
EVAL = torch.onnx.TrainingMode.EVAL


class Lambda(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, *x):
        return self.f(*x)


def case(name, model, shape, n=4, opset=17, dynamic=True, folding=False, training=PRESERVE, distinct=True, seed=0, integers=None, refactored=False):
    torch.manual_seed(100 + seed)
    model = model.eval()
    for key, value in model.state_dict().items():
        # Fresh BatchNorm and LayerNorm arrays are all ones and zeros; give every entry its own value.
        if distinct and value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if key.endswith(('running_var', 'std')) else value + 0.3 * torch.randn_like(value))
    x = torch.randn(n, *shape) if integers is None else torch.randint(integers, (n, *shape))
    folder = os.path.join(here, 'small', name)
    os.makedirs(folder, exist_ok=True)
    torch.onnx.export(model, x if dynamic else x[:1], os.path.join(folder, 'model.onnx'), opset_version=opset, input_names=['x'], output_names=['out'],
                      dynamic_axes={'x': {0: 'n'}, 'out': {0: 'n'}} if dynamic else None, do_constant_folding=folding, training=training)
    # PyTorch 1.13 differentiates these with 1/6 rounded to f32, whatever the dtype; and CELU with alpha so rounded (0.75 is exact).
    for parent in list(model.modules()):
        for key, child in parent.named_children():
            if isinstance(child, nn.Hardsigmoid): setattr(parent, key, Lambda(lambda x: F.relu6(x + 3) / 6))
            if isinstance(child, nn.Hardswish): setattr(parent, key, Lambda(lambda x: x * F.relu6(x + 3) / 6))
    model = model.double()
    parameters = [p for p in model.parameters() if p.requires_grad]
    inputs = x.double() if integers is None else x
    outputs = model(inputs).reshape(n, -1)
    rows = [[torch.cat([g.reshape(-1) for g in torch.autograd.grad(outputs[i, o], parameters, retain_graph=True)]) for o in range(outputs.shape[1])]
            for i in range(n)]
    jacobian = torch.stack([torch.stack(row) for row in rows]).numpy()
    np.save(os.path.join(folder, 'x.npy'), x.float().numpy())
    np.save(os.path.join(folder, 'outputs.npy'), outputs.detach().numpy())
    np.save(os.path.join(folder, 'jacobian.npy'), jacobian)
    np.save(os.path.join(folder, 'ntk.npy'), np.einsum('nap,mbp->nmab', jacobian, jacobian))
    json.dump({'opset': opset, 'dynamicBatch': dynamic, 'constantFolding': folding, 'refactored': refactored,
               'parameters': {k: list(p.shape) for k, p in model.named_parameters()}}, open(os.path.join(folder, 'expected.json'), 'w'), indent=1)


def view_flat(): return Lambda(lambda x: x.view(x.size(0), -1))


case('conv-geometry', nn.Sequential(
    nn.Conv2d(2, 4, 3, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2), nn.LeakyReLU(0.1),
    nn.AvgPool2d(2, stride=1, padding=1), nn.Conv2d(4, 3, (1, 2), bias=False), nn.Tanh(), view_flat(), nn.Linear(3 * 4 * 6, 3)), (2, 5, 6), opset=13)
case('conv-depthwise-fixed-batch', nn.Sequential(
    nn.Conv2d(3, 6, 2, groups=3), nn.SiLU(), nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), view_flat(), nn.Linear(6 * 3 * 2, 2)),
    (3, 5, 4), opset=14, dynamic=False)
case('pool-geometry', nn.Sequential(
    nn.Conv2d(1, 3, 3, padding=1), nn.ELU(0.7), nn.AvgPool2d((3, 2), stride=(2, 1), padding=(1, 0), count_include_pad=False, ceil_mode=True),
    nn.MaxPool2d(2, stride=1, dilation=(1, 2)), nn.Flatten(), nn.Linear(18, 2)), (1, 6, 5), opset=15)
case('conv1d', nn.Sequential(nn.Conv1d(2, 4, 3, stride=2, padding=2, bias=True), nn.Sigmoid(), nn.MaxPool1d(2), nn.Conv1d(4, 3, 2), nn.AdaptiveMaxPool1d(1), nn.Flatten(),
     nn.Linear(3, 2)), (2, 11), opset=16)
bn = lambda: nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3, eps=1e-3), nn.ReLU(), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Tanh(),
                           nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(4, 3))
case('batchnorm', bn(), (2, 5, 5), seed=1)
case('batchnorm-fresh', bn(), (2, 5, 5), distinct=False, seed=1)
case('mlp-batchnorm-dropout', nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.GELU(), nn.Dropout(0.3), nn.Linear(6, 3)), (5,), opset=14)
case('mlp-folded', nn.Sequential(nn.Linear(5, 7, bias=False), nn.GELU(), nn.Linear(7, 6), nn.GELU('tanh'), nn.Linear(6, 2)), (5,), opset=13, folding=True, training=EVAL)
# Biases all zero: the exporter stores one of them, and writes Identity nodes for the others.
zero = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
for layer in zero[::2]: nn.init.zeros_(layer.bias)
case('mlp-zero-bias', zero, (4,), distinct=False, seed=2)


class TokenMixer(nn.Module):
    """[n, t, d]: matrix products over trailing axes, transposes, a product of two batched values, layer norm, mean over tokens."""
    def __init__(self):
        super().__init__()
        self.query, self.key, self.mix = nn.Linear(4, 3, bias=False), nn.Linear(4, 3), nn.Linear(5, 5)
        self.norm, self.head = nn.LayerNorm(4), nn.Linear(4, 2)
        self.position = nn.Parameter(0.1 * torch.randn(1, 5, 4))
    def forward(self, x):
        x = x + self.position
        scores = self.query(x) @ self.key(x).transpose(1, 2) / math.sqrt(3)
        x = x + torch.softmax(scores, -1) @ x
        x = x + self.mix(x.transpose(1, 2)).transpose(1, 2)
        return self.head(self.norm(x).mean(1))
case('tokens-opset17', TokenMixer(), (5, 4), opset=17)
case('tokens-opset13-folded', TokenMixer(), (5, 4), opset=13, folding=True)


class Arithmetic(nn.Module):
    """Stored statistics, scalar and vector parameters, the NTK parameterization, powers, roots, slices, padding, shape arithmetic."""
    def __init__(self):
        super().__init__()
        self.register_buffer('mean', torch.zeros(6))
        self.register_buffer('std', torch.ones(6))
        self.weight = nn.Parameter(torch.randn(4, 6))
        self.gain = nn.Parameter(torch.tensor(0.7))
        self.slope = nn.Parameter(torch.rand(4) + 0.5)
        self.head = nn.Linear(5, 2)
    def forward(self, x):
        x = (x - self.mean) / self.std
        x = F.linear(x, self.weight / math.sqrt(6.0)) * self.gain
        y = torch.sqrt(x ** 2 + 1.0) - 0.25 * (-x) ** 3
        y = torch.log(torch.exp(0.1 * y) + 1.5) / (2.0 + torch.exp(-x)) + self.slope * torch.erf(x)
        y = torch.cat([y[:, 1:3], F.pad(y[:, :2], (1, 0)), y[:, 3].unsqueeze(1)], dim=1)
        y = y[:, ::1].reshape(y.shape[0], 3, 2).permute(0, 2, 1).reshape(-1, 6)
        y = y[:, [1]] * y[:, :5] + y.sum(1, keepdim=True) * 0.01
        return self.head(y)
case('arithmetic', Arithmetic(), (6,), opset=17)
# Not folded: the exporter would round weight / √6 to f32, and with it the function.
case('arithmetic-fixed-batch', Arithmetic(), (6,), opset=13, dynamic=False)


class Tied(nn.Module):
    """One weight under two names, and a layer used twice: the file has each once."""
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.b.weight = self.a.weight
    def forward(self, x):
        return self.a(torch.tanh(self.b(torch.tanh(self.a(x)))))
case('tied', Tied(), (4,))


class Reductions(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.head = nn.Conv2d(2, 4, 3, padding=1), nn.AdaptiveMaxPool2d(1), nn.Linear(16, 3)
    def forward(self, x):
        y = self.conv(x)
        pooled = [self.pool(y).squeeze(3).squeeze(2), y.amax((2, 3)), y.mean(dim=(-1, -2)), y.flatten(2).sum(2) * 0.1]
        return torch.softmax(self.head(torch.cat(pooled, 1)), dim=1)
case('reductions', Reductions(), (2, 4, 5), opset=14)
case('reductions-opset13', Reductions(), (2, 4, 5), opset=13, folding=True)


class Attention(nn.Module):
    """nn.MultiheadAttention on itself: the exporter multiplies [n·heads, t, d] and projects [t·n, d]."""
    def __init__(self, mask=False):
        super().__init__()
        self.attention, self.head, self.mask = nn.MultiheadAttention(6, 2, batch_first=True), nn.Linear(6, 2), mask
    def forward(self, x):
        mask = torch.triu(torch.full((x.shape[1], x.shape[1]), float('-inf')), 1) if self.mask else None
        y, _ = self.attention(x, x, x, need_weights=False, attn_mask=mask)
        return self.head(y.mean(1))
case('attention', Attention(), (3, 6))
case('attention-fixed-batch-folded', Attention(), (3, 6), dynamic=False, folding=True)
case('attention-causal', Attention(True), (4, 6), opset=14)
case('attention-opset11', Attention(), (3, 6), opset=11)


class Encoder(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.layer, self.head = nn.TransformerEncoderLayer(4, 2, 5, dropout=0.0, batch_first=True, **options), nn.Linear(4, 2)
    def forward(self, x):
        return self.head(self.layer(x)[:, 0])
# Preserving training keeps nn.TransformerEncoderLayer from its fused kernel, which has no ONNX form.
case('transformer-encoder-layer', Encoder(activation='gelu'), (3, 4))
case('transformer-encoder-layer-norm-first', Encoder(norm_first=True), (3, 4), opset=13, folding=True)


class ClassTokenVit(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.token, self.position = nn.Conv2d(1, 4, 2, stride=2), nn.Parameter(torch.randn(1, 1, 4)), nn.Parameter(torch.randn(1, 5, 4))
        self.norm, self.qkv, self.out, self.head = nn.LayerNorm(4), nn.Linear(4, 12), nn.Linear(4, 4), nn.Linear(4, 2)
    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, t, 3, 2, d // 2).permute(2, 0, 3, 1, 4)
        y = (q @ k.transpose(-2, -1) * (d // 2) ** -0.5).softmax(-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(n, t, d))
        return self.head(x[:, 0])
case('vit-class-token', ClassTokenVit(), (1, 4, 4))
case('vit-class-token-fixed-batch', ClassTokenVit(), (1, 4, 4), dynamic=False, opset=12)
case('vit-class-token-folded', ClassTokenVit(), (1, 4, 4), folding=True, training=EVAL)


class Recurrent(nn.Module):
    def __init__(self, cell, last=False):
        super().__init__()
        self.cell, self.last = cell, last
        self.head = nn.Linear(3 * (2 if cell.bidirectional else 1), 2)
    def forward(self, x):
        y, state = self.cell(x)
        return self.head(y[:, -1] if self.last else y.mean(1))
case('gru-bidirectional', Recurrent(nn.GRU(2, 3, 2, batch_first=True, bidirectional=True)), (3, 2))
case('lstm-bidirectional', Recurrent(nn.LSTM(2, 3, 2, batch_first=True, bidirectional=True)), (3, 2), opset=12)
case('rnn-relu-bidirectional', Recurrent(nn.RNN(2, 3, 2, nonlinearity='relu', batch_first=True, bidirectional=True)), (3, 2))
case('lstm-folded', Recurrent(nn.LSTM(2, 3, batch_first=True), last=True), (3, 2), folding=True)
case('gru-fixed-batch', Recurrent(nn.GRU(2, 3, batch_first=True, bias=False), last=True), (3, 2), dynamic=False, folding=True, opset=13)


class LastState(nn.Module):
    """The final hidden state, and inputs whose time axis comes first."""
    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.GRU(2, 3), nn.Linear(3, 2)
    def forward(self, x):
        return self.head(self.cell(x.transpose(0, 1))[1][-1])
case('gru-last-state', LastState(), (3, 2))


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(5, 3), nn.Linear(3, 2)
    def forward(self, x):
        return self.head(self.embedding(x).mean(1))
case('embedding', Bag(), (4,), integers=5)

separable = lambda: nn.Sequential(
    nn.Conv2d(2, 4, 3, padding=1, groups=2), nn.BatchNorm2d(4), nn.ReLU6(), nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3), nn.Hardswish(), nn.AdaptiveAvgPool2d(1),
    nn.Flatten(), nn.Linear(3, 2))
case('depthwise-separable', separable(), (2, 4, 4))


class Residual(nn.Module):
    def __init__(self, c, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.down = nn.Sequential(nn.Conv2d(c, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if stride > 1 else nn.Identity()
    def forward(self, x):
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + self.down(x))
resnet = lambda: nn.Sequential(Residual(2, 2, 1), Residual(2, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
case('resnet-blocks', resnet(), (2, 4, 4))
# Folding puts each BatchNorm into its convolution: other parameters, the same function.
case('resnet-blocks-folded', resnet(), (2, 4, 4), folding=True, training=EVAL, refactored=True)
case('conv-transpose', nn.Sequential(nn.ConvTranspose2d(2, 4, 3, 2, 1, 1, groups=2), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 16, 2)), (2, 2, 2))
case('conv-transpose-1d', nn.Sequential(nn.ConvTranspose1d(2, 3, 2, dilation=2), nn.Tanh(), nn.Flatten(), nn.Linear(15, 2)), (2, 3), opset=11)
for mode, options in [('nearest', {}), ('bilinear', {}), ('bilinear', {'align_corners': True})]:
    name = mode + ('-corners' if options else '')
    case(f'upsample-{name}', nn.Sequential(nn.Conv2d(1, 2, 2), nn.Upsample(scale_factor=2, mode=mode, **options), nn.Tanh(), nn.Flatten(), nn.Linear(32, 2)), (1, 3, 3))
case('groupnorm', nn.Sequential(nn.Conv2d(1, 4, 2), nn.GroupNorm(2, 4), nn.Tanh(), nn.Flatten(), nn.Linear(16, 2)), (1, 3, 3), opset=12)
case('instancenorm', nn.Sequential(nn.Conv2d(1, 3, 2), nn.InstanceNorm2d(3, affine=True), nn.Tanh(), nn.Flatten(), nn.Linear(12, 2)), (1, 3, 3))

activations = [nn.ReLU(), nn.LeakyReLU(0.2), nn.PReLU(), nn.PReLU(4), nn.ELU(0.8), nn.SELU(), nn.CELU(0.75), nn.GELU(), nn.GELU('tanh'), nn.SiLU(), nn.Mish(),
               nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.Softsign(), nn.LogSigmoid(), nn.Tanhshrink(), nn.Hardtanh(-0.5, 0.7), nn.ReLU6(), nn.Hardsigmoid(),
               nn.Hardswish(), nn.Softmax(-1), nn.LogSoftmax(-1), nn.Softmin(-1), nn.Threshold(0.0, 0.0), nn.Softshrink(0.2), nn.Hardshrink(0.2)]
activations += [Lambda(f) for f in [torch.sin, torch.cos, torch.abs, torch.reciprocal, lambda x: torch.maximum(x, 0.5 * x * x), lambda x: x.clamp(min=0.1),
                                    lambda x: torch.where(x > 0.1, x, -x), lambda x: x.softmax(1).rsqrt()]]
for i in range(0, len(activations), 3):
    layers = []
    for activation in activations[i:i + 3]: layers += [nn.Linear(4, 4), activation]
    case(f'activations-{i // 3}', nn.Sequential(*layers, nn.Linear(4, 2)), (4,), opset=[17, 15, 14][i // 3 % 3], seed=3)


class Einsums(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Parameter(torch.randn(2, 4, 3)) for _ in range(3))
        self.o = nn.Parameter(torch.randn(2, 3, 2))
    def forward(self, x):
        q, k, v = (torch.einsum('btd,hdk->bhtk', x, w) for w in (self.q, self.k, self.v))
        y = torch.einsum('bhts,bhsk->bthk', torch.einsum('bhtk,bhsk->bhts', q, k).softmax(-1), v)
        return torch.einsum('bthk,hko->bo', y, self.o)
case('einsum', Einsums(), (3, 4), opset=12)


def refused(name, model, *inputs, **options):
    torch.manual_seed(7)
    os.makedirs(os.path.join(here, 'refused'), exist_ok=True)
    torch.onnx.export(model, inputs, os.path.join(here, 'refused', name + '.onnx'), opset_version=options.pop('opset_version', 17), **options)

TRAINING = torch.onnx.TrainingMode.TRAINING
refused('batchnorm-training', nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).train(), torch.randn(2, 3), training=TRAINING, do_constant_folding=False)
refused('dropout-training', nn.Sequential(nn.Linear(3, 4), nn.Dropout()).train(), torch.randn(2, 3), training=TRAINING, do_constant_folding=False)
refused('unsupported-operator', nn.Sequential(nn.Linear(3, 4), Lambda(lambda x: torch.nonzero(x).float())), torch.randn(1, 3))
refused('open-width', nn.Conv1d(1, 2, 3), torch.randn(1, 1, 8), input_names=['x'], dynamic_axes={'x': {0: 'n', 2: 'width'}})
refused('two-inputs', Lambda(lambda x, y: x + y), torch.randn(1, 3), torch.randn(1, 3), input_names=['a', 'b'])
refused('two-outputs', Lambda(lambda x: (torch.tanh(x), torch.exp(x))), torch.randn(1, 3), output_names=['first', 'second'])
refused('mean-over-batch', nn.Sequential(nn.Linear(3, 4), Lambda(lambda x: x - x.mean(0))), torch.randn(2, 3))
refused('batch-in-rows', nn.Sequential(nn.Linear(3, 4), Lambda(lambda x: x.t() @ x)), torch.randn(2, 3))
refused('opset-10', nn.Linear(3, 4), torch.randn(1, 3), opset_version=10)
