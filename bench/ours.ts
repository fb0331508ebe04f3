/** @file Our side of every task: prepared once, run many times. */

import { readFileSync } from 'node:fs';
import {
  agop,
  type Dtype,
  eigh,
  empiricalNtk,
  importSpec,
  initializeSpec,
  learningRateSweep,
  type Model,
  normalArray,
  type Runtime,
  type Tensor,
  topEigenpairs,
  uniformArray,
} from '../src/index.ts';
import type { Routines } from '../src/wasm/abi.ts';
import { routinesOf } from '../src/wasm/runtime.ts';
import type { Task } from './task.ts';

/** Prepares a task; operands of routines stay in the arena until `release`. */
export function prepare(rt: Runtime, task: Task): { readonly run: () => unknown; readonly release: () => void } {
  const mark = rt.arena.mark();
  return { run: runOf(rt, task), release: () => rt.arena.release(mark) };
}

function runOf(rt: Runtime, task: Task): () => unknown {
  switch (task.kind) {
    case 'gemm':
      return gemmRun(rt, task.dtype, task.n);
    case 'gram':
      return gramRun(rt, task.dtype, task.n, task.k);
    case 'eigh': {
      const a = symmetric(task.n);
      return () => eigh(rt, a);
    }
    case 'eigenvalues': {
      const a = symmetric(task.n);
      return () => eigh(rt, a, { vectors: false });
    }
    case 'top': {
      const kernel = gaussianKernel(task.n);
      return () => topEigenpairs(rt, kernel, task.k);
    }
    case 'all of kernel': {
      const kernel = gaussianKernel(task.n);
      return () => eigh(rt, kernel);
    }
    case 'elementwise':
      return elementwiseRun(rt, task.name, task.dtype, task.n);
    case 'ntk': {
      const model = network(rt, task.network);
      const x = seeded(99, [task.n, ...model.input.shape], 'f32');
      return () => empiricalNtk(rt, model, x, { outputs: task.outputs, dtype: 'f32' });
    }
    case 'agop': {
      const model = network(rt, task.network);
      const x = seeded(99, [task.n, ...model.input.shape], 'f32');
      return () => agop(rt, model, x, { dtype: 'f32' });
    }
    case 'training':
      return trainingRun(rt, task);
  }
  throw new Error(`no task ${(task satisfies never as Task).kind}`);
}

/** Uniform in [−1, 1). */
export function seeded(seed: number, shape: readonly number[], dtype: Dtype): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = uniformArray(seed, 0, length).map((u) => 2 * u - 1);
  return { shape, data: dtype === 'f32' ? new Float32Array(values) : values };
}

function symmetric(n: number): Tensor {
  const { data } = seeded(3, [n, n], 'f64');
  return { shape: [n, n], data: data.map((value, i) => value + data[(i % n) * n + Math.floor(i / n)]) };
}

/** exp(−|x − z|²/20) of n uniform points in 10 dimensions: the decaying spectrum that kernels have. */
function gaussianKernel(n: number): Tensor {
  const { data: x } = seeded(7, [n, 10], 'f64');
  const data = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let distance = 0;
      for (let k = 0; k < 10; k++) distance += (x[i * 10 + k] - x[j * 10 + k]) ** 2;
      data[i * n + j] = Math.exp(-distance / 20);
      data[j * n + i] = data[i * n + j];
    }
  }
  return { shape: [n, n], data };
}

function gemmRun(rt: Runtime, dtype: Dtype, n: number): () => void {
  const routines = routinesOf(rt, dtype);
  const a = rt.arena.load(dtype, seeded(1, [n, n], dtype).data);
  const b = rt.arena.load(dtype, seeded(2, [n, n], dtype).data);
  const c = rt.arena.allocateArray(dtype, n * n);
  const scratch = rt.arena.allocate(routines.gemmScratchBytes(n, n, n) >>> 0);
  return () => routines.gemm(n, n, n, 1, a, n, 1, b, n, 1, 0, c, n, 1, scratch);
}

function gramRun(rt: Runtime, dtype: Dtype, n: number, k: number): () => void {
  const routines = routinesOf(rt, dtype);
  const a = rt.arena.load(dtype, seeded(1, [n, k], dtype).data);
  const c = rt.arena.allocateArray(dtype, n * n);
  const scratch = rt.arena.allocate(routines.gramScratchBytes(n, k) >>> 0);
  return () => routines.gram(n, k, 1, a, k, 1, 0, c, n, scratch);
}

function elementwiseRun(rt: Runtime, name: string, dtype: Dtype, n: number): () => void {
  const routine = routinesOf(rt, dtype)[name as keyof Routines] as (n: number, x: number, out: number) => void;
  const x = rt.arena.load(dtype, elementwiseInputs(rt, name, n));
  const out = rt.arena.allocateArray(dtype, n);
  return () => routine(n, x, out);
}

/** Normal numbers, as pre-activations are; their absolute values for the logarithm. */
function elementwiseInputs(rt: Runtime, name: string, n: number): Float64Array {
  const x = normalArray(rt, 5, 0, n);
  return name === 'log' ? x.map((value) => Math.abs(value) + 1e-3) : x;
}

/** As `tangedge train --dtype f32 --track loss,kta:EVERY`: losses at every step, alignment of the kernel of all examples. */
function trainingRun(rt: Runtime, { n, steps, every }: Extract<Task, { kind: 'training' }>): () => void {
  const model = importSpec(WIDE_MLP, initializeSpec(rt, WIDE_MLP, { seed: 1 }));
  const inputs = seeded(99, [n, 3072], 'f32');
  const targets = { shape: [n, 10], data: Float32Array.from({ length: 10 * n }, (_, i) => Number(i % 10 === Math.floor(i / 10) % 10)) };
  const trackers = [{ tracker: 'loss' }, { tracker: 'kta', every }] as const;
  return () => void learningRateSweep(rt, model, { inputs, targets }, { rates: [0.05], steps, dtype: 'f32', trackers });
}

/** MLP 784-512-512-10 with ReLU; the CNN of PyTorch's NTK tutorial; a GRU of 64 units over 32 steps. */
function network(rt: Runtime, name: 'mlp' | 'cnn' | 'gru'): Model {
  const spec: unknown = name === 'mlp' ? MLP : JSON.parse(readFileSync(`examples/${name}.json`, 'utf8'));
  return importSpec(spec, initializeSpec(rt, spec, { seed: 1 }));
}

const linear = (name: string, inputs: number, outputs: number) => ({ type: 'Linear', name, in_features: inputs, out_features: outputs });

const WIDE_MLP = {
  input_shape: [1, 3072],
  layers: [linear('0', 3072, 200), { type: 'ReLU' }, linear('2', 200, 200), { type: 'ReLU' }, linear('4', 200, 10)],
};

const MLP = {
  input_shape: [1, 784],
  layers: [linear('0', 784, 512), { type: 'ReLU' }, linear('2', 512, 512), { type: 'ReLU' }, linear('4', 512, 10)],
};
