import {
  createPool,
  eigh,
  empiricalNtk,
  forward,
  learningRateSweep,
  loadRuntime,
  type Model,
  type SweptRun,
  sharpness,
  TangedgeError,
  train,
  trainingLoss,
  withFlatParameters,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { networks, randomTensor } from '../ntk/networks.ts';
import { WORKER_URL } from '../pool/worker-files.ts';

const rt = await loadRuntime();
const model: Model = networks.mlp;
const data = { inputs: randomTensor(1, [8, 5]), targets: randomTensor(2, [8, 3]) };
const options = {
  rates: [0.05, 0.2, 0.4, 1e4],
  steps: 30,
  trackers: [
    { tracker: 'loss', every: 7 },
    { tracker: 'sharpness', every: 7, tolerance: 1e-4 },
    { tracker: 'spectrum', every: 10, top: 2 },
  ],
} as const;
const valuesOf = ({ series }: SweptRun, key: string) => series.find((one) => one.key === key)?.values;
const runs = learningRateSweep(rt, model, data, options);

describe('learning-rate sweep', () => {
  test('each run is what train does with its rate, bit for bit', async () => {
    for (const run of runs.slice(0, 3)) {
      const losses: number[] = [];
      let theta = new Float64Array(0);
      for await (const state of train(rt, model, data, { learningRate: run.learningRate, steps: 30 })) {
        if (state.step % 7 === 0 || state.step === 30) losses.push(state.loss);
        if (state.step === 30) theta = Float64Array.from(state.parameters());
      }
      expect(run).toMatchObject({ outcome: 'finished', steps: 30, loss: losses.at(-1) });
      expect(run.series.find(({ key }) => key === 'loss')?.steps).toEqual([0, 7, 14, 21, 28, 30]);
      expect(valuesOf(run, 'loss')).toEqual(losses);
      expect(run.theta).toEqual(theta);
      const loss = trainingLoss(rt, model, data);
      expect(Math.abs((valuesOf(run, 'sharpness')?.at(-1) as number) / sharpness(rt, loss, run.theta, { tolerance: 1e-8 }).value - 1)).toBeLessThan(
        1e-4,
      );
      const kernel = empiricalNtk(rt, withFlatParameters(model, run.theta), data.inputs, { outputs: 'trace' });
      const [{ values }, eigenvalues] = [eigh(rt, kernel), valuesOf(run, 'eigenvalues')?.at(-1) as readonly number[]];
      expect(eigenvalues).toEqual([values[7], values[6]]);
      expect(forward(rt, withFlatParameters(model, run.theta), data.inputs).shape).toEqual([8, 3]);
    }
  });

  test('a rate that diverges is a result, with its last good parameters; a loss that is reached ends the run', () => {
    expect(runs[3]).toMatchObject({ learningRate: 1e4, outcome: 'diverged' });
    expect(runs[3].steps).toBeLessThan(30);
    expect(runs[3].theta).toHaveLength(runs[0].theta.length);
    const [stopped] = learningRateSweep(rt, model, data, { rates: [0.2], steps: 30, stopLoss: valuesOf(runs[1], 'loss')?.[2] as number });
    expect(stopped).toMatchObject({ outcome: 'reached', steps: 14 });
    for (const rates of [[], [-1], [Number.NaN]]) expect(() => learningRateSweep(rt, model, data, { rates, steps: 1 })).toThrowError(TangedgeError);
  });

  test('two workers give the same bits', async () => {
    const pool = await createPool({ workers: 2, workerUrl: WORKER_URL });
    try {
      expect(await pool.learningRateSweep(model, data, options)).toEqual(runs);
    } finally {
      await pool.close();
    }
  });
});
