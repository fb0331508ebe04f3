import {
  type CentralFlowState,
  centralFlow,
  centralFlowGaps,
  type GradientFlowOptions,
  type Graph,
  GraphBuilder,
  gradientFlow,
  graphObjective,
  importSpec,
  loadRuntime,
  type Objective,
  primitives,
  rectifierSides,
  TangedgeError,
  type Tensor,
  trainingLoss,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { mulberryNormals } from '../oracle/mulberry-normals.ts';

const rt = await loadRuntime();

/** Σ_i ½·y_i·x_i² − b·y_i with θ = (x, y); `shared`: every x has the same y. */
function toy(copies: number, b: number, shared = false): Objective {
  const g = new GraphBuilder();
  const x = g.parameter('x', [copies]);
  const y = g.parameter('y', shared ? [1] : [copies]);
  const { affine, mul, sub, sum } = primitives;
  const energy = affine(g, sum(g, mul(g, primitives.broadcast(g, y, [copies]), mul(g, x, x)), [0]), 0.5, 0);
  const graph: Graph = g.build([sub(g, energy, affine(g, sum(g, y, [0]), b, 0))]);
  return graphObjective(rt, { graph, parameters: [x, y] });
}

function last<T>(states: Iterable<T>): T {
  let state: T | undefined;
  for (const next of states) state = next;
  return state as T;
}

const closeTo = (actual: number, expected: number, tolerance: number, what = '') =>
  expect(Math.abs(actual - expected), `${what} ${actual} against ${expected}`).toBeLessThanOrEqual(tolerance);

describe('central flow of ½yx² − by, whose gradient descent has the 2-cycle x = ±√(2b), y = 2/η', () => {
  const [eta, b] = [0.1, 0.02];
  const objective = toy(1, b);

  test('gradient descent itself: the 2-cycle is exact, its means are x² = 2b and y = 2/η', () => {
    let theta = Float64Array.of(Math.sqrt(2 * b), 2 / eta);
    const [squares, ys]: [number[], number[]] = [[], []];
    for (let t = 0; t < 200; t++) {
      squares.push(theta[0] ** 2);
      ys.push(theta[1]);
      const { gradient } = objective.gradient(theta);
      theta = theta.map((value, i) => value - eta * gradient[i]);
    }
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    closeTo(mean(squares), 2 * b, 1e-6);
    closeTo(mean(ys), 2 / eta, 1e-6);
  });

  test('rises at rate ηb, then holds y = 2/η with variance 2b, to 1e-9; predicts loss and gradient of the cycle', () => {
    const states = [...centralFlow(rt, objective, Float64Array.of(0, 19.99), { learningRate: eta, steps: 40 })];
    expect(states[0].covariance.shape).toEqual([1, 1]);
    for (const { step, theta } of states.slice(0, 5)) closeTo(theta[1], 19.99 + eta * b * step, 1e-12);
    const { theta, covariance, variances, eigenvalues, loss, predictedLoss, predictedGradient2 } = states[40];
    closeTo(theta[1], 2 / eta, 1e-9, 'y');
    closeTo(eigenvalues[0], 2 / eta, 1e-9, 'λ');
    closeTo(covariance.data[0], 2 * b, 1e-9, 'X');
    closeTo(variances[0], 2 * b, 1e-9, 'variance');
    // on the cycle L = ½·(2/η)·2b − b·2/η = 0 and ‖∇L‖² = (2/η)²·2b
    closeTo(predictedLoss, (b * 2) / eta + loss, 1e-9);
    closeTo(predictedLoss, 0, 1e-8);
    closeTo(predictedGradient2, (2 / eta) ** 2 * 2 * b + b * b, 1e-6);
  });

  test('centralFlowGaps: the midpoints of the 2-cycle are the flow, √tr Σ = √(2b) is its amplitude; a shift is its own distance', () => {
    const amplitude = Math.sqrt(2 * b);
    const cycle = (shift: number) => Array.from({ length: 61 }, (_, t) => Float64Array.of(t % 2 === 0 ? amplitude : -amplitude, 2 / eta + shift));
    for (const shift of [0, 0.25]) {
      const flow = centralFlow(rt, objective, Float64Array.of(0, 2 / eta), { learningRate: eta, steps: 40 });
      const gaps = [...centralFlowGaps(cycle(shift), flow, { learningRate: eta, sides: (theta) => Uint8Array.of(Number(theta[0] > 0)) })];
      expect(gaps.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, t) => t));
      const { distance, oscillation, held, kinks } = gaps[39];
      closeTo(distance, shift, 1e-9);
      closeTo(oscillation, amplitude, 1e-9);
      closeTo(held, 1, 1e-9);
      expect(kinks).toBe(1);
    }
  });

  test('rectifierSides: ReLU and LeakyReLU of every example, nothing of a smooth model', () => {
    const net = (type: string) => {
      const layers = [{ type: 'Linear', name: 'a', in_features: 1, out_features: 2, bias: false }, { type }];
      return importSpec({ input_shape: [1, 1], layers }, new Map([['a.weight', { shape: [2, 1], data: Float64Array.of(1, -1) }]]));
    };
    const x = { shape: [2, 1], data: Float64Array.of(3, -2) };
    for (const type of ['ReLU', 'LeakyReLU']) {
      expect([...rectifierSides(rt, net(type), x, Float64Array.of(1, -1))]).toEqual([1, 0, 0, 1]);
      expect([...rectifierSides(rt, net(type), x, Float64Array.of(-1, -1))]).toEqual([0, 0, 1, 1]);
    }
    expect(rectifierSides(rt, net('Tanh'), x, Float64Array.of(1, -1))).toHaveLength(0);
  });

  test('two independent copies: X = 2b·I, the undetermined off-diagonal is 0', () => {
    const { covariance, directions, theta } = last(
      centralFlow(rt, toy(2, b), Float64Array.of(0, 0, 19.99, 19.995), { learningRate: eta, steps: 60 }),
    );
    expect(covariance.shape).toEqual([2, 2]);
    // in the coordinates of x, whatever basis U was found
    const sigma = inCoordinates(covariance, directions);
    closeTo(sigma[0][0], 2 * b, 1e-8);
    closeTo(sigma[1][1], 2 * b, 1e-8);
    closeTo(sigma[0][1], 0, 1e-6);
    closeTo(theta[2], 20, 1e-8);
    closeTo(theta[3], 20, 1e-8);
  });

  test('two x with one y: only tr X = 2b is determined, and the least norm splits it evenly', () => {
    const { covariance, variances, directions } = last(
      centralFlow(rt, toy(2, b, true), Float64Array.of(0, 0, 19.99), { learningRate: eta, steps: 60 }),
    );
    closeTo(covariance.data[0] + covariance.data[3], 2 * b, 1e-8);
    closeTo(variances[0], b, 1e-6);
    closeTo(inCoordinates(covariance, directions)[0][1], 0, 1e-6);
  });

  test('four copies that arrive at different times are held as they arrive', () => {
    const start = Float64Array.of(0, 0, 0, 0, 19.998, 19.99, 19.98, 19.9);
    const held = [...centralFlow(rt, toy(4, b), start, { learningRate: eta, steps: 120 })].map(
      ({ variances }: CentralFlowState) => variances.filter((value) => value > b).length,
    );
    expect(held[0]).toBe(0);
    expect(held[4]).toBe(1);
    expect(held[8]).toBe(2);
    expect(held[20]).toBe(3);
    expect(held[120]).toBe(4);
  });

  test('a sharpness nothing can lower is an error, as are bad options', () => {
    const g = new GraphBuilder();
    const x = g.parameter('x', [2]);
    const graph = g.build([primitives.affine(g, primitives.sum(g, primitives.mul(g, x, x), [0]), 15, 0)]); // H = 30·I, constant
    const quadratic = graphObjective(rt, { graph, parameters: [x] });
    expect(() => last(centralFlow(rt, quadratic, Float64Array.of(1, 1), { learningRate: 0.1, steps: 1 }))).toThrowError(
      /no step keeps the sharpness/,
    );
    expect(() => last(centralFlow(rt, quadratic, Float64Array.of(1, 1), { learningRate: -1, steps: 1 }))).toThrowError(TangedgeError);
  });
});

