/** @file Math.* over a typed array. */
import { numbers, serve } from './serve.mjs';

await serve('Math.* loop', async (task) => {
  if (task.kind !== 'elementwise') return null;
  const ArrayType = task.dtype === 'f32' ? Float32Array : Float64Array;
  // Sums of uniform numbers: normal enough to take the same branches as a network's pre-activations.
  const parts = [5, 6, 7].map((seed) => numbers(ArrayType, task.n, seed));
  const x = ArrayType.from({ length: task.n }, (_, i) => parts[0][i] + parts[1][i] + parts[2][i]).map((v) =>
    task.name === 'log' ? Math.abs(v) + 1e-3 : v,
  );
  const y = new ArrayType(task.n);
  // A copy of the loops for each kind of array: one that has met both is slower.
  const { LOOPS } = await import(`./math-loops.mjs?${task.dtype}`);
  const run = LOOPS[task.name];
  return () => run(x, y);
});
