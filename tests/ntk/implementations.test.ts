/** @file The NTK's own oracles: three implementations, every output layout, tiles, memory, closed forms. */

import fc from 'fast-check';
import {
  empiricalNtk,
  empiricalNtkByParameter,
  explainNtk,
  forward,
  GraphBuilder,
  inputJacobian,
  jacobian,
  loadRuntime,
  type Model,
  type NtkImplementation,
  type NtkOptions,
  type NtkOutputs,
  ntkVectorProduct,
  primitives,
  pseudoNtk,
  TangedgeError,
  type Tensor,
  withTrainable,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { networkOf, networks, randomTensor } from './networks.ts';

const rt = await loadRuntime();
const EPS = 2 ** -52;
const IMPLEMENTATIONS: NtkImplementation[] = ['structured-derivatives', 'jacobian-contraction', 'ntk-vector-products'];
const OUTPUTS: NtkOutputs[] = ['full', 'trace', 'mean', 'diagonal'];

const inputsOf = (model: Model, n: number, seed = 3) => randomTensor(seed, [n, ...model.input.shape]);

function largestDifference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  let largest = 0;
  a.data.forEach((value, i) => {
    const difference = Math.abs(value - b.data[i]);
    if (!(difference <= largest)) largest = difference;
  });
  return largest / Math.max(...b.data.map(Math.abs));
}

function expectSameBits(a: Tensor, b: Tensor): void {
  expect(a.shape).toEqual(b.shape);
  expect(a.data.every((value, i) => Object.is(value, b.data[i]))).toBe(true);
}

/** Θ from the explicit Jacobian in plain loops: slow and obvious. */
function naiveKernel(j1: Tensor, j2: Tensor): Tensor {
  const [n1, c, p] = j1.shape;
  const n2 = j2.shape[0];
  const data = new Float64Array(n1 * n2 * c * c);
  for (let n = 0, at = 0; n < n1; n++)
    for (let m = 0; m < n2; m++)
      for (let o = 0; o < c; o++)
        for (let q = 0; q < c; q++, at++) for (let k = 0; k < p; k++) data[at] += j1.data[(n * c + o) * p + k] * j2.data[(m * c + q) * p + k];
  return { shape: [n1, n2, c, c], data };
}

/** The layouts of NtkOutputs from a full kernel. */
function reduced(full: Tensor, outputs: NtkOutputs): Tensor {
  const [n1, n2, c] = full.shape;
  if (outputs === 'full') return full;
  const diagonal = Float64Array.from({ length: n1 * n2 * c }, (_, i) => full.data[Math.floor(i / c) * c * c + (i % c) * (c + 1)]);
  if (outputs === 'diagonal') return { shape: [n1, n2, c], data: diagonal };
  const trace = Float64Array.from({ length: n1 * n2 }, (_, i) => diagonal.subarray(i * c, (i + 1) * c).reduce((a, b) => a + b, 0));
  return { shape: [n1, n2], data: outputs === 'mean' ? trace.map((value) => value / c) : trace };
}

