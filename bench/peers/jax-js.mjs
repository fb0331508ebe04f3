/** @file jax-js on WebAssembly: products, its Jacobi eigensolver, and the NTK as a loop of vjp rows (its vmap of jacrev fails on an MLP). */
import { readFileSync } from 'node:fs';
import { blockUntilReady, init, nn, numpy as np, vjp } from '@jax-js/jax';
import { numbers, serve, symmetric } from './serve.mjs';

const { version } = JSON.parse(readFileSync(new URL('node_modules/@jax-js/jax/package.json', import.meta.url), 'utf8'));
await init('wasm');

const array = (ArrayType, shape, seed, scale = 1) =>
  np.array(
    numbers(
      ArrayType,
      shape.reduce((a, b) => a * b, 1),
      seed,
    ).map((v) => v * scale),
    { shape },
  );

await serve(`jax-js ${version}`, async (task) => {
  if (task.kind === 'gemm' && task.dtype === 'f32' && task.n <= 1024) {
    const [a, b] = [1, 2].map((seed) => array(Float32Array, [task.n, task.n], seed));
    return async () => dispose(await ready(np.matmul(a.ref, b.ref)));
  }
  if (task.kind === 'eigh' && task.n <= 256) {
    const a = np.array(Float32Array.from(symmetric(task.n)), { shape: [task.n, task.n] });
    return async () => {
      for (const part of np.linalg.eigh(a.ref)) dispose(await ready(part));
    };
  }
  if (task.kind === 'ntk' && task.network === 'mlp' && task.outputs === 'full' && task.n <= 8) return () => ntk(task.n);
  return null;
});

async function ready(value) {
  await blockUntilReady(value);
  return value;
}

function dispose(value) {
  value.dispose();
}

const SHAPES = [784, 512, 512, 10];

async function ntk(n) {
  const weights = SHAPES.slice(1).flatMap((outputs, l) => [
    array(Float32Array, [outputs, SHAPES[l]], l + 1, SHAPES[l] ** -0.5),
    array(Float32Array, [outputs], l + 9, 0.1),
  ]);
  const rows = [];
  for (let i = 0; i < n; i++) {
    const x = array(Float32Array, [784], 20 + i);
    const f = (...w) => {
      let h = x.ref;
      for (let l = 0; l < 3; l++) {
        h = np.add(np.matmul(w[2 * l], h), w[2 * l + 1]);
        if (l < 2) h = nn.relu(h);
      }
      return h;
    };
    const [outputs, pullback] = vjp(
      f,
      weights.map((w) => w.ref),
    );
    outputs.dispose();
    for (let o = 0; o < 10; o++) {
      const cotangent = np.array(Float32Array.from({ length: 10 }, (_, k) => (k === o ? 1 : 0)));
      rows.push(np.concatenate(pullback(cotangent).map((gradient) => gradient.reshape([-1]))));
    }
    pullback.dispose?.();
    dispose(x);
  }
  const jacobian = np.stack(rows);
  dispose(await ready(np.matmul(jacobian.ref, np.transpose(jacobian))));
  weights.forEach(dispose);
}
