/** @file analyze against golden cases (float64 PyTorch and numpy), against gradient descent simulated here, and what it refuses. */

import { analyze, empiricalNtk, importSpec, loadRuntime, type Tensor, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { decodeFloat32 } from '../../src/analysis/base64.ts';
import { evenlySpaced, storeAveraged, storeSelected } from '../../src/analysis/stored-matrix.ts';
import { goldenArray, goldenExpected, goldenScalar, readGoldenCase } from '../golden/read-case.ts';
import { exampleReport, indicators, smallInputs, smallNetwork } from '../report/example-report.ts';

const rt = await loadRuntime();

describe.each(['s01_mlp_relu', 's11_nfa_relu', 's05_cnn'])('%s', (name) => {
  const golden = readGoldenCase(name);
  const model = importSpec(golden.spec, golden.weights);
  const initial = golden.initialWeights && importSpec(golden.spec, golden.initialWeights);
  const [x, y] = [goldenArray(golden, 'x'), goldenArray(golden, 'y')];
  const report = analyze(rt, { model, inputs: x, targets: y, initial });
  const near = (actual: number | null, key: string, tolerance = 1e-10) => {
    const expected = goldenScalar(golden, key);
    expect(Math.abs((actual ?? Number.NaN) - expected), `${key}: ${actual} beside ${expected}`).toBeLessThanOrEqual(tolerance * Math.abs(expected));
  };

  test('spectrum, effective ranks and the largest eigenvalue of the full kernel', () => {
    const expected = goldenExpected(golden, 'trace/eigvals').data;
    report.kernel.eigenvalues.forEach((value, k) => {
      expect(Math.abs(value - expected[k])).toBeLessThanOrEqual(1e-11 * expected[0]);
    });
    near(report.kernel.ranks.participationRatio, 'trace/participation_ratio');
    near(report.kernel.ranks.effectiveRank, 'trace/entropy_rank');
    near(report.kernel.ranks.intrinsicDimension, 'trace/stable_rank');
    near(report.dynamics.lambdaMax, 'lambda_max_full');
    expect(report.dynamics.maxStableLearningRate).toBeCloseTo((2 * x.shape[0]) / goldenScalar(golden, 'lambda_max_full'), 8);
  });

  test('alignment and loss', () => {
    near(report.alignment?.kernelTargetAlignment ?? null, 'kta_trace');
    near(report.alignment?.centeredKernelAlignment ?? null, 'kta_trace_centered');
    near(report.data.targets?.loss ?? null, 'loss');
    const total = report.alignment?.eigenvectorAlignment.reduce((sum, share) => sum + share, 0);
    expect(Math.abs((total ?? Number.NaN) - 1)).toBeLessThanOrEqual(1e-12);
  });

  test('traces per parameter', () => {
    for (const { name: parameter, trace } of report.kernel.parameterTraces) {
      const { shape, data } = goldenExpected(golden, `ntk_trace_param/${parameter}`);
      const expected = Array.from({ length: shape[0] }, (_, i) => data[i * shape[0] + i]).reduce((sum, value) => sum + value, 0);
      expect(Math.abs(trace - expected)).toBeLessThanOrEqual(1e-11 * expected);
    }
  });

  test('correlations of the neural feature ansatz', () => {
    for (const { weight, nfa, rootNfa, centeredNfa } of report.features) {
      near(nfa.cosine, `nfa/${weight}/uc_cos`);
      near(nfa.centered, `nfa/${weight}/uc_pearson`, 1e-9);
      near(rootNfa.cosine, `nfa/${weight}/uc_sqrt_cos`, 1e-7);
      if (initial) near(centeredNfa?.cosine ?? null, `nfa/${weight}/c_cos`);
      if (initial) near(report.change?.parameters.find((parameter) => parameter.name === weight)?.relativeChange ?? null, `nfa/${weight}/rel_change`);
    }
  });
});

test('the residual curve is gradient descent with the mean kernel, simulated step by step', async () => {
  const report = await exampleReport();
  const kernel = empiricalNtk(rt, smallNetwork(2), smallInputs(), { outputs: 'mean' });
  const y = indicators();
  const [n, c] = y.shape;
  const rate = (report.dynamics.learningRate as number) / n;
  let residual = Float64Array.from(y.data);
  const energy = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);
  const whole = energy(residual);
  for (let step = 1; step <= 64; step++) {
    residual = residual.map((value, position) => {
      const [i, a] = [Math.floor(position / c), position % c];
      let moved = 0;
      for (let j = 0; j < n; j++) moved += kernel.data[i * n + j] * residual[j * c + a];
      return value - rate * moved;
    });
    const at = report.dynamics.residual?.steps.indexOf(step) ?? -1;
    if (at >= 0) expect(Math.abs((report.dynamics.residual?.share[at] ?? Number.NaN) - energy(residual) / whole)).toBeLessThanOrEqual(1e-12);
  }
});