for (const [name, model] of Object.entries(networks)) {
  describe(name, () => {
    const x = inputsOf(model, 5);
    const x2 = inputsOf(model, 4, 9);
    const [j1, j2] = [jacobian(rt, model, x), jacobian(rt, model, x2)];
    const same = naiveKernel(j1, j1);
    const cross = naiveKernel(j1, j2);

    test('the Jacobian is the limit of central differences, to 1e-8', () => {
      const h = 1e-5;
      let column = 0;
      for (const { name: parameter, value } of model.parameters) {
        const index = value.data.length - 1;
        const at = (delta: number) => {
          const parameters = model.parameters.map((p) =>
            p.name === parameter ? { ...p, value: { ...value, data: Float64Array.from(value.data, (v, i) => (i === index ? v + delta : v)) } } : p,
          );
          return forward(rt, { ...model, parameters }, x);
        };
        const [plus, minus] = [at(h), at(-h)];
        const p = j1.shape[2];
        plus.data.forEach((value1, i) => {
          expect(Math.abs((value1 - minus.data[i]) / (2 * h) - j1.data[i * p + column + index])).toBeLessThan(1e-8);
        });
        column += value.data.length;
      }
    });

    for (const implementation of IMPLEMENTATIONS) {
      for (const outputs of OUTPUTS) {
        test(`${implementation}, ${outputs}: JJᵀ to 1e-11, same and other inputs`, () => {
          expect(largestDifference(empiricalNtk(rt, model, x, { implementation, outputs }), reduced(same, outputs))).toBeLessThan(1e-11);
          expect(largestDifference(empiricalNtk(rt, model, x, { implementation, outputs, x2 }), reduced(cross, outputs))).toBeLessThan(1e-11);
        });

        test(`${implementation}, ${outputs}: tile size changes no bit, in f64 and f32`, () => {
          for (const dtype of ['f64', 'f32'] as const) {
            for (const other of [{}, { x2 }]) {
              const whole = empiricalNtk(rt, model, x, { implementation, outputs, dtype, ...other });
              for (const tileSize of [1, 2, 3])
                expectSameBits(empiricalNtk(rt, model, x, { implementation, outputs, dtype, tileSize, ...other }), whole);
            }
          }
        });
      }

      test(`${implementation}: exactly symmetric`, () => {
        const { shape, data } = empiricalNtk(rt, model, x, { implementation, dtype: 'f32' });
        const [n, , c] = shape;
        const at = (i: number, j: number, o: number, q: number) => data[((i * n + j) * c + o) * c + q];
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) for (let o = 0; o < c; o++) for (let q = 0; q < c; q++) expect(at(i, j, o, q)).toBe(at(j, i, q, o));
      });

      test(`${implementation}: kernels of the parameters add up to the whole`, () => {
        const parts = empiricalNtkByParameter(rt, model, x, { implementation });
        expect(parts.map(({ parameter }) => parameter)).toEqual(model.parameters.map((p) => p.name));
        const total = Float64Array.from(same.data, (_, i) => parts.reduce((sum, { kernel }) => sum + kernel.data[i], 0));
        expect(largestDifference({ shape: same.shape, data: total }, same)).toBeLessThan(1e-11);
      });

      test(`${implementation}: the pseudo-NTK is (1/c)·Σ_{o,q} Θ[…, o, q]`, () => {
        const c = model.output.size;
        const expected = Float64Array.from(
          { length: 25 },
          (_, i) => [...same.data.subarray(i * c * c, (i + 1) * c * c)].reduce((a, b) => a + b, 0) / c,
        );
        expect(largestDifference(pseudoNtk(rt, model, x, { implementation }), { shape: [5, 5], data: expected })).toBeLessThan(1e-11);
      });
    }

    test('NTK-vector products are Θ·u to 1e-11, and self-adjoint', () => {
      const c = model.output.size;
      const u = randomTensor(21, [4, c]);
      const product = ntkVectorProduct(rt, model, x, u, { x2 });
      const expected = new Float64Array(5 * c);
      for (let n = 0; n < 5; n++)
        for (let m = 0; m < 4; m++)
          for (let o = 0; o < c; o++)
            for (let q = 0; q < c; q++) expected[n * c + o] += cross.data[((n * 4 + m) * c + o) * c + q] * u.data[m * c + q];
      expect(largestDifference(product, { shape: [5, c], data: expected })).toBeLessThan(1e-11);
      const [v, w] = [randomTensor(22, [5, c]), randomTensor(23, [5, c])];
      const inner = (a: Tensor, b: Tensor) => [...a.data].reduce((sum, value, i) => sum + value * b.data[i], 0);
      const [left, right] = [inner(v, ntkVectorProduct(rt, model, x, w)), inner(ntkVectorProduct(rt, model, x, v), w)];
      expect(Math.abs(left - right)).toBeLessThan(1e-11 * Math.abs(left) + 1e-11);
    });

    test('trace Θ = ‖J‖²_F', () => {
      const diagonal = empiricalNtk(rt, model, x, { outputs: 'trace' });
      const trace = [0, 1, 2, 3, 4].reduce((sum, i) => sum + diagonal.data[i * 6], 0);
      const squares = [...j1.data].reduce((sum, value) => sum + value * value, 0);
      expect(Math.abs(trace - squares)).toBeLessThan(1e-12 * squares);
    });
  });
}

