import {
  empiricalNtk,
  flatParameters,
  forward,
  frozenKernelTraining,
  importSpec,
  linearize,
  loadRuntime,
  type Model,
  ntkVectorProduct,
  TangedgeError,
  type Tensor,
  taylorModel,
  train,
  withFlatParameters,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenArray, goldenExpected, readGoldenCase, relativeError } from '../golden/read-case.ts';
import { networks, randomTensor } from '../ntk/networks.ts';

const rt = await loadRuntime();

const norm = (a: ArrayLike<number>) => Math.sqrt(Array.from(a).reduce((sum, value) => sum + value * value, 0));
const minus = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a, (value, i) => value - b[i]);

function displaced(model: Model, h: number): Model {
  const theta = flatParameters(model);
  const direction = randomTensor(17, [theta.length]).data;
  return withFlatParameters(
    model,
    theta.map((value, i) => value + h * direction[i]),
  );
}

describe.each(['mlp', 'tokens', 'tied', 'recurrent'])('Taylor expansion of %s', (name) => {
  const model = networks[name];
  const x = randomTensor(31, [4, ...model.input.shape]);

  test('degree k deviates from the network as the (k + 1)th power of the displacement', () => {
    for (const degree of [0, 1, 2, 3]) {
      const expansion = taylorModel(model, degree);
      const errors = [1 / 8, 1 / 16].map((h) => {
        const expanded = withFlatParameters(expansion, flatParameters(displaced(model, h)));
        return norm(minus(forward(rt, expanded, x).data, forward(rt, displaced(model, h), x).data));
      });
      const slope = Math.log2(errors[0] / errors[1]);
      expect(slope, `degree ${degree}: errors ${errors.join(', ')}`).toBeGreaterThan(degree + 0.6);
      expect(slope, `degree ${degree}: errors ${errors.join(', ')}`).toBeLessThan(degree + 1.6);
    }
  });

  test('the linearized model has the kernel of the network, wherever its parameters are', () => {
    const kernel = empiricalNtk(rt, model, x, { outputs: 'trace' });
    const moved = withFlatParameters(linearize(model), flatParameters(displaced(model, 0.5)));
    expect(relativeError(empiricalNtk(rt, moved, x, { outputs: 'trace' }), kernel)).toBeLessThan(1e-13);
  });
});

test('degree 2 is exact for two linear layers', () => {
  const golden = readGoldenCase('s04_linear2_eos');
  const model = importSpec(golden.spec, golden.weights);
  const x = goldenArray(golden, 'x');
  const far = displaced(model, 3);
  const expanded = withFlatParameters(taylorModel(model, 2), flatParameters(far));
  expect(relativeError(forward(rt, expanded, x), forward(rt, far, x))).toBeLessThan(1e-13);
});

