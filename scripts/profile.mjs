/**
 * @file Where the time of a tangent kernel goes: milliseconds and calls of every routine, and their share of the whole.
 *
 *     node scripts/profile.mjs [mlp | cnn | gru | vit] [trace | full] [examples] [f32 | f64]      after `npm run build`
 *
 * The networks: 784-512-512-10 with ReLU, examples/cnn.json, gru.json and vit.json. Three runs warm up and are not counted, the fastest of
 * three is shown; the clock around every call costs some percent, so the total is also given without it.
 */
import { readFileSync } from 'node:fs';
import { empiricalNtk, importSpec, initializeSpec, loadRuntime, uniform } from '../dist/index.node.js';

const [network = 'mlp', outputs = 'trace', examples = '64', dtype = 'f32'] = process.argv.slice(2);
const n = Number(examples);
const specs = { mlp, cnn: () => example('cnn'), gru: () => example('gru'), vit: () => example('vit') };
if (!(network in specs && ['trace', 'full'].includes(outputs) && Number.isInteger(n) && n > 0 && ['f32', 'f64'].includes(dtype))) {
  console.error('profile: usage: node scripts/profile.mjs [mlp | cnn | gru | vit] [trace | full] [examples] [f32 | f64]');
  process.exit(2);
}

/** Flops of the products, by their first parameters. */
const FLOPS = {
  gemm: { take: 3, of: (m, n, k) => 2 * m * n * k },
  gemmOwnZeros: { take: 3, of: (m, n, k) => 2 * m * n * k },
  gemmSharedZeros: { take: 4, of: (groups, rows, n, k) => 2 * groups * rows * n * k },
  gram: { take: 2, of: (m, k) => m * (m + 1) * k },
};

const rt = await loadRuntime();
const spec = specs[network]();
const model = importSpec(spec, initializeSpec(rt, spec, { seed: 1 }));
const shape = [n, ...spec.input_shape.slice(1)];
const size = shape.reduce((product, length) => product * length, 1);
const x = { shape, data: Float32Array.from({ length: size }, (_, i) => 2 * uniform(99, 0, i) - 1) };

for (let i = 0; i < 3; i++) run();
const bare = fastest(run);
const clocks = clocked();
const { total, routines } = fastest(clockedRun, ({ total }) => total);
report();

/** Of three results the one with the least time. */
function fastest(measure, timeOf = (ms) => ms) {
  return [measure(), measure(), measure()].reduce((best, next) => (timeOf(next) < timeOf(best) ? next : best));
}

function run() {
  const start = performance.now();
  empiricalNtk(rt, model, x, { outputs, dtype });
  return performance.now() - start;
}

/** A run's time, and what the clocks count in it. */
function clockedRun() {
  for (const clock of clocks) Object.assign(clock, { calls: 0, ms: 0, shapes: new Map() });
  return { total: run(), routines: clocks.map((clock) => ({ ...clock })) };
}

/** Puts a clock around every routine. */
function clocked() {
  const clocks = [];
  for (const type of ['f32', 'f64']) {
    for (const [name, routine] of Object.entries(rt[type])) {
      const clock = { name: `${name} ${type}`, calls: 0, ms: 0, shapes: new Map() };
      clocks.push(clock);
      rt[type][name] = (...parameters) => {
        const start = performance.now();
        const result = routine(...parameters);
        const ms = performance.now() - start;
        clock.ms += ms;
        clock.calls++;
        if (name in FLOPS) countShape(clock.shapes, name, parameters, ms);
        return result;
      };
    }
  }
  return clocks;
}

function countShape(shapes, name, parameters, ms) {
  const sizes = parameters.slice(0, FLOPS[name].take);
  const key = sizes.join(' x ');
  const shape = shapes.get(key) ?? { key, calls: 0, ms: 0, flops: 0 };
  shapes.set(key, shape);
  shape.calls++;
  shape.ms += ms;
  shape.flops += FLOPS[name].of(...sizes);
}

function report() {
  const used = routines.filter(({ calls }) => calls > 0).sort((a, b) => b.ms - a.ms);
  const inside = used.reduce((sum, { ms }) => sum + ms, 0);
  const line = (name, ms, calls = '') => console.log(`${name.padEnd(22)}${ms.toFixed(1).padStart(10)} ms ${percent(ms)} ${calls}`);
  const percent = (ms) => `${((100 * ms) / total).toFixed(1).padStart(5)} %`;
  console.log(`${network} ${outputs}, ${n} examples, ${dtype}: ${bare.toFixed(1)} ms, ${total.toFixed(1)} ms with the clocks`);
  for (const { name, ms, calls, shapes } of used) {
    line(name, ms, `${calls} calls`);
    const slowest = [...shapes.values()].sort((a, b) => b.ms - a.ms).slice(0, 8);
    for (const shape of slowest) line(`  ${shape.key}`, shape.ms, `${shape.calls} calls, ${(shape.flops / shape.ms / 1e6).toFixed(1)} GFLOP/s`);
  }
  line('inside routines', inside);
  line('JavaScript', total - inside);
}

function example(name) {
  return JSON.parse(readFileSync(new URL(`../examples/${name}.json`, import.meta.url), 'utf8'));
}

function mlp() {
  const widths = [784, 512, 512, 10];
  const layers = widths
    .slice(1)
    .flatMap((width, i) => [{ type: 'Linear', name: `${i}`, in_features: widths[i], out_features: width }, ...(i < 2 ? [{ type: 'ReLU' }] : [])]);
  return { input_shape: [1, 784], layers };
}