test('permuting the examples permutes the kernel, bit for bit, where each weight has one position', () => {
  const model = networks.mlp;
  const x = inputsOf(model, 6);
  const order = [4, 0, 5, 2, 1, 3];
  const permuted = { shape: x.shape, data: Float64Array.from(order.flatMap((i) => [...x.data.subarray(i * 5, (i + 1) * 5)])) };
  const [a, b] = [
    empiricalNtk(rt, model, x, { outputs: 'trace', dtype: 'f32' }),
    empiricalNtk(rt, model, permuted, { outputs: 'trace', dtype: 'f32' }),
  ];
  order.forEach((i, p) => {
    order.forEach((j, q) => {
      expect(b.data[p * 6 + q]).toBe(a.data[i * 6 + j]);
    });
  });
});

test('linear model on integers: Θ = (x·x′ + 1)·I exactly', () => {
  const layers = [{ type: 'Linear', name: 'l', in_features: 3, out_features: 2 }];
  const model = networkOf([3], layers, { 'l.weight': [2, 3], 'l.bias': [2] });
  const integer = fc.integer({ min: -8, max: 8 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(integer, integer, integer), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('f64' as const, 'f32' as const),
      (rows, dtype) => {
        const x = { shape: [rows.length, 3], data: Float64Array.from(rows.flat()) };
        const { data } = empiricalNtk(rt, model, x, { dtype });
        rows.forEach((a, i) => {
          rows.forEach((b, j) => {
            const expected = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + 1;
            expect([...data.subarray((i * rows.length + j) * 4, (i * rows.length + j + 1) * 4)]).toEqual([expected, 0, 0, expected]);
          });
        });
      },
    ),
    { numRuns: 50 },
  );
});

test('input Jacobian of a linear model is its weight', () => {
  const model = networkOf([3], [{ type: 'Linear', name: 'l', in_features: 3, out_features: 2 }], { 'l.weight': [2, 3], 'l.bias': [2] });
  const { shape, data } = inputJacobian(rt, model, inputsOf(model, 2));
  expect(shape).toEqual([2, 2, 3]);
  expect([...data]).toEqual([...model.parameters[0].value.data, ...model.parameters[0].value.data]);
});

describe('choice of parameters', () => {
  test('freezing removes a parameter from the kernel, only keeps one', () => {
    const x = inputsOf(networks.mlp, 3);
    const parts = empiricalNtkByParameter(rt, networks.mlp, x, { outputs: 'trace' });
    const only = empiricalNtk(rt, withTrainable(networks.mlp, { only: ['b.weight'] }), x, { outputs: 'trace' });
    expectSameBits(only, (parts.find(({ parameter }) => parameter === 'b.weight') as (typeof parts)[number]).kernel);
    expect(jacobian(rt, withTrainable(networks.mlp, { frozen: ['a.weight'] }), x).shape[2]).toBe(jacobian(rt, networks.mlp, x).shape[2] - 35);
  });
});

