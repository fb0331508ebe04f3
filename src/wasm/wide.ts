/**
 * @file Wide mode (wide-absent.ts stands in outside Node): routines whose pairs of 128-bit operations V8 runs as one of 256 bits.
 *
 * V8's revectorizer is an experimental flag that Node 24 and later accept at run time, before a module is compiled. It is
 * process-wide: modules compiled later are revectorized too, worker threads' included, which changes their speed and no bit.
 * Since it is experimental, a self-test comes first: the wide module must give the bits of the default one, and be faster.
 */

import { instantiateSync } from '@assemblyscript/loader';
import { TangedgeError } from '../core/errors.ts';
import { builtInModule } from './inline.ts';
import type { CompiledModule } from './webassembly.ts';
import { wideModule } from './wide-module.ts';

const FLAG = '--experimental-wasm-revectorize';
const FIRST_NODE = 24;

/** With the revectorizer the wide tile does the work of 1.5 default ones in the same time, without it of 0.65. */
const LEAST_SPEEDUP = 1.15;
/** Milliseconds the engine gets to replace its first, slower code. */
const PATIENCE = 400;

interface Host {
  readonly Bun?: unknown;
  readonly Deno?: unknown;
  readonly process?: { readonly versions?: { readonly node?: string }; getBuiltinModule?(name: string): unknown };
}

type Exports = Record<string, (...args: number[]) => number>;

interface Loaded {
  readonly exports: Exports;
  readonly memory: WebAssembly.Memory;
}

/**
 * The wide module's bytes, once the engine is set and has passed the self-test.
 *
 * @throws {TangedgeError} ERR_UNSUPPORTED where it cannot run.
 */
export async function wideModuleBytes(): Promise<Uint8Array> {
  const host = globalThis as Host;
  const version = host.Bun === undefined && host.Deno === undefined ? host.process?.versions?.node : undefined;
  const v8 = host.process?.getBuiltinModule?.('node:v8') as { setFlagsFromString(flags: string): void } | undefined;
  const capable = version !== undefined && Number.parseInt(version, 10) >= FIRST_NODE && v8 !== undefined;
  if (!capable) {
    throw refusal(`this is ${version === undefined ? 'another runtime' : `Node ${version}`}`, { node: version });
  }
  const bytes = await wideModule();
  v8.setFlagsFromString(FLAG);
  const [wide, usual] = [load(bytes), load(builtInModule())];
  if (!sameBits(wide, usual)) throw refusal(`on this machine its results differ from the default's (Node ${version})`, { node: version });
  const speedup = await measuredSpeedup(wide, usual);
  if (!(speedup >= LEAST_SPEEDUP)) {
    throw refusal(`on this machine it is no faster (${speedup.toFixed(2)} times the default; does the CPU have AVX2?)`, { node: version, speedup });
  }
  return bytes;
}

function refusal(reason: string, info: Record<string, unknown>): TangedgeError {
  return new TangedgeError(
    'ERR_UNSUPPORTED',
    `wide mode needs Node ${FIRST_NODE} or newer and 256-bit vectors; ${reason}. Leave the wide option out: the results are the same.`,
    info,
  );
}

function load(module: Uint8Array | CompiledModule): Loaded {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const { exports } = instantiateSync(module as WebAssembly.Module, { env: { memory } });
  return { exports: exports as unknown as Exports, memory };
}

/** Whether products with edges in every direction have equal bits in both modules. */
function sameBits(wide: Loaded, usual: Loaded): boolean {
  return (['F32', 'F64'] as const).every((suffix) => {
    const [ours, theirs] = [wide, usual].map((loaded) => testProduct(loaded, suffix));
    return ours.every((value, i) => Object.is(value, theirs[i]));
  });
}

/** [37, 43] = [37, 521]·[521, 43]: whole tiles and edges of both modules, and two blocks of the sum. */
function testProduct({ exports, memory }: Loaded, suffix: 'F32' | 'F64'): Float32Array | Float64Array {
  const [m, n, k] = [37, 43, 521];
  const Floats = suffix === 'F32' ? Float32Array : Float64Array;
  const a = exports.arenaBase();
  const b = a + align(m * k * Floats.BYTES_PER_ELEMENT);
  const c = b + align(k * n * Floats.BYTES_PER_ELEMENT);
  const scratch = c + align(m * n * Floats.BYTES_PER_ELEMENT);
  const fill = (address: number, length: number) =>
    new Floats(memory.buffer, address, length).forEach((_, i, values) => {
      values[i] = ((i * 7919) % 10007) / 5003 - 1;
    });
  fill(a, m * k);
  fill(b, k * n);
  exports[`gemm${suffix}`](m, n, k, 1, a, k, 1, b, n, 1, 0, c, n, 1, scratch);
  return new Floats(memory.buffer, c, m * n).slice();
}

function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** The flops per second of the wide register tile over the default one's, the best of many short runs of each. */
async function measuredSpeedup(wide: Loaded, usual: Loaded): Promise<number> {
  const start = performance.now();
  let [wideBest, usualBest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let speedup = 0;
  while (performance.now() - start < PATIENCE) {
    for (let round = 0; round < 4; round++) {
      wideBest = Math.min(wideBest, tileSeconds(wide));
      usualBest = Math.min(usualBest, tileSeconds(usual));
    }
    // A tile of the wide module has twice the columns.
    speedup = (2 * usualBest) / wideBest;
    // Once more after it looks good: the default's better code may be the later one.
    if (speedup >= LEAST_SPEEDUP && performance.now() - start > 15) return speedup;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return speedup;
}

function tileSeconds({ exports, memory }: Loaded): number {
  const [steps, calls] = [256, 40];
  const a = exports.arenaBase();
  const b = a + 16384;
  const c = b + 32768;
  new Float32Array(memory.buffer, a, (c - a) / 4).fill(1);
  const start = performance.now();
  for (let i = 0; i < calls; i++) exports.microkernelF32(steps, a, b, c, 64);
  return performance.now() - start;
}
