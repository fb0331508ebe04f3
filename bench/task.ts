/** @file What is timed: plain data, so that a peer in another process or language can be asked for the same. */

import type { Dtype } from '../src/index.ts';

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
  /** y = f(x), n normal numbers. */
  | { readonly kind: 'elementwise'; readonly name: string; readonly dtype: Dtype; readonly n: number }
  /** The empirical NTK in f32. */
  | { readonly kind: 'ntk'; readonly network: 'mlp' | 'cnn' | 'gru'; readonly outputs: 'full' | 'trace'; readonly n: number }
  /** Full-batch gradient descent in f32 on MLP 3072-200-200-10, ReLU, n examples, with the alignment of the trace NTK every so many steps. */
  | { readonly kind: 'training'; readonly n: number; readonly steps: number; readonly every: number };

export interface Row {
  readonly name: string;
  readonly task: Task;
  /** Useful floating-point operations of one run, where the count is common to every algorithm. */
  readonly flops?: number;
  /** In which runs it is timed: `quick` rows in all, `usual` ones not with --quick, `full` ones only with --full. */
  readonly when: 'quick' | 'usual' | 'full';
}

const gemm = (dtype: Dtype, n: number, when: Row['when']): Row => ({
  name: `gemm ${dtype} ${n}`,
  task: { kind: 'gemm', dtype, n },
  flops: 2 * n ** 3,
  when,
});

const gram = (dtype: Dtype, n: number, k: number, when: Row['when']): Row => ({
  name: `gram ${dtype} ${n}×${k}`,
  task: { kind: 'gram', dtype, n, k },
  flops: n * (n + 1) * k,
  when,
});

const eigh = (n: number, when: Row['when']): Row => ({ name: `eigh ${n}`, task: { kind: 'eigh', n }, when });

const elementwise = (name: string, when: Row['when']): Row[] =>
  (['f32', 'f64'] as const).map((dtype) => ({ name: `${name} ${dtype}`, task: { kind: 'elementwise', name, dtype, n: 16384 }, when }));

const ntk = (network: 'mlp' | 'cnn' | 'gru', outputs: 'full' | 'trace', n: number, when: Row['when']): Row => ({
  name: `ntk ${network} ${outputs} ${n}`,
  task: { kind: 'ntk', network, outputs, n },
  when,
});

const training = (steps: number, when: Row['when']): Row => ({
  name: `training ${steps} steps`,
  task: { kind: 'training', n: 500, steps, every: 10 },
  when,
});

export const ROWS: readonly Row[] = [
  ...[128, 512, 1024].map((n) => gemm('f32', n, 'quick')),
  gemm('f32', 2048, 'usual'),
  ...[128, 512, 1024].map((n) => gemm('f64', n, 'quick')),
  gemm('f64', 2048, 'usual'),
  gram('f32', 64, 65536, 'quick'),
  gram('f32', 1024, 32768, 'usual'),
  gram('f64', 1024, 4096, 'usual'),
  eigh(256, 'quick'),
  eigh(512, 'usual'),
  eigh(1024, 'quick'),
  eigh(2048, 'usual'),
  eigh(4096, 'full'),
  { name: 'eigenvalues 1024', task: { kind: 'eigenvalues', n: 1024 }, when: 'usual' },
  { name: 'top 32 of 2048', task: { kind: 'top', n: 2048, k: 32 }, when: 'quick' },
  ...['exp', 'tanh'].flatMap((name) => elementwise(name, 'quick')),
  ...['expm1', 'log', 'sin', 'cos', 'sigmoid', 'silu', 'erf', 'gelu'].flatMap((name) => elementwise(name, 'usual')),
  ntk('mlp', 'full', 8, 'usual'),
  ntk('mlp', 'full', 32, 'quick'),
  ntk('mlp', 'trace', 32, 'usual'),
  ntk('mlp', 'full', 256, 'quick'),
  ntk('mlp', 'trace', 1024, 'quick'),
  ntk('mlp', 'full', 1024, 'usual'),
  ntk('cnn', 'trace', 64, 'usual'),
  ntk('gru', 'trace', 64, 'quick'),
  training(50, 'usual'),
  training(1000, 'full'),
];