function errorOf(run: () => unknown): TangedgeError {
  try {
    run();
  } catch (error) {
    if (error instanceof TangedgeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('memory', () => {
  const model = networks.cnn;
  const x = inputsOf(model, 24);
  const bytesOf = (options: NtkOptions) =>
    errorOf(() => empiricalNtk(rt, model, x, { ...options, memoryLimit: 1 })).info as { needed: number; limit: number };

  test.each(IMPLEMENTATIONS)('%s: with the least memory it names, the same bits', (implementation) => {
    for (const outputs of ['trace', 'full'] as const) {
      const { needed, limit } = bytesOf({ implementation, outputs });
      expect(limit).toBe(1);
      const small = empiricalNtk(rt, model, x, { implementation, outputs, memoryLimit: needed });
      expectSameBits(small, empiricalNtk(rt, model, x, { implementation, outputs }));
      expect(errorOf(() => empiricalNtk(rt, model, x, { implementation, outputs, memoryLimit: needed - 1 })).code).toBe('ERR_MEMORY');
    }
  });

  test('the arena is empty again after a call and after an error', () => {
    const before = rt.arena.used;
    empiricalNtk(rt, model, x, { outputs: 'trace' });
    errorOf(() => empiricalNtk(rt, model, x, { memoryLimit: 1 }));
    expect(rt.arena.used).toBe(before);
  });
});

describe('bad input', () => {
  const model = networks.mlp;
  test.each([
    ['shape', { shape: [3, 4], data: new Float64Array(12) }, 'ERR_SHAPE', 'x [3, 4] does not fit'],
    ['empty batch', { shape: [0, 5], data: new Float64Array(0) }, 'ERR_DOMAIN', 'empty batch'],
    ['NaN', { shape: [1, 5], data: Float64Array.of(0, 0, Number.NaN, 0, 0) }, 'ERR_DOMAIN', 'NaN at index [0, 2]'],
    ['Inf', { shape: [1, 5], data: Float64Array.of(0, 0, 0, Number.NEGATIVE_INFINITY, 0) }, 'ERR_DOMAIN', '-Infinity at index [0, 3]'],
  ])('%s', (_, x, code, text) => {
    const error = errorOf(() => empiricalNtk(rt, model, x));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
    expect(error.message).not.toContain('\n');
  });

  test('options outside what is accepted', () => {
    const x = inputsOf(model, 2);
    expect(errorOf(() => empiricalNtk(rt, model, x, { outputs: 'sum' as NtkOutputs })).message).toContain('full, trace, mean, diagonal');
    expect(errorOf(() => empiricalNtk(rt, model, x, { implementation: 'fast' as NtkImplementation })).code).toBe('ERR_ARGUMENT');
    expect(errorOf(() => empiricalNtk(rt, model, x, { tileSize: 0 })).code).toBe('ERR_ARGUMENT');
    for (const n of [0, 2.5, { n: 3 } as unknown as number]) expect(errorOf(() => explainNtk(rt, model, n)).message).toContain('explainNtk: n is');
    expect(errorOf(() => explainNtk(rt, model, 3, { n2: 0 })).message).toContain('explainNtk: n2 is 0');
    expect(errorOf(() => withTrainable(model, { only: ['nope'] })).message).toContain("no parameter 'nope'");
    expect(errorOf(() => ntkVectorProduct(rt, model, x, randomTensor(1, [3, 3]))).message).toContain('[2, 3]');
  });
});

test('progress counts every tile', () => {
  const seen: number[] = [];
  empiricalNtk(rt, networks.mlp, inputsOf(networks.mlp, 5), { tileSize: 2, onProgress: ({ tilesDone, tiles }) => seen.push(tilesDone / tiles) });
  expect(seen).toEqual([1, 2, 3, 4, 5, 6].map((tile) => tile / 6));
});

test('rounding: trace kernels of f32 and f64 differ by f32 rounding', () => {
  const model = networks.tokens;
  const x = inputsOf(model, 6);
  const [single, double] = [empiricalNtk(rt, model, x, { outputs: 'trace', dtype: 'f32' }), empiricalNtk(rt, model, x, { outputs: 'trace' })];
  const difference = largestDifference(single, double);
  expect(difference).toBeLessThan(100 * 2 ** -23);
  expect(difference).toBeGreaterThan(EPS);
});

test('NTK-vector products of more than one block of examples: Θ·u to 1e-11', () => {
  const model = networks.mlp;
  const [n1, n2, c] = [70, 130, model.output.size];
  const [x, x2, u] = [inputsOf(model, n1), inputsOf(model, n2, 9), randomTensor(31, [n2, c])];
  const kernel = empiricalNtk(rt, model, x, { x2 });
  const expected = new Float64Array(n1 * c);
  kernel.data.forEach((value, i) => {
    const [q, o, m, n] = [i % c, Math.floor(i / c) % c, Math.floor(i / c / c) % n2, Math.floor(i / c / c / n2)];
    expected[n * c + o] += value * u.data[m * c + q];
  });
  expect(largestDifference(ntkVectorProduct(rt, model, x, u, { x2 }), { shape: [n1, c], data: expected })).toBeLessThan(1e-11);
});

describe('grouped convolutions', () => {
  // Two wide groups on few positions want Grams, depthwise kernels on many want rows; both are right either way.
  const grouped = (channels: number, groups: number, size: number) =>
    networkOf(
      [channels, size, size],
      [
        { type: 'Conv2d', name: 'g', in_channels: channels, out_channels: channels, kernel_size: 2, groups },
        { type: 'Tanh' },
        { type: 'Flatten' },
        { type: 'Linear', name: 'f', in_features: channels * (size - 1) * (size - 1), out_features: 3 },
      ],
      { 'g.weight': [channels, channels / groups, 2, 2], 'g.bias': [channels], 'f.weight': [3, channels * (size - 1) * (size - 1)], 'f.bias': [3] },
      0.2,
    );

  test.each([
    ['two wide groups', grouped(32, 2, 3), 'gram'],
    ['depthwise', grouped(6, 6, 6), 'rows'],
  ])('%s: the cheaper contraction, JJᵀ to 1e-11, the same bits for every tile size', (_, model, chosen) => {
    const x = inputsOf(model, 5);
    const j = jacobian(rt, model, x);
    const { sites } = explainNtk(rt, model, 5, { outputs: 'trace' });
    expect(sites.find(({ parameter }) => parameter === 'g.weight')?.chosen).toBe(chosen);
    for (const outputs of OUTPUTS) {
      const kernel = empiricalNtk(rt, model, x, { implementation: 'structured-derivatives', outputs });
      expect(largestDifference(kernel, reduced(naiveKernel(j, j), outputs))).toBeLessThan(1e-11);
      expectSameBits(empiricalNtk(rt, model, x, { implementation: 'structured-derivatives', outputs, tileSize: 2 }), kernel);
    }
    const parts = empiricalNtkByParameter(rt, model, x, { outputs: 'trace', implementation: 'structured-derivatives' });
    const byRows = empiricalNtkByParameter(rt, model, x, { outputs: 'trace', implementation: 'jacobian-contraction' });
    parts.forEach(({ parameter, kernel }, i) => {
      expect(parameter).toBe(byRows[i].parameter);
      expect(largestDifference(kernel, byRows[i].kernel)).toBeLessThan(1e-11);
    });
  });
});

describe('separable cotangents', () => {
  const sitesWith = (form: 'each' | 'summed' | 'exchangeable' | 'switched', model: Model, outputs: NtkOutputs) =>
    explainNtk(rt, model, 5, { outputs })
      .sites.filter((site) => site.outputs === form)
      .map(({ parameter }) => parameter);

  test('behind the last nonlinearity they are summed over the outputs, and said to be', () => {
    expect(sitesWith('summed', networks.mlp, 'trace')).toEqual(['r.weight', 'c.weight', 'c.bias']);
    expect(sitesWith('summed', networks.tokens, 'mean')).toEqual(['m.weight', 'm.bias', 'h.weight', 'h.bias']);
    expect(sitesWith('summed', networks.pooled, 'trace')).toEqual(['b.weight', 'b.bias', 'n.weight', 'n.bias', 'h.weight', 'h.bias']);
    expect(sitesWith('summed', networks.recurrent, 'trace')).toEqual([]);
  });

  test('two outputs of a full kernel are exchanged where there is one position', () => {
    expect(sitesWith('exchangeable', networks.mlp, 'full')).toEqual(['r.weight']);
    expect(sitesWith('exchangeable', networks.pooled, 'full')).toEqual(['b.bias', 'n.weight', 'n.bias']);
    for (const model of Object.values(networks)) expect(sitesWith('summed', model, 'full')).toEqual([]);
  });

  test.each([5, 18])('behind a ReLU, whose derivative is 0 or 1, %i outputs are switched: JJᵀ, the same bits for every tile size', (outputs) => {
    const model = networkOf(
      [7],
      [
        { type: 'Linear', name: 'a', in_features: 7, out_features: 20 },
        { type: 'ReLU' },
        { type: 'Linear', name: 'b', in_features: 20, out_features: 24 },
        { type: 'ReLU' },
        { type: 'Linear', name: 'c', in_features: 24, out_features: outputs },
      ],
      { 'a.weight': [20, 7], 'a.bias': [20], 'b.weight': [24, 20], 'b.bias': [24], 'c.weight': [outputs, 24], 'c.bias': [outputs] },
    );
    expect(sitesWith('switched', model, 'full')).toEqual(['b.weight', 'b.bias']);
    expect(sitesWith('switched', model, 'trace')).toEqual([]);
    const [x, x2] = [inputsOf(model, 6), inputsOf(model, 4, 9)];
    const [j, j2] = [jacobian(rt, model, x), jacobian(rt, model, x2)];
    const implementation = 'structured-derivatives';
    const kernel = empiricalNtk(rt, model, x, { implementation, outputs: 'full' });
    expect(largestDifference(kernel, reduced(naiveKernel(j, j), 'full'))).toBeLessThan(1e-11);
    const between = empiricalNtk(rt, model, x, { x2, implementation, outputs: 'full' });
    expect(largestDifference(between, reduced(naiveKernel(j, j2), 'full'))).toBeLessThan(1e-11);
    for (const tileSize of [1, 4]) expectSameBits(empiricalNtk(rt, model, x, { implementation, outputs: 'full', tileSize }), kernel);
    for (const { parameter, kernel: part } of empiricalNtkByParameter(rt, model, x, { implementation, outputs: 'full' })) {
      const alone = jacobian(rt, withTrainable(model, { only: [parameter] }), x);
      expect(largestDifference(part, reduced(naiveKernel(alone, alone), 'full'))).toBeLessThan(1e-11);
    }
  });

  test('behind one ReLU, from two weights, one scaled, and beside a weight whose cotangents are those of no example: JJᵀ', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [7]);
    const [p, q, r, c] = ['p', 'q', 'r', 'c'].map((name) => g.parameter(name, name === 'c' ? [5, 20] : [20, 7]));
    const hidden = primitives.add(g, primitives.dense(g, x, p), primitives.affine(g, primitives.dense(g, x, q), 2, 0));
    const y = primitives.dense(g, primitives.add(g, primitives.unary(g, 'relu', hidden), primitives.dense(g, x, r)), c);
    const parameters = [p, q, r, c].map((id, i) => ({
      name: 'pqrc'[i],
      id,
      value: randomTensor(20 + i, i === 3 ? [5, 20] : [20, 7]),
      trainable: true,
    }));
    const model: Model = {
      graph: g.build([y]),
      input: { name: 'x', id: x, shape: [7] },
      output: { name: 'y', id: y, size: 5 },
      parameters,
      layers: [],
    };
    expect(sitesWith('switched', model, 'full')).toEqual(['p']);
    const inputs = inputsOf(model, 6);
    const j = jacobian(rt, model, inputs);
    for (const tileSize of [2, 6]) {
      const kernel = empiricalNtk(rt, model, inputs, { implementation: 'structured-derivatives', outputs: 'full', tileSize });
      expect(largestDifference(kernel, reduced(naiveKernel(j, j), 'full'))).toBeLessThan(1e-11);
    }
  });

  test('diagonal kernels keep every output', () => {
    for (const model of Object.values(networks)) expect(sitesWith('each', model, 'diagonal')).toHaveLength(model.parameters.length);
  });

  test.each(['gram', 'rows'] as const)('of a convolution, by %s: JJᵀ to 1e-11, each parameter alone', (chosen) => {
    const [channels, width] = chosen === 'gram' ? [40, 2] : [2, 6];
    const model = networkOf(
      [channels, 3, width],
      [
        { type: 'Conv2d', name: 'a', in_channels: channels, out_channels: 3, kernel_size: 2 },
        { type: 'Sigmoid' },
        { type: 'AdaptiveAvgPool2d', output_size: 1 },
        { type: 'Flatten' },
        { type: 'Linear', name: 'h', in_features: 3, out_features: 18 },
      ],
      { 'a.weight': [3, channels, 2, 2], 'a.bias': [3], 'h.weight': [18, 3], 'h.bias': [18] },
    );
    expect(explainNtk(rt, model, 5, { outputs: 'trace' }).sites[0]).toMatchObject({ parameter: 'a.weight', chosen, outputs: 'summed' });
    const x = inputsOf(model, 5);
    for (const { name } of model.parameters) {
      const alone = withTrainable(model, { only: [name] });
      const j = jacobian(rt, alone, x);
      const kernel = empiricalNtk(rt, alone, x, { implementation: 'structured-derivatives', outputs: 'trace' });
      expect(largestDifference(kernel, reduced(naiveKernel(j, j), 'trace'))).toBeLessThan(1e-11);
    }
  });
});

describe('a convolution behind which everything is linear', () => {
  const conv = { in_channels: 2, out_channels: 20, kernel_size: [3, 2], padding: [1, 2], stride: [1, 2], dilation: [2, 1] };
  const model = networkOf(
    [1, 6, 6],
    [
      { type: 'Conv2d', name: 'a', in_channels: 1, out_channels: 2, kernel_size: 3, padding: 1 },
      { type: 'Tanh' },
      { type: 'Conv2d', name: 'b', ...conv, parameterization: 'ntk', sigma_w: 1.3, sigma_b: 0.4 },
      { type: 'AvgPool2d', kernel_size: [2, 1], stride: 1 },
      { type: 'Flatten' },
      { type: 'Linear', name: 'c', in_features: 300, out_features: 18 },
    ],
    { 'a.weight': [2, 1, 3, 3], 'a.bias': [2], 'b.weight': [20, 2, 3, 2], 'b.bias': [20], 'c.weight': [18, 300], 'c.bias': [18] },
    0.2,
  );
  const [x, x2] = [inputsOf(model, 6), inputsOf(model, 3, 4)];

  test('is contracted by images where the kernel sums over the outputs, and only there', () => {
    const chosen = (outputs: NtkOutputs) => explainNtk(rt, model, 6, { outputs }).sites[2];
    expect(chosen('trace')).toMatchObject({ parameter: 'b.weight', chosen: 'images', outputs: 'fixed' });
    expect(chosen('mean').chosen).toBe('images');
    for (const outputs of ['full', 'diagonal'] as const) expect(chosen(outputs)).toMatchObject({ chosen: 'rows', outputs: 'each' });
  });

  test('JJᵀ to 1e-11 in f64 and 1e-5 in f32, also between two batches, and of its weight alone', () => {
    const [j, j2] = [jacobian(rt, model, x), jacobian(rt, model, x2)];
    const expected = reduced(naiveKernel(j, j), 'trace');
    const implementation = 'structured-derivatives';
    expect(largestDifference(empiricalNtk(rt, model, x, { implementation, outputs: 'trace' }), expected)).toBeLessThan(1e-11);
    const singles = empiricalNtk(rt, model, x, { implementation, outputs: 'trace', dtype: 'f32' });
    expect(largestDifference(singles, expected)).toBeLessThan(1e-5);
    const between = empiricalNtk(rt, model, x, { x2, implementation, outputs: 'trace' });
    expect(largestDifference(between, reduced(naiveKernel(j, j2), 'trace'))).toBeLessThan(1e-11);
    const alone = withTrainable(model, { only: ['b.weight'] });
    const own = jacobian(rt, alone, x);
    const kernel = empiricalNtk(rt, alone, x, { implementation, outputs: 'trace' });
    expect(largestDifference(kernel, reduced(naiveKernel(own, own), 'trace'))).toBeLessThan(1e-11);
  });

  test('the same bits for every tile size', () => {
    for (const dtype of ['f64', 'f32'] as const) {
      const kernel = empiricalNtk(rt, model, x, { outputs: 'trace', dtype });
      for (const tileSize of [1, 2, 4]) expectSameBits(empiricalNtk(rt, model, x, { outputs: 'trace', dtype, tileSize }), kernel);
    }
  });
});

describe('sweeps of fewer examples and cotangents than a block has', () => {
  // 19 outputs are swept as 10 and 10, of which one is swept twice; 130 examples as 44, 44 and 44, of which two are.
  const model = networkOf(
    [1, 5, 5],
    [
      { type: 'Conv2d', name: 'a', in_channels: 1, out_channels: 3, kernel_size: 3, padding: 1 },
      { type: 'Tanh' },
      { type: 'Conv2d', name: 'b', in_channels: 3, out_channels: 2, kernel_size: 3 },
      { type: 'Flatten' },
      { type: 'Linear', name: 'c', in_features: 18, out_features: 19 },
    ],
    { 'a.weight': [3, 1, 3, 3], 'a.bias': [3], 'b.weight': [2, 3, 3, 3], 'b.bias': [2], 'c.weight': [19, 18], 'c.bias': [19] },
  );
  const x = inputsOf(model, 130);

  test.each(['trace', 'diagonal', 'full'] as const)('%s: the bits of blocks of 7 examples', (outputs) => {
    for (const dtype of ['f64', 'f32'] as const) {
      expectSameBits(empiricalNtk(rt, model, x, { outputs, dtype }), empiricalNtk(rt, model, x, { outputs, dtype, tileSize: 7 }));
    }
  });

  test('trace: JJᵀ to 1e-11', () => {
    const { shape, data } = jacobian(rt, model, x);
    const [n, c, p] = shape;
    const expected = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) for (let k = 0; k < c * p; k++) expected[i * n + j] += data[i * c * p + k] * data[j * c * p + k];
    }
    expect(largestDifference(empiricalNtk(rt, model, x, { outputs: 'trace' }), { shape: [n, n], data: expected })).toBeLessThan(1e-11);
  });
});

