/** @file What a module other than the default one is asked before it is used: whether its products are right, and how fast they are. */

import { instantiateSync } from '@assemblyscript/loader';
import { EPSILON } from '../core/tensor.ts';
import { builtInModule } from './inline.ts';
import type { CompiledModule } from './webassembly.ts';

/** A module that may be used, and its speed: the flops per second of its register tile over those of the default module's. */
export interface TestedModule {
  readonly bytes: Uint8Array;
  readonly speedup: number;
}

/** Milliseconds the engine gets to replace its first, slower code. */
const PATIENCE = 400;
/** Milliseconds for which a speed-up that suffices is measured: the default's better code may be the later one. */
const LEAST_TIME = 15;
/** Steps of the sums in the register tiles that are timed; milliseconds of a sample, ten units of the clock that browsers show; calls if it stands still. */
const STEPS = 256;
const SAMPLE = 1;
const MOST_CALLS = 10_000;

/** The register tile of a module: its rows, and bytes of one of them. */
export interface Tile {
  readonly rows: number;
  readonly rowBytes: number;
}

/** Rows of the register tile: of the default and the wide module, and of the fused ones. */
export const USUAL_ROWS = 5;
export const FUSED_ROWS = 6;

type Suffix = 'F32' | 'F64';
type Exports = Record<string, (...args: number[]) => number>;

interface Loaded {
  readonly exports: Exports;
  readonly memory: WebAssembly.Memory;
  readonly tile: Tile;
}

/** A module beside the default one, with memories of their own. */
export class Trial {
  private readonly candidate: Loaded;
  private readonly usual = load(builtInModule(), { rows: USUAL_ROWS, rowBytes: 32 });

  constructor(bytes: Uint8Array, tile: Tile) {
    this.candidate = load(bytes, tile);
  }

  /** Whether products with edges in every direction have equal bits in both modules. */
  hasSameBits(): boolean {
    return this.everyElement(Object.is);
  }

  /** Whether they are within the rounding errors of two sums in any order, k²·ε for k terms of at most 1, of each other. */
  isWithinRounding(): boolean {
    return this.everyElement((ours, theirs, suffix) => Math.abs(ours - theirs) <= K * K * EPSILON[suffix === 'F32' ? 'f32' : 'f64']);
  }

  /** Whether multiply-add rounds once: x·x less its rounded value is then what the rounding took away, else 0. */
  roundsOnce(): boolean {
    return (['F32', 'F64'] as const).every((suffix) => {
      const { exports, memory, tile } = this.candidate;
      const [a, b, c] = tileOperands(exports);
      const Floats = suffix === 'F32' ? Float32Array : Float64Array;
      const x = suffix === 'F32' ? 1 + 1 / 8192 : 1 + 1 / 1_073_741_824; // x·x needs a bit more than the type has
      const columns = tile.rowBytes / Floats.BYTES_PER_ELEMENT;
      new Floats(memory.buffer, a, 2 * tile.rows).fill(-x * x, 0, tile.rows).fill(x, tile.rows);
      new Floats(memory.buffer, b, 2 * columns).fill(1, 0, columns).fill(x, columns);
      exports[`microkernel${suffix}`](2, a, b, c, 64);
      return new Floats(memory.buffer, c, 1)[0] !== 0;
    });
  }

  /** How fast the module is, the best of many short runs; measured for longer while it is not `enough`. */
  async speedup(enough = 0): Promise<number> {
    const start = performance.now();
    let [ours, theirs] = [0, 0];
    while (performance.now() - start < PATIENCE) {
      for (let round = 0; round < 3; round++) {
        ours = Math.max(ours, tileRate(this.candidate));
        theirs = Math.max(theirs, tileRate(this.usual));
      }
      if (ours >= enough * theirs && performance.now() - start > LEAST_TIME) break;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return ours / theirs;
  }

  private everyElement(agree: (ours: number, theirs: number, suffix: Suffix) => boolean): boolean {
    return (['F32', 'F64'] as const).every((suffix) => {
      const [ours, theirs] = [this.candidate, this.usual].map((loaded) => testProduct(loaded, suffix));
      return ours.every((value, i) => agree(value, theirs[i], suffix));
    });
  }
}

function load(module: Uint8Array | CompiledModule, tile: Tile): Loaded {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const { exports } = instantiateSync(module as WebAssembly.Module, { env: { memory } });
  return { exports: exports as unknown as Exports, memory, tile };
}

/** [M, N] = [M, K]·[K, N]: whole tiles and edges of every module, and two blocks of the sum. */
const [M, N, K] = [37, 43, 521];

function testProduct({ exports, memory }: Loaded, suffix: Suffix): Float32Array | Float64Array {
  const Floats = suffix === 'F32' ? Float32Array : Float64Array;
  const a = exports.arenaBase();
  const b = a + align(M * K * Floats.BYTES_PER_ELEMENT);
  const c = b + align(K * N * Floats.BYTES_PER_ELEMENT);
  const scratch = c + align(M * N * Floats.BYTES_PER_ELEMENT);
  const fill = (address: number, length: number) =>
    new Floats(memory.buffer, address, length).forEach((_, i, values) => {
      values[i] = ((i * 7919) % 10007) / 5003 - 1;
    });
  fill(a, M * K);
  fill(b, K * N);
  exports[`gemm${suffix}`](M, N, K, 1, a, K, 1, b, N, 1, 0, c, N, 1, scratch);
  return new Floats(memory.buffer, c, M * N).slice();
}

function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

function tileOperands({ arenaBase }: Exports): [a: number, b: number, c: number] {
  const a = arenaBase();
  return [a, a + 16384, a + 49152];
}

/** Bytes of register tiles a millisecond. */
function tileRate({ exports, memory, tile }: Loaded): number {
  const [a, b, c] = tileOperands(exports);
  new Float32Array(memory.buffer, a, (c - a) / 4).fill(1);
  const start = performance.now();
  let [calls, milliseconds] = [0, 0];
  while (milliseconds < SAMPLE && calls < MOST_CALLS) {
    for (let i = 0; i < 20; i++) exports.microkernelF32(STEPS, a, b, c, 64);
    calls += 20;
    milliseconds = performance.now() - start;
  }
  return (calls * tile.rows * tile.rowBytes) / milliseconds;
}
