/** @file From nothing to full speed: compile, instantiate, and the rate of the first products. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { median } from './stopwatch.ts';

export interface Startup {
  /** Milliseconds of new WebAssembly.Module and Instance in a fresh process, median of five. */
  readonly compileMilliseconds: number;
  readonly moduleBytes: number;
  readonly gzippedBytes: number;
  /**
   * What `warmup` took, and the share of its later speed that a product has right after it, of f32 and f64 the smaller: medians of nine
   * fresh processes, and the least. A measurement takes two milliseconds, which a neighbour can spoil.
   */
  readonly warmupMilliseconds: number;
  readonly warmShare: number;
  readonly leastWarmShare: number;
}

const MODULE = 'build/routines.wasm';

export async function startup(): Promise<Startup> {
  const bytes = readFileSync(MODULE);
  const times = Array.from({ length: 5 }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '--eval', PROGRAM, MODULE], { encoding: 'utf8' })),
  );
  const warmths = Array.from({ length: 9 }, () => {
    const args = ['--input-type=module', '--eval', WARM_PROGRAM, pathToFileURL('dist/index.node.js').href, 'build/bench/roof.wasm'];
    const text = execFileSync(process.execPath, args, { encoding: 'utf8' });
    return JSON.parse(text) as { readonly milliseconds: number; readonly share: number };
  });
  const shares = warmths.map(({ share }) => share);
  return {
    compileMilliseconds: median(times),
    moduleBytes: bytes.length,
    gzippedBytes: gzipSync(bytes, { level: 9 }).length,
    warmupMilliseconds: median(warmths.map(({ milliseconds }) => milliseconds)),
    warmShare: median(shares),
    leastWarmShare: Math.min(...shares),
  };
}

const PROGRAM = `
import { readFileSync } from 'node:fs';
const bytes = readFileSync(process.argv[1]);
const start = performance.now();
new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: new WebAssembly.Memory({ initial: 2 }) } });
const milliseconds = performance.now() - start; // before the first use of process.stdout, which takes 2 ms itself
process.stdout.write(String(milliseconds));
`;

/**
 * Rates are those of a product in units of the roof beside it, medians of pairs: what disturbs the machine for a while disturbs both. Nine
 * pairs take some five milliseconds, in which the engine's compiler cannot do much that warmup left.
 */
const WARM_PROGRAM = `
import { readFileSync } from 'node:fs';
const [entry, roofFile] = process.argv.slice(1);
const timed = (run) => {
  const start = performance.now();
  run();
  return performance.now() - start;
};
const memory = new WebAssembly.Memory({ initial: 2 });
const loops = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(roofFile)), { env: { memory } }).exports;
const roofs = [() => loops.productsF32(5000, 1024), () => loops.productsF64(5000, 1024)];
for (const start = performance.now(); performance.now() - start < 100; ) for (const roof of roofs) roof();

const { loadRuntime, warmup } = await import(entry);
const rt = await loadRuntime();
const { milliseconds } = await warmup(rt);
const n = 128;
const products = ['f32', 'f64'].map((dtype) => {
  const [a, b, c] = [0, 1, 2].map(() => rt.arena.allocateArray(dtype, n * n));
  const scratch = rt.arena.allocate(rt[dtype].gemmScratchBytes(n, n, n));
  return () => rt[dtype].gemm(n, n, n, 1, a, n, 1, b, n, 1, 0, c, n, 1, scratch);
});
const rates = (pairs) => products.map((product, i) => {
  const ratios = Array.from({ length: pairs }, () => timed(roofs[i]) / timed(product));
  return ratios.sort((x, y) => x - y)[pairs >> 1];
});
const after = rates(9);
for (const start = performance.now(); performance.now() - start < 250; ) for (const product of products) product();
const later = rates(99);
process.stdout.write(JSON.stringify({ milliseconds, share: Math.min(...after.map((rate, i) => rate / later[i])) }));
`;
