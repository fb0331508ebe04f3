/** @file What is timed: plain data, so that a peer in another process or language can be asked for the same. */

import type { Dtype } from '../src/index.ts';
import type { Goal } from './goal.ts';

export type Task =
  /** C = A·B, all [n, n], operands where the library computes. */
  | { readonly kind: 'gemm'; readonly dtype: Dtype; readonly n: number }
  /** A·Aᵀ, A [n, k]. */
  | { readonly kind: 'gram'; readonly dtype: Dtype; readonly n: number; readonly k: number }
  /** All eigenvalues and eigenvectors of a symmetric matrix of uniform entries. */
  | { readonly kind: 'eigh'; readonly n: number }
  /** Its eigenvalues alone. */
  | { readonly kind: 'eigenvalues'; readonly n: number }
  /** The k largest eigenpairs of a Gaussian kernel of n points in 10 dimensions. */
  | { readonly kind: 'top'; readonly n: number; readonly k: number }
  /** All eigenpairs of that kernel. */
  | { readonly kind: 'all of kernel'; readonly n: number }
  /** y = f(x), n normal numbers. */
  | { readonly kind: 'elementwise'; readonly name: string; readonly dtype: Dtype; readonly n: number }
  /** The empirical NTK in f32. */
  | { readonly kind: 'ntk'; readonly network: 'mlp' | 'cnn' | 'gru'; readonly outputs: 'full' | 'trace'; readonly n: number }
  /** The average gradient outer product of the network's input, in f32. */
  | { readonly kind: 'agop'; readonly network: 'mlp' | 'cnn' | 'gru'; readonly n: number }
  /** Full-batch gradient descent in f32 on MLP 3072-200-200-10, ReLU, n examples, with the alignment of the trace NTK every so many steps. */
  | { readonly kind: 'training'; readonly n: number; readonly steps: number; readonly every: number };

export interface Row {
  readonly name: string;
  readonly task: Task;
  /** Useful floating-point operations of one run, where the count is common to every algorithm. */
  readonly flops?: number;
  /** Else: multiplications and additions that the structured method has at the least. */
  readonly leastFlops?: number;
  /** In which runs it is timed: `quick` rows in all, `usual` ones not with --quick, `full` ones only with --full. */
  readonly when: 'quick' | 'usual' | 'full';
  readonly goals?: readonly Goal[];
  /** Another task of ours, timed as a peer. */
  readonly beside?: { readonly name: string; readonly task: Task };
}

const roof = (limit: number): Goal => ({ quantity: 'roof', limit });
const seconds = (limit: number): Goal => ({ quantity: 'seconds', limit });
const times = (limit: number, peer: string): Goal => ({ quantity: { peer }, limit });
const wide = (goal: Goal): Goal => ({ ...goal, wide: true });

const PRODUCT_GOALS: Record<Dtype, readonly Goal[]> = {
  f32: [roof(0.88), times(1.3, 'tfjs'), times(1.6, 'onnxruntime'), wide(roof(1.7))],
  f64: [roof(0.87), times(2.4, 'onnxruntime'), wide(roof(1.65))],
};

const gemm = (dtype: Dtype, n: number, when: Row['when']): Row => ({
  name: `gemm ${dtype} ${n}`,
  task: { kind: 'gemm', dtype, n },
  flops: 2 * n ** 3,
  when,
  goals: n === 128 ? [roof(0.84)] : PRODUCT_GOALS[dtype],
});

const gram = (dtype: Dtype, n: number, k: number, when: Row['when']): Row => ({
  name: `gram ${dtype} ${n}×${k}`,
  task: { kind: 'gram', dtype, n, k },
  flops: n * (n + 1) * k,
  when,
  goals: [roof(n < 100 ? 0.7 : 0.85)],
});

const eigh = (n: number, when: Row['when'], goals: readonly Goal[] = []): Row => ({ name: `eigh ${n}`, task: { kind: 'eigh', n }, when, goals });

const elementwise = (name: string, when: Row['when']): Row[] =>
  (['f32', 'f64'] as const).map((dtype) => ({
    name: `${name} ${dtype}`,
    task: { kind: 'elementwise', name, dtype, n: 16384 },
    when,
    goals: [times(5, 'Math')],
  }));

