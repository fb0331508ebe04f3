/** @file Initial state dicts: a spec's parameters and buffers as PyTorch would start them, from a seed. */

import { checkInteger } from '../core/check.ts';
import { uniformArray } from '../core/random.ts';
import { type Dtype, emptyArray, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import { normalArray } from '../linalg/normal.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { InitialDistribution } from './initial-distribution.ts';
import type { StateSource } from './layer-context.ts';
import { buildSpec } from './spec.ts';

export interface InitializeOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Element type of the tensors; default `f32`, as PyTorch's. Numbers are drawn in f64 and rounded. */
  readonly dtype?: Dtype;
}

/** Numbers drawn at once. */
const CHUNK = 65536;

/**
 * A state dict for a spec with the initial distributions of torch.nn's modules, or of the parameterization a layer names.
 *
 * Linear and convolutions U(±1/√fan_in), recurrent layers U(±1/√hidden), embeddings N(0, 1), attention's input projection
 * Xavier-uniform, normalizations 1 and 0, running statistics 0 and 1, position embeddings N(0, 0.02²), class tokens 0;
 * `"parameterization": "ntk"` N(0, 1), `"mup"` by its `role`.
 *
 * Shapes     one entry per parameter and buffer, in the order in which the layers ask for them
 * Numerics   entry k of that order is stream k of the seed: a function of (seed, k, index), the same bits in every runtime
 * Cost       one pass over the parameters; importSpec of the same spec takes the result
 *
 * @throws {TangedgeError} as `importSpec` for a bad spec · ERR_ARGUMENT for a bad seed
 * @example
 * const spec = { input_shape: [1, 3], layers: [{ type: 'Linear', name: 'a', in_features: 3, out_features: 2 }] };
 * const state = initializeSpec(rt, spec, { seed: 1 }); // a.weight [2, 3], a.bias [2]
 * const model = importSpec(spec, state);
 */
export function initializeSpec(rt: Runtime, spec: unknown, { seed = 0, dtype = 'f32' }: InitializeOptions = {}): Map<string, Tensor> {
  checkInteger('initializeSpec', 'seed', seed, 0);
  const state = new Map<string, Tensor>();
  const drawn: StateSource = {
    entry(name, shape, initial) {
      const known = state.get(name);
      if (known !== undefined) return known;
      const value = { shape: [...shape], data: draw(rt, initial, { seed, stream: state.size, length: sizeOf(shape), dtype }) };
      state.set(name, value);
      return value;
    },
  };
  buildSpec(spec, drawn);
  return state;
}

interface Draw {
  readonly seed: number;
  readonly stream: number;
  readonly length: number;
  readonly dtype: Dtype;
}

function draw(rt: Runtime, initial: InitialDistribution, { seed, stream, length, dtype }: Draw): FloatArray {
  const out = emptyArray(dtype, length);
  if (initial.kind === 'constant') return out.fill(initial.value);
  for (let start = 0; start < length; start += CHUNK) {
    const count = Math.min(CHUNK, length - start);
    if (initial.kind === 'uniform') {
      const u = uniformArray(seed, stream, count, start);
      for (let i = 0; i < count; i++) out[start + i] = initial.bound * (2 * u[i] - 1);
    } else {
      const z = normalArray(rt, seed, stream, count, start);
      for (let i = 0; i < count; i++) out[start + i] = initial.deviation * z[i];
    }
  }
  return out;
}
