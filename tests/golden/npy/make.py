"""Writes the .npy and .npz fixtures and expected.json beside this file. Ran with Debian 12's python3-numpy 1.24.2.

expected.json has, per file (or FILE.npz:NAME), the shape and the values in row-major order as numpy itself sees them, widened to
float64 (strings for what JSON has no number for).
"""
import io, json, os, zipfile
import numpy as np
from numpy.lib import format as npy_format

os.chdir(os.path.dirname(os.path.abspath(__file__)))
expected = {}


def describe(a):
    def value(v):
        v = float(v)
        return v if np.isfinite(v) and not (v == 0 and np.signbit(v)) else ('-0' if v == 0 else repr(v))
    return {'shape': list(a.shape), 'values': [value(v) for v in np.ascontiguousarray(a).astype('f8').ravel(order='C')]}


def store(name, a, version=None):
    with open(name + '.npy', 'wb') as f:
        npy_format.write_array(f, a, version=version)
    expected[name + '.npy'] = describe(a)


floats = np.array([[0.0, -0.0, 1.5, -2.25], [np.inf, -np.inf, np.nan, 65504.0], [6e-8, -6.103515625e-05, 0.333251953125, 1024.0]])
for kind in ('f2', 'f4', 'f8'):
    for order, label in (('<', 'le'), ('>', 'be')):
        a = floats.astype(order + kind)
        store(f'{kind}-{label}-c', a)
        store(f'{kind}-{label}-fortran', np.asfortranarray(a))
for kind in ('i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8'):
    limits = np.iinfo(kind)
    low, high = max(limits.min, -2**53), min(limits.max, 2**53)
    a = np.array([[low, high, 0], [1, 2, 100]], dtype=kind)
    for order, label in (('<', 'le'), ('>', 'be')):
        store(f'{kind}-{label}-c', a.astype(order + kind))
    store(f'{kind}-le-fortran', np.asfortranarray(a))
store('bool-c', np.array([[True, False, True], [False, False, True]]))
store('bool-fortran', np.asfortranarray(np.array([[True, False, True], [False, False, True]])))
store('f8-3d-fortran', np.asfortranarray(np.arange(24, dtype='f8').reshape(2, 3, 4)))
store('i2-be-4d-fortran', np.asfortranarray(np.arange(36, dtype='>i2').reshape(2, 3, 2, 3)))
for version in ((1, 0), (2, 0), (3, 0)):
    store(f'f8-v{version[0]}', np.linspace(-1, 1, 5), version)
store('f8-0d', np.array(-7.125))
store('f4-0d', np.array(0.1, dtype='f4'))
store('f8-empty', np.zeros((0,)))
store('f4-empty-2d', np.zeros((3, 0), dtype='f4'))
store('f8-empty-leading', np.zeros((0, 5, 2)))
# Row-major little-endian version 1: what writeNpy must give byte for byte. The 1-d shapes sweep the header past a 64-byte boundary.
store('f4-1d', np.arange(7, dtype='f4') / 3)
store('f8-2d', np.arange(6, dtype='f8').reshape(2, 3) / 7)
store('f8-6d', np.arange(4, dtype='f8').reshape(1, 2, 1, 2, 1, 1))
store('f8-ones-14d', np.ones((1,) * 14))
store('f8-ones-15d', np.ones((1,) * 15))
store('f8-ones-16d', np.ones((1,) * 16))

# Refused: named by what they are.
refused = {
    'refused-int64': np.array([[1, 2], [3, 2**53 + 1]], dtype='i8'),
    'refused-uint64-fortran': np.asfortranarray(np.array([[1, 2, 3], [2**63, 4, 6]], dtype='u8')),
    'refused-complex': np.array([1 + 2j]),
    'refused-bytes': np.array([b'abc']),
    'refused-string': np.array(['abc']),
    'refused-structured': np.array([(1, 2.0)], dtype=[('a', 'i4'), ('b', 'f8')]),
    'refused-date': np.array(['2020-01-01'], dtype='M8[D]'),
    'refused-longdouble': np.array([1.0], dtype='longdouble'),
}
for name, a in refused.items():
    np.save(name + '.npy', a)
np.save('refused-object.npy', np.array([{}, None], dtype=object))

arrays = {'x': np.arange(6, dtype='f4').reshape(2, 3), 'targets': np.array([3, 1, 2]), 'zeros': np.zeros((40, 25))}
np.savez('stored.npz', **arrays)
np.savez_compressed('deflated.npz', **arrays)
np.savez('empty.npz')
for file in ('stored.npz', 'deflated.npz'):
    for name, a in arrays.items():
        expected[f'{file}:{name}'] = describe(a)
# Written to a pipe, zipfile uses data descriptors; an archive comment and a file that is no array stand beside.
class Pipe(io.RawIOBase):
    def __init__(self): self.data = bytearray()
    def writable(self): return True
    def write(self, b): self.data += bytes(b); return len(b)
pipe = Pipe()
with zipfile.ZipFile(pipe, 'w', zipfile.ZIP_DEFLATED) as archive:
    buffer = io.BytesIO(); np.save(buffer, arrays['x'])
    archive.writestr('x.npy', buffer.getvalue())
    archive.writestr('readme.txt', 'not an array')
    archive.comment = b'a comment PK\x05\x06 with the signature inside'
open('streamed.npz', 'wb').write(pipe.data)
expected['streamed.npz:x'] = describe(arrays['x'])
with zipfile.ZipFile('refused-bzip2.npz', 'w', zipfile.ZIP_BZIP2) as archive:
    archive.writestr('x.npy', b'bytes')

json.dump(expected, open('expected.json', 'w'), separators=(',', ':'), allow_nan=False)
