/**
 * @file Fused mode (fused-absent.ts stands in on workerd): products multiply and add in one instruction of relaxed SIMD, rounded once.
 *
 * Relaxed SIMD leaves it to the engine whether multiply-add rounds once or twice; engines round once where the CPU does it in one
 * instruction. A self-test therefore comes first: the module must round once, and be right to the rounding of a sum. Its speed is
 * measured and reported.
 */

import { bytesOfBase64 } from '../core/base64.ts';
import { TangedgeError } from '../core/errors.ts';
import { nodeVersion } from './host.ts';
import { FUSED_ROWS, type TestedModule, Trial } from './self-test.ts';

/**
 * The fused module, once it has passed the self-test. Its file is read, or fetched, when it is asked for.
 *
 * @throws {TangedgeError} ERR_UNSUPPORTED where it cannot run.
 */
export async function fusedModule(): Promise<TestedModule> {
  const { base64 } = await import('../../build/routines.fused-base64.ts');
  const bytes = bytesOfBase64(base64);
  checkRelaxedSimd(bytes);
  const trial = new Trial(bytes, { rows: FUSED_ROWS, rowBytes: 32 });
  checkFused(trial);
  return { bytes, speedup: await trial.speedup() };
}

/** @throws {TangedgeError} where the engine does not take the module. */
export function checkRelaxedSimd(bytes: Uint8Array): void {
  if (WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)) return;
  const node = nodeVersion();
  throw refusal(node === undefined ? 'this runtime has none' : `Node ${node} has it behind a flag at most, Node 22 and newer without`, { node });
}

/** @throws {TangedgeError} where products are not right, or not fused. */
export function checkFused(trial: Trial): void {
  if (!trial.isWithinRounding()) throw refusal('here its results are wrong');
  if (!trial.roundsOnce()) throw refusal('here multiply-add rounds twice, as the default does');
}

function refusal(reason: string, info: Record<string, unknown> = {}): TangedgeError {
  return new TangedgeError(
    'ERR_UNSUPPORTED',
    `fused mode needs relaxed SIMD and a CPU with fused multiply-add; ${reason}. Leave the fused option out: results then differ by rounding errors.`,
    info,
  );
}
