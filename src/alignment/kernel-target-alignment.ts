/** @file Kernel-target alignment: the cosine of a kernel and the kernel of the targets, plain and centered. */

import { formatShape, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { positiveNorm } from './frobenius.ts';
import { centerColumns, centerOverSamples, readSampleKernel, type SampleKernel } from './sample-kernel.ts';

/**
 * Kernel-target alignment (KTA), uncentered: the cosine of K and Y·Yᵀ. A number in [−1, 1], free of any scale.
 *
 *   KTA = ⟨K, Y·Yᵀ⟩_F / (‖K‖_F·‖Y·Yᵀ‖_F)
 *
 * Shapes     K [n, n] with targets [n], [n, 1] or [n, c] (one kernel for all outputs: compared with Y·Yᵀ), or the full
 *            kernel [n, n, c, c] or its matrix [n·c, n·c], row i·c + a (compared with vec(Y)·vec(Y)ᵀ)
 * Units      dimensionless. In [0, 1] for a positive semidefinite K. 1 for K = Y·Yᵀ, 1/√n for K = I and one output
 * Symmetry   unchanged by a rotation of the outputs of an [n, n] kernel, and by positive factors on K and Y
 * Cost       m²·q multiply-adds and one pass over K; m = n, q = c, or m = n·c, q = 1
 * Numerics   f64 whatever the dtype; one order of summation; rounding may leave 1 by a few ε
 *
 * @throws {TangedgeError} ERR_SHAPE when kernel and targets do not fit · ERR_DOMAIN for NaN, Inf, no samples, or a zero kernel or zero targets (0/0)
 * @see Cristianini, Shawe-Taylor, Elisseeff, Kandola (2001). On kernel-target alignment. NeurIPS 14.
 * @example
 * const kta = kernelTargetAlignment(rt, tensor([2, 2], [1, -1, -1, 1]), tensor([2], [1, -1])); // 1
 */
export function kernelTargetAlignment(rt: Runtime, kernel: Tensor, targets: Tensor): number {
  const operation = 'kernelTargetAlignment';
  const pair = readSampleKernel(operation, kernel, targets);
  const kernelNorm = positiveNorm(operation, `kernel ${formatShape(kernel.shape)} is zero`, pair.kernel);
  const targetsNorm = positiveNorm(operation, `targets ${formatShape(targets.shape)} are zero`, pair.targets);
  return cosineWithTargets(rt, pair, kernelNorm, targetsNorm);
}

/**
 * Centered kernel-target alignment: the cosine of H·K·H and H·Y·Yᵀ·H, H = I − 11ᵀ/n. A number in [−1, 1].
 *
 *   CKTA = ⟨H·K·H, H·Y·Yᵀ·H⟩_F / (‖H·K·H‖_F·‖H·Y·Yᵀ·H‖_F) = CKA(K, Y·Yᵀ)
 *
 * Shapes     as `kernelTargetAlignment`; a full kernel is centered over samples in every output block, H ⊗ I_c
 * Units      dimensionless. 1/√(n−1) for K = I and one output
 * Symmetry   also unchanged by a constant added to all of K, or to an output of Y
 * Cost       as `kernelTargetAlignment`, and a copy of K
 * Numerics   as `kernelTargetAlignment`. What centering leaves of rounding, up to n·ε of the norm before, counts as zero
 *
 * @throws {TangedgeError} ERR_SHAPE when kernel and targets do not fit · ERR_DOMAIN for NaN, Inf, no samples, or a kernel or targets that are constant over samples (0/0)
 * @see Cortes, Mohri, Rostamizadeh (2012). Algorithms for learning kernels based on centered alignment. JMLR 13. arXiv:1203.0550.
 */
export function centeredKernelAlignment(rt: Runtime, kernel: Tensor, targets: Tensor): number {
  const operation = 'centeredKernelAlignment';
  const pair = readSampleKernel(operation, kernel, targets);
  const { m, blockSize, q } = pair;
  const rounding = (m / blockSize) * Number.EPSILON;

  const centeredKernel = centerOverSamples(pair.kernel, m, blockSize);
  const before = positiveNorm(operation, `kernel ${formatShape(kernel.shape)} is zero`, pair.kernel);
  const kernelNorm = positiveNorm(operation, `kernel ${formatShape(kernel.shape)} is constant over samples`, centeredKernel, rounding * before);

  // vec(Y) of a full kernel is [n·c, 1]: its outputs are the c columns of the same data
  const columns = blockSize === 1 ? q : blockSize;
  const centeredTargets = centerColumns(pair.targets, m / blockSize, columns);
  const targetsBefore = positiveNorm(operation, `targets ${formatShape(targets.shape)} are zero`, pair.targets);
  const targetsNorm = positiveNorm(
    operation,
    `targets ${formatShape(targets.shape)} are constant over samples`,
    centeredTargets,
    rounding * targetsBefore,
  );

  return cosineWithTargets(rt, { ...pair, kernel: centeredKernel, targets: centeredTargets }, kernelNorm, targetsNorm);
}

/** ⟨K, Y·Yᵀ⟩ / (‖K‖·‖Y·Yᵀ‖), with ‖Y·Yᵀ‖ = ‖Yᵀ·Y‖, which is only [q, q]. Y is scaled to norm 1 first, so that no product overflows. */
function cosineWithTargets(rt: Runtime, { m, q, kernel, targets }: SampleKernel, kernelNorm: number, targetsNorm: number): number {
  const { arena, f64 } = rt;
  return arena.frame(() => {
    const unitPtr = arena.load('f64', targets);
    const unit = arena.f64(unitPtr, m * q);
    for (let i = 0; i < m * q; i++) unit[i] /= targetsNorm;
    let inner = 0;
    for (let start = 0; start < m; start += TILE_ROWS) {
      const rows = Math.min(TILE_ROWS, m - start);
      inner += arena.frame(() => {
        const kernelPtr = arena.load('f64', kernel.subarray(start * m, (start + rows) * m));
        const productPtr = arena.allocateArray('f64', rows * q);
        const scratchPtr = arena.allocate(f64.gemmScratchBytes(rows, q, m) >>> 0);
        f64.gemm(rows, q, m, 1, kernelPtr, m, 1, unitPtr, q, 1, 0, productPtr, q, 1, scratchPtr);
        return f64.dot(rows * q, productPtr, unitPtr + start * q * Float64Array.BYTES_PER_ELEMENT);
      });
    }
    const gramPtr = arena.allocateArray('f64', q * q);
    const scratchPtr = arena.allocate(f64.gramScratchBytes(q, m) >>> 0);
    f64.gram(q, m, 1, unitPtr, 1, q, 0, gramPtr, q, scratchPtr);
    return inner / kernelNorm / Math.sqrt(f64.dot(q * q, gramPtr, gramPtr));
  });
}

/** Rows of the kernel that are in WebAssembly memory at once. Fixed: the partial inner products add up in this order. */
const TILE_ROWS = 256;
