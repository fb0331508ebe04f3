/** @file Training against textbook formulas on a linear network, whose gradients have a closed form; exact resume, mini-batches, divergence. */

import {
  type Dtype,
  importSpec,
  initializeSpec,
  LossGradient,
  loadRuntime,
  type Model,
  type Optimizer,
  type Runtime,
  type TangedgeError,
  Trainer,
  type TrainingOptions,
  type TrainingState,
  type TrainingStep,
  tensor,
  train,
  uniformArray,
  withTrainable,
} from 'tangedge';
import { beforeAll, describe, expect, test } from 'vitest';

let rt: Runtime;
beforeAll(async () => {
  rt = await loadRuntime();
});

const N = 7;
const D = 3;
const C = 2;
const linear = { input_shape: [N, D], layers: [{ type: 'Linear', name: 'a', in_features: D, out_features: C, bias: true }] };
const mlp = {
  input_shape: [1, 4],
  layers: [
    { type: 'Linear', name: '0', in_features: 4, out_features: 9 },
    { type: 'Tanh' },
    { type: 'Linear', name: '2', in_features: 9, out_features: 3 },
  ],
};
const random = (seed: number, shape: readonly number[]) =>
  tensor(
    shape,
    uniformArray(
      seed,
      0,
      shape.reduce((size, extent) => size * extent, 1),
    ).map((u) => 2 * u - 1),
  );

function modelOf(spec: unknown, seed = 1): Model {
  return importSpec(spec, initializeSpec(rt, spec, { seed, dtype: 'f64' }));
}

/** [∂L/∂W (row-major), ∂L/∂b] of the squared loss or of cross-entropy of f = W·x + b, and L, by the formulas of any textbook. */
function closedForm(theta: Float64Array, x: Float64Array, y: Float64Array, loss: 'mse' | 'cross-entropy', divisor: number) {
  const gradient = new Float64Array(C * D + C);
  let total = 0;
  for (let n = 0; n < N; n++) {
    const f = Array.from({ length: C }, (_, o) => theta[C * D + o] + [0, 1, 2].reduce((sum, i) => sum + theta[o * D + i] * x[n * D + i], 0));
    const exponentials = f.map((value) => Math.exp(value));
    const normalizer = exponentials[0] + exponentials[1];
    for (let o = 0; o < C; o++) {
      const target = y[n * C + o];
      const residual = loss === 'mse' ? f[o] - target : exponentials[o] / normalizer - target;
      total += loss === 'mse' ? 0.5 * residual * residual : -target * Math.log(exponentials[o] / normalizer);
      for (let i = 0; i < D; i++) gradient[o * D + i] += (residual * x[n * D + i]) / divisor;
      gradient[C * D + o] += residual / divisor;
    }
  }
  return { gradient, loss: total / divisor };
}

/** Textbook optimizers. */
function textbook(optimizer: Optimizer, rate: number) {
  const size = C * D + C;
  const [m, v] = [new Float64Array(size), new Float64Array(size)];
  return (theta: Float64Array, g: Float64Array, step: number): void => {
    for (let i = 0; i < size; i++) {
      if (optimizer.name === 'gd') theta[i] -= rate * g[i];
      if (optimizer.name === 'momentum') {
        m[i] = 0.8 * m[i] + g[i];
        theta[i] -= rate * m[i];
      }
      if (optimizer.name === 'nesterov') {
        m[i] = 0.8 * m[i] + g[i];
        theta[i] -= rate * (g[i] + 0.8 * m[i]);
      }
      if (optimizer.name === 'adam') {
        m[i] = 0.9 * m[i] + 0.1 * g[i];
        v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
        theta[i] -= (rate * (m[i] / (1 - 0.9 ** (step + 1)))) / (Math.sqrt(v[i] / (1 - 0.999 ** (step + 1))) + 1e-8);
      }
    }
    if (optimizer.name === 'slo') {
      const norm = Math.sqrt(g.subarray(0, C * D).reduce((sum, value) => sum + value * value, 0));
      for (let i = 0; i < C * D; i++) theta[i] -= (rate * 3 * g[i]) / norm;
    }
  };
}

