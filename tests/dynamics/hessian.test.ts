import {
  empiricalNtk,
  extremalEigenpairs,
  flatParameters,
  forward,
  gaussNewtonEigenpairs,
  hessianEigenpairs,
  hessianOperator,
  importSpec,
  jacobian,
  loadRuntime,
  type Model,
  matmul,
  sharpness,
  stabilityThreshold,
  TangedgeError,
  type Tensor,
  type TrainingLoss,
  topEigenpairs,
  trainingLoss,
  withFlatParameters,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenArray, goldenCaseNames, goldenScalar, readGoldenCase } from '../golden/read-case.ts';
import { networks, randomTensor } from '../ntk/networks.ts';

const rt = await loadRuntime();
const EPS = Number.EPSILON;

const dot = (a: Float64Array, b: Float64Array) => a.reduce((total, value, i) => total + value * b[i], 0);
const norm = (a: Float64Array) => Math.sqrt(dot(a, a));
const along = (theta: Float64Array, v: Float64Array, h: number) => theta.map((value, i) => value + h * v[i]);
const random = (seed: number, n: number) => randomTensor(seed, [n]).data as Float64Array;

function dataFor(model: Model, n: number, loss: 'mse' | 'cross-entropy'): { inputs: Tensor; targets: Tensor } {
  const c = model.output.size;
  const targets = randomTensor(71, [n, c]);
  if (loss === 'cross-entropy') for (let i = 0; i < n; i++) targets.data.fill(0, i * c, (i + 1) * c)[i * c + (i % c)] = 1;
  return { inputs: randomTensor(70, [n, ...model.input.shape]), targets };
}

/** Error ratio of a central difference on halving h must be 4: catches a wrong derivative and a wrong step. */
function expectRate(difference: (h: number) => Float64Array, exact: Float64Array): void {
  const errors = [2 ** -5, 2 ** -6, 2 ** -7].map((h) => norm(along(difference(h), exact, -1)));
  for (let i = 0; i + 1 < errors.length; i++) {
    expect(errors[i] / errors[i + 1], `errors ${errors.join(', ')}; norm ${norm(exact)}`).toBeGreaterThan(3.7);
    expect(errors[i] / errors[i + 1], `errors ${errors.join(', ')}`).toBeLessThan(4.3);
  }
}

const smooth = ['mlp', 'tokens', 'tied', 'recurrent'] as const;

describe.each(smooth)('derivatives of the loss of %s', (name) => {
  const model = networks[name];
  for (const kind of ['mse', 'cross-entropy'] as const) {
    const data = dataFor(model, 6, kind);
    const loss = trainingLoss(rt, model, data, { loss: kind });
    const [u, v, w] = [1, 2, 3].map((seed) => random(seed, loss.size));
    const theta = loss.initial;

    test(`${kind}: gradient, H·v and ∇(uᵀHv) against central differences, by rate`, () => {
      const difference = (f: (t: Float64Array) => Float64Array, direction: Float64Array) => (h: number) =>
        along(f(along(theta, direction, h)), f(along(theta, direction, -h)), -1).map((value) => value / (2 * h));
      const small = v.map((value) => 0.5 * value);
      expectRate(
        difference((t) => Float64Array.of(loss.gradient(t).loss), small),
        Float64Array.of(dot(loss.gradient(theta).gradient, small)),
      );
      expectRate(
        difference((t) => loss.gradient(t).gradient, small),
        loss.withHessian(theta, (product) => product(small)),
      );
      // directional derivative of H·u along v, and the reverse sweep's ∇(uᵀHv)
      const third = loss.withThird(theta, (product) => product(u, small));
      expectRate(
        difference((t) => loss.withHessian(t, (product) => product(u)), small),
        third,
      );
    });

    test(`${kind}: the Hessian is symmetric and the third derivative symmetric in all three, to rounding`, () => {
      loss.withHessian(theta, (product) => {
        const [hu, hv] = [product(u), product(v)];
        expect(Math.abs(dot(u, hv) - dot(v, hu))).toBeLessThanOrEqual(200 * EPS * norm(u) * norm(hv));
      });
      loss.withThird(theta, (product) => {
        const [uv, vw, vu] = [product(u, v), product(v, w), product(v, u)];
        expect(Math.abs(dot(w, uv) - dot(u, vw))).toBeLessThanOrEqual(2000 * EPS * norm(w) * norm(uv));
        expect(norm(along(uv, vu, -1))).toBeLessThanOrEqual(2000 * EPS * norm(uv));
      });
    });

    test(`${kind}: blocks of examples add up to the whole`, () => {
      const tiled = trainingLoss(rt, model, data, { loss: kind, batch: 4 });
      const whole = loss.withHessian(theta, (product) => product(v));
      expect(norm(along(tiled.gradient(theta).gradient, loss.gradient(theta).gradient, -1))).toBeLessThanOrEqual(
        50 * EPS * (1 + norm(loss.gradient(theta).gradient)),
      );
      expect(
        norm(
          along(
            tiled.withHessian(theta, (product) => product(v)),
            whole,
            -1,
          ),
        ),
      ).toBeLessThanOrEqual(100 * EPS * (1 + norm(whole)));
    });

    test(`${kind}: Gauss–Newton product is Jᵀ·S·J·v from the explicit Jacobian`, () => {
      const product = loss.withGaussNewton(theta, (times) => times(v));
      expect(norm(along(product, explicitGaussNewton(model, data, loss, kind, v), -1))).toBeLessThanOrEqual(500 * EPS * norm(product));
    });
  }
});

