/**
 * @file `npm run bench`: our figure, the peer's and the ratio, all from this run.
 *
 *   --quick   under two minutes      --full   adds the peers' sizes that take minutes (functorch at N = 1024)
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { eigh, empiricalNtk, importSpec, loadRuntime, type Model, matmul, type Tensor, uniform } from '../src/index.ts';
import { machine, medianSeconds, type Peer, runPeer } from './measure.ts';

interface Row {
  readonly name: string;
  readonly seconds: number;
  readonly flops?: number;
  readonly note?: string;
}

const quick = process.argv.includes('--quick');
const full = process.argv.includes('--full');
const repeats = quick ? 3 : 7;
const rt = await loadRuntime();

const here = machine();
console.log(`tangedge ${here.commit} · ${here.cpu}, ${here.cores} cores · ${here.runtime} · one thread\n`);
const rows = [...ntkRows(), ...routineRows()];
const peers = [runPeer('bench/peers/numpy_peer.py', quick ? ['--quick'] : []), runPeer('bench/peers/functorch_peer.py', full ? ['--full'] : [])];
print(rows, peers);
mkdirSync('bench/results', { recursive: true });
writeFileSync(`bench/results/${here.commit}.json`, `${JSON.stringify({ machine: here, rows, peers }, null, 2)}\n`);

function seeded(seed: number, shape: readonly number[], scale: number, dtype: 'f32' | 'f64'): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Float64Array.from({ length }, (_, i) => scale * (2 * uniform(seed, 0, i) - 1));
  return { shape, data: dtype === 'f32' ? Float32Array.from(values) : values };
}

/** MLP 784-512-512-10, ReLU. */
function mlp(): Model {
  const dims = [784, 512, 512, 10];
  const state = new Map<string, Tensor>();
  const layers = dims.slice(1).flatMap((outputs, l) => {
    state.set(`${l}.weight`, seeded(l, [outputs, dims[l]], Math.sqrt(6 / dims[l]), 'f32'));
    state.set(`${l}.bias`, seeded(l + 10, [outputs], 0.1, 'f32'));
    const linear = { type: 'Linear', name: String(l), in_features: dims[l], out_features: outputs };
    return l < 2 ? [linear, { type: 'ReLU' }] : [linear];
  });
  return importSpec({ input_shape: [1, 784], layers }, state);
}

function ntkRows(): Row[] {
  const model = mlp();
  const x = (n: number) => seeded(99, [n, 784], 1, 'f32');
  const row = (outputs: 'trace' | 'full', n: number): Row => {
    const input = x(n);
    const seconds = medianSeconds(() => empiricalNtk(rt, model, input, { outputs, dtype: 'f32' }), quick ? 2 : 5);
    return { name: `ntk ${outputs} ${n}`, seconds, note: `peak ${(rt.arena.peakBytes / 1e6).toFixed(0)} MB of WebAssembly memory` };
  };
  return [row('full', 32), row('trace', 32), row('full', 256), row('trace', 1024)];
}

function routineRows(): Row[] {
  const sizes = quick ? [256, 512] : [256, 512, 1024];
  return sizes.flatMap((n) => {
    const products = (['f32', 'f64'] as const).map((dtype): Row => {
      const [a, b] = [seeded(1, [n, n], 1, dtype), seeded(2, [n, n], 1, dtype)];
      return { name: `gemm ${dtype} ${n}`, seconds: medianSeconds(() => matmul(rt, a, b), repeats), flops: 2 * n * n * n };
    });
    const { data } = seeded(3, [n, n], 1, 'f64');
    const symmetric = { shape: [n, n], data: Float64Array.from(data, (value, i) => value + data[(i % n) * n + Math.floor(i / n)]) };
    return [...products, { name: `eigh ${n}`, seconds: medianSeconds(() => eigh(rt, symmetric), quick ? 1 : 3) }];
  });
}

function print(all: readonly Row[], others: readonly Peer[]): void {
  const line = (cells: readonly string[]) =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(18) : cell.padStart(i === 3 ? 34 : 12))).join(' '));
  line(['', 'ours', 'GFLOP/s', 'peer', 'its time', 'ratio']);
  for (const { name, seconds, flops, note } of all) {
    const rate = flops ? (flops / seconds / 1e9).toFixed(1) : '';
    const known = others.filter((peer) => name in peer.seconds);
    if (known.length === 0) line([name, time(seconds), rate, '', '', '']);
    known.forEach((peer, i) => {
      const theirs = peer.seconds[name];
      line([
        i === 0 ? name : '',
        i === 0 ? time(seconds) : '',
        i === 0 ? rate : '',
        peer.name,
        time(theirs),
        `${(theirs / seconds).toPrecision(3)}×`,
      ]);
    });
    if (note) console.log(`${''.padEnd(18)} ${note}`);
  }
  console.log('\nratio: the peer’s time over ours; above 1 we are faster.');
  for (const { skipped } of others) if (skipped) console.log(`skipped: ${skipped}`);
}

function time(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;
}
