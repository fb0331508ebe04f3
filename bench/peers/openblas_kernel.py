"""The kernel that OPENBLAS_CORETYPE made OpenBLAS choose, and the seconds that numpy's product of 512 takes on it: one JSON line."""
import ctypes
import json
import time

import numpy as np

library = ctypes.CDLL("libopenblas.so.0")
library.openblas_get_corename.restype = ctypes.c_char_p
a = np.ones((512, 512), np.float32)


def once():
    start = time.perf_counter()
    a @ a
    return time.perf_counter() - start


print(json.dumps({"kernel": library.openblas_get_corename().decode(), "seconds": min(once() for _ in range(15))}))
