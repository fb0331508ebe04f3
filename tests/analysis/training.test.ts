/** @file Trackers against the golden trajectories (PyTorch, float64), closed forms and the library's own one-shot functions. */

import {
  createPool,
  empiricalNtk,
  forward,
  importSpec,
  initializeSpec,
  kernelDistance,
  kernelVelocity,
  loadRuntime,
  type Measurement,
  type Optimizer,
  type Runtime,
  readCheckpoint,
  runTraining,
  type Series,
  sharpness,
  TRACKERS,
  type TrackerSpec,
  type TrainingRun,
  type TrainingState,
  tensor,
  topEigenpairs,
  trackTraining,
  trainingLoss,
  uniformArray,
  writeCheckpoint,
} from 'tangedge';
import { beforeAll, describe, expect, test } from 'vitest';
import { goldenArray, goldenCaseNames, goldenExpected, readGoldenCase } from '../golden/read-case.ts';

let rt: Runtime;
beforeAll(async () => {
  rt = await loadRuntime();
});

const spec = {
  input_shape: [1, 5],
  layers: [
    { type: 'Linear', name: '0', in_features: 5, out_features: 8 },
    { type: 'Tanh' },
    { type: 'Linear', name: '2', in_features: 8, out_features: 3 },
  ],
};
const inputs = tensor(
  [12, 5],
  uniformArray(1, 0, 60).map((u) => 2 * u - 1),
);
const targets = tensor(
  [12, 3],
  Float64Array.from({ length: 36 }, (_, i) => (i % 3 === Math.floor(i / 3) % 3 ? 1 : 0)),
);
const data = { inputs, targets };
const modelOf = () => importSpec(spec, initializeSpec(rt, spec, { seed: 3, dtype: 'f64' }));

function seriesOf({ series }: TrainingRun, key: string): Series {
  const found = series.find((one) => one.key === key);
  if (found === undefined) throw new Error(`no series ${key}; there are ${series.map((one) => one.key).join(', ')}`);
  return found;
}

/** Golden keys of a trajectory and the series that are the same quantity. */
const SAME: Readonly<Record<string, string>> = {
  loss: 'loss',
  kta_trace: 'kta',
  kta_trace_centered: 'ktaCentered',
  kta_full: 'ktaFull',
  sharpness: 'sharpness',
};
const SAME_OF_WEIGHT: Readonly<Record<string, string>> = { uc_cos: 'nfa', uc_pearson: 'nfaCentered', c_cos: 'cNfa', c_to_uc_ratio: 'dominance' };

