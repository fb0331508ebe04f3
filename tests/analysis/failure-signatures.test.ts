/** @file Failure signatures: each begins at its threshold and not before it, on runs made by hand and on one that diverges. */

import {
  analyze,
  batchCoupledSignature,
  type CentralFlowGap,
  centralFlowSignature,
  failureSignatures,
  importSpec,
  initializeSpec,
  kernelSignatures,
  loadRuntime,
  matmul,
  nfaCorrelation,
  nfaRandomSignature,
  normalArray,
  runTraining,
  sameSpectrumRandom,
  type Tensor,
  type TrainingRun,
} from 'tangedge';
import { describe, expect, test } from 'vitest';

const rt = await loadRuntime();

type Values = readonly (number | null | readonly number[])[];

/** A run of gradient descent at η = 0.5 with the given series; keys as trackers write them. */
function runWith(series: Readonly<Record<string, Values>>, layers: TrainingRun['model']['layers'] = []): TrainingRun {
  return {
    format: 'tangedge-training/1',
    title: 'made by hand',
    provenance: { version: '', dtype: 'f64', sources: [], notes: [] },
    config: {
      optimizer: { name: 'gd' },
      learningRate: 0.5,
      rateFactors: {},
      steps: 4,
      batchSize: null,
      seed: 0,
      loss: 'mse',
      lossScale: 'mean-batch',
    },
    data: { samples: 8, inputShape: [2], outputs: 1, kernelSamples: 8, testSamples: null },
    model: { parameterCount: 1, parameters: [], layers },
    outcome: { status: 'finished', step: 4, loss: 0.1, divergence: null },
    series: Object.entries(series).map(([key, values]) => {
      const [quantity, of = null] = key.split('/');
      return { key, quantity, of, steps: values.map((_, step) => step), values };
    }),
  };
}

const codes = (run: TrainingRun) => failureSignatures(run).map(({ code }) => code);

