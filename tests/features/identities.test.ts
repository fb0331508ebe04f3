import {
  agop,
  centeredNfaCorrelation,
  eigh,
  empiricalNtkByParameter,
  forward,
  gram,
  inputJacobian,
  jacobian,
  loadRuntime,
  neuralFeatures,
  nfaCorrelation,
  nfaDominance,
  nfm,
  preactivationTangentKernel,
  ptkCovariance,
  relativeWeightChange,
  tensor,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { cosine, largestDifference, matrixTensor, multiply, randomMatrix, rowsOf, transpose } from '../alignment/naive.ts';
import { maxAbs } from '../golden/read-case.ts';
import { conv, linear, network, randomInputs } from './networks.ts';

const rt = await loadRuntime();

const mlp = network([5], [linear('0', 5, 7), { type: 'Tanh' }, linear('2', 7, 6), { type: 'GELU' }, linear('4', 6, 3)], 11);
const scalarMlp = network([5], [linear('0', 5, 7, { bias: false }), { type: 'ReLU' }, linear('2', 7, 1, { bias: false })], 23);
const cnn = network(
  [2, 6, 5],
  [
    conv('0', 2, 3, { padding: 1, stride: 2 }),
    { type: 'Tanh' },
    conv('2', 3, 4, { padding: 1, parameterization: 'ntk', sigma_w: 1.5 }),
    { type: 'Flatten' },
    linear('4', 36, 2),
  ],
  37,
);
const x = randomInputs(3, 9, [5]);
const images = randomInputs(4, 7, [2, 6, 5]);

describe('linear network f = W·x + b, small integers', () => {
  const w = tensor([2, 3], [1, -2, 3, 0, 4, -1]);
  const model = network([3], [linear('0', 3, 2)], 5);
  const integers = { ...model, parameters: model.parameters.map((p) => (p.name === '0.weight' ? { ...p, value: w } : p)) };
  const expected = [1, -2, 3, -2, 20, -10, 3, -10, 10]; // WᵀW

  test('NFM = AGOP of the weight = AGOP of the input = WᵀW exactly, K = I; correlation 1; centered AGOP 0', () => {
    const inputs = tensor([4, 3], [1, 2, 3, 0, 0, 0, -5, 2, 7, 1, 1, 1]);
    expect([...nfm(rt, integers, '0.weight').data]).toEqual(expected);
    expect([...agop(rt, integers, inputs).data]).toEqual(expected);
    expect([...agop(rt, integers, inputs, { weight: '0.weight' }).data]).toEqual(expected);
    expect([...ptkCovariance(rt, integers, inputs, '0.weight').data]).toEqual([1, 0, 0, 1]);
    expect([...preactivationTangentKernel(rt, integers, inputs, '0.weight').data]).toEqual(new Array(16).fill(2));
    expect(Math.abs(neuralFeatures(rt, integers, inputs)[0].correlation - 1)).toBeLessThan(4 * Number.EPSILON);
    expect([...agop(rt, integers, inputs, { gradients: 'centered' }).data]).toEqual(new Array(9).fill(0));
  });
});

describe('AGOP', () => {
  test.each([
    ['mlp', mlp, x],
    ['mlp, several leaves, the last one short', mlp, randomInputs(5, 150, [5])],
    ['cnn', cnn, images],
  ] as const)('%s: of the input = (1/n)·Σ JᵀJ of the input Jacobian; centered: of the Jacobian minus its mean', (_, model, inputs) => {
    const j = inputJacobian(rt, model, inputs);
    const [n, c, d] = j.shape;
    const mean = new Float64Array(c * d);
    j.data.forEach((value, at) => {
      mean[at % (c * d)] += value / n;
    });
    const second = (shift: (at: number) => number) => {
      const rows = rowsOf({ shape: [n * c, d], data: j.data.map((value, at) => value - shift(at % (c * d))) });
      return multiply(transpose(rows), rows)
        .flat()
        .map((value) => value / n);
    };
    const raw = agop(rt, model, inputs).data;
    const tolerance = 8 * n * c * Number.EPSILON * maxAbs(raw);
    expect(
      largestDifference(
        raw,
        second(() => 0),
      ),
    ).toBeLessThan(tolerance);
    expect(
      largestDifference(
        agop(rt, model, inputs, { gradients: 'centered' }).data,
        second((at) => mean[at]),
      ),
    ).toBeLessThan(4 * tolerance);
  });

  test('of the input by central differences: the error falls fourfold when the step is halved', () => {
    const differences = (step: number) => {
      const [n, d] = x.shape;
      const rows: number[][] = Array.from({ length: n * 3 }, () => []);
      for (let k = 0; k < d; k++) {
        const shifted = (sign: number) =>
          forward(rt, mlp, { shape: x.shape, data: x.data.map((value, at) => value + (at % d === k ? sign * step : 0)) }).data;
        const [above, below] = [shifted(1), shifted(-1)];
        for (let row = 0; row < n * 3; row++) rows[row].push((above[row] - below[row]) / (2 * step));
      }
      return multiply(transpose(rows), rows)
        .flat()
        .map((value) => value / n);
    };
    const exact = agop(rt, mlp, x).data;
    const errors = [2 ** -4, 2 ** -5, 2 ** -6].map((step) => largestDifference(exact, differences(step)));
    for (const ratio of [errors[0] / errors[1], errors[1] / errors[2]]) {
      expect(ratio).toBeGreaterThan(3.8);
      expect(ratio).toBeLessThan(4.2);
    }
  });

  test('of the first dense weight = of the input: another sweep, the same gradients', () => {
    const ofInput = agop(rt, mlp, x).data;
    expect(largestDifference(agop(rt, mlp, x, { weight: '0.weight' }).data, ofInput)).toBeLessThan(1e-12 * maxAbs(ofInput));
  });
});

describe('PTK', () => {
  test('one output, one position: n·K and the PTK have the same nonzero spectrum', () => {
    const n = x.shape[0];
    for (const weight of ['0.weight', '2.weight']) {
      const ptk = eigh(rt, preactivationTangentKernel(rt, scalarMlp, x, weight)).values.reverse();
      const covariance = eigh(rt, ptkCovariance(rt, scalarMlp, x, weight)).values.reverse();
      const tolerance = 50 * n * Number.EPSILON * ptk[0];
      const shared = Math.min(ptk.length, covariance.length);
      for (let k = 0; k < shared; k++) expect(Math.abs(ptk[k] - n * covariance[k])).toBeLessThan(tolerance);
      for (const rest of [ptk.subarray(shared), covariance.subarray(shared)]) expect(maxAbs(rest)).toBeLessThan(tolerance);
    }
  });

  test.each([
    ['mlp', mlp, x],
    ['cnn', cnn, images],
  ] as const)('%s: the traces of n·K and of the PTK agree, whatever the outputs and positions', (_, model, inputs) => {
    const n = inputs.shape[0];
    for (const { name, ptkCovariance: covariance } of neuralFeatures(rt, model, inputs)) {
      const trace = (data: ArrayLike<number>, side: number) =>
        Array.from({ length: side }, (__, i) => data[i * side + i]).reduce((sum, value) => sum + value, 0);
      const ofPtk = trace(preactivationTangentKernel(rt, model, inputs, name).data, n);
      expect(Math.abs((n * trace(covariance.data, covariance.shape[0])) / ofPtk - 1)).toBeLessThan(1e-12);
    }
  });

  test("a dense layer's share of the trace NTK = Gram of its inputs ∘ PTK", () => {
    for (const model of [mlp, scalarMlp]) {
      const shares = new Map(empiricalNtkByParameter(rt, model, x, { outputs: 'trace' }).map(({ parameter, kernel }) => [parameter, kernel]));
      const ptk = preactivationTangentKernel(rt, model, x, '0.weight');
      const inputs = gram(rt, x);
      const share = shares.get('0.weight');
      if (share === undefined) throw new Error('no share of 0.weight');
      const product = ptk.data.map((value, at) => value * inputs.data[at]);
      expect(largestDifference(share.data, product)).toBeLessThan(1e-13 * maxAbs(share.data));
      // a bias has input 1: its share is the PTK itself
      const bias = shares.get('0.bias');
      if (bias) expect(largestDifference(bias.data, ptk.data)).toBeLessThan(1e-13 * maxAbs(ptk.data));
    }
  });

  test('of a linear readout: δ is a unit vector, so the PTK is c everywhere', () => {
    expect([...preactivationTangentKernel(rt, mlp, x, '4.weight').data]).toEqual(new Array(81).fill(3));
  });
});

describe('NFA correlation', () => {
  const f = matrixTensor(gramOf(randomMatrix(1, 4, 6)));
  const g = matrixTensor(gramOf(randomMatrix(2, 6, 6)));

  test('plain: the cosine; entry-centered: the cosine after subtracting mean entries; symmetric, free of scale', () => {
    expect(Math.abs(nfaCorrelation(rt, f, g) - cosine(rowsOf(f), rowsOf(g)))).toBeLessThan(1e-14);
    const minusMean = (rows: number[][]) => {
      const mean = rows.flat().reduce((sum, value) => sum + value, 0) / rows.length ** 2;
      return rows.map((row) => row.map((value) => value - mean));
    };
    const pearson = nfaCorrelation(rt, f, g, { centerEntries: true });
    expect(Math.abs(pearson - cosine(minusMean(rowsOf(f)), minusMean(rowsOf(g))))).toBeLessThan(1e-13);
    expect(Math.abs(nfaCorrelation(rt, g, f, { centerEntries: true }) - pearson)).toBeLessThan(4 * Number.EPSILON);
    const large = { shape: g.shape, data: g.data.map((value) => value * 2 ** 600) };
    expect(nfaCorrelation(rt, f, large)).toBe(nfaCorrelation(rt, f, g));
  });

  test('power: for G = F² the square root of G is F, correlation 1', () => {
    const square = matrixTensor(multiply(rowsOf(f), rowsOf(f)));
    expect(Math.abs(nfaCorrelation(rt, f, square, { power: 0.5 }) - 1)).toBeLessThan(1e-12);
    expect(nfaCorrelation(rt, f, square)).toBeLessThan(0.999);
  });

  test('NaN by convention where a matrix is zero, or constant when entries are centered', () => {
    const zero = tensor([6, 6], new Array(36).fill(0));
    const constant = tensor([6, 6], new Array(36).fill(0.3));
    expect(nfaCorrelation(rt, f, zero)).toBeNaN();
    expect(nfaCorrelation(rt, f, zero, { power: 0.5 })).toBeNaN();
    expect(nfaCorrelation(rt, f, constant, { centerEntries: true })).toBeNaN();
  });

  test('an unmoved weight: C-NFA NaN, dominance 0, relative change 0', () => {
    const [{ motion }] = neuralFeatures(rt, mlp, x, { initial: mlp });
    expect(motion).toMatchObject({ centeredCorrelation: Number.NaN, dominance: 0, relativeChange: 0 });
  });

  test('from W₀ = 0: C-NFA = UC-NFA and dominance 1', () => {
    const [{ weight, ptkCovariance: k, correlation }] = neuralFeatures(rt, mlp, x);
    const motion = { weight, initial: { shape: weight.shape, data: new Float64Array(weight.data.length) }, ptkCovariance: k };
    expect(centeredNfaCorrelation(rt, motion)).toBe(correlation);
    expect(nfaDominance(rt, motion)).toBe(1);
    expect(() => relativeWeightChange(weight, motion.initial)).toThrow(expect.objectContaining({ code: 'ERR_DOMAIN' }));
  });

  test('after one step of gradient descent C-NFA = ρ(XᵀR𝒦RX, XᵀR𝒦²RX), 𝒦 the PTK before it and R the residuals', () => {
    const n = x.shape[0];
    const residuals = randomMatrix(9, n, 1).flat();
    const j = jacobian(rt, scalarMlp, x); // [n, 1, p]; the first weight's columns come first
    const weight = scalarMlp.parameters[0].value;
    const [rows, p] = [rowsOf({ shape: [n, j.shape[2]], data: j.data }), weight.data.length];
    const moved = weight.data.map((value, at) => value + 0.01 * rows.reduce((sum, row, i) => sum + residuals[i] * row[at], 0));
    expect(p).toBe(35);
    const k = ptkCovariance(rt, scalarMlp, x, '0.weight');
    const actual = centeredNfaCorrelation(rt, { weight: { shape: weight.shape, data: moved }, initial: weight, ptkCovariance: k });

    const rx = rowsOf(x).map((row, i) => row.map((value) => value * residuals[i]));
    const ptk = rowsOf(preactivationTangentKernel(rt, scalarMlp, x, '0.weight'));
    const left = multiply(transpose(rx), multiply(ptk, rx));
    const right = multiply(transpose(rx), multiply(multiply(ptk, ptk), rx));
    expect(Math.abs(actual - cosine(left, right))).toBeLessThan(1e-11);
  });
});

describe('NFM', () => {
  test('the NTK parameterization enters: σ_w²/fan_in times WᵀW of the stored weight', () => {
    const stored = cnn.parameters.find(({ name }) => name === '2.weight')?.value;
    if (stored === undefined) throw new Error('no 2.weight');
    const rows = rowsOf({ shape: [4, 27], data: stored.data });
    const expected = multiply(transpose(rows), rows)
      .flat()
      .map((value) => (value * 1.5 ** 2) / 27);
    expect(largestDifference(nfm(rt, cnn, '2.weight').data, expected)).toBeLessThan(8 * Number.EPSILON * maxAbs(expected));
  });
});

function gramOf(rows: number[][]): number[][] {
  return multiply(transpose(rows), rows);
}
