/** @file The coordinate check in one call: a network trained for a few steps at several widths, and whether its activations keep their size. */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import type { FloatArray } from '../core/tensor.ts';
import type { LossOptions } from '../dynamics/loss-graph.ts';
import type { Optimizer } from '../dynamics/optimizer.ts';
import { Trainer } from '../dynamics/train.ts';
import type { TrainingData } from '../dynamics/training-data.ts';
import type { Model } from '../graph/model.ts';
import { nodeValues, preactivationsOf } from '../graph/node-values.ts';
import { initializeSpec } from '../nn/initialize.ts';
import { mupRateFactors } from '../nn/mup.ts';
import { importSpec } from '../nn/spec.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type CoordinateSizes, type CoordinateVerdict, coordinateCheck } from './coordinate-check.ts';

export interface CoordinateSweepOptions extends LossOptions {
  /** At least 3. */
  readonly widths: readonly number[];
  /** The one that is to serve every width. */
  readonly learningRate: number;
  /** Updates before the activations are looked at again; default 3. */
  readonly steps?: number;
  /** One initialization each, whose sizes are averaged; default [0, 1, 2]. */
  readonly seeds?: readonly number[];
  /** Default gradient descent. */
  readonly optimizer?: Optimizer;
  /** Factors of the learning rate by parameter; default those of `mupRateFactors` where the spec has layers in muP, else none. */
  readonly rateFactors?: (spec: unknown, width: number) => Readonly<Record<string, number>>;
  /** Of those of muP: the width at which the learning rate was tuned. Default 1. */
  readonly baseWidth?: number;
  /** Largest |slope| against width that passes; default 0.1. */
  readonly tolerance?: number;
}

export interface CoordinateSweep {
  /** Mean |h| of every weight's pre-activation before training. The last may shrink as width^(−½): the output of muP does. */
  readonly initial: readonly CoordinateVerdict[];
  /** Mean |h − h₀| after the steps. */
  readonly change: readonly CoordinateVerdict[];
  /** Whether every change passes. */
  readonly passes: boolean;
  /** What was fitted, in the order of `initial` and `change`. */
  readonly sizes: { readonly initial: readonly CoordinateSizes[]; readonly change: readonly CoordinateSizes[] };
}

/**
 * Trains `specOf(width)` for a few steps at every width and fits the size of its pre-activations, and of their change, against
 * width: slope 0 where the parameterization is right.
 *
 * Shapes     data of the network: inputs [n, …input], targets [n, c]
 * Cost       widths × seeds runs of `steps` steps
 *
 * @throws {TangedgeError} as `coordinateCheck`, `importSpec`, `train` · ERR_ARGUMENT for options outside their range
 * @see Yang et al. (2022). Tensor Programs V. arXiv:2203.03466, appendix on coordinate checking; coord_check of the mup package.
 * @example
 * const dense = (name: string, i: number, o: number, role: string) => ({ type: 'Linear', name, in_features: i, out_features: o, parameterization: 'mup', role });
 * const { passes } = coordinateSweep(
 *   rt,
 *   (m) => ({ input_shape: [1, 4], layers: [dense('a', 4, m, 'input'), { type: 'Tanh' }, { ...dense('b', m, 1, 'output'), multiplier: 1 / m }] }),
 *   { inputs: tensor([2, 4], [1, 0, 0, 1, 0, 1, 1, 0]), targets: tensor([2, 1], [1, -1]) },
 *   { widths: [64, 128, 256], learningRate: 0.1 },
 * );
 */
export function coordinateSweep(
  rt: Runtime,
  specOf: (width: number) => unknown,
  data: TrainingData,
  options: CoordinateSweepOptions,
): CoordinateSweep {
  const { widths, seeds = [0, 1, 2], steps = 3, tolerance } = options;
  checkInteger('coordinateSweep', 'steps', steps, 1);
  if (seeds.length === 0) throw new TangedgeError('ERR_ARGUMENT', 'coordinateSweep: there are no seeds.', {});
  const runs = widths.map((width) => {
    const spec = specOf(width);
    const rateFactors = (options.rateFactors ?? usualFactors(options))(spec, width);
    return averaged(
      seeds.map((seed) =>
        runOnce(rt, importSpec(spec, initializeSpec(rt, spec as never, { seed, dtype: 'f64' })), data, { ...options, steps, rateFactors }),
      ),
    );
  });
  const sizesOf = (part: 'initial' | 'change'): CoordinateSizes[] =>
    runs[0].map(({ layer }, k) => ({ layer, widths, sizes: runs.map((run) => run[k][part]) }));
  const sizes = { initial: sizesOf('initial'), change: sizesOf('change') };
  const initial = coordinateCheck(rt, sizes.initial, { tolerance });
  const change = coordinateCheck(rt, sizes.change, { tolerance });
  return { initial, change, passes: change.every(({ passes }) => passes), sizes };
}

interface LayerSizes {
  readonly layer: string;
  readonly initial: number;
  readonly change: number;
}

function usualFactors({ optimizer, baseWidth }: CoordinateSweepOptions): (spec: unknown) => Readonly<Record<string, number>> {
  return (spec) => {
    if (!JSON.stringify(spec).includes('"parameterization":"mup"')) return {};
    return mupRateFactors(spec as { layers: readonly unknown[] }, { optimizer: optimizer?.name === 'adam' ? 'adam' : 'sgd', baseWidth });
  };
}

function runOnce(
  rt: Runtime,
  model: Model,
  data: TrainingData,
  {
    learningRate,
    optimizer,
    rateFactors,
    steps,
    loss,
    lossScale,
  }: Omit<CoordinateSweepOptions, 'rateFactors' | 'steps'> & { readonly rateFactors: Readonly<Record<string, number>>; readonly steps: number },
): LayerSizes[] {
  const watched = preactivationsOf(model);
  const valuesIn = (at: Model) =>
    nodeValues(
      rt,
      at,
      data.inputs,
      watched.map(({ id }) => id),
    );
  const trainer = new Trainer(rt, model, data, { learningRate, optimizer, rateFactors, steps, loss, lossScale });
  let end: Model;
  try {
    for (let step = 0; step < steps; step++) {
      trainer.evaluate();
      trainer.update();
    }
    end = trainer.evaluate().model();
  } finally {
    trainer.release();
  }
  const [before, after] = [valuesIn(model), valuesIn(end)];
  return watched.map(({ name }, k) => ({
    layer: name,
    initial: meanMagnitude(before[k], (i) => before[k][i]),
    change: meanMagnitude(before[k], (i) => after[k][i] - before[k][i]),
  }));
}

function averaged(runs: readonly (readonly LayerSizes[])[]): LayerSizes[] {
  const mean = (k: number, part: 'initial' | 'change') => runs.reduce((sum, run) => sum + run[k][part], 0) / runs.length;
  return runs[0].map(({ layer }, k) => ({ layer, initial: mean(k, 'initial'), change: mean(k, 'change') }));
}

function meanMagnitude(values: FloatArray, at: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += Math.abs(at(i));
  return total / values.length;
}
