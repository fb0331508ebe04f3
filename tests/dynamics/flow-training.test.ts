/** @file Flows as runs of training: the states of gradientFlow and centralFlow, what is predicted, and exact resume. */

import {
  centralFlow,
  type FlowOptimizer,
  forward,
  gradientFlow,
  importSpec,
  learningRateSweep,
  loadRuntime,
  type Model,
  readCheckpoint,
  type Tensor,
  type TrainingState,
  type TrainingStep,
  train,
  trainingLoss,
  withFlatParameters,
  writeCheckpoint,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { mulberryNormals } from '../oracle/mulberry-normals.ts';

const rt = await loadRuntime();

/** Two linear layers 6 → 2 → 1 on a linear target: the edge of stability at η = 0.34 within 20 steps. */
const normals = (seed: number, shape: readonly number[], scale = 1): Tensor => ({
  shape,
  data: mulberryNormals(
    seed,
    shape.reduce((a, b) => a * b, 1),
  ).map((value) => scale * value),
});
const layer = (name: string, from: number, to: number) => ({ type: 'Linear', name, in_features: from, out_features: to, bias: false });
const model: Model = importSpec(
  { input_shape: [1, 6], layers: [layer('a', 6, 2), layer('b', 2, 1)] },
  new Map([
    ['a.weight', normals(11, [2, 6], 0.1)],
    ['b.weight', normals(12, [1, 2], 0.1)],
  ]),
);
const inputs = normals(5, [8, 6]);
const targets: Tensor = { shape: [8, 1], data: Float64Array.from({ length: 8 }, (_, i) => 3 * inputs.data[6 * i] - inputs.data[6 * i + 1]) };
const data = { inputs, targets };
const [learningRate, steps] = [0.34, 24];

async function statesOf(optimizer: FlowOptimizer, resume?: TrainingState): Promise<{ steps: TrainingStep[]; states: TrainingState[] }> {
  const found: TrainingStep[] = [];
  for await (const step of train(rt, model, data, { learningRate, steps, optimizer, resume })) found.push(step);
  return { steps: found, states: found.map((step) => step.state()) };
}

test('gradient-flow: the states of gradientFlow, bit for bit', async () => {
  const loss = trainingLoss(rt, model, data);
  const expected = [...gradientFlow(rt, loss, loss.initial, { learningRate, steps, alpha: 0.5 })];
  const { steps: found } = await statesOf({ name: 'gradient-flow', alpha: 0.5 });
  expect(found.map(({ step }) => step)).toEqual(expected.map(({ step }) => step));
  found.forEach((step, k) => {
    expect(step.parameters()).toEqual(expected[k].theta);
    expect(step.loss).toBe(expected[k].loss);
    expect(step.gradientNorm()).toBe(Math.sqrt(expected[k].gradient2));
    expect(Math.hypot(step.gradientNorm('a.weight'), step.gradientNorm('b.weight')) / step.gradientNorm()).toBeCloseTo(1, 12);
    expect(step.outputs()).toEqual(forward(rt, withFlatParameters(model, expected[k].theta), inputs));
    expect(step.prediction).toBeUndefined();
  });
});

test('central-flow: the states of centralFlow and its predictions, once 2/η is reached', async () => {
  const loss = trainingLoss(rt, model, data);
  const expected = [...centralFlow(rt, loss, loss.initial, { learningRate, steps })];
  const { steps: found } = await statesOf({ name: 'central-flow' });
  found.forEach((step, k) => {
    expect(step.parameters()).toEqual(expected[k].theta);
    expect(step.prediction?.loss).toBe(expected[k].predictedLoss);
  });
  expect(expected[steps].eigenvalues[0] / (2 / learningRate)).toBeCloseTo(1, 4);
  const oscillation = found[steps].prediction?.oscillation ?? 0;
  expect(oscillation).toBeGreaterThan(0);
  expect((oscillation * oscillation) / learningRate).toBeCloseTo(expected[steps].predictedLoss - expected[steps].loss, 12);
});

describe.each<FlowOptimizer>([{ name: 'gradient-flow' }, { name: 'gradient-flow', method: 'stable-euler' }, { name: 'central-flow' }])(
  '%j',
  (optimizer) => {
    test('resumes from the bytes of a checkpoint with the bits of the run that was never stopped', async () => {
      const whole = await statesOf(optimizer);
      for (const at of [3, 15]) {
        const { state } = readCheckpoint(writeCheckpoint(whole.states[at]));
        const { steps: rest, states } = await statesOf(optimizer, state);
        expect(rest.map(({ step }) => step)).toEqual(Array.from({ length: steps + 1 - at }, (_, k) => at + k));
        states.forEach((one, k) => void expect(Buffer.from(writeCheckpoint(one)).equals(writeCheckpoint(whole.states[at + k]))).toBe(true));
      }
    });

    test.each([
      [{ batchSize: 4 }, /leave out batchSize/],
      [{ rateFactors: { 'a.weight': -1 }, dtype: 'f32' }, /leave out rateFactors, dtype 'f32'/],
      [{ learningRate: () => 0.1 }, /leave out a schedule/],
    ] as const)('%j is refused', async (option, message) => {
      const run = async () => {
        for await (const _ of train(rt, model, data, { learningRate, steps, optimizer, ...option }));
      };
      await expect(run()).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) });
    });
  },
);

test('a checkpoint of descent, and a sweep of steps, have no flow to go on with', async () => {
  const descent: TrainingState = {
    step: 1,
    initialLoss: 1,
    parameters: new Map(model.parameters.map(({ name, value }) => [name, value])),
    optimizer: new Map(),
  };
  await expect(statesOf({ name: 'central-flow' }, descent)).rejects.toMatchObject({ code: 'ERR_FORMAT' });
  const options = { rates: [0.1], steps: 1, optimizer: { name: 'central-flow' } } as const;
  expect(() => learningRateSweep(rt, model, data, options)).toThrow(/central-flow has no step/);
});
