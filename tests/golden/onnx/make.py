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


def case(name, model, shape, n=4, opset=17, dynamic=True, folding=False, training=PRESERVE, distinct=True, seed=0):
    torch.manual_seed(100 + seed)
    model = model.eval()
    for key, value in model.state_dict().items():
        # Fresh BatchNorm and LayerNorm arrays are all ones and zeros; give every entry its own value.
        if distinct and value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if key.endswith(('running_var', 'std')) else value + 0.3 * torch.randn_like(value))
    x = torch.randn(n, *shape)
    folder = os.path.join(here, 'small', name)
    os.makedirs(folder, exist_ok=True)
    torch.onnx.export(model, x if dynamic else x[:1], os.path.join(folder, 'model.onnx'), opset_version=opset, input_names=['x'], output_names=['out'],
                      dynamic_axes={'x': {0: 'n'}, 'out': {0: 'n'}} if dynamic else None, do_constant_folding=folding, training=training)
    model = model.double()
    parameters = [p for p in model.parameters() if p.requires_grad]
    inputs = x.double()
    outputs = model(inputs).reshape(n, -1)
    rows = [[torch.cat([g.reshape(-1) for g in torch.autograd.grad(outputs[i, o], parameters, retain_graph=True)]) for o in range(outputs.shape[1])]
            for i in range(n)]
    jacobian = torch.stack([torch.stack(row) for row in rows]).numpy()
    np.save(os.path.join(folder, 'x.npy'), x.numpy())
    np.save(os.path.join(folder, 'outputs.npy'), outputs.detach().numpy())
    np.save(os.path.join(folder, 'jacobian.npy'), jacobian)
    np.save(os.path.join(folder, 'ntk.npy'), np.einsum('nap,mbp->nmab', jacobian, jacobian))
    json.dump({'opset': opset, 'dynamicBatch': dynamic, 'constantFolding': folding,
               'parameters': {k: list(p.shape) for k, p in model.named_parameters()}}, open(os.path.join(folder, 'expected.json'), 'w'), indent=1)


class Lambda(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, *x):
        return self.f(*x)


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
