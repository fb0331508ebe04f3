/** @file What the numbers of a report say, once: the derived quantities and judgements that panels, header and terminal share. */

import type { AlignmentSection, ChangeSection, Report } from '../analysis/report.ts';
import { drawnMatrix } from './heat-map.ts';

/** Running sums; the last is the total. */
export function cumulated(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}

/** How many leading eigenvectors hold a share of the targets. */
export function eigenvectorsHolding(share: number, { eigenvectorAlignment }: AlignmentSection): number {
  const position = cumulated(eigenvectorAlignment).findIndex((sum) => sum >= share * (1 - 1e-12));
  return position < 0 ? eigenvectorAlignment.length : position + 1;
}

/** The alignment that is judged, centered where it is defined, and what the identity kernel has. */
export function judgedAlignment(alignment: AlignmentSection): { readonly value: number; readonly identity: number } {
  const { centeredKernelAlignment: value, centeredIdentityAlignment: identity } = alignment;
  if (value !== null && identity !== null) return { value, identity };
  return { value: alignment.kernelTargetAlignment, identity: alignment.identityAlignment };
}

/** By how much of the way from the identity kernel's alignment to 1 has been gone: from 0.6, 0.3 and 0.1 on. With few samples the identity has much already. */
export function alignmentWord(alignment: AlignmentSection): 'strongly' | 'clearly' | 'weakly' | 'hardly' {
  const { value, identity } = judgedAlignment(alignment);
  const gone = identity < 1 ? (value - identity) / (1 - identity) : 0;
  if (gone >= 0.6) return 'strongly';
  if (gone >= 0.3) return 'clearly';
  return gone >= 0.1 ? 'weakly' : 'hardly';
}

/**
 * - `lazy`      the centered kernel is what it was (CKA at least 0.95) and its scale too (drift at most 0.1)
 * - `rescaled`  the same shape (CKA at least 0.95) at another scale
 * - `turned`    CKA at least 0.8
 * - `rich`      CKA below 0.8
 */
export type Regime = 'lazy' | 'rescaled' | 'turned' | 'rich';

export function regimeOf({ cka, kernelDistance, relativeDrift }: ChangeSection): Regime {
  const similarity = cka ?? 1 - kernelDistance;
  if (similarity >= 0.95) return relativeDrift <= 0.1 ? 'lazy' : 'rescaled';
  return similarity >= 0.8 ? 'turned' : 'rich';
}

/** Mean kernel cosine Θ(x, x′)/√(Θ(x, x)·Θ(x′, x′)) of pairs of one class and of two; null without two classes. */
export function classCosines({ kernel }: Report): { readonly within: number; readonly between: number } | null {
  const { rows, columns, values } = drawnMatrix(kernel.matrix);
  const labels = kernel.rowsPerClass.flatMap((count, label) => new Array<number>(count).fill(label));
  if (labels.length !== rows || new Set(labels).size < 2) return null;
  const sums = { within: 0, between: 0 };
  const counts = { within: 0, between: 0 };
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      const cosine = values[i * columns + j] / Math.sqrt(values[i * columns + i] * values[j * columns + j]);
      if (!Number.isFinite(cosine)) continue;
      const kind = labels[i] === labels[j] ? 'within' : 'between';
      sums[kind] += cosine;
      counts[kind]++;
    }
  }
  if (counts.within === 0 || counts.between === 0) return null;
  return { within: sums.within / counts.within, between: sums.between / counts.between };
}

/** First power of two of steps after which less than a share of the targets is left; null when that is beyond the curve. */
export function stepsToLeave(share: number, { dynamics }: Report): number | null {
  const position = dynamics.residual?.share.findIndex((left) => left <= share) ?? -1;
  return position < 0 ? null : (dynamics.residual?.steps[position] ?? null);
}