test('the identity kernel beside c balanced classes has √(c/n), and √((c − 1)/(n − 1)) centered', async () => {
  const { alignment } = await exampleReport();
  expect(alignment?.identityAlignment).toBeCloseTo(Math.sqrt(3 / 24), 14);
  expect(alignment?.centeredIdentityAlignment).toBeCloseTo(Math.sqrt(2 / 23), 14);
});

describe('two checkpoints', () => {
  test('the same one twice: nothing moved', () => {
    const model = smallNetwork(2);
    const { change, features } = analyze(rt, { model, inputs: smallInputs(), targets: indicators(), initial: model });
    expect(change?.kernelDistance).toBe(0);
    expect(change?.relativeDrift).toBe(0);
    expect(change?.cka).toBeCloseTo(1, 14);
    expect(change?.parameters.map(({ relativeChange }) => relativeChange)).toEqual([0, 0, 0, 0]);
    expect(features.map(({ centeredNfa }) => centeredNfa)).toEqual([null, null]);
  });

  test('a weight that began at zero: its C-NFA is its UC-NFA, and no relative change is claimed', () => {
    const model = smallNetwork(2);
    const parameters = model.parameters.map((parameter) =>
      parameter.name === 'readout.weight' ? { ...parameter, value: tensor([3, 5], new Float64Array(15)) } : parameter,
    );
    const { change, features } = analyze(rt, { model, inputs: smallInputs(), initial: { ...model, parameters } });
    expect(features.map(({ weight }) => weight)).toEqual(['hidden.weight', 'readout.weight']);
    expect(features[1].centeredNfa).toEqual(features[1].nfa);
    expect(change?.parameters.map(({ relativeChange }) => relativeChange)).toEqual([0, 0, null, 0]);
  });

  test('weights doubled: every relative change is exactly 1', async () => {
    const { change } = await exampleReport();
    for (const { relativeChange } of change?.parameters ?? []) expect(relativeChange).toBeCloseTo(1, 14);
  });
});

test('the same report twice, and rows of the heat map in order of class', async () => {
  const report = await exampleReport();
  expect(JSON.stringify(await exampleReport())).toBe(JSON.stringify(report));
  expect(report.kernel.rows.map((row) => row % 3)).toEqual([...report.kernel.rows.map((row) => row % 3)].sort());
  expect(report.kernel.rowsPerClass).toEqual([8, 8, 8]);
});

test('progress never goes back and ends at 1', () => {
  const fractions: number[] = [];
  analyze(
    rt,
    { model: smallNetwork(2), inputs: smallInputs(), initial: smallNetwork(1) },
    { onProgress: ({ fraction }) => fractions.push(fraction) },
  );
  expect(fractions.length).toBeGreaterThan(4);
  fractions.forEach((fraction, k) => {
    expect(fraction).toBeGreaterThanOrEqual(fractions[k - 1] ?? 0);
  });
  expect(fractions.at(-1)).toBe(1);
});

describe('stored matrices', () => {
  const square = (n: number, entry: (i: number, j: number) => number): Tensor =>
    tensor(
      [n, n],
      Array.from({ length: n * n }, (_, p) => entry(Math.floor(p / n), p % n)),
    );

  test('selected rows keep their entries', () => {
    expect(evenlySpaced(10, 4)).toEqual([1, 3, 6, 8]);
    const stored = storeSelected(
      square(10, (i, j) => 10 * i + j),
      [8, 1],
    );
    expect([...decodeFloat32(stored.base64)]).toEqual([88, 81, 18, 11]);
    expect(stored.sampling).toBe('selected');
  });

  test('block means of unequal blocks', () => {
    const stored = storeAveraged(
      square(5, (i, j) => i + 10 * j),
      2,
    );
    // rows 0–1 and 2–4
    expect([...decodeFloat32(stored.base64)]).toEqual([5.5, 30.5, 8, 33]);
    expect(stored).toMatchObject({ shape: [2, 2], of: [5, 5], sampling: 'block-mean' });
  });
});

describe('what analyze refuses', () => {
  const model = smallNetwork(2);
  const inputs = smallInputs();
  const code = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return (error as { code?: string }).code;
    }
    return undefined;
  };

  test('targets of another shape, NaN in the inputs, another network as the initial one, class names of another number', () => {
    expect(code(() => analyze(rt, { model, inputs, targets: tensor([23, 3], new Float64Array(69)) }))).toBe('ERR_SHAPE');
    expect(code(() => analyze(rt, { model, inputs: tensor([1, 6], [0, 0, Number.NaN, 0, 0, 0]) }))).toBe('ERR_DOMAIN');
    const golden = readGoldenCase('s01_mlp_relu');
    expect(code(() => analyze(rt, { model, inputs, initial: importSpec(golden.spec, golden.weights) }))).toBe('ERR_SHAPE');
    expect(code(() => analyze(rt, { model, inputs, targets: indicators() }, { classNames: ['a'] }))).toBe('ERR_ARGUMENT');
  });
});