describe('of a training run', () => {
  test('NO_ALIGNMENT_SHIFT says whether the edge (2/η = 4) was reached; a kernel that aligned has none', () => {
    const stable = failureSignatures(runWith({ kta: [0.2, 0.21], sharpness: [1, 2, 2, 2] }));
    expect(stable).toMatchObject([
      { code: 'NO_ALIGNMENT_SHIFT', evidence: expect.stringContaining('stayed below'), advice: expect.stringContaining('2/2 = 1') },
    ]);
    const edge = failureSignatures(runWith({ kta: [0.2, 0.21], sharpness: [1, 6, 6, 6] }));
    expect(edge).toMatchObject([
      { code: 'NO_ALIGNMENT_SHIFT', evidence: expect.stringContaining('crossed'), advice: expect.stringContaining('still flat') },
    ]);
    expect(codes(runWith({ kta: [0.2, 0.4], sharpness: [1, 1, 2, 2] }))).toEqual([]);
    // the kernel's own eigenvalues will do for one output: λ/n
    expect(failureSignatures(runWith({ kta: [0.2, 0.21], eigenvalues: [[8], [48], [48], [48]] }))[0].evidence).toContain('crossed');
  });

  test('LAZY_INIT needs both the gap all through and a weight that hardly moved', () => {
    const lazy = { 'nfa/w': [0.3, 0.3, 0.3], 'cNfa/w': [null, 0.7, 0.8], 'weightChange/w': [0, 0.02, 0.05] };
    expect(codes(runWith(lazy))).toEqual(['LAZY_INIT']);
    expect(codes(runWith({ ...lazy, 'weightChange/w': [0, 0.2, 0.5] }))).toEqual([]);
    expect(codes(runWith({ ...lazy, 'cNfa/w': [null, 0.7, 0.4] }))).toEqual([]);
  });

  test('ALIGNED_WRONG', () => {
    expect(codes(runWith({ 'nfa/w': [0.5, 0.9], 'nfmQuality/w': [0.2, 0.3] }))).toEqual(['ALIGNED_WRONG']);
    expect(codes(runWith({ 'nfa/w': [0.5, 0.9], 'nfmQuality/w': [0.2, 0.5] }))).toEqual([]);
  });

  test('PTK_MOVING names the step', () => {
    const [signature] = failureSignatures(runWith({ 'ptkFromPrevious/w': [1, 0.97, 0.8, 0.99] }));
    expect(signature).toMatchObject({ code: 'PTK_MOVING', evidence: expect.stringContaining('0.8 by step 2') });
    expect(codes(runWith({ 'ptkFromPrevious/w': [1, 0.97, 0.95] }))).toEqual([]);
  });

  test('SMOOTH_AT_ZERO needs a smooth activation; the last weight feeds none', () => {
    const small = { 'activation/a': [0.01], 'activation/b': [0.001] };
    expect(codes(runWith(small, [{ name: '', type: 'Tanh' }]))).toEqual(['SMOOTH_AT_ZERO']);
    expect(codes(runWith(small, [{ name: '', type: 'ReLU' }]))).toEqual([]);
    expect(codes(runWith({ ...small, 'activation/a': [0.5] }, [{ name: '', type: 'Tanh' }]))).toEqual([]);
  });

  test('NFA_RANDOM at two deviations of the control; NOT_PSD and ILL_COND of the kernel’s ends', () => {
    const random = (nfa: number) => codes(runWith({ 'nfa/a': [0.9, nfa], 'nfaRandom/a': [0.5, 0.5], 'nfaRandomDeviation/a': [0.1, 0.1] }));
    expect([random(0.69), random(0.71)]).toEqual([['NFA_RANDOM'], []]);
    const spectrum = (smallest: number) => codes(runWith({ eigenvalues: [[9], [100]], smallestEigenvalue: [9, smallest] }));
    expect([spectrum(1), spectrum(-1e-3), spectrum(1e-7)]).toEqual([[], ['NOT_PSD'], ['ILL_COND']]);
  });

  test('DIVERGED, of a run that does: the advised rate is stable', async () => {
    const spec = { input_shape: [1, 3], layers: [{ type: 'Linear', name: 'a', in_features: 3, out_features: 1 }] };
    const model = importSpec(spec, initializeSpec(rt, spec, { dtype: 'f64' }));
    const inputs: Tensor = { shape: [20, 3], data: normalArray(rt, 1, 0, 60) };
    const data = { inputs, targets: { shape: [20, 1], data: normalArray(rt, 1, 1, 20) } };
    const { run } = await runTraining(rt, model, data, { learningRate: 50, steps: 100 });
    const [{ code, advice }] = failureSignatures(run);
    expect(code).toBe('DIVERGED');
    const rate = Number(/at most ([\d.e-]+),/.exec(advice)?.[1]);
    expect((await runTraining(rt, model, data, { learningRate: 0.99 * rate, steps: 100 })).run.outcome.status).toBe('finished');
    expect(failureSignatures({ ...run, outcome: { ...run.outcome, status: 'finished' } })).toEqual([]);
  });
});

test('NFA_RANDOM: a covariance with random eigenvectors triggers, one with those of the weight does not', () => {
  const h = 24;
  const diagonal = (value: (k: number) => number): Tensor => ({
    shape: [h, h],
    data: Float64Array.from({ length: h * h }, (_, at) => (Math.floor(at / h) === at % h ? value(at % h) : 0)),
  });
  const weight = diagonal((k) => (k < 12 ? 1 : 0.5));
  const nfm = diagonal((k) => (k < 12 ? 1 : 0.25));
  const covariance = diagonal((k) => (k < 12 ? 1 : 0));
  const features = (ptkCovariance: Tensor) => {
    const agop = matmul(rt, weight, matmul(rt, ptkCovariance, weight));
    return { name: 'w', weight, nfm, ptkCovariance, correlation: nfaCorrelation(rt, nfm, agop) };
  };
  expect(nfaRandomSignature(rt, features(sameSpectrumRandom(rt, covariance, { seed: 77 })))?.code).toBe('NFA_RANDOM');
  expect(nfaRandomSignature(rt, features(covariance))).toBeNull();
});

test('kernelSignatures: NOT_PSD beyond rounding, ILL_COND above 10⁸, none for a good kernel', () => {
  expect(kernelSignatures([1, 2, -1e-5])).toMatchObject([{ code: 'NOT_PSD' }]);
  expect(kernelSignatures([1, 1e-9])).toMatchObject([{ code: 'ILL_COND' }]);
  expect(kernelSignatures([1, -1e-9])).toMatchObject([{ code: 'ILL_COND', evidence: expect.stringContaining('infinite') }]);
  expect(kernelSignatures([1, 0.01])).toEqual([]);
});

