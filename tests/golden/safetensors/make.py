"""Writes every-dtype.safetensors and expected.json, following the format's specification with json and struct only.

Ran with Debian 12's python3-numpy 1.24.2 and python3-torch 1.13 (bfloat16). The arrays lie in the file in an order that is not the
header's. expected.json has shape and float64 values by name.
"""
import json, os, struct
import numpy as np
import torch

os.chdir(os.path.dirname(os.path.abspath(__file__)))
values = np.array([[0.0, 1.5, -2.25], [1e-5, 1000.0, -0.0078125]])
arrays = {
    'f64': ('F64', values.astype('<f8')), 'f32': ('F32', values.astype('<f4')), 'f16': ('F16', values.astype('<f2')),
    'i8': ('I8', np.array([-128, 127], 'i1')), 'i16': ('I16', np.array([-32768, 32767], '<i2')),
    'i32': ('I32', np.array([[-2**31], [2**31 - 1]], '<i4')), 'i64': ('I64', np.array([-2**53, 2**53], '<i8')),
    'u8': ('U8', np.array([0, 255], 'u1')), 'u16': ('U16', np.array([65535], '<u2')), 'u32': ('U32', np.array([2**32 - 1], '<u4')),
    'u64': ('U64', np.array(2**53, '<u8')), 'bool': ('BOOL', np.array([[True, False]])), 'empty': ('F32', np.zeros((0, 3), '<f4')),
}
expected = {name: {'shape': list(a.shape), 'values': a.astype('f8').ravel().tolist()} for name, (_, a) in arrays.items()}
bf16 = torch.tensor(values, dtype=torch.bfloat16)
expected['bf16'] = {'shape': [2, 3], 'values': bf16.double().flatten().tolist()}
raw = {name: (dtype, list(a.shape), a.tobytes()) for name, (dtype, a) in arrays.items()}
raw['bf16'] = ('BF16', [2, 3], bf16.view(torch.int16).numpy().astype('<i2').tobytes())

header, data = {'__metadata__': {'format': 'pt', 'note': 'naïve ✓'}}, b''
for name in sorted(raw, reverse=True):
    dtype, shape, content = raw[name]
    header[name] = {'dtype': dtype, 'shape': shape, 'data_offsets': [len(data), len(data) + len(content)]}
    data += content
text = json.dumps(dict(sorted(header.items())), ensure_ascii=False).encode()
text += b' ' * (-len(text) % 8)
open('every-dtype.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + data)
json.dump(expected, open('expected.json', 'w'), separators=(',', ':'))