const optimizers: readonly Optimizer[] = [
  { name: 'gd' },
  { name: 'momentum', momentum: 0.8 },
  { name: 'nesterov', momentum: 0.8 },
  { name: 'adam' },
  { name: 'slo', speeds: { 'a.weight': 3 } },
];

describe.each(optimizers)('$name: the textbook update on a linear network', (optimizer) => {
  test.each([
    ['mse', 'mean-batch', N],
    ['mse', 'mean-all', N * C],
    ['mse', 'sum', 1],
    ['cross-entropy', 'mean-batch', N],
  ] as const)('%s, %s', async (loss, lossScale, divisor) => {
    const inputs = random(2, [N, D]);
    const raw = random(3, [N, C]).data;
    const targets = tensor([N, C], loss === 'mse' ? raw : raw.map((_, i) => (i % 2 === 0 ? 0.5 + 0.5 * raw[i] : 0.5 - 0.5 * raw[i - 1])));
    const model = modelOf(linear);
    const theta = Float64Array.from(model.parameters.flatMap(({ value }) => [...value.data]));
    const move = textbook(optimizer, 0.05);
    for await (const step of train(rt, model, { inputs, targets }, { learningRate: 0.05, steps: 12, optimizer, loss, lossScale })) {
      const expected = closedForm(theta, inputs.data as Float64Array, targets.data as Float64Array, loss, divisor);
      expect(Math.abs(step.loss - expected.loss)).toBeLessThanOrEqual(1e-12 * expected.loss);
      expect(maxDifference(step.parameters(), theta)).toBeLessThanOrEqual(1e-12);
      expect(maxDifference(step.gradient(), expected.gradient)).toBeLessThanOrEqual(1e-12);
      move(theta, expected.gradient, step.step);
    }
  });
});

test('speed limited optimization moves each weight by η·C, and nothing else', async () => {
  const data = { inputs: random(4, [11, 4]), targets: random(5, [11, 3]) };
  const optimizer: Optimizer = { name: 'slo', speeds: { '0.weight': 2, '2.weight': 0.3 } };
  let before: Float64Array | undefined;
  for await (const step of train(rt, modelOf(mlp), data, { learningRate: 0.01, steps: 8, optimizer })) {
    const now = step.parameters() as Float64Array;
    if (before) {
      const moved = (from: number, to: number) => Math.hypot(...now.subarray(from, to).map((value, i) => value - (before as Float64Array)[from + i]));
      expect([moved(0, 36), moved(36, 45), moved(45, 72), moved(72, 75)].map((value) => value.toFixed(12))).toEqual(
        [0.02, 0, 0.003, 0].map((value) => value.toFixed(12)),
      );
    }
    before = now;
  }
});

test('a rate factor of −1 ascends, of 0 freezes, of 2 is twice the rate', async () => {
  const data = { inputs: random(4, [11, 4]), targets: random(5, [11, 3]) };
  const states: TrainingStep[] = [];
  const thetas: Float64Array[] = [];
  const gradients: Float64Array[] = [];
  const rateFactors = { '0.weight': -1, '0.bias': 0, '2.weight': 2 };
  for await (const step of train(rt, modelOf(mlp), data, { learningRate: 0.125, steps: 1, rateFactors })) {
    states.push(step);
    thetas.push(step.parameters() as Float64Array);
    gradients.push(step.gradient() as Float64Array);
  }
  const factor = (i: number) => (i < 36 ? -1 : i < 45 ? 0 : i < 72 ? 2 : 1);
  expect(
    maxDifference(
      thetas[1],
      thetas[0].map((value, i) => value - 0.125 * factor(i) * gradients[0][i]),
    ),
  ).toBe(0);
});

