"""PyTorch on one thread: products, element-wise functions, and the NTK as functorch's tutorial writes it: the Jacobian of
every example, contracted. The MLP's Jacobian has 27 MB an example: 32 of them, with --full 256. AGOP from one backward pass
for all outputs together, or from one for each where that is faster.
"""
import sys

from serve import absent, serve

try:
    import torch
except ImportError:
    absent("torch")

from torch_networks import network

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


def gradient_outer_product(name, n):
    model, shape = network(name)
    x = torch.randn(n, *shape)
    outputs = 10

    def run():
        inputs = x.clone().requires_grad_()
        y = model(inputs)
        if name == "cnn":
            gradients = [torch.autograd.grad(y[:, o].sum(), inputs, retain_graph=True)[0].flatten(1) for o in range(outputs)]
            rows = torch.cat(gradients)
        else:
            cotangents = torch.eye(outputs).unsqueeze(1).expand(outputs, n, outputs)
            rows = torch.autograd.grad(y, inputs, cotangents, is_grads_batched=True)[0].flatten(2).flatten(0, 1)
        return rows.T @ rows / n

    return run


MOST = {"mlp": 256 if "--full" in sys.argv else 32, "cnn": 64, "gru": 64}


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
    if kind == "agop":
        return gradient_outer_product(task["network"], task["n"])
    return None


if __name__ == "__main__":
    serve(f"PyTorch {torch.__version__}", prepare)
