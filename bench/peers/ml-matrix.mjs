/** @file ml-matrix: plain JavaScript, f64. Sizes that would take minutes are left out. */
import { readFileSync } from 'node:fs';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { numbers, serve, symmetric } from './serve.mjs';

const { version } = JSON.parse(readFileSync(new URL('node_modules/ml-matrix/package.json', import.meta.url), 'utf8'));

await serve(`ml-matrix ${version}`, async (task) => {
  if (task.kind === 'gemm' && task.dtype === 'f64' && task.n <= 1024) {
    const [a, b] = [1, 2].map((seed) => Matrix.from1DArray(task.n, task.n, numbers(Float64Array, task.n * task.n, seed)));
    return () => a.mmul(b);
  }
  if (task.kind === 'eigh' && task.n <= 1024) {
    const a = Matrix.from1DArray(task.n, task.n, symmetric(task.n));
    return () => new EigenvalueDecomposition(a, { assumeSymmetric: true });
  }
  return null;
});
