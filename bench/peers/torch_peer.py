"""PyTorch on one thread: products, element-wise functions, and the NTK as functorch's tutorial writes it: the Jacobian of
every example, contracted. Sizes of the MLP that would take minutes only with --full.
"""
import sys

from serve import absent, serve

try:
    import torch
except ImportError:
    absent("torch")

torch.set_num_threads(1)
torch.manual_seed(1)
DTYPES = {"f32": torch.float32, "f64": torch.float64}
FUNCTIONS = {
    "exp": torch.exp,
    "log": lambda x: torch.log(x.abs()),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "erf": torch.erf,
    "gelu": torch.nn.functional.gelu,
}


class LastState(torch.nn.Module):
    """GRU written out step by step: functorch has no batching rule for the fused one."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.x = torch.nn.Linear(inputs, 3 * hidden)
        self.h = torch.nn.Linear(hidden, 3 * hidden)
        self.readout = torch.nn.Linear(hidden, outputs)
        self.hidden = hidden

    def forward(self, x):
        state = x.new_zeros(x.shape[0], self.hidden)
        for t in range(x.shape[1]):
            xr, xz, xn = self.x(x[:, t]).chunk(3, -1)
            hr, hz, hn = self.h(state).chunk(3, -1)
            z = torch.sigmoid(xz + hz)
            state = (1 - z) * torch.tanh(xn + torch.sigmoid(xr + hr) * hn) + z * state
        return self.readout(state)


def network(name):
    nn = torch.nn
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)), (784,)
    if name == "cnn":
        convolutions = [nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3)]
        return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(21632, 10)), (3, 32, 32)
    return LastState(16, 64, 10), (32, 16)


def contraction(name, n, outputs):
    from functorch import jacrev, make_functional, vmap

    model, shape = network(name)
    apply, parameters = make_functional(model)
    x = torch.randn(n, *shape)

    def single(p, example):
        return apply(p, example.unsqueeze(0)).squeeze(0)

    expression = "Naf,Maf->NM" if outputs == "trace" else "Naf,Mbf->NMab"

    def run():
        jacobians = [j.flatten(2) for j in vmap(jacrev(single), (None, 0))(parameters, x)]
        return sum(torch.einsum(expression, j, j) for j in jacobians)

    return run


MOST = {"mlp": 1024 if "--full" in sys.argv else 32, "cnn": 64, "gru": 64}


def prepare(task):
    kind = task["kind"]
    if kind == "gemm":
        a, b = (torch.rand(task["n"], task["n"], dtype=DTYPES[task["dtype"]]) * 2 - 1 for _ in range(2))
        return lambda: a @ b
    if kind == "eigh" and task["n"] <= 2048:
        s = torch.rand(task["n"], task["n"], dtype=torch.float64) * 2 - 1
        s = s + s.T
        return lambda: torch.linalg.eigh(s)
    if kind == "elementwise":
        x = torch.randn(task["n"], dtype=DTYPES[task["dtype"]])
        function = FUNCTIONS[task["name"]]
        return lambda: function(x)
    if kind == "ntk" and task["n"] <= MOST[task["network"]]:
        return contraction(task["network"], task["n"], task["outputs"])
    return None


serve(f"PyTorch {torch.__version__}", prepare)