function inCoordinates({ shape: [k], data }: Tensor, directions: readonly Float64Array[]): number[][] {
  const p = directions[0].length;
  return Array.from({ length: p }, (_, i) =>
    Array.from({ length: p }, (_, j) => {
      let sum = 0;
      for (let a = 0; a < k; a++) for (let c = 0; c < k; c++) sum += directions[a][i] * data[a * k + c] * directions[c][j];
      return sum;
    }),
  );
}

describe('gradient flow', () => {
  const [n, d] = [12, 5];
  const x: Tensor = { shape: [n, d], data: mulberryNormals(1, n * d) };
  const y: Tensor = { shape: [n, 1], data: mulberryNormals(2, n) };
  const linear = importSpec(
    { input_shape: [1, d], layers: [{ type: 'Linear', name: 'l', in_features: d, out_features: 1, bias: false }] },
    new Map([['l.weight', { shape: [1, d], data: new Float64Array(d) }]]),
  );
  const objective = trainingLoss(rt, linear, { inputs: x, targets: y });

  /** Loss of the exact flow of a linear model after time τ, by Euler steps so small that they are exact to 1e-7. */
  function exactLoss(tau: number): number {
    const steps = 200_000;
    let theta = new Float64Array(d);
    const h: Float64Array[] = [];
    objective.withHessian(theta, (product) => {
      for (let i = 0; i < d; i++) h.push(product(Float64Array.from({ length: d }, (_, j) => (i === j ? 1 : 0))));
    });
    const { gradient } = objective.gradient(theta);
    for (let s = 0; s < steps; s++) {
      // second order: θ − h·g + h²/2·H·g
      const g = theta.map((_, i) => gradient[i] + h[i].reduce((sum, value, j) => sum + value * theta[j], 0));
      const step = tau / steps;
      theta = theta.map((value, i) => value - step * g[i] + 0.5 * step * step * h[i].reduce((sum, entry, j) => sum + entry * g[j], 0));
    }
    return objective.gradient(theta).loss;
  }

  const run = (options: Partial<GradientFlowOptions>) =>
    last(gradientFlow(rt, objective, objective.initial, { learningRate: 0.5, steps: 4, ...options }));

  test('Runge–Kutta follows the exact solution of a linear model, fourth order in α', () => {
    const exact = exactLoss(2);
    const errors = [1, 0.5, 0.25].map((alpha) => Math.abs(run({ alpha }).loss - exact));
    expect(errors[2]).toBeLessThan(1e-5 * exact);
    expect(errors[0] / errors[1]).toBeGreaterThan(10);
    expect(errors[1] / errors[2]).toBeGreaterThan(10);
    closeTo(run({ method: 'stable-euler' }).loss, exact, 0.05 * exact);
  });

  test('a unit of time with η = 0.5 is two with η = 0.25, steps are capped by maxStep, every unit is hit', () => {
    const half = last(gradientFlow(rt, objective, objective.initial, { learningRate: 0.25, steps: 8, alpha: 0.2 }));
    closeTo(run({ alpha: 0.2 }).loss, half.loss, 1e-6);
    expect(run({ maxStep: 1e-2 }).gradients).toBeGreaterThan(4 * 4 * 50);
    expect([...gradientFlow(rt, objective, objective.initial, { steps: 3, learningRate: 0.5 })].map(({ step }) => step)).toEqual([0, 1, 2, 3]);
  });

  test('the stable flow refuses to be stiff, and bad options are refused', () => {
    expect(() => run({ method: 'stable-euler', learningRate: 1e4 })).toThrowError(/above 100/);
    expect(() => run({ alpha: 0 })).toThrowError(TangedgeError);
    expect(() => run({ steps: 1.5 })).toThrowError(/steps/);
  });
});
