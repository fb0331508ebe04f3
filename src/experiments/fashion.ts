/** @file The hard pair of Fashion-MNIST: pullovers (−1) and coats (+1), standardized. */

import type { Tensor } from '../core/tensor.ts';
import { readNpz } from '../io/npz.ts';
import type { ExperimentContext } from './experiment.ts';

export interface ImagePair {
  /** [n, 1, side, side], mean 0 and variance 1 over all pixels. */
  readonly inputs: Tensor;
  /** [n, 1], ±1, as many of each. */
  readonly targets: Tensor;
}

const SIDE = 28;

/** The first n/2 images of each class in the data's order; `shrink` 2 averages pixels two by two. */
export async function fashionPair({ dataFile }: Pick<ExperimentContext, 'dataFile'>, n: number, shrink: 1 | 2): Promise<ImagePair> {
  const file = await readNpz(dataFile('fashion-pair.npz'));
  const [images, labels] = ['x', 'y'].map((name) => file.get(name) as Tensor);
  const wanted = [n / 2, n / 2];
  const rows = Array.from(labels.data.keys()).filter((row) => wanted[labels.data[row]]-- > 0);
  const side = SIDE / shrink;
  const pixels = new Float64Array(n * side * side);
  rows.forEach((row, i) => {
    for (let at = 0; at < SIDE * SIDE; at++) {
      const [r, c] = [Math.floor(at / SIDE / shrink), Math.floor((at % SIDE) / shrink)];
      pixels[(i * side + r) * side + c] += images.data[row * SIDE * SIDE + at] / (shrink * shrink);
    }
  });
  const targets = Float64Array.from(rows, (row) => 2 * labels.data[row] - 1);
  return { inputs: { shape: [n, 1, side, side], data: standardized(pixels) }, targets: { shape: [n, 1], data: targets } };
}

function standardized(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length;
  return values.map((value) => (value - mean) / Math.sqrt(variance));
}
