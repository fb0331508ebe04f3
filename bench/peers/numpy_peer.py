"""Peers of the benchmark in numpy: one JSON object on stdout, seconds (median of several runs) per name.

The NTK rows use the same structured algorithm as tangedge: one forward and one backward sweep, then Grams and a
Hadamard product per layer (float32, BLAS). Run with OPENBLAS_NUM_THREADS=1.
"""
import json
import statistics
import sys
import time

import numpy as np


def median_time(run, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def mlp(seed, dims):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((dims[l + 1], dims[l])).astype(np.float32) / np.float32(np.sqrt(dims[l])) for l in range(len(dims) - 1)]


def sweeps(weights, x):
    """Inputs a_l [n, d_l] and cotangents delta_l [n, c, d_(l+1)] of every layer of a ReLU network."""
    a, masks = [x], []
    for w in weights[:-1]:
        h = a[-1] @ w.T
        masks.append(h > 0)
        a.append(np.maximum(h, 0))
    c = weights[-1].shape[0]
    deltas = [np.broadcast_to(np.eye(c, dtype=np.float32), (x.shape[0], c, c))]
    for w, mask in zip(reversed(weights[1:]), reversed(masks)):
        deltas.append((deltas[-1] @ w) * mask[:, None, :])
    return a, deltas[::-1]


def ntk(weights, x, outputs):
    n = x.shape[0]
    c = weights[-1].shape[0]
    a, deltas = sweeps(weights, x)
    shape = (n, n) if outputs == "trace" else (n * c, n * c)
    kernel = np.zeros(shape)
    for inputs, delta in zip(a, deltas):
        left = inputs @ inputs.T + 1
        if outputs == "trace":
            d = np.ascontiguousarray(delta).reshape(n, -1)
            kernel += left * (d @ d.T)
        else:
            d = np.ascontiguousarray(delta).reshape(n * c, -1)
            kernel += np.repeat(np.repeat(left, c, 0), c, 1) * (d @ d.T)
    return kernel


def main():
    quick = "--quick" in sys.argv
    results = {}
    weights = mlp(1, [784, 512, 512, 10])
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1024, 784)).astype(np.float32)
    results["ntk trace 1024"] = median_time(lambda: ntk(weights, x, "trace"), 3)
    results["ntk full 256"] = median_time(lambda: ntk(weights, x[:256], "full"), 3)
    for n in (256, 512) if quick else (256, 512, 1024):
        for dtype, name in ((np.float32, "f32"), (np.float64, "f64")):
            m = rng.standard_normal((n, n)).astype(dtype)
            results[f"gemm {name} {n}"] = median_time(lambda: m @ m, 7)
        s = rng.standard_normal((n, n))
        s = s + s.T
        results[f"eigh {n}"] = median_time(lambda: np.linalg.eigh(s), 3)
    print(json.dumps({"name": f"numpy {np.__version__}", "seconds": results}))


main()