describe('frozen kernel', () => {
  test.each(['s01_mlp_relu', 's04_linear2_eos', 's05_cnn', 's10_gru'])('golden %s: flow, descent and test outputs are numpy’s', (name) => {
    const golden = readGoldenCase(name);
    const model = importSpec(golden.spec, golden.weights);
    const [x, targets] = [goldenArray(golden, 'x'), goldenArray(golden, 'y')];
    const { eta, times, steps } = (golden.spec.tasks as { linearised: unknown }).linearised as { eta: number; times: number[]; steps: number[] };
    const kernel = empiricalNtk(rt, model, x, { outputs: 'full' });
    const given = { initial: forward(rt, model, x), targets, learningRate: eta, lossScale: 'sum' } as const;
    const xTest = golden.arrays.get('x_test');
    const others = xTest && { kernel: empiricalNtk(rt, model, xTest, { x2: x, outputs: 'full' }), initial: forward(rt, model, xTest) };
    const flow = frozenKernelTraining(rt, kernel, { ...given, times, dynamics: 'flow', test: others });
    expect(relativeError(flow.train, goldenExpected(golden, 'lin/train'))).toBeLessThan(1e-10);
    if (others) expect(relativeError(flow.test as Tensor, goldenExpected(golden, 'lin/test'))).toBeLessThan(1e-8);
    const descent = frozenKernelTraining(rt, kernel, { ...given, times: steps });
    expect(relativeError(descent.train, goldenExpected(golden, 'lin/train_discrete'))).toBeLessThan(1e-10);
  });

  test('is what train does to the linearized model, on training and test examples', async () => {
    const model = networks.mlp;
    const [x, targets, xTest] = [randomTensor(1, [5, 5]), randomTensor(2, [5, 3]), randomTensor(3, [3, 5])];
    const run = frozenKernelTraining(rt, empiricalNtk(rt, model, x, { outputs: 'full' }), {
      initial: forward(rt, model, x),
      targets,
      learningRate: 0.2,
      times: [0, 7, 30],
      test: { kernel: empiricalNtk(rt, model, xTest, { x2: x, outputs: 'full' }), initial: forward(rt, model, xTest) },
    });
    let k = 0;
    for await (const state of train(rt, linearize(model), { inputs: x, targets }, { learningRate: 0.2, steps: 30 })) {
      if (![0, 7, 30].includes(state.step)) continue;
      const at = (t: Tensor, rows: number) => t.data.subarray(k * rows * 3, (k + 1) * rows * 3);
      expect(norm(minus(state.outputs().data, at(run.train, 5)))).toBeLessThan(1e-13 * norm(targets.data) * 30);
      expect(norm(minus(forward(rt, state.model(), xTest).data, at(run.test as Tensor, 3)))).toBeLessThan(1e-12);
      expect(Math.abs(state.loss / run.losses[k] - 1)).toBeLessThan(1e-12);
      k++;
    }
    expect(k).toBe(3);
  });

  test('one small step of the network is a step of its kernel: the rest falls fourfold when η halves', async () => {
    const model = networks.mlp;
    const [x, targets] = [randomTensor(1, [5, 5]), randomTensor(2, [5, 3])];
    const initial = forward(rt, model, x);
    const pushed = ntkVectorProduct(rt, model, x, { shape: [5, 3], data: Float64Array.from(minus(initial.data, targets.data)) });
    const rests: number[] = [];
    for (const learningRate of [0.01, 0.005]) {
      let outputs = initial;
      for await (const state of train(rt, model, { inputs: x, targets }, { learningRate, steps: 1 })) outputs = state.outputs();
      rests.push(
        norm(
          minus(
            minus(outputs.data, initial.data),
            Array.from(pushed.data, (value) => (-learningRate / 5) * value),
          ),
        ),
      );
    }
    expect(rests[0] / rests[1]).toBeGreaterThan(3.8);
    expect(rests[0] / rests[1]).toBeLessThan(4.2);
  });

  test('null directions stay, a kernel [n, n] serves every output, times compose, divergence beyond 2M/λmax', () => {
    const kernel: Tensor = { shape: [2, 2], data: Float64Array.of(1, 1, 1, 1) };
    const given = { initial: { shape: [2, 2], data: Float64Array.of(0, 0, 0, 0) }, targets: { shape: [2, 2], data: Float64Array.of(1, 2, 0, 4) } };
    const run = frozenKernelTraining(rt, kernel, { ...given, learningRate: 1, times: [0, 1000], lossScale: 'mean-batch' });
    const expected = [0, 0, 0, 0, 0.5, 3, 0.5, 3];
    const slip = 2 * Number.EPSILON * 2 * (1000 / 2) * 4; // n·ε·λmax of a zero eigenvalue, t/M times, on a residual of 4
    for (const [i, value] of run.train.data.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(slip);
    expect(run.maxLearningRate).toBeCloseTo(2, 14);
    const diverged = frozenKernelTraining(rt, kernel, { ...given, learningRate: 2.1, times: [100] });
    expect(diverged.losses[0]).toBeGreaterThan(run.losses[0]);
    expect(() => frozenKernelTraining(rt, kernel, { ...given, learningRate: 1, times: [0.5] })).toThrowError(TangedgeError);
    const indefinite: Tensor = { shape: [2, 2], data: Float64Array.of(0, 1, 1, 0) };
    expect(() => frozenKernelTraining(rt, indefinite, { ...given, learningRate: 1, times: [1] })).toThrowError(/positive semidefinite/);
  });
});