function explicitGaussNewton(
  model: Model,
  data: { inputs: Tensor; targets: Tensor },
  loss: TrainingLoss,
  kind: string,
  v: Float64Array,
): Float64Array {
  const [n, c, p] = [data.inputs.shape[0], model.output.size, loss.size];
  const j: Tensor = { shape: [n * c, p], data: jacobian(rt, model, data.inputs).data };
  const pushed = matmul(rt, j, { shape: [p, 1], data: v }).data;
  const weighted = new Float64Array(n * c);
  const outputs = kind === 'mse' ? undefined : outputsOf(model, data.inputs);
  for (let i = 0; i < n; i++) {
    const row = Array.from({ length: c }, (_, o) => pushed[i * c + o]);
    if (outputs === undefined) {
      for (let o = 0; o < c; o++) weighted[i * c + o] = row[o] / n;
      continue;
    }
    const exps = row.map((_, o) => Math.exp(outputs[i * c + o]));
    const total = exps.reduce((a, b) => a + b, 0);
    const mean = row.reduce((sum, r, o) => sum + (exps[o] / total) * r, 0);
    for (let o = 0; o < c; o++) weighted[i * c + o] = ((exps[o] / total) * (row[o] - mean)) / n;
  }
  return matmul(rt, j, { shape: [n * c, 1], data: weighted }, { transposeA: true }).data as Float64Array;
}

function outputsOf(model: Model, x: Tensor): Float64Array {
  return forward(rt, model, x).data as Float64Array;
}

