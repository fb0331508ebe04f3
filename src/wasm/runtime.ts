/** @file Loads the compiled module: Runtime = routines per dtype + the memory arena. */

import { instantiateSync } from '@assemblyscript/loader';
import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Dtype } from '../core/tensor.ts';
import type { Routines } from './abi.ts';
import { Arena } from './arena.ts';
import { fusedModule } from './fused.ts';
import { builtInModule } from './inline.ts';
import type { CompiledModule } from './webassembly.ts';
import { wideModule } from './wide.ts';

/** A compiled module (Cloudflare: `import module from 'tangedge/routines.wasm'`), or its bytes. */
export type WasmSource = CompiledModule | ArrayBuffer | Uint8Array;

export interface RuntimeOptions {
  /** The compiled module or its bytes; default: the copy built into this package. */
  readonly source?: WasmSource;
  /** Most bytes of WebAssembly memory the arena may use; default 4 GiB, what 32-bit WebAssembly can address. */
  readonly memoryLimit?: number;
  /**
   * The same routines on vectors of 256 bits, about 1.5 to 1.9 times as fast in matrix products, with the same bits. Node 24 or
   * newer on a CPU with AVX2 only: it sets an experimental flag of V8 for the whole process (see wide.ts), and spends some 30 ms
   * on a self-test. Default false.
   */
  readonly wide?: boolean;
  /**
   * Products that multiply and add in one instruction, rounded once: up to twice as fast where the CPU's multiplications and additions
   * share ports (Intel, most servers), with `wide` up to three times. The bits differ from the default's; they do not depend on tile
   * sizes or workers. Node 22 or newer, Deno and browsers with relaxed SIMD; some 20 ms go to a self-test. Default false.
   */
  readonly fused?: boolean;
}

/** The routines and the memory they work in. Not thread-safe: one per worker. */
export interface Runtime {
  readonly arena: Arena;
  readonly f64: Routines;
  readonly f32: Routines;
  /** Whether these are the wide routines. */
  readonly wide: boolean;
  /** Whether these are the fused routines, whose results have other bits. */
  readonly fused: boolean;
  /** Speed of products over the default routines', as the self-test of `wide` and `fused` measured it; 1 without. */
  readonly speedup: number;
  /** The bytes of the wide or fused module: as `source` in another thread of this process it needs no second self-test. */
  readonly tested?: Uint8Array;
}

/** The sentence that results must carry whose bits are not those of the default routines; none for those. */
export function arithmeticNotes({ fused }: Runtime): string[] {
  return fused ? ['fused mode: products multiply and add with one rounding; results differ from the default mode by rounding errors.'] : [];
}

/** The routines of a dtype. */
export function routinesOf(rt: Runtime, dtype: Dtype): Routines {
  return dtype === 'f64' ? rt.f64 : rt.f32;
}

/**
 * Instantiates the module and returns a Runtime with its own memory.
 *
 * @throws {TangedgeError} ERR_FORMAT when `source` is not this package's module · ERR_ARGUMENT for a bad memory limit, or `source`
 * together with `wide` or `fused` · ERR_UNSUPPORTED where a mode cannot run.
 * @example
 * const rt = await loadRuntime();
 */
export async function loadRuntime(options: RuntimeOptions | WasmSource = {}): Promise<Runtime> {
  const { source, memoryLimit = 65536 * 65536, wide = false, fused = false } = isSource(options) ? { source: options } : options;
  checkInteger('loadRuntime', 'memoryLimit', memoryLimit, 1);
  if ((wide || fused) && source !== undefined) {
    throw new TangedgeError('ERR_ARGUMENT', 'loadRuntime: wide and fused modes have their own module; leave out `source` or the mode.', {});
  }
  const tested = wide ? await wideModule(fused) : fused ? await fusedModule() : undefined;
  const module = tested?.bytes ?? source ?? builtInModule();
  const memory = new WebAssembly.Memory({ initial: 2 });
  let exports: Record<string, unknown>;
  try {
    ({ exports } = instantiateSync(module as WebAssembly.Module, { env: { memory } }));
  } catch (cause) {
    throw new TangedgeError('ERR_FORMAT', `loadRuntime: the module cannot be instantiated: ${(cause as Error).message}`, {}, { cause });
  }
  const arenaBase = exports.arenaBase;
  if (typeof arenaBase !== 'function') {
    throw new TangedgeError('ERR_FORMAT', 'loadRuntime: the module has no export arenaBase; it is not the tangedge module.', {});
  }
  return {
    arena: new Arena(memory, arenaBase() as number, memoryLimit),
    f64: routinesWithSuffix(exports, 'F64'),
    f32: routinesWithSuffix(exports, 'F32'),
    wide,
    fused,
    speedup: tested?.speedup ?? 1,
    tested: tested?.bytes,
  };
}

function isSource(value: RuntimeOptions | WasmSource): value is WasmSource {
  return value instanceof WebAssembly.Module || value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

/** `gemmF64` → `gemm`, for every export of one element type. */
function routinesWithSuffix(exports: Record<string, unknown>, suffix: string): Routines {
  const routines: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(exports)) {
    if (name.endsWith(suffix)) routines[name.slice(0, -suffix.length)] = value;
  }
  return routines as unknown as Routines;
}