describe.each(
  goldenCaseNames()
    .map((name) => readGoldenCase(name))
    .flatMap((golden) => ['gd', 'gd_slo'].filter((task) => golden.expected.has(`${task}/loss`)).map((task) => ({ name: golden.name, golden, task }))),
)('$name $task: PyTorch in float64', ({ golden, task }) => {
  test('alignment, sharpness, features, eigenvectors and distance of the kernel along the run', async () => {
    const descent = golden.spec.tasks?.[task] as {
      lr: number;
      steps: number;
      record_every: number;
      sharpness: boolean;
      nfa?: boolean;
      C?: Record<string, number>;
    };
    const every = descent.record_every;
    const trackers: TrackerSpec[] = [
      { tracker: 'loss', every },
      { tracker: 'kta', every },
      { tracker: 'kta-full', every },
      { tracker: 'spectrum', top: 5, every },
      { tracker: 'kernel', every },
    ];
    if (descent.sharpness) trackers.push({ tracker: 'sharpness', every, tolerance: 1e-6 });
    if (descent.nfa) trackers.push({ tracker: 'nfa', every });
    const optimizer: Optimizer = descent.C ? { name: 'slo', speeds: descent.C } : { name: 'gd' };
    const { run } = await runTraining(
      rt,
      importSpec(golden.spec, golden.initialWeights ?? golden.weights),
      { inputs: goldenArray(golden, 'x'), targets: goldenArray(golden, 'y') },
      { learningRate: descent.lr, steps: descent.steps, optimizer, trackers },
    );
    const tolerance = 1e-9 * Math.max(1, golden.noiseAmplification);
    const compare = (key: string, values: readonly Measurement[]) => {
      const expected = goldenExpected(golden, `${task}/${key}`).data;
      values.forEach((value, i) => {
        if (Number.isNaN(expected[i])) expect(value, `${key} at ${i}`).toBeNull();
        else expect(Math.abs((value as number) - expected[i]), `${key} at ${i}`).toBeLessThanOrEqual(tolerance * Math.abs(expected[i]) + 1e-12);
      });
    };
    expect(seriesOf(run, 'loss').steps).toEqual([...goldenExpected(golden, `${task}/step`).data]);
    for (const [key, name] of Object.entries(SAME)) if (key !== 'sharpness' || descent.sharpness) compare(key, seriesOf(run, name).values);
    compare(
      'lambda_max_trace',
      seriesOf(run, 'eigenvalues').values.map((values) => (values as number[])[0]),
    );
    compare(
      'ntk_cos_to_init',
      seriesOf(run, 'kernelDistance').values.map((value) => 1 - (value as number)),
    );
    if (descent.nfa) {
      for (const { name } of golden.spec.parameters ?? []) {
        for (const [key, mine] of Object.entries(SAME_OF_WEIGHT)) compare(`nfa/${name}/${key}`, seriesOf(run, `${mine}/${name}`).values);
      }
    }
  });
});

test.each(['s01_mlp_relu', 's04_linear2_eos', 's05_cnn', 's08_vit_prenorm', 's10_gru'])(
  'sharpness, warm-started every other step of %s: at most 30 gradients a time, and the value of a cold start to its tolerance',
  async (name) => {
    const golden = readGoldenCase(name);
    const { lr: learningRate } = (golden.spec.tasks as Record<string, { lr: number }>).gd;
    const examples = { inputs: goldenArray(golden, 'x'), targets: goldenArray(golden, 'y') };
    const model = importSpec(golden.spec, golden.initialWeights ?? golden.weights);
    const trackers: TrackerSpec[] = [{ tracker: 'sharpness', every: 2 }];
    const { run, state } = await runTraining(rt, model, examples, { learningRate, steps: 20, trackers });
    const gradients = seriesOf(run, 'sharpnessGradients').values as number[];
    expect(Math.max(...gradients.slice(1)), `gradients: ${gradients.map((value) => value.toFixed(1)).join(', ')}`).toBeLessThanOrEqual(30);
    const theta = Float64Array.from([...(state?.parameters.values() ?? [])].flatMap(({ data: values }) => Array.from(values)));
    const cold = sharpness(rt, trainingLoss(rt, model, examples), theta, { tolerance: 1e-9 });
    expect(Math.abs((seriesOf(run, 'sharpness').values.at(-1) as number) / cold.value - 1)).toBeLessThan(1e-3);
  },
);

