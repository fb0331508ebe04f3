"""Peer of the benchmark in PyTorch: Jacobian contraction with functorch, as its own NTK tutorial writes it.

One JSON object on stdout, seconds per name. One thread. `--full` adds the sizes that take minutes.
"""
import json
import sys
import time

import torch
from functorch import jacrev, make_functional, vmap

torch.set_num_threads(1)


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Linear(512, 10)
    )


def contraction(n, outputs):
    apply, parameters = make_functional(network())
    x = torch.randn(n, 784)

    def single(p, example):
        return apply(p, example.unsqueeze(0)).squeeze(0)

    jacobians = [j.flatten(2) for j in vmap(jacrev(single), (None, 0))(parameters, x)]
    expression = "Naf,Maf->NM" if outputs == "trace" else "Naf,Mbf->NMab"
    return sum(torch.einsum(expression, j, j) for j in jacobians)


def timed(n, outputs):
    start = time.perf_counter()
    contraction(n, outputs)
    return time.perf_counter() - start


def main():
    timed(2, "trace")
    results = {"ntk full 32": timed(32, "full"), "ntk trace 32": timed(32, "trace")}
    if "--full" in sys.argv:
        results["ntk full 256"] = timed(256, "full")
        results["ntk trace 1024"] = timed(1024, "trace")
    print(json.dumps({"name": f"PyTorch {torch.__version__} functorch", "seconds": results}))


main()
