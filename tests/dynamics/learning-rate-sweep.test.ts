import {
  createPool,
  forward,
  learningRateSweep,
  loadRuntime,
  type Model,
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
const options = { rates: [0.05, 0.2, 0.4, 1e4], steps: 30, recordEvery: 7, sharpness: 'recorded' } as const;
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
      expect([...run.recorded]).toEqual([0, 7, 14, 21, 28, 30]);
      expect([...run.losses]).toEqual(losses);
      expect(run.theta).toEqual(theta);
      const loss = trainingLoss(rt, model, data);
      expect(Math.abs(run.sharpness.at(-1)! / sharpness(rt, loss, run.theta, { tolerance: 1e-8 }).value - 1)).toBeLessThan(1e-4);
      expect(forward(rt, withFlatParameters(model, run.theta), data.inputs).shape).toEqual([8, 3]);
    }
  });

  test('a rate that diverges is a result, with its last good parameters; a loss that is reached ends the run', () => {
    expect(runs[3]).toMatchObject({ learningRate: 1e4, outcome: 'diverged' });
    expect(runs[3].steps).toBeLessThan(30);
    expect(runs[3].theta).toHaveLength(runs[0].theta.length);
    const [stopped] = learningRateSweep(rt, model, data, { rates: [0.2], steps: 30, stopLoss: runs[1].losses[2] });
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
