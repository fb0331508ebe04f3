/**
 * @file Wide mode (wide-absent.ts stands in outside Node): routines whose pairs of 128-bit operations V8 runs as one of 256 bits.
 *
 * V8's revectorizer is an experimental flag that Node 24 and later accept at run time, before a module is compiled. It is
 * process-wide: modules compiled later are revectorized too, worker threads' included, which changes their speed and no bit.
 * Since it is experimental, a self-test comes first: the wide module must give the bits of the default one, and be faster;
 * wide and fused, it must pass the fused module's test, and be faster than without vectors of 256 bits.
 */

import { bytesOfBase64 } from '../core/base64.ts';
import { TangedgeError } from '../core/errors.ts';
import { checkFused, checkRelaxedSimd } from './fused.ts';
import { nodeVersion } from './host.ts';
import { FUSED_ROWS, type TestedModule, Trial, USUAL_ROWS } from './self-test.ts';

const FLAG = '--experimental-wasm-revectorize';
const FIRST_NODE = 24;

/** With the revectorizer the wide tile does the work of 1.5 default ones in the same time, without it of 0.65. */
const LEAST_SPEEDUP = 1.15;

interface Host {
  readonly process?: { getBuiltinModule?(name: string): unknown };
}

/**
 * The wide module, or the wide fused one, once the engine is set and has passed the self-test.
 *
 * @throws {TangedgeError} ERR_UNSUPPORTED where it cannot run.
 */
export async function wideModule(fused: boolean): Promise<TestedModule> {
  const version = nodeVersion();
  const v8 = (globalThis as Host).process?.getBuiltinModule?.('node:v8') as { setFlagsFromString(flags: string): void } | undefined;
  const capable = version !== undefined && Number.parseInt(version, 10) >= FIRST_NODE && v8 !== undefined;
  if (!capable) {
    throw refusal(`this is ${version === undefined ? 'another runtime' : `Node ${version}`}`, { node: version });
  }
  // Each import where a bundler sees that it is a file of its own.
  const { base64 } = fused ? await import('../../build/routines.wide-fused-base64.ts') : await import('../../build/routines.wide-base64.ts');
  const bytes = bytesOfBase64(base64);
  if (fused) checkRelaxedSimd(bytes);
  v8.setFlagsFromString(FLAG);
  const trial = new Trial(bytes, { rows: fused ? FUSED_ROWS : USUAL_ROWS, rowBytes: 64 });
  if (fused) checkFused(trial);
  else if (!trial.hasSameBits()) {
    throw refusal(`its results differ from the default's here (Node ${version})`, { node: version });
  }
  const speedup = await trial.speedup(LEAST_SPEEDUP);
  if (!(speedup >= LEAST_SPEEDUP)) {
    throw refusal(`it is no faster here (${speedup.toFixed(2)} times; does the CPU have AVX2?)`, { node: version, speedup });
  }
  return { bytes, speedup };
}

function refusal(reason: string, info: Record<string, unknown>): TangedgeError {
  return new TangedgeError(
    'ERR_UNSUPPORTED',
    `wide mode needs Node ${FIRST_NODE} or newer and 256-bit vectors; ${reason}. Leave the wide option out: the results are the same.`,
    info,
  );
}
