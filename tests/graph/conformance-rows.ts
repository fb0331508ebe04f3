/** @file The rows of the conformance suite: one small graph per primitive, and what kind of function it is. */

import { type GraphBuilder, primitives, type ValueId } from 'tangedge';

export interface Row {
  /** The primitive. */
  readonly name: string;
  readonly variant?: string;
  /** Per-example shapes of the leaves. */
  readonly leaves: readonly { readonly shape: readonly number[]; readonly shared?: boolean }[];
  readonly build: (g: GraphBuilder, leaves: readonly ValueId[]) => ValueId;
  /**
   * `multilinear` in its leaves or linear on each side of its kinks: central differences are exact to rounding.
   * `smooth`: the error of central differences falls as h².
   */
  readonly kind: 'multilinear' | 'smooth';
  /** Leaf values are drawn from this interval; kinks stay further away than any step of a difference. */
  readonly interval?: readonly [number, number];
}

const p = primitives;
const image = { shape: [2, 5, 6] };
const window = { kernel: [3, 2], strides: [2, 1], padding: [1, 0, 1, 1], dilation: [1, 2] };
const smallImage = { shape: [2, 3, 2] };
const pool = { kernel: [2, 2], strides: [1, 2], padding: [1, 0, 0, 1] };
const pooled = { shape: [2, 3, 1] };
const convolution = { strides: [2, 1], padding: [1, 0, 2, 1], dilation: [1, 2] };
const unaryRow = (name: primitives.UnaryOp, kind: Row['kind'] = 'smooth', interval: readonly [number, number] = [-2, 2]): Row => ({
  name,
  kind,
  interval,
  leaves: [{ shape: [3, 4] }],
  build: (g, [x]) => p.unary(g, name, x),
});

/** A node of a derivative graph, reached through the primitive it derives from. */
const derived = (op: string, inputs: readonly ValueId[], attributes: Parameters<GraphBuilder['emit']>[2]) => (g: GraphBuilder) =>
  g.emit(op, inputs, attributes);
const conv = { kernel: [3, 2], ...convolution, groups: 2, image: [2, 5, 6], outputs: 4 };
const patchAttributes = { ...window, image: [2, 5, 6] };

/** 3 where x > 0, 1 elsewhere: indices that depend on the example. */
const digits = (g: GraphBuilder, x: ValueId) => p.select(g, x, g.constant(3), g.constant(1));