test('every tracker measures at its cadence: keys, steps, and nothing else', async () => {
  const egop = tensor(
    [5, 5],
    Float64Array.from({ length: 25 }, (_, i) => (i === 0 || i === 6 ? 1 : 0)),
  );
  const trackers = TRACKERS.map(
    (tracker, index): TrackerSpec => (tracker === 'egop' ? { tracker, egop, every: 4 } : ({ tracker, every: 1 + (index % 3) } as TrackerSpec)),
  );
  const { run } = await runTraining(rt, modelOf(), data, { learningRate: 0.2, steps: 7, trackers, testData: data, samples: 10 });
  expect(run.series.map(({ key }) => key).sort()).toEqual(
    [
      ...[
        'loss',
        'learningRate',
        'accuracy',
        'gradientNorm',
        'distance',
        'relativeDistance',
        'testLoss',
        'testAccuracy',
        'kta',
        'ktaCentered',
        'ktaFull',
        'ktaFullCentered',
      ],
      ...[
        'eigenvalues',
        'alignments',
        'effectiveRank',
        'participationRatio',
        'stableRank',
        'intrinsicDimension',
        'smallestEigenvalue',
        'initialOverlap',
        'previousOverlap',
      ],
      ...['kernelDistance', 'kernelDrift', 'kernelVelocity', 'sharpness', 'gaussNewton', 'sharpnessGradients', 'outputChange'],
      ...['0.weight', '2.weight'].flatMap((w) =>
        [
          'nfa',
          'nfaCentered',
          'cNfa',
          'cNfaCentered',
          'dominance',
          'weightChange',
          'nfmParts',
          'agopParts',
          'nfaRandom',
          'nfaRandomDeviation',
          'ptkFromInitial',
          'ptkFromPrevious',
          'activation',
          'activationChange',
        ].map((key) => `${key}/${w}`),
      ),
      ...['nfmQuality', 'nfmOverlap', 'agopQuality', 'agopOverlap'].map((key) => `${key}/0.weight`),
    ].sort(),
  );
  expect(seriesOf(run, 'loss').steps).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(seriesOf(run, 'accuracy').steps).toEqual([0, 2, 4, 6, 7]);
  expect(run.outcome).toMatchObject({ status: 'finished', step: 7, divergence: null });
  expect(JSON.parse(JSON.stringify(run))).toEqual(run);
  expect(seriesOf(run, 'testLoss').values[0]).toBeCloseTo(seriesOf(run, 'loss').values[0] as number, 12);
  for (const values of seriesOf(run, 'agopParts/0.weight').values as number[][]) expect(values[0] + values[1] + values[2]).toBeCloseTo(1, 12);
});

test('distances, velocities and overlaps are those of the kernels themselves', async () => {
  const kernels = new Map<number, ReturnType<typeof empiricalNtk>>();
  const model = modelOf();
  const trackers: TrackerSpec[] = [
    { tracker: 'kernel', at: [2, 5], since: [2] },
    { tracker: 'eigenvectors', every: 2, top: 2 },
  ];
  const measured = new Map<number, Readonly<Record<string, Measurement>>>();
  for await (const { step, measurements } of trackTraining(rt, model, data, { learningRate: 0.5, steps: 8, trackers })) {
    kernels.set(step.step, empiricalNtk(rt, step.model(), inputs, { outputs: 'trace' }));
    measured.set(step.step, measurements);
  }
  const kernel = (step: number) => kernels.get(step) as ReturnType<typeof empiricalNtk>;
  expect(measured.get(5)).toMatchObject({
    kernelDistance: kernelDistance(kernel(0), kernel(5)),
    kernelVelocity: kernelVelocity(kernel(2), kernel(5), 3),
    'kernelDistance/2': kernelDistance(kernel(2), kernel(5)),
    'kernelVelocity/2': kernelVelocity(kernel(2), kernel(5), 3),
  });
  expect(measured.get(8)).toMatchObject({
    kernelVelocity: kernelVelocity(kernel(5), kernel(8), 3),
    'kernelVelocity/2': kernelVelocity(kernel(2), kernel(8), 6),
  });
  const [now, before] = [topEigenpairs(rt, kernel(8), 2).vectors.data, topEigenpairs(rt, kernel(0), 2).vectors.data];
  const inner = (i: number, j: number) => Array.from({ length: 12 }, (_, r) => now[r * 2 + i] * before[r * 2 + j]).reduce((a, b) => a + b);
  const expected = [0, 1].map((i) => inner(i, 0) ** 2 + inner(i, 1) ** 2);
  const overlap = measured.get(8)?.initialOverlap as number[];
  expected.forEach((value, i) => void expect(overlap[i]).toBeCloseTo(value, 12));
});