describe('mini-batches', () => {
  const data = { inputs: random(6, [10, 4]), targets: random(7, [10, 3]) };
  test('every epoch sees every example once, in an order of its own that the seed decides', async () => {
    const orders: number[][] = [[], [], []];
    for await (const step of train(rt, modelOf(mlp), data, { learningRate: 0.1, steps: 11, batchSize: 3, seed: 4 })) {
      orders[step.epoch].push(...(step.rows as Uint32Array));
    }
    for (const order of orders) expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(orders[0]).not.toEqual(orders[1]);
  });

  test('a batch of all examples in a fixed order is full-batch descent', async () => {
    const full = await lastTheta(modelOf(mlp), data, { learningRate: 0.1, steps: 5 });
    expect(await lastTheta(modelOf(mlp), data, { learningRate: 0.1, steps: 5, batchSize: 10, seed: 9 })).toEqual(full);
  });

  test('blocks change only the rounding, the memory limit nothing', async () => {
    const options = { learningRate: 0.1, steps: 20 };
    const whole = await lastTheta(modelOf(mlp), data, options);
    expect(maxDifference(await lastTheta(modelOf(mlp), data, { ...options, block: 4 }), whole)).toBeLessThanOrEqual(1e-14);
    const small = await loadRuntime({ memoryLimit: 200_000 });
    expect(await lastTheta(modelOf(mlp), data, options, small)).toEqual(whole);
  });
});

async function lastTheta(model: Model, data: Parameters<typeof train>[2], options: TrainingOptions, runtime = rt) {
  let theta: Float64Array | Float32Array = new Float64Array(0);
  for await (const step of train(runtime, model, data, options)) theta = step.parameters();
  return theta;
}

describe.each<Dtype>(['f64', 'f32'])('resume, %s', (dtype) => {
  test.each(optimizers.map((optimizer) => (optimizer.name === 'slo' ? { ...optimizer, speeds: { '0.weight': 1, '2.bias': 2 } } : optimizer)))(
    '$name: the bits of the uninterrupted run',
    async (optimizer) => {
      const data = { inputs: random(6, [10, 4]), targets: random(7, [10, 3]) };
      const options: TrainingOptions = { learningRate: 0.07, steps: 15, batchSize: 4, seed: 2, optimizer, dtype };
      const losses: number[] = [];
      let theta: Float64Array | Float32Array = new Float64Array(0);
      let state: TrainingState | undefined;
      for await (const step of train(rt, modelOf(mlp), data, options)) {
        losses.push(step.loss);
        theta = step.parameters();
        if (step.step === 7) state = structuredClone(step.state());
      }
      const resumed: number[] = [];
      let last: Float64Array | Float32Array = new Float64Array(0);
      for await (const step of train(rt, modelOf(mlp, 99), data, { ...options, resume: state })) {
        resumed.push(step.loss);
        last = step.parameters();
      }
      expect(resumed).toEqual(losses.slice(7));
      expect(last).toEqual(theta);
    },
  );
});