test('centralFlowSignature: midpoints that leave the oscillation, or a sharpness that is not held; not a flow that follows', () => {
  const gaps = (distance: (t: number) => number, held: number, kinks: number | null): CentralFlowGap[] =>
    Array.from({ length: 30 }, (_, t) => ({ step: t, distance: distance(t), oscillation: t < 10 ? 0 : 0.1 / (t - 9), held, kinks }));
  expect(centralFlowSignature(gaps((t) => 0.2 + 0.09 * (t / 29), 1, null))).toBeNull();
  // from 0.2 at the edge to 0.31: more than √tr Σ ever was
  const far = centralFlowSignature(gaps((t) => (t <= 10 ? 0.2 : 0.31), 1.0005, 0));
  expect(far).toMatchObject({
    code: 'CENTRAL_FLOW_MISMATCH',
    evidence: expect.stringMatching(/from 0\.2 at step 10 to 0\.31 at step 29.*at most 0\.1;/),
  });
  expect(far?.advice).toMatch(/substeps/);
  const kinked = centralFlowSignature(gaps(() => 0.2, 1.002, 3));
  expect(kinked).toMatchObject({ evidence: expect.stringMatching(/up to 0\.002 of it\. Rectifiers changed sides 3 times a step/) });
  expect(kinked?.advice).toMatch(/smooth activations/);
  expect(centralFlowSignature(gaps((t) => t, 0.9, null).slice(0, 10)), 'no edge, no oscillation').toBeNull();
});

test('nfaRandomSignature says nothing where turning K changes nothing: one output, or K a multiple of the identity', () => {
  const weight = { shape: [3, 4], data: normalArray(rt, 3, 0, 12) };
  const nfm = matmul(rt, weight, weight, { transposeA: true });
  const ptkCovariance = { shape: [3, 3], data: Float64Array.of(2, 0, 0, 0, 2, 0, 0, 0, 2) };
  expect(nfaRandomSignature(rt, { name: 'w', weight, nfm, ptkCovariance, correlation: 1 })).toBeNull();
});

describe('analyze reports', () => {
  /** Linear, 16 → 32 → 16. */
  const codesIn = (readout: Float64Array, samples: number) => {
    const model = importSpec(
      {
        input_shape: [samples, 16],
        layers: [
          { type: 'Linear', name: 'a', in_features: 16, out_features: 32, bias: false },
          { type: 'Linear', name: 'b', in_features: 32, out_features: 16, bias: false },
        ],
      },
      new Map([
        ['a.weight', { shape: [32, 16], data: hidden }],
        ['b.weight', { shape: [16, 32], data: readout }],
      ]),
    );
    const inputs = { shape: [samples, 16], data: normalArray(rt, 5, 0, samples * 16) };
    return analyze(rt, { model, inputs }).signatures.map(({ code, evidence }) => `${code} ${evidence.split(' ')[0]}`);
  };
  const hidden = normalArray(rt, 4, 0, 32 * 16);
  const tied = Float64Array.from({ length: 16 * 32 }, (_, at) => hidden[(at % 32) * 16 + Math.floor(at / 32)]);

  test('ILL_COND where 20 samples of a linear network lie in 16 dimensions, and not for 6', () => {
    expect(codesIn(tied, 20)).toContain('ILL_COND The');
    expect(codesIn(tied, 6)).not.toContain('ILL_COND The');
  });

  test('NFA_RANDOM of a weight under a random readout, and not under its own transpose (K = WWᵀ, AGOP = NFM²)', () => {
    expect(codesIn(normalArray(rt, 6, 0, 16 * 32), 6)).toContain('NFA_RANDOM a.weight:');
    expect(codesIn(tied, 6)).not.toContain('NFA_RANDOM a.weight:');
  });
});

test('batchCoupledSignature: only in training mode', () => {
  const layer = { name: 'bn', type: 'BatchNorm2d' };
  expect(batchCoupledSignature([{ ...layer, training: true }])?.code).toBe('BATCH_COUPLED');
  expect(
    batchCoupledSignature([
      { ...layer, training: false },
      { name: '', type: 'ReLU', training: true },
    ]),
  ).toBeNull();
});
