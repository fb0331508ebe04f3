/** @file Small random networks for the feature tests, as spec and state dict. */

import { importSpec, type Model, type Tensor } from 'tangedge';
import { matrixTensor, randomMatrix } from '../alignment/naive.ts';

export interface LayerOfSpec {
  readonly type: string;
  readonly [option: string]: unknown;
}

/** A model of `layers` with weights in [−1, 1), seeded per parameter. */
export function network(inputShape: readonly number[], layers: readonly LayerOfSpec[], seed: number): Model {
  const state = new Map<string, Tensor>();
  for (const [index, layer] of layers.entries()) {
    const { name, bias } = layer;
    if (typeof name !== 'string') continue;
    const [outputs, rest] =
      layer.type === 'Linear'
        ? [layer.out_features as number, [layer.in_features as number]]
        : [layer.out_channels as number, [layer.in_channels as number, layer.kernel_size as number, layer.kernel_size as number]];
    const width = rest.reduce((size, extent) => size * extent, 1);
    state.set(`${name}.weight`, { shape: [outputs, ...rest], data: matrixTensor(randomMatrix(seed + 2 * index, outputs, width)).data });
    if (bias !== false) state.set(`${name}.bias`, { shape: [outputs], data: matrixTensor(randomMatrix(seed + 2 * index + 1, 1, outputs)).data });
  }
  return importSpec({ input_shape: [1, ...inputShape], layers }, state);
}

export const linear = (name: string, inFeatures: number, outFeatures: number, options: Record<string, unknown> = {}): LayerOfSpec => ({
  type: 'Linear',
  name,
  in_features: inFeatures,
  out_features: outFeatures,
  ...options,
});

export const conv = (name: string, inChannels: number, outChannels: number, options: Record<string, unknown> = {}): LayerOfSpec => ({
  type: 'Conv2d',
  name,
  in_channels: inChannels,
  out_channels: outChannels,
  kernel_size: 3,
  ...options,
});

export function randomInputs(seed: number, n: number, shape: readonly number[]): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { shape: [n, ...shape], data: matrixTensor(randomMatrix(seed, n, size)).data };
}
