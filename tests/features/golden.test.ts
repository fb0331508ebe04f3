import {
  agop,
  featureWeights,
  importSpec,
  loadRuntime,
  type Model,
  neuralFeatures,
  nfaCorrelation,
  nfm,
  preactivationTangentKernel,
  ptkCovariance,
  type Tensor,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { type GoldenCase, goldenArray, goldenCaseNames, goldenExpected, maxAbs, readGoldenCase, relativeError } from '../golden/read-case.ts';

const rt = await loadRuntime();

function modelOf({ spec, weights }: GoldenCase, state = weights): Model {
  return importSpec(spec, state);
}

const scalar = (value: number): Tensor => ({ shape: [], data: Float64Array.of(value) });

/** What a case expects and what is computed, for one dtype: [key, computed, scale of the error]. */
function computed(golden: GoldenCase, dtype: 'f64' | 'f32'): [string, Tensor, number?][] {
  const model = modelOf(golden);
  const x = goldenArray(golden, 'x');
  const initial = golden.initialWeights && modelOf(golden, new Map(golden.initialWeights));
  const out: [string, Tensor, number?][] = [];
  for (const features of neuralFeatures(rt, model, x, { dtype, initial })) {
    const { name, motion } = features;
    out.push([`nfm/${name}`, features.nfm], [`agop/${name}`, features.agop], [`ptk_cov/${name}`, features.ptkCovariance]);
    out.push([`ptk/${name}`, preactivationTangentKernel(rt, model, x, name, { dtype })]);
    const centered = `agop_datacentred/${name}`;
    if (golden.expected.has(centered)) {
      out.push([centered, agop(rt, model, x, { dtype, weight: name, gradients: 'centered' }), maxAbs(goldenExpected(golden, `agop/${name}`).data)]);
    }
    const correlation = (options: { centerEntries?: boolean; power?: number }) => scalar(nfaCorrelation(rt, features.nfm, features.agop, options));
    out.push([`nfa/${name}/uc_cos`, scalar(features.correlation)], [`nfa/${name}/uc_pearson`, correlation({ centerEntries: true })]);
    out.push(
      [`nfa/${name}/uc_sqrt_cos`, correlation({ power: 0.5 })],
      [`nfa/${name}/uc_sqrt_pearson`, correlation({ power: 0.5, centerEntries: true })],
    );
    if (motion) {
      const pearson = neuralFeatures(rt, model, x, { dtype, initial, weights: [name], centerEntries: true })[0].motion;
      out.push([`nfa/${name}/c_cos`, scalar(motion.centeredCorrelation)]);
      out.push([`nfa/${name}/c_pearson`, scalar(pearson?.centeredCorrelation ?? Number.NaN)]);
      out.push([`nfa/${name}/c_to_uc_ratio`, scalar(motion.dominance)], [`nfa/${name}/rel_change`, scalar(motion.relativeChange)]);
    }
  }
  return out;
}

/** √AGOP of a singular AGOP: eigenvalues of size ε·λmax enter as √ε·√λmax (rank-deficient, so only bounded by that). */
const SQUARE_ROOT_TOLERANCE = 1e-7;

describe.each(goldenCaseNames('network'))('%s', (name) => {
  const golden = readGoldenCase(name);

  test('f64: PTK, its covariance, NFM, AGOP (raw, centered), correlations to 1e-10; every stored key is compared', () => {
    const seen = new Set<string>();
    for (const [key, value, scale] of computed(golden, 'f64')) {
      if (!golden.expected.has(key)) continue;
      seen.add(key);
      const bound = key.includes('sqrt') ? SQUARE_ROOT_TOLERANCE : 1e-10;
      expect(relativeError(value, goldenExpected(golden, key), scale), key).toBeLessThan(bound);
    }
    const keys = [...golden.expected.keys()].filter((key) => /^(ptk|ptk_cov|nfm|agop|agop_datacentred|nfa)\//.test(key));
    expect(keys.filter((key) => !seen.has(key))).toEqual([]);
  });

  test('f32: within 10 times what the float32 reference errs', () => {
    for (const [key, value, scale] of computed(golden, 'f32')) {
      const reference = golden.f32RelativeError.get(key);
      if (reference === undefined || key.includes('sqrt')) continue;
      // the reference may have been lucky: never ask for less than a few roundings to f32
      expect(relativeError(value, goldenExpected(golden, key), scale), key).toBeLessThan(10 * Math.max(reference, 2 ** -23));
    }
  });

  test('single functions return the bits of neuralFeatures', () => {
    const model = modelOf(golden);
    const x = goldenArray(golden, 'x');
    expect(featureWeights(model).map(({ name: weight }) => weight)).toEqual(neuralFeatures(rt, model, x).map((features) => features.name));
    const [first] = neuralFeatures(rt, model, x);
    expect(nfm(rt, model, first.name)).toEqual(first.nfm);
    expect(agop(rt, model, x, { weight: first.name })).toEqual(first.agop);
    expect(ptkCovariance(rt, model, x, first.name)).toEqual(first.ptkCovariance);
  });
});