describe('a first layer kept as W₀ + Aᵀ·X: the run of the weights themselves, to rounding', () => {
  const wide = (parameterization: string) => ({
    input_shape: [1, 12],
    layers: [
      { type: 'Linear', name: '0', in_features: 12, out_features: 6, parameterization },
      { type: 'Tanh' },
      { type: 'Linear', name: '2', in_features: 6, out_features: 3 },
    ],
  });
  const data = { inputs: random(8, [9, 12]), targets: random(7, [9, 3]) };
  const moving: readonly Optimizer[] = [
    { name: 'gd' },
    { name: 'momentum', momentum: 0.8 },
    { name: 'nesterov', momentum: 0.8 },
    // Slow enough not to jump about a minimum, where the direction of the gradient is rounding.
    { name: 'slo', speeds: { '0.weight': 0.1, '2.weight': 0.05 } },
  ];
  test.each(['standard', 'ntk'].flatMap((parameterization) => moving.map((optimizer) => [parameterization, optimizer.name, optimizer] as const)))(
    '%s, %s',
    async (parameterization, _, optimizer) => {
      const model = modelOf(wide(parameterization));
      const options: TrainingOptions = { learningRate: 0.1, steps: 25, optimizer, rateFactors: { '0.weight': 1.5 } };
      const run = async (firstLayer: 'weights' | 'gram' | 'auto') => {
        const seen: [number, number, number, Float64Array, Float64Array][] = [];
        for await (const step of train(rt, model, data, { ...options, firstLayer })) {
          const norms = [step.gradientNorm(), step.gradientNorm('0.weight')] as const;
          seen.push([step.loss, ...norms, step.parameters() as Float64Array, step.gradient() as Float64Array]);
        }
        return seen;
      };
      const [expected, actual] = [await run('weights'), await run('gram')];
      actual.forEach(([loss, norm, first, theta, gradient], t) => {
        expect(Math.abs(loss - expected[t][0])).toBeLessThanOrEqual(1e-12 * expected[t][0]);
        expect(Math.abs(norm - expected[t][1])).toBeLessThanOrEqual(1e-11 * expected[t][1]);
        expect(Math.abs(first - expected[t][2])).toBeLessThanOrEqual(1e-11 * expected[t][2]);
        expect(maxDifference(theta, expected[t][3])).toBeLessThanOrEqual(1e-12);
        expect(maxDifference(gradient, expected[t][4])).toBeLessThanOrEqual(1e-12);
      });
      expect(await run('auto')).toEqual(actual);
    },
  );

  test('resumes with the same bits', async () => {
    const options: TrainingOptions = { learningRate: 0.1, steps: 12, optimizer: { name: 'momentum' }, dtype: 'f32' };
    const losses: number[] = [];
    let state: TrainingState | undefined;
    for await (const step of train(rt, modelOf(wide('ntk')), data, options)) {
      losses.push(step.loss);
      if (step.step === 5) state = structuredClone(step.state());
    }
    const resumed: number[] = [];
    for await (const step of train(rt, modelOf(wide('ntk'), 4), data, { ...options, resume: state })) resumed.push(step.loss);
    expect(resumed).toEqual(losses.slice(5));
  });

  test('is refused where it cannot be', async () => {
    const model = modelOf(wide('ntk'));
    for (const options of [{ batchSize: 3 }, { block: 2 }, { optimizer: { name: 'adam' } }] as const) {
      await expect(lastTheta(model, data, { learningRate: 0.1, steps: 1, firstLayer: 'gram', ...options })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
      });
    }
  });
});