export const rows: readonly Row[] = [
  { name: 'reshape', kind: 'multilinear', leaves: [{ shape: [3, 4] }], build: (g, [x]) => p.reshape(g, x, [2, 6]) },
  { name: 'transpose', kind: 'multilinear', leaves: [{ shape: [2, 3, 4] }], build: (g, [x]) => p.transpose(g, x, [2, 0, 1]) },
  { name: 'slice', kind: 'multilinear', leaves: [{ shape: [5, 7] }], build: (g, [x]) => p.slice(g, x, [1, 0], [4, 6], [2, 3]) },
  { name: 'pad', kind: 'multilinear', leaves: [{ shape: [2, 3] }], build: (g, [x]) => p.pad(g, x, [1, 0], [0, 2], [1, 2]) },
  {
    name: 'concat',
    kind: 'multilinear',
    leaves: [{ shape: [2, 3] }, { shape: [2, 1], shared: true }, { shape: [2, 2] }],
    build: (g, ids) => p.concat(g, ids, 1),
  },
  { name: 'sum', kind: 'multilinear', leaves: [{ shape: [2, 3, 4] }], build: (g, [x]) => p.sum(g, x, [0, 2]) },
  { name: 'sumBatch', kind: 'multilinear', leaves: [{ shape: [2, 3] }], build: (g, [x]) => p.sumBatch(g, x) },
  { name: 'broadcast', kind: 'multilinear', leaves: [{ shape: [3, 1] }], build: (g, [x]) => p.broadcast(g, x, [2, 3, 4]) },
  { name: 'affine', kind: 'multilinear', leaves: [{ shape: [7] }], build: (g, [x]) => p.affine(g, x, -1.5, 0.25) },
  { name: 'add', kind: 'multilinear', leaves: [{ shape: [3, 4] }, { shape: [4], shared: true }], build: (g, [a, b]) => p.add(g, a, b) },
  {
    name: 'add',
    variant: 'both sides broadcast',
    kind: 'multilinear',
    leaves: [{ shape: [3, 1] }, { shape: [4] }],
    build: (g, [a, b]) => p.add(g, a, b),
  },
  { name: 'sub', kind: 'multilinear', leaves: [{ shape: [1, 4] }, { shape: [3, 1] }], build: (g, [a, b]) => p.sub(g, a, b) },
  { name: 'mul', kind: 'multilinear', leaves: [{ shape: [3, 4] }, { shape: [3, 1], shared: true }], build: (g, [a, b]) => p.mul(g, a, b) },
  {
    name: 'div',
    kind: 'smooth',
    interval: [1, 2],
    leaves: [{ shape: [3, 4] }, { shape: [3, 1], shared: true }],
    build: (g, [a, b]) => p.div(g, a, b),
  },
  { name: 'gate', kind: 'multilinear', leaves: [{ shape: [3, 4] }, { shape: [3, 4] }], build: (g, [a, b]) => p.gate(g, a, b, 0.25) },
  {
    name: 'select',
    kind: 'multilinear',
    leaves: [{ shape: [3, 4] }, { shape: [4] }, { shape: [], shared: true }],
    build: (g, [a, b, c]) => p.select(g, a, b, c),
  },
  unaryRow('relu', 'multilinear'),
  unaryRow('tanh'),
  unaryRow('sigmoid'),
  unaryRow('erf'),
  unaryRow('exp'),
  unaryRow('expm1'),
  unaryRow('log', 'smooth', [0.5, 2]),
  unaryRow('sqrt', 'smooth', [0.5, 2]),
  unaryRow('gelu'),
  unaryRow('silu'),
  unaryRow('sin'),
  unaryRow('cos'),
  unaryRow('erfDerivative'),
  unaryRow('sechSquared'),
  unaryRow('sigmoidDerivative'),
  unaryRow('geluDerivative'),
  unaryRow('siluDerivative'),
  { name: 'softplus', kind: 'smooth', leaves: [{ shape: [3, 4] }], build: (g, [x]) => p.softplus(g, x) },
  { name: 'leakyRelu', kind: 'multilinear', leaves: [{ shape: [3, 4] }], build: (g, [x]) => p.leakyRelu(g, x, 0.1) },
  { name: 'elu', kind: 'smooth', leaves: [{ shape: [3, 4] }], build: (g, [x]) => p.elu(g, x, 0.7) },
  { name: 'dense', kind: 'multilinear', leaves: [{ shape: [3, 4] }, { shape: [5, 4], shared: true }], build: (g, [x, w]) => p.dense(g, x, w) },
  {
    name: 'dense',
    variant: 'shared input',
    kind: 'multilinear',
    leaves: [
      { shape: [4], shared: true },
      { shape: [5, 4], shared: true },
    ],
    build: (g, [x, w]) => p.dense(g, x, w),
  },
  {
    name: 'denseWeightGradient',
    kind: 'multilinear',
    leaves: [{ shape: [3, 5] }, { shape: [3, 4] }],
    build: (g, ids) => derived('denseWeightGradient', ids, { sumBatch: false })(g),
  },
  {
    name: 'denseWeightGradient',
    variant: 'summed',
    kind: 'multilinear',
    leaves: [{ shape: [3, 5] }, { shape: [3, 4], shared: true }],
    build: (g, ids) => derived('denseWeightGradient', ids, { sumBatch: true })(g),
  },
  { name: 'matmul', kind: 'multilinear', leaves: [{ shape: [2, 3, 4] }, { shape: [2, 4, 5] }], build: (g, [a, b]) => p.matmul(g, a, b) },
  {
    name: 'matmul',
    variant: 'one side shared',
    kind: 'multilinear',
    leaves: [{ shape: [3, 4], shared: true }, { shape: [4, 2] }],
    build: (g, [a, b]) => p.matmul(g, a, b),
  },
  {
    name: 'conv2d',
    kind: 'multilinear',
    leaves: [image, { shape: [4, 1, 3, 2], shared: true }],
    build: (g, [x, k]) => p.conv2d(g, x, k, convolution, 2),
  },
  {
    name: 'conv2d',
    variant: 'one group',
    kind: 'multilinear',
    leaves: [image, { shape: [3, 2, 3, 2], shared: true }],
    build: (g, [x, k]) => p.conv2d(g, x, k, convolution),
  },
  {
    name: 'conv2dInputGradient',
    kind: 'multilinear',
    leaves: [{ shape: [4, 3, 5] }, { shape: [4, 1, 3, 2], shared: true }],
    build: (g, ids) => derived('conv2dInputGradient', ids, conv)(g),
  },
  {
    name: 'conv2dWeightGradient',
    variant: 'summed',
    kind: 'multilinear',
    leaves: [{ shape: [4, 3, 5] }, image],
    build: (g, ids) => derived('conv2dWeightGradient', ids, { ...conv, sumBatch: true })(g),
  },
  { name: 'patches', kind: 'multilinear', leaves: [image], build: (g, [x]) => p.patches(g, x, window) },
  {
    name: 'patchesTranspose',
    kind: 'multilinear',
    leaves: [{ shape: [15, 12] }],
    build: (g, ids) => derived('patchesTranspose', ids, patchAttributes)(g),
  },
  {
    name: 'gather',
    kind: 'multilinear',
    leaves: [{ shape: [4, 3], shared: true }],
    build: (g, [table]) => p.gather(g, table, g.constantTensor({ shape: [2, 2], data: Float64Array.of(3, 0, 3, 1) })),
  },
  {
    name: 'gather',
    variant: 'indices per example',
    kind: 'multilinear',
    leaves: [{ shape: [4, 3], shared: true }, { shape: [2] }],
    build: (g, [table, x]) => p.mul(g, p.gather(g, table, digits(g, x)), p.reshape(g, x, [2, 1])),
  },
  {
    name: 'scatterRows',
    kind: 'multilinear',
    leaves: [{ shape: [3, 2] }],
    build: (g, [x]) => g.emit('scatterRows', [x, g.constantTensor({ shape: [3], data: Float64Array.of(1, 4, 1) })], { rows: 5 }),
  },
  { name: 'softmax', kind: 'smooth', interval: [-1, 1], leaves: [{ shape: [3, 4] }], build: (g, [x]) => p.softmax(g, x) },
  { name: 'logSoftmax', kind: 'smooth', interval: [-1, 1], leaves: [{ shape: [3, 4] }], build: (g, [x]) => p.logSoftmax(g, x) },
  { name: 'maxPool', kind: 'multilinear', leaves: [smallImage], build: (g, [x]) => p.maxPool(g, x, { ...pool, dilation: [1, 1] }) },
  { name: 'maxPool', variant: 'max over axes', kind: 'multilinear', leaves: [{ shape: [3, 2, 2] }], build: (g, [x]) => p.max(g, x, [0, 2]) },
  {
    name: 'maxPoolSelect',
    kind: 'multilinear',
    leaves: [smallImage, smallImage],
    build: (g, ids) => derived('maxPoolSelect', ids, { ...pool, dilation: [1, 1] })(g),
  },
  {
    name: 'maxPoolScatter',
    kind: 'multilinear',
    leaves: [smallImage, pooled],
    build: (g, ids) => derived('maxPoolScatter', ids, { ...pool, dilation: [1, 1] })(g),
  },
  { name: 'avgPool', kind: 'multilinear', leaves: [smallImage], build: (g, [x]) => p.avgPool(g, x, pool, false) },
  { name: 'avgPool', variant: 'padding counted', kind: 'multilinear', leaves: [smallImage], build: (g, [x]) => p.avgPool(g, x, pool, true) },
  {
    name: 'avgPoolTranspose',
    kind: 'multilinear',
    leaves: [pooled],
    build: (g, ids) => derived('avgPoolTranspose', ids, { ...pool, dilation: [1, 1], countIncludePad: false, plane: [3, 2] })(g),
  },
];
