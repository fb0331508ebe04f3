/** @file The public API. */

export { TangedgeError, type ErrorCode, type ErrorInfo } from './core/errors.ts';
export { permutation, rademacherArray, uniform, uniformArray } from './core/random.ts';
export { tensor, type Dtype, type FloatArray, type Tensor } from './core/tensor.ts';
export { loadRuntime, type Runtime, type RuntimeOptions, type WasmSource } from './wasm/runtime.ts';
export { readNpy, writeNpy } from './io/npy.ts';
export { readNpz, readNpzMember } from './io/npz.ts';
export { readSafetensors, writeSafetensors, type Safetensors } from './io/safetensors.ts';
