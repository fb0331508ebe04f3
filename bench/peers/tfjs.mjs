/** @file TensorFlow.js on its WebAssembly backend (f32 only). */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { numbers, serve } from './serve.mjs';

setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`);
await tf.setBackend('wasm');
await tf.ready();

const UNARY = { exp: tf.exp, tanh: tf.tanh, log: tf.log, sigmoid: tf.sigmoid, erf: tf.erf };

await serve(`tfjs-backend-wasm ${version_wasm}`, async (task) => {
  if (task.dtype !== 'f32') return null;
  if (task.kind === 'gemm') {
    const [a, b] = [1, 2].map((seed) => tf.tensor2d(numbers(Float32Array, task.n * task.n, seed), [task.n, task.n]));
    return () => tf.dispose(tf.matMul(a, b));
  }
  if (task.kind === 'gram') {
    const a = tf.tensor2d(numbers(Float32Array, task.n * task.k, 1), [task.n, task.k]);
    return () => tf.dispose(tf.matMul(a, a, false, true));
  }
  if (task.kind === 'elementwise' && UNARY[task.name]) {
    const x = tf.tensor1d(numbers(Float32Array, task.n, 5).map(task.name === 'log' ? (v) => Math.abs(v) + 1e-3 : (v) => v));
    return () => tf.dispose(UNARY[task.name](x));
  }
  return null;
});
