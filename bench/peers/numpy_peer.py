"""numpy with its own BLAS, and scipy's eigsh where scipy is there.

The NTK is the same structured algorithm as tangedge's: one forward and one backward sweep, then Grams and a Hadamard
product per layer (float32, BLAS).
"""
from serve import absent, serve

try:
    import numpy as np
except ImportError:
    absent("numpy")
try:
    from scipy.sparse.linalg import eigsh
    from scipy.special import erf
except ImportError:
    eigsh = erf = None

rng = np.random.default_rng(2)
DTYPES = {"f32": np.float32, "f64": np.float64}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FUNCTIONS = {"exp": np.exp, "log": lambda x: np.log(np.abs(x)), "tanh": np.tanh, "sigmoid": sigmoid}


def mlp(dims):
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
    kernel = np.zeros((n, n) if outputs == "trace" else (n * c, n * c))
    for inputs, delta in zip(a, deltas):
        left = inputs @ inputs.T + 1
        if outputs == "trace":
            d = np.ascontiguousarray(delta).reshape(n, -1)
            kernel += left * (d @ d.T)
        else:
            d = np.ascontiguousarray(delta).reshape(n * c, -1)
            kernel += np.repeat(np.repeat(left, c, 0), c, 1) * (d @ d.T)
    return kernel


def gaussian_kernel(n):
    x = rng.uniform(-1, 1, (n, 10))
    squares = (x * x).sum(1)
    return np.exp(-(squares[:, None] + squares[None, :] - 2 * x @ x.T) / 20)


def prepare(task):
    kind = task["kind"]
    if kind == "gemm":
        a, b = (rng.uniform(-1, 1, (task["n"], task["n"])).astype(DTYPES[task["dtype"]]) for _ in range(2))
        return lambda: a @ b
    if kind == "gram":
        a = rng.uniform(-1, 1, (task["n"], task["k"])).astype(DTYPES[task["dtype"]])
        return lambda: a @ a.T
    if kind == "eigh":
        s = rng.uniform(-1, 1, (task["n"], task["n"]))
        s = s + s.T
        return lambda: np.linalg.eigh(s)
    if kind == "eigenvalues":
        s = rng.uniform(-1, 1, (task["n"], task["n"]))
        s = s + s.T
        return lambda: np.linalg.eigvalsh(s)
    if kind == "top" and eigsh is not None:
        kernel = gaussian_kernel(task["n"])
        return lambda: eigsh(kernel, task["k"])
    if kind == "elementwise" and task["name"] in FUNCTIONS:
        x = rng.standard_normal(task["n"]).astype(DTYPES[task["dtype"]])
        function = FUNCTIONS[task["name"]]
        return lambda: function(x)
    if kind == "elementwise" and task["name"] == "erf" and erf is not None:
        x = rng.standard_normal(task["n"]).astype(DTYPES[task["dtype"]])
        return lambda: erf(x)
    if kind == "ntk" and task["network"] == "mlp" and (task["outputs"] == "trace" or task["n"] <= 1024):
        weights = mlp([784, 512, 512, 10])
        x = rng.standard_normal((task["n"], 784)).astype(np.float32)
        return lambda: ntk(weights, x, task["outputs"])
    return None


serve(f"numpy {np.__version__}", prepare)