describe('divergence', () => {
  const data = { inputs: random(6, [10, 4]), targets: random(7, [10, 3]) };
  test('stops with the step, the first loss and the last good state', async () => {
    const losses: number[] = [];
    const run = async () => {
      for await (const step of train(rt, modelOf(mlp), data, { learningRate: 50, steps: 1000, lossScale: 'sum' })) losses.push(step.loss);
    };
    const error = await run().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_DIVERGED', info: { step: losses.length, initialLoss: losses[0], lastGood: { step: 0 } } });
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(rt.arena.used).toBe(0);
  });

  test.each(['weights', 'gram'] as const)(
    'parameters that leave while the loss stays: Tanh outputs bound it, W does not (%s)',
    async (firstLayer) => {
      const spec = { input_shape: [1, 12], layers: [{ type: 'Linear', name: 'a', in_features: 12, out_features: 3, bias: false }, { type: 'Tanh' }] };
      const bounded = { inputs: random(6, [10, 12]), targets: random(7, [10, 3]) };
      const [steps, losses]: [number[], number[]] = [[], []];
      // ascending with steps that grow: the gradient fades with the saturation, so normalized ones
      const options = {
        learningRate: 1e4,
        steps: 40,
        firstLayer,
        optimizer: { name: 'slo', speeds: { 'a.weight': 1 } },
        rateFactors: { 'a.weight': -1 },
      } as const;
      const run = async () => {
        for await (const { step, loss } of train(rt, importSpec(spec, initializeSpec(rt, spec)), bounded, options)) {
          steps.push(step);
          losses.push(loss);
        }
      };
      const error = (await run().catch((reason: unknown) => reason)) as TangedgeError;
      expect(error).toMatchObject({
        code: 'ERR_DIVERGED',
        info: { step: 10, lastGood: { step: 0 } },
        message: expect.stringMatching(/norm of the parameters/),
      });
      expect(Math.max(...losses)).toBeLessThan(10);
      expect(error.info.parameterNorm).toBeGreaterThan(1000 * (error.info.initialParameterNorm as number));
      expect(rt.arena.used).toBe(0);
    },
  );

  test('the norm of a first layer kept as W₀ + Aᵀ·X is that of its weights', () => {
    const spec = { input_shape: [1, 12], layers: [{ type: 'Linear', name: 'a', in_features: 12, out_features: 3 }] };
    const model = importSpec(spec, initializeSpec(rt, spec, { dtype: 'f64' }));
    const gradient = new LossGradient(rt, model, { inputs: random(6, [10, 12]), targets: random(7, [10, 3]) }, { firstLayer: 'gram' });
    try {
      gradient.evaluate();
      rt.f64.axpy(30, -0.3, gradient.gradientPtr(0), gradient.coordinatePtr(0));
      const theta = gradient.readParameters();
      const norm = Math.sqrt(Float64Array.from(theta).reduce((sum, value) => sum + value * value, 0));
      expect(gradient.parameterNorm() / norm).toBeCloseTo(1, 13);
    } finally {
      gradient.release();
    }
  });
});

test('frozen parameters stay, and have no gradient', async () => {
  const model = withTrainable(modelOf(mlp), { frozen: ['0.weight', '0.bias'] });
  const theta = await lastTheta(model, { inputs: random(6, [10, 4]), targets: random(7, [10, 3]) }, { learningRate: 0.1, steps: 3 });
  expect(theta.length).toBe(30);
});

test('two runs at once on one Runtime are refused, one after the other are not', () => {
  const data = { inputs: random(6, [10, 4]), targets: random(7, [10, 3]) };
  const first = new Trainer(rt, modelOf(mlp), data, { learningRate: 0.1, steps: 3 });
  const second = new Trainer(rt, modelOf(mlp), data, { learningRate: 0.1, steps: 3 });
  expect(() => first.evaluate()).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  second.release();
  expect(first.evaluate().loss).toBeGreaterThan(0);
  first.release();
  expect(rt.arena.used).toBe(0);
});

test.each([
  [{ learningRate: Number.NaN, steps: 1 }, 'ERR_ARGUMENT', 'learning rate of step 0 is NaN'],
  [{ learningRate: 1, steps: -1 }, 'ERR_ARGUMENT', 'steps is -1'],
  [{ learningRate: 1, steps: 1, batchSize: 11 }, 'ERR_ARGUMENT', 'batchSize is 11'],
  [{ learningRate: 1, steps: 1, rateFactors: { w: 1 } }, 'ERR_ARGUMENT', "rateFactors names 'w'"],
  [{ learningRate: 1, steps: 1, optimizer: { name: 'momentum', momentum: 1 } }, 'ERR_ARGUMENT', 'momentum is 1'],
  [{ learningRate: 1, steps: 1, loss: 'cross-entropy' }, 'ERR_DOMAIN', 'must be a probability'],
] as const)('%j is refused', async (options, code, text) => {
  const data = { inputs: random(6, [10, 4]), targets: random(7, [10, 3]) };
  await expect(lastTheta(modelOf(mlp), data, options)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
});

function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) if (!(Math.abs(a[i] - b[i]) <= largest)) largest = Math.abs(a[i] - b[i]);
  return largest;
}