const ntk = (network: 'mlp' | 'cnn' | 'gru', outputs: 'full' | 'trace', n: number, when: Row['when'], goals: readonly Goal[] = []): Row => ({
  name: `ntk ${network} ${outputs} ${n}`,
  task: { kind: 'ntk', network, outputs, n },
  leastFlops: network === 'mlp' ? mlpFlops(outputs, n) : undefined,
  when,
  goals,
});

const agop = (network: 'mlp' | 'cnn' | 'gru', n: number): Row => ({
  name: `agop ${network} ${n}`,
  task: { kind: 'agop', network, n },
  when: 'usual',
});

/**
 * The forward sweep, one backward sweep per output to the first pre-activations, and a triangle of the Gram matrices of inputs and cotangents.
 * Cotangents of the last hidden layer are weights times gates, so that the trace takes one weighted Gram matrix of the gates, and the full
 * kernel sums of products of weights, over the quarter of the units whose gates are open for both examples. Behind a gate that is shut
 * terms are left out, of one operand: half of them, in all products but those with the inputs and with the last weight.
 */
function mlpFlops(outputs: 'full' | 'trace', n: number): number {
  const [d, h, c] = [784, 512, 10];
  const forward = 2 * n * (d * h + (h * h) / 2 + h * c);
  const backward = n * c * h * h;
  const inputs = n * (n + 1) * (d + h);
  const first = outputs === 'full' ? (n * c * (n * c + 1) * h) / 2 : (n * (n + 1) * c * h) / 2;
  const last = outputs === 'full' ? (n * (n + 1) * c * (c + 1) * h) / 16 : (n * (n + 1) * h) / 2;
  return forward + backward + inputs + first + last;
}

const training = (steps: number, when: Row['when']): Row => ({
  name: `training ${steps} steps`,
  task: { kind: 'training', n: 500, steps, every: 10 },
  when,
});

export const ROWS: readonly Row[] = [
  ...[128, 512, 1024].map((n) => gemm('f32', n, 'quick')),
  gemm('f32', 2048, 'usual'),
  ...[128, 512].map((n) => gemm('f64', n, 'quick')),
  ...[1024, 2048].map((n) => gemm('f64', n, 'usual')),
  gram('f32', 64, 65536, 'quick'),
  gram('f32', 1024, 32768, 'usual'),
  gram('f64', 64, 65536, 'usual'),
  gram('f64', 1024, 32768, 'usual'),
  // At most 1.05, at most 1.6 times numpy's time.
  eigh(256, 'quick', [times(1 / 1.05, 'numpy')]),
  eigh(512, 'usual'),
  eigh(1024, 'usual', [times(1 / 1.6, 'numpy'), times(25, 'ml-matrix'), wide(times(1, 'numpy'))]),
  eigh(2048, 'usual'),
  eigh(4096, 'full'),
  { name: 'eigenvalues 1024', task: { kind: 'eigenvalues', n: 1024 }, when: 'usual' },
  {
    name: 'top 32 of 2048',
    task: { kind: 'top', n: 2048, k: 32 },
    when: 'usual',
    beside: { name: 'all 2048', task: { kind: 'all of kernel', n: 2048 } },
    goals: [times(30, 'all 2048')],
  },
  ...elementwise('exp', 'quick'),
  ...[
    'tanh',
    'expm1',
    'log',
    'sin',
    'cos',
    'sigmoid',
    'silu',
    'erf',
    'gelu',
    'erfDerivative',
    'sechSquared',
    'sigmoidDerivative',
    'siluDerivative',
    'geluDerivative',
  ].flatMap((name) => elementwise(name, 'usual')),
  ntk('mlp', 'full', 8, 'usual'),
  ntk('mlp', 'full', 32, 'quick'),
  ntk('mlp', 'trace', 32, 'usual'),
  ntk('mlp', 'full', 256, 'usual'),
  ntk('mlp', 'trace', 1024, 'quick', [seconds(0.8), wide(seconds(0.5)), times(1, 'PyTorch')]),
  ntk('mlp', 'full', 1024, 'usual', [seconds(5.5), wide(seconds(3.2)), times(1, 'PyTorch')]),
  ntk('cnn', 'trace', 64, 'usual', [seconds(1), times(1, 'PyTorch')]),
  ntk('gru', 'trace', 64, 'usual', [seconds(0.25), times(1, 'PyTorch')]),
  agop('mlp', 1000),
  agop('cnn', 64),
  agop('gru', 64),
  training(50, 'usual'),
  training(1000, 'full'),
];
