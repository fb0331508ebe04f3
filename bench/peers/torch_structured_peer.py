"""PyTorch on one thread with the algorithm that suits a CPU best: the NTK from inputs and cotangents of every layer.

One forward pass, one backward pass per output over the whole batch. Then per layer the cheaper of two contractions: a Gram
of inputs times a Gram of cotangents (one position), or per-example gradients by batched products (convolutions, time steps).
"""
from serve import absent, serve

try:
    import torch
except ImportError:
    absent("torch")

from torch_networks import network

torch.set_num_threads(1)
torch.manual_seed(1)


def uses(model, x):
    """The outputs, and (layer, inputs, pre-activations) of every Linear and Conv2d: one list entry per use."""
    records = {}
    hooks = [
        layer.register_forward_hook(lambda layer, inputs, output: records.setdefault(layer, []).append((inputs[0], output)))
        for layer in model.modules()
        if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d))
    ]
    y = model(x)
    for hook in hooks:
        hook.remove()
    return y, list(records.items())


def rows(layer, a):
    """Inputs of a layer as [n, positions, width]."""
    if isinstance(layer, torch.nn.Conv2d):
        patches = torch.nn.functional.unfold(a, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
        return patches.transpose(1, 2)
    return a.reshape(a.shape[0], -1, a.shape[-1])


def cotangent_rows(layer, d):
    if isinstance(layer, torch.nn.Conv2d):
        return d.flatten(2).transpose(1, 2)
    return d.reshape(d.shape[0], -1, d.shape[-1])


def trace_ntk(model, x):
    n = x.shape[0]
    y, records = uses(model, x)
    inputs = [torch.cat([rows(layer, a) for a, _ in pairs], 1).detach() for layer, pairs in records]
    outputs = [output for _, pairs in records for _, output in pairs]
    kernel = torch.zeros(n, n, dtype=torch.float64)
    grams = [a[:, 0] @ a[:, 0].T if a.shape[1] == 1 else None for a in inputs]
    for o in range(y.shape[1]):
        gradients = iter(torch.autograd.grad(y[:, o].sum(), outputs, retain_graph=True))
        for (layer, pairs), a, gram in zip(records, inputs, grams):
            d = torch.cat([cotangent_rows(layer, next(gradients)) for _ in pairs], 1)
            if gram is not None:
                kernel += (gram + 1) * (d[:, 0] @ d[:, 0].T)
                continue
            j = (d.transpose(1, 2) @ a).flatten(1)
            b = d.sum(1)
            kernel += j @ j.T + b @ b.T
    return kernel


def full_ntk(model, x):
    """[c, n, c, n] of dense layers alone: the blocks of outputs o2 <= o, and the rest as their transposes."""
    n = x.shape[0]
    y, records = uses(model, x)
    c = y.shape[1]
    outputs = [output for _, pairs in records for _, output in pairs]
    sweeps = [torch.autograd.grad(y[:, o].sum(), outputs, retain_graph=True) for o in range(c)]
    kernel = torch.zeros(c, n, c, n, dtype=torch.float64)
    for (_, [(inputs, _)]), *cotangents in zip(records, *sweeps):
        gram = (inputs @ inputs.T + 1).detach()
        d = torch.stack(cotangents)
        for o in range(c):
            kernel[o, :, : o + 1] += gram[:, None] * (d[o] @ d[: o + 1].flatten(0, 1).T).view(n, o + 1, n)
    for o in range(c):
        for o2 in range(o):
            kernel[o2, :, o] = kernel[o, :, o2].T
    return kernel


def alignment(kernel, y):
    targets = (y @ y.T).double()
    return (kernel * targets).sum() / (kernel.norm() * targets.norm())


def training(task):
    """Full-batch gradient descent on 1/(2n)·Σ|f − y|², the alignment of the trace NTK every so many steps."""
    n, steps, every = task["n"], task["steps"], task["every"]
    model, shape = network("wide mlp")
    x = torch.rand(n, *shape) * 2 - 1
    y = torch.nn.functional.one_hot(torch.arange(n) % 10, 10).float()
    start = [p.detach().clone() for p in model.parameters()]
    sgd = torch.optim.SGD(model.parameters(), lr=0.05)

    def run():
        with torch.no_grad():
            for p, before in zip(model.parameters(), start):
                p.copy_(before)
        measured = []
        for step in range(steps + 1):
            if step % every == 0:
                measured.append(alignment(trace_ntk(model, x), y).item())
            loss = ((model(x) - y) ** 2).sum() / (2 * n)
            if step < steps:
                sgd.zero_grad()
                loss.backward()
                sgd.step()
        return measured

    return run


def prepare(task):
    if task["kind"] == "training":
        return training(task)
    if task["kind"] != "ntk" or (task["outputs"] == "full" and task["network"] != "mlp"):
        return None
    model, shape = network(task["network"])
    x = torch.randn(task["n"], *shape)
    ntk = full_ntk if task["outputs"] == "full" else trace_ntk
    return lambda: ntk(model, x)


if __name__ == "__main__":
    serve(f"PyTorch {torch.__version__} structured", prepare)
