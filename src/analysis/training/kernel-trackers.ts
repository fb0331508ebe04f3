/** @file Trackers of the NTK: alignment with the targets, spectrum, eigenvectors, distance and velocity. */

import { eigenvectorAlignment } from '../../alignment/eigenvector-alignment.ts';
import { kernelDistance, kernelVelocity, relativeKernelDrift } from '../../alignment/kernel-distance.ts';
import { centeredKernelAlignment, kernelTargetAlignment } from '../../alignment/kernel-target-alignment.ts';
import { checkInteger } from '../../core/check.ts';
import type { Tensor } from '../../core/tensor.ts';
import { blockMatrix } from '../../linalg/block-matrix.ts';
import { effectiveRank, intrinsicDimension, participationRatio, stableRank } from '../../linalg/effective-ranks.ts';
import type { Eigenvectors } from '../../linalg/eigh.ts';
import { matmul } from '../../linalg/gemm.ts';
import { empiricalNtk } from '../../ntk/empirical-ntk.ts';
import type { Runtime } from '../../wasm/runtime.ts';
import { unlessConstant } from '../kernel-analysis.ts';
import type { Measurement, Tracker } from './tracker.ts';

export const ktaTracker: Tracker = {
  name: 'kta',
  needs: 'kernel',
  measure: (state) => {
    const { rt, kernelTargets } = state.run;
    return {
      kta: unlessConstant(() => kernelTargetAlignment(rt, state.kernel(), kernelTargets)),
      ktaCentered: unlessConstant(() => centeredKernelAlignment(rt, state.kernel(), kernelTargets)),
    };
  },
};

export const fullKtaTracker: Tracker = {
  name: 'kta-full',
  measure: (state) => {
    const { rt, kernelInputs, kernelTargets, dtype, memoryLimit } = state.run;
    const full = blockMatrix(empiricalNtk(rt, state.model, kernelInputs, { outputs: 'full', dtype, memoryLimit }));
    return {
      ktaFull: unlessConstant(() => kernelTargetAlignment(rt, full, kernelTargets)),
      ktaFullCentered: unlessConstant(() => centeredKernelAlignment(rt, full, kernelTargets)),
    };
  },
};

export function spectrumTracker(top = 10): Tracker {
  checkInteger("tracker 'spectrum'", 'top', top, 1);
  return {
    name: 'spectrum',
    needs: 'kernel',
    measure: (state) => {
      const { rt, kernelTargets, dtype } = state.run;
      const pairs = state.eigenpairs();
      // Eigenvalues of a kernel from f32 sweeps agree only to single precision.
      const { values, alignments } = eigenvectorAlignment(pairs, kernelTargets, dtype === 'f32' ? { rtol: 1e-5 } : {});
      return {
        eigenvalues: [...values.subarray(0, top)],
        alignments: [...alignments.subarray(0, top)],
        smallestEigenvalue: pairs.values[0],
        effectiveRank: unlessConstant(() => effectiveRank(rt, pairs.values)),
        participationRatio: unlessConstant(() => participationRatio(pairs.values)),
        stableRank: unlessConstant(() => stableRank(pairs.values)),
        intrinsicDimension: unlessConstant(() => intrinsicDimension(pairs.values)),
      };
    },
  };
}

export function eigenvectorTracker(top = 5): Tracker {
  checkInteger("tracker 'eigenvectors'", 'top', top, 1);
  let previous: Tensor | undefined;
  return {
    name: 'eigenvectors',
    needs: 'kernel',
    measure: (state) => {
      const { rt } = state.run;
      const now = leading(state.eigenpairs(), top);
      const before = previous ?? now;
      previous = now;
      return {
        initialOverlap: overlaps(rt, now, leading(state.initial.eigenpairs(), top)),
        previousOverlap: overlaps(rt, now, before),
      };
    },
    memory: () => new Map(previous === undefined ? [] : [['previous', previous]]),
    remember: (memory) => {
      previous = memory.get('previous');
    },
  };
}

export function kernelTracker(since: readonly number[] = []): Tracker {
  for (const step of since) checkInteger("tracker 'kernel'", 'since', step, 0);
  const kept = new Map<number, Moment>();
  let previous: Moment | undefined;
  return {
    name: 'kernel',
    needs: 'kernel',
    measure: (state) => {
      const { step } = state.step;
      const kernel = state.kernel();
      const start = state.initial.kernel();
      const measured: Record<string, Measurement> = {
        kernelDistance: unlessConstant(() => kernelDistance(start, kernel)),
        kernelDrift: unlessConstant(() => relativeKernelDrift(start, kernel)),
        kernelVelocity: velocity(previous, { step, kernel }),
      };
      for (const at of since) {
        // The state measured at or first after the step stands for it.
        if (step >= at && !kept.has(at)) kept.set(at, { step, kernel });
        const from = kept.get(at);
        measured[`kernelDistance/${at}`] = from === undefined ? null : unlessConstant(() => kernelDistance(from.kernel, kernel));
        measured[`kernelVelocity/${at}`] = velocity(from, { step, kernel });
      }
      previous = { step, kernel };
      return measured;
    },
    memory: () => {
      const moments: [string, Moment][] = [...kept].map(([at, moment]) => [`since/${at}`, moment]);
      if (previous !== undefined) moments.push(['previous', previous]);
      return new Map(
        moments.flatMap(([part, { step, kernel }]) => [
          [`${part}/kernel`, kernel],
          [`${part}/step`, { shape: [1], data: Float64Array.of(step) }],
        ]),
      );
    },
    remember: (memory) => {
      const momentOf = (part: string): Moment | undefined => {
        const [step, kernel] = [memory.get(`${part}/step`), memory.get(`${part}/kernel`)];
        return step && kernel && { step: step.data[0], kernel };
      };
      previous = momentOf('previous');
      for (const at of since) {
        const moment = momentOf(`since/${at}`);
        if (moment) kept.set(at, moment);
      }
    },
  };
}

interface Moment {
  readonly step: number;
  readonly kernel: Tensor;
}

function velocity(from: Moment | undefined, to: Moment): number | null {
  if (from === undefined || from.step >= to.step) return null;
  return unlessConstant(() => kernelVelocity(from.kernel, to.kernel, to.step - from.step));
}

/** The `count` eigenvectors of the largest eigenvalues, largest first, [m, count]. */
function leading({ vectors }: Eigenvectors, count: number): Tensor {
  const [rows, columns] = vectors.shape;
  const width = Math.min(count, columns);
  const data = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < width; k++) data[row * width + k] = vectors.data[row * columns + columns - 1 - k];
  }
  return { shape: [rows, width], data };
}

/** Σ_j ⟨u_i, v_j⟩² for every column u_i: its share in the span of the v_j. */
function overlaps(rt: Runtime, u: Tensor, v: Tensor): number[] {
  const { shape, data } = matmul(rt, u, v, { transposeA: true });
  return Array.from({ length: shape[0] }, (_, i) => {
    let total = 0;
    for (const value of data.subarray(i * shape[1], (i + 1) * shape[1])) total += value * value;
    return total;
  });
}
