/** @file Gradient descent and speed limited optimization against the golden cases, made in float64 by PyTorch (autograd). */

import {
  centeredKernelAlignment,
  type Dtype,
  empiricalNtk,
  importSpec,
  kernelTargetAlignment,
  loadRuntime,
  type Model,
  type Optimizer,
  type Runtime,
  topEigenpairs,
  train,
} from 'tangedge';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type GoldenCase,
  type GoldenSpec,
  goldenArray,
  goldenCaseNames,
  goldenExpected,
  readGoldenCase,
  relativeError,
} from '../golden/read-case.ts';

interface DescentTask {
  readonly lr: number;
  readonly steps: number;
  readonly record_every: number;
  readonly C?: Readonly<Record<string, number>>;
}

let rt: Runtime;
beforeAll(async () => {
  rt = await loadRuntime();
});

const cases = goldenCaseNames()
  .map((name) => readGoldenCase(name))
  .flatMap((golden) => ['gd', 'gd_slo'].filter((task) => golden.expected.has(`${task}/loss`)).map((task) => ({ golden, task, name: golden.name })));

test('the golden cases hold both kinds of runs', () => {
  expect(cases.map(({ task }) => task)).toEqual(expect.arrayContaining(['gd', 'gd_slo']));
});

describe.each(cases)('$name $task: PyTorch in float64', ({ golden, task }) => {
  const descent = golden.spec.tasks?.[task] as DescentTask;
  /** Rounding grows along the trajectory by about this much: the reference's own response to noise in the weights. */
  const amplification = Math.max(1, golden.noiseAmplification);
  /** In f32 ten times the error of the reference's own run in f32, which may be small by luck. */
  const toleranceOf = (dtype: Dtype, key: string) =>
    dtype === 'f64' ? 1e-10 * amplification : 10 * Math.max(golden.f32RelativeError.get(key) ?? 0, 2 ** -24 * amplification);

  test.each(['f64', 'f32'] as const)('loss, λmax, alignment and final outputs, in %s', async (dtype) => {
    const model = initialModel(golden);
    const data = { inputs: goldenArray(golden, 'x'), targets: goldenArray(golden, 'y') };
    const optimizer: Optimizer = descent.C ? { name: 'slo', speeds: descent.C } : { name: 'gd' };
    const steps: number[] = [];
    const measured = new Map<string, number[]>([
      [`${task}/loss`, []],
      [`${task}/kta_trace`, []],
      [`${task}/kta_trace_centered`, []],
      [`${task}/lambda_max_trace`, []],
    ]);
    let outputs = { shape: [0, 0] as readonly number[], data: new Float64Array(0) as Float64Array | Float32Array };
    for await (const step of train(rt, model, data, { learningRate: descent.lr, steps: descent.steps, optimizer, dtype })) {
      outputs = step.outputs();
      if (step.step % descent.record_every !== 0) continue;
      steps.push(step.step);
      const kernel = empiricalNtk(rt, step.model(), data.inputs, { outputs: 'trace', dtype });
      measured.get(`${task}/loss`)?.push(step.loss);
      measured.get(`${task}/kta_trace`)?.push(kernelTargetAlignment(rt, kernel, data.targets));
      measured.get(`${task}/kta_trace_centered`)?.push(centeredKernelAlignment(rt, kernel, data.targets));
      measured.get(`${task}/lambda_max_trace`)?.push(topEigenpairs(rt, kernel, 1).values[0]);
    }
    expect(steps).toEqual([...goldenExpected(golden, `${task}/step`).data]);
    for (const [key, values] of measured) {
      expect(relativeError({ shape: [values.length], data: Float64Array.from(values) }, goldenExpected(golden, key)), key).toBeLessThanOrEqual(
        toleranceOf(dtype, key),
      );
    }
    expect(relativeError(outputs, goldenExpected(golden, `${task}/f_final`)), 'f_final').toBeLessThanOrEqual(toleranceOf(dtype, `${task}/f_final`));
  });
});

function initialModel({ spec, weights, initialWeights }: GoldenCase): Model {
  return importSpec(spec satisfies GoldenSpec, initialWeights ?? weights);
}