describe('eigenpairs', () => {
  const model = networks.mlp;
  const data = dataFor(model, 6, 'mse');
  const loss = trainingLoss(rt, model, data);
  const dense = hessianOperator(loss, loss.initial).apply({
    shape: [loss.size, loss.size],
    data: Float64Array.from({ length: loss.size ** 2 }, (_, i) => (i % (loss.size + 1) === 0 ? 1 : 0)),
  });
  const symmetric: Tensor = {
    shape: dense.shape,
    data: Float64Array.from(dense.data, (value, i) => {
      const [r, s] = [Math.floor(i / loss.size), i % loss.size];
      return 0.5 * (value + dense.data[s * loss.size + r]);
    }),
  };

  test('the largest and the most negative Hessian eigenvalues are those of the dense matrix, to 1e-12 of the norm', () => {
    const reference = topEigenpairs(rt, symmetric, loss.size).values;
    const top = hessianEigenpairs(rt, loss, loss.initial, { count: 4 });
    const bottom = hessianEigenpairs(rt, loss, loss.initial, { count: 2, which: 'smallest' });
    expect(top.converged && bottom.converged).toBe(true);
    for (let k = 0; k < 4; k++) expect(Math.abs(top.values[k] - reference[k])).toBeLessThanOrEqual(1e-12 * reference[0]);
    for (let k = 0; k < 2; k++) expect(Math.abs(bottom.values[k] - reference[loss.size - 1 - k])).toBeLessThanOrEqual(1e-12 * reference[0]);
    expect(bottom.values[0]).toBeLessThan(0);
  });

  test('a repeated eigenvalue is found as often as it occurs when the start has as many vectors', () => {
    const diagonal = Float64Array.from({ length: 40 }, (_, i) => (i < 3 ? 5 : 4 - i / 20));
    const product = (v: Float64Array) => v.map((value, i) => value * diagonal[i]);
    const pairs = extremalEigenpairs(rt, 40, product, { count: 3 });
    for (const value of pairs.values) expect(Math.abs(value - 5)).toBeLessThanOrEqual(1e-14 * 40);
    expect(pairs.vectors.every((u) => Math.abs(norm(u) - 1) < 1e-13)).toBe(true);
  });

  test('a warm start takes few products, a cap is kept and said', () => {
    const cold = sharpness(rt, loss, loss.initial);
    const moved = along(loss.initial, random(5, loss.size), 1e-3);
    const warm = sharpness(rt, loss, moved, { previous: cold });
    expect(warm.converged).toBe(true);
    expect(warm.products).toBeLessThan(cold.products);
    const capped = hessianEigenpairs(rt, loss, loss.initial, { count: 2, maxProducts: 3, tolerance: 1e-14 });
    expect(capped).toMatchObject({ products: 3, converged: false });
  });

  test('λmax of Gauss–Newton is λmax(Θ)/n of the full kernel, both scalings, to 1e-12', () => {
    const kernel = empiricalNtk(rt, model, data.inputs, { outputs: 'full' });
    const [n, c] = [data.inputs.shape[0], model.output.size];
    const matrix = new Float64Array((n * c) ** 2);
    for (let i = 0; i < n; i++)
      for (let k = 0; k < n; k++)
        for (let a = 0; a < c; a++) for (let b = 0; b < c; b++) matrix[(i * c + a) * n * c + k * c + b] = kernel.data[((i * n + k) * c + a) * c + b];
    const [lambda] = topEigenpairs(rt, { shape: [n * c, n * c], data: matrix }, 1).values;
    for (const [lossScale, divisor] of [
      ['mean-batch', n],
      ['mean-all', n * c],
    ] as const) {
      const scaled = trainingLoss(rt, model, data, { lossScale });
      const [top] = gaussNewtonEigenpairs(rt, scaled, scaled.initial).values;
      expect(Math.abs(top - lambda / divisor)).toBeLessThanOrEqual((1e-12 * lambda) / divisor);
    }
  });

  test('at zero residual the Hessian is its Gauss–Newton part', () => {
    const exact = trainingLoss(rt, model, { inputs: data.inputs, targets: forward(rt, model, data.inputs) });
    const v = random(9, exact.size);
    const h = exact.withHessian(exact.initial, (product) => product(v));
    const g = exact.withGaussNewton(exact.initial, (product) => product(v));
    expect(norm(along(h, g, -1))).toBeLessThanOrEqual(100 * EPS * norm(g));
  });

  test('preconditioned by P the eigenvalues are those of P⁻¹H: P = 4·I divides by 4', () => {
    const plain = sharpness(rt, loss, loss.initial, { tolerance: 1e-9 });
    const quarter = sharpness(rt, loss, loss.initial, { tolerance: 1e-9, preconditioner: new Float64Array(loss.size).fill(4) });
    expect(Math.abs(quarter.value - plain.value / 4)).toBeLessThanOrEqual(1e-13 * plain.value);
    expect(() => sharpness(rt, loss, loss.initial, { preconditioner: new Float64Array(loss.size) })).toThrowError(TangedgeError);
  });
});

describe.each(goldenCaseNames())('golden %s', (name) => {
  const golden = readGoldenCase(name);
  const model = importSpec(golden.spec, golden.weights);
  const loss = trainingLoss(rt, model, { inputs: goldenArray(golden, 'x'), targets: goldenArray(golden, 'y') });

  test('loss, gradient norm and sharpness are PyTorch’s', () => {
    const { loss: value, gradient } = loss.gradient(loss.initial);
    expect(Math.abs(value / goldenScalar(golden, 'loss') - 1)).toBeLessThanOrEqual(1e-12);
    expect(Math.abs(norm(gradient) / goldenScalar(golden, 'grad_norm') - 1)).toBeLessThanOrEqual(1e-11);
    const { value: lambda } = sharpness(rt, loss, loss.initial, { tolerance: 1e-9 });
    expect(Math.abs(lambda / goldenScalar(golden, 'sharpness') - 1)).toBeLessThanOrEqual(1e-10);
  });
});

test('flat parameters round-trip and refuse another length', () => {
  const theta = flatParameters(networks.mlp);
  expect(
    flatParameters(
      withFlatParameters(
        networks.mlp,
        theta.map((value) => 2 * value),
      ),
    ),
  ).toEqual(theta.map((value) => 2 * value));
  expect(() => withFlatParameters(networks.mlp, theta.subarray(1))).toThrowError(/withFlatParameters: theta has/);
});

test('momentum raises the threshold: (2 + 2β)/η, Nesterov (2 + 2β)/(η(1 + 2β))', () => {
  expect(stabilityThreshold({ learningRate: 0.1 })).toBe(20);
  expect(stabilityThreshold({ learningRate: 0.1, momentum: 0.5 })).toBe(30);
  expect(stabilityThreshold({ learningRate: 0.1, momentum: 0.5, kind: 'nesterov' })).toBe(15);
  expect(() => stabilityThreshold({ learningRate: 0 })).toThrowError(TangedgeError);
});