test('a run that is resumed from its checkpoint’s bytes measures every bit of the one that was not, velocities and warm starts included', async () => {
  const egop = tensor(
    [5, 5],
    Float64Array.from({ length: 25 }, (_, i) => Number(i === 0 || i === 6)),
  );
  const trackers = TRACKERS.map((tracker, index): TrackerSpec => {
    const every = 2 + (index % 3);
    if (tracker === 'egop') return { tracker, egop, every };
    return tracker === 'kernel' ? { tracker, every, since: [2] } : ({ tracker, every } as TrackerSpec);
  });
  const options = { learningRate: 0.3, steps: 14, trackers, testData: data };
  const collect = async (resume?: TrainingState) => {
    const lines: string[] = [];
    const checkpoints: Uint8Array[] = [];
    for await (const { step, measurements, state } of trackTraining(rt, modelOf(), data, { ...options, resume })) {
      lines.push(JSON.stringify({ step: step.step, ...measurements }));
      checkpoints.push(writeCheckpoint(state()));
    }
    return { lines, checkpoints };
  };
  const whole = await collect();
  for (const step of [5, 8, 12]) {
    const { state } = readCheckpoint(whole.checkpoints[step]);
    const resumed = await collect(state);
    expect(resumed.lines, `from step ${step}`).toEqual(whole.lines.slice(step));
    expect(Buffer.from(resumed.checkpoints[14 - step]).equals(whole.checkpoints[14])).toBe(true);
    // and they would not without what the trackers knew
    expect((await collect({ ...state, trackers: undefined })).lines).not.toEqual(whole.lines.slice(step));
  }
});

test('a pool changes no bit', async () => {
  await using pool = await createPool({ workers: 2, workerUrl: new URL('../../dist/worker.node.js', import.meta.url) });
  const trackers: TrackerSpec[] = [
    { tracker: 'kta', every: 3 },
    { tracker: 'spectrum', every: 3 },
    { tracker: 'nfa', every: 3 },
  ];
  const options = { learningRate: 0.2, steps: 6, trackers };
  const [alone, pooled] = [await runTraining(rt, modelOf(), data, options), await runTraining(rt, modelOf(), data, { ...options, pool })];
  expect(pooled.run).toEqual(alone.run);
});

test('a run that diverges ends with the rate that is stable: 2/λmax of the Hessian of a linear network', async () => {
  const linear = { input_shape: [1, 5], layers: [{ type: 'Linear', name: 'a', in_features: 5, out_features: 3, bias: false }] };
  const gram = empiricalNtk(rt, importSpec(linear, initializeSpec(rt, linear)), inputs, { outputs: 'mean' });
  const stable = 2 / (topEigenpairs(rt, gram, 1).values[0] / 12);
  const { run, state } = await runTraining(rt, importSpec(linear, initializeSpec(rt, linear)), data, { learningRate: 2 * stable, steps: 500 });
  expect(run.outcome.status).toBe('diverged');
  expect(run.outcome.divergence?.stableRate).toBeGreaterThan(0.99 * stable);
  expect(run.outcome.divergence?.stableRate).toBeLessThan(1.01 * stable);
  expect(state?.step).toBe(run.outcome.divergence?.lastGoodStep);
  expect(state?.parameters.get('a.weight')?.data.every(Number.isFinite)).toBe(true);
});

test.each([
  [[{ tracker: 'kta', every: 0 }], 'every is 0'],
  [[{ tracker: 'kta', every: 2, growth: 2 }], 'one of every, growth and at'],
  [[{ tracker: 'kta', growth: 1 }], 'growth is 1'],
  [[{ tracker: 'kta' }, { tracker: 'kta' }], 'given twice'],
  [[{ tracker: 'ktaa' }], "there is no tracker 'ktaa'"],
  [[{ tracker: 'test' }], 'needs test data'],
] as const)('%j is refused', async (trackers, text) => {
  const run = runTraining(rt, modelOf(), data, { learningRate: 0.1, steps: 1, trackers: trackers as unknown as TrackerSpec[] });
  await expect(run).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringContaining(text) });
});

test('outputs of a state are those of its model', async () => {
  for await (const { step } of trackTraining(rt, modelOf(), data, { learningRate: 0.2, steps: 2 })) {
    expect(step.outputs()).toEqual(forward(rt, step.model(), inputs));
  }
});
