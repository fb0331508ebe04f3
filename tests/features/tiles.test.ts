import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { agop, loadRuntime, neuralFeatures, type Progress, preactivationTangentKernel, type Tensor, tensor, withTrainable } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { nodesOfRun, PairwiseSum } from '../../src/features/pairwise-sum.ts';
import { conv, linear, network, randomInputs } from './networks.ts';

const rt = await loadRuntime();
const mlp = network([6], [linear('0', 6, 9), { type: 'Tanh' }, linear('2', 9, 5)], 3);
const cnn = network([2, 5, 5], [conv('0', 2, 3), { type: 'ReLU' }, { type: 'Flatten' }, linear('3', 27, 3)], 4);

/** SHA-256 of a Tensor's bytes: equal when no bit differs. */
function digest({ shape, data }: Tensor): string {
  return createHash('sha256')
    .update(shape.join())
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}

describe.each([
  ['mlp', mlp, randomInputs(1, 333, [6])],
  ['cnn', cnn, randomInputs(2, 70, [2, 5, 5])],
] as const)('%s', (_, model, x) => {
  test.each(['f64', 'f32'] as const)('%s: tile size changes no bit of AGOP, covariance, centered AGOP and PTK', (dtype) => {
    const name = model.parameters[0].name;
    const results = (tileSize: number | undefined) => [
      ...neuralFeatures(rt, model, x, { dtype, tileSize }).flatMap((features) => [features.agop, features.ptkCovariance]),
      agop(rt, model, x, { dtype, tileSize }),
      agop(rt, model, x, { dtype, tileSize, weight: name, gradients: 'centered' }),
      preactivationTangentKernel(rt, model, x, name, { dtype, tileSize }),
    ];
    const whole = results(1000).map(digest);
    for (const tileSize of [17, 64, 100, undefined]) expect(results(tileSize).map(digest)).toEqual(whole);
    expect(rt.arena.used).toBe(0);
  });

  test('one weight alone has the bits it has among all', () => {
    const all = neuralFeatures(rt, model, x);
    for (const features of all) expect(neuralFeatures(rt, model, x, { weights: [features.name] })).toEqual([features]);
  });

  test('the PTK with room for two blocks of cotangents only: the same bits', () => {
    const name = model.parameters[0].name;
    const n = x.shape[0];
    let limit = 1 << 26;
    let last = preactivationTangentKernel(rt, model, x, name);
    const whole = digest(last);
    // the memory limit shrinks until it is refused: blocks shrink on the way, bits do not change
    let refused = 0;
    for (; limit > 1000 && refused === 0; limit = Math.floor(limit * 0.6)) {
      try {
        last = preactivationTangentKernel(rt, model, x, name, { memoryLimit: limit });
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_MEMORY', info: { limit } });
        refused = limit;
      }
      expect(digest(last)).toBe(whole);
    }
    expect(refused).toBeGreaterThan(n);
  });

  test('progress ends at 1, one call per tile', () => {
    const calls: Progress[] = [];
    neuralFeatures(rt, model, x, { tileSize: 64, onProgress: (progress) => calls.push(progress) });
    expect(calls.length).toBe(Math.ceil(x.shape[0] / 64));
    expect(calls.at(-1)).toMatchObject({ fraction: 1, tilesDone: calls.length, tiles: calls.length, secondsLeft: 0 });
  });
});

describe('pairwise sums', () => {
  const leaf = (index: number) => Float64Array.of(1 / (index + 3), 1 / (7 * index + 1), 1e3 / (index + 0.7));

  test('any cut into tiles, arriving in any order, gives the bits of one run', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(fc.integer({ min: 1, max: 39 })), fc.infiniteStream(fc.nat()), (leaves, cuts, ranks) => {
        const runOf = (first: number, last: number) => {
          const run = new PairwiseSum();
          for (let index = first; index < last; index++) run.add({ level: 0, index }, leaf(index));
          return run;
        };
        const whole = runOf(0, leaves).total(leaves);
        const edges = [...new Set([0, ...cuts.filter((cut) => cut < leaves), leaves])].sort((a, b) => a - b);
        const tiles = edges.slice(1).flatMap((edge, index) => {
          const run = runOf(edges[index], edge);
          return nodesOfRun(edges[index], edge).map((node) => ({ node, sum: run.of(node), rank: ranks.next().value as number }));
        });
        const joined = new PairwiseSum();
        for (const { node, sum } of tiles.sort((a, b) => a.rank - b.rank)) joined.give(node, sum);
        expect(joined.total(leaves)).toEqual(whole);
      }),
    );
  });

  test('is the sum, and holds at most log₂(leaves) + 1 arrays', () => {
    const run = new PairwiseSum();
    let expected = 0;
    let most = 0;
    for (let index = 0; index < 1000; index++) {
      run.add({ level: 0, index }, Float64Array.of(index));
      most = Math.max(most, run.size);
      expected += index;
    }
    expect([...run.total(1000)]).toEqual([expected]);
    expect(most).toBeLessThanOrEqual(10);
  });
});

describe('refusals', () => {
  const x = randomInputs(1, 4, [6]);
  test.each([
    ['an unknown weight', () => agop(rt, mlp, x, { weight: 'fc9' }), 'ERR_ARGUMENT', "'fc9' is not a trainable weight"],
    ['a bias', () => neuralFeatures(rt, mlp, x, { weights: ['0.bias'] }), 'ERR_ARGUMENT', 'the model has 0.weight, 2.weight'],
    [
      'a frozen weight',
      () => agop(rt, withTrainable(mlp, { frozen: ['0.weight'] }), x, { weight: '0.weight' }),
      'ERR_ARGUMENT',
      'the model has 2.weight',
    ],
    ['biases alone', () => neuralFeatures(rt, withTrainable(mlp, { only: ['0.bias'] }), x), 'ERR_UNSUPPORTED', 'no trainable weight'],
    ['inputs of another width', () => agop(rt, mlp, tensor([1, 5], [1, 2, 3, 4, 5])), 'ERR_SHAPE', '[1, 5]'],
    ['no examples', () => agop(rt, mlp, tensor([0, 6], [])), 'ERR_DOMAIN', 'empty batch'],
    ['NaN', () => neuralFeatures(rt, mlp, tensor([1, 6], [1, 2, Number.NaN, 4, 5, 6])), 'ERR_DOMAIN', 'NaN at index [0, 2]'],
    [
      'another initial model',
      () => neuralFeatures(rt, mlp, x, { initial: network([6], [linear('0', 6, 8), linear('2', 8, 5)], 1) }),
      'ERR_SHAPE',
      "'0.weight' is [9, 6]",
    ],
    ['a tile of no examples', () => agop(rt, mlp, x, { tileSize: 0 }), 'ERR_ARGUMENT', 'tileSize is 0'],
    ['too little memory', () => agop(rt, mlp, x, { memoryLimit: 1000 }), 'ERR_MEMORY', 'the limit is 1000'],
    ['too little memory for the result', () => neuralFeatures(rt, mlp, x, { memoryLimit: 1000 }), 'ERR_MEMORY', 'the memory limit is 1000'],
  ] as const)('%s', (_, call, code, text) => {
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) }));
    expect(rt.arena.used).toBe(0);
  });
});