test.each(Object.keys(networks))('%s: Jacobian contraction, which auto does not plan, takes no fewer flops than structured derivatives', (name) => {
  for (const n of [1, 2, 9, 64]) {
    for (const outputs of OUTPUTS) {
      const { costs } = explainNtk(rt, networks[name], n, { outputs });
      const [structured, whole] = ['structured-derivatives', 'jacobian-contraction'].map((name) =>
        costs.find(({ implementation }) => implementation === name),
      );
      expect(structured?.flops, `${n} examples, ${outputs}`).toBeLessThanOrEqual(whole?.flops as number);
    }
  }
});

test('a plan that is used again: the kernel is that of the parameters, the examples and the options of now', () => {
  const model = networks.recurrent;
  const x = inputsOf(model, 3);
  const options = { outputs: 'trace', implementation: 'structured-derivatives' } as const;
  const first = empiricalNtk(rt, model, x, options);
  const parameters = model.parameters.map((parameter) => ({
    ...parameter,
    value: { ...parameter.value, data: parameter.value.data.map((v) => 1.5 * v) },
  }));
  const moved: Model = { ...model, parameters };
  const oracle = empiricalNtk(rt, moved, x, { ...options, implementation: 'ntk-vector-products' });
  expect(largestDifference(empiricalNtk(rt, moved, x, options), oracle)).toBeLessThan(1e-10);
  expect(largestDifference(oracle, first)).toBeGreaterThan(1e-3);
  expect(empiricalNtk(rt, model, x, options).data).toEqual(first.data);
  // One parameter less, more examples, another form: none of them takes the last plan for its own.
  const only = withTrainable(model, { only: [model.parameters[0].name] });
  expect(
    largestDifference(empiricalNtk(rt, only, x, options), empiricalNtk(rt, only, x, { ...options, implementation: 'jacobian-contraction' })),
  ).toBeLessThan(1e-10);
  const [more, full] = [inputsOf(model, 5), empiricalNtk(rt, model, x, { ...options, outputs: 'full' })];
  expect(empiricalNtk(rt, model, more, options).shape).toEqual([5, 5]);
  expect(full.shape.slice(0, 1)).toEqual([3]);
  const c = model.output.size;
  const traced = first.data.map((_, pair) => Array.from({ length: c }, (_output, o) => full.data[(pair * c + o) * c + o]).reduce((a, b) => a + b));
  expect(largestDifference({ shape: first.shape, data: traced }, first)).toBeLessThan(1e-10);
});

test('products with vectors that use a plan again: those of the parameters of now', () => {
  const model = networks.recurrent;
  const x = inputsOf(model, 4);
  const u = randomTensor(9, [4, model.output.size]);
  const moved: Model = {
    ...model,
    parameters: model.parameters.map((p) => ({ ...p, value: { ...p.value, data: p.value.data.map((v) => 1.5 * v) } })),
  };
  for (const one of [model, moved, withTrainable(model, { only: [model.parameters[1].name] })]) {
    const kernel = empiricalNtk(rt, one, x, { outputs: 'full', implementation: 'structured-derivatives' });
    const c = model.output.size;
    const product = Float64Array.from({ length: 4 * c }, (_, row) => {
      const [i, o] = [Math.floor(row / c), row % c];
      let sum = 0;
      for (let j = 0; j < 4; j++) for (let q = 0; q < c; q++) sum += kernel.data[((i * 4 + j) * c + o) * c + q] * u.data[j * c + q];
      return sum;
    });
    expect(largestDifference(ntkVectorProduct(rt, one, x, u), { shape: u.shape, data: product })).toBeLessThan(1e-10);
  }
});
