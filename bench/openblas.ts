/**
 * @file Which kernel of OpenBLAS numpy and PyTorch run on: their fastest here.
 *
 * OpenBLAS 0.3.21 does not know processors newer than itself, and then falls back to one of 2004 (Prescott: no AVX), four times slower.
 */

import { execFileSync } from 'node:child_process';

/** What a peer's environment must have, and what the table says of it. */
export interface OpenblasKernel {
  readonly environment: { readonly OPENBLAS_CORETYPE?: string };
  readonly note: string | null;
}

interface Timing {
  readonly kernel: string;
  readonly seconds: number;
}

/** Measures OpenBLAS's own choice, then the kernels for AVX2 and AVX-512, half a second in all; its own choice unless another is a tenth faster. */
export function fastestOpenblasKernel(python: string): OpenblasKernel {
  const own = time(python, {});
  if (own === null) return { environment: {}, note: null };
  const others = ['Haswell', 'SkylakeX'].map((name) => time(python, { OPENBLAS_CORETYPE: name })).filter((timing) => timing !== null);
  const fastest = others.reduce((best, other) => (other.seconds < best.seconds ? other : best), own);
  if (fastest.seconds > 0.9 * own.seconds) return { environment: {}, note: `numpy and PyTorch: OpenBLAS's own choice, ${own.kernel}` };
  const ratio = (own.seconds / fastest.seconds).toFixed(1);
  return {
    environment: { OPENBLAS_CORETYPE: fastest.kernel },
    note: `numpy and PyTorch: OPENBLAS_CORETYPE=${fastest.kernel}, ${ratio}× faster than OpenBLAS's own choice, ${own.kernel}`,
  };
}

/** The environment of a peer, and of what measures for it: one thread, this kernel, nothing else that was set for OpenBLAS. */
export function peerEnvironment(kernel: OpenblasKernel['environment']): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, ...inherited } = process.env;
  return { ...inherited, ...kernel, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
}

/** Null where there is no OpenBLAS, or where the processor cannot run the kernel. */
function time(python: string, kernel: OpenblasKernel['environment']): Timing | null {
  try {
    const answer = execFileSync(python, ['bench/peers/openblas_kernel.py'], {
      env: peerEnvironment(kernel),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return JSON.parse(answer) as Timing;
  } catch {
    return null;
  }
}
