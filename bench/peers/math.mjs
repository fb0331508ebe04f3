/** @file The scalar loop that people write: Math.* over a typed array. */
import { numbers, serve } from './serve.mjs';

/** Abramowitz & Stegun 7.1.26: what JavaScript without an erf uses; 1.5e-7 absolute, so it does less work than ours. */
const erf = (x) => {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return x < 0 ? -y : y;
};

const FUNCTIONS = {
  exp: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = Math.exp(x[i]);
  },
  log: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = Math.log(x[i]);
  },
  tanh: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = Math.tanh(x[i]);
  },
  sigmoid: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = 1 / (1 + Math.exp(-x[i]));
  },
  erf: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = erf(x[i]);
  },
  gelu: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = 0.5 * x[i] * (1 + erf(x[i] * Math.SQRT1_2));
  },
};

await serve('Math.* loop', async (task) => {
  if (task.kind !== 'elementwise') return null;
  const ArrayType = task.dtype === 'f32' ? Float32Array : Float64Array;
  // Sums of uniform numbers: normal enough to take the same branches as a network's pre-activations.
  const parts = [5, 6, 7].map((seed) => numbers(ArrayType, task.n, seed));
  const x = ArrayType.from({ length: task.n }, (_, i) => parts[0][i] + parts[1][i] + parts[2][i]).map((v) =>
    task.name === 'log' ? Math.abs(v) + 1e-3 : v,
  );
  const y = new ArrayType(task.n);
  const run = FUNCTIONS[task.name];
  return () => run(x, y);
});
