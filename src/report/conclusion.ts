/** @file The conclusion of a report in two or three sentences, for the head of the page and for the terminal. */

import type { Report } from '../analysis/report.ts';
import { alignmentWord, eigenvectorsHolding, judgedAlignment, type Regime, regimeOf } from './findings.ts';
import { formatCount, formatFixed, formatNumber, formatPercent, plural } from './format.ts';
import { codesOf } from './panels/signatures.ts';

export function conclusion(report: Report): string {
  return [alignmentSentence(report), changeSentence(report), troubleSentence(report)].filter((sentence) => sentence !== '').join(' ');
}

function alignmentSentence({ alignment, kernel, data }: Report): string {
  const { ranks, eigenvalues, trace } = kernel;
  if (alignment === null) {
    return `The tangent kernel has effective rank ${formatNumber(ranks.effectiveRank)} on ${plural(data.samples, 'sample')}; its first eigenvector holds ${formatPercent(eigenvalues[0] / trace)} of the trace.`;
  }
  const { value, identity } = judgedAlignment(alignment);
  const which = alignment.centeredKernelAlignment === null ? 'KTA' : 'centered KTA';
  const half = eigenvectorsHolding(0.5, alignment);
  return `The tangent kernel is ${alignmentWord(alignment)} aligned with the targets (${which} ${formatFixed(value, 2)}, the identity has ${formatFixed(identity, 2)}): half of the targets lies along the first ${half === 1 ? '' : `${formatCount(half)} `}of its ${plural(data.samples, 'eigenvector')}.`;
}

function troubleSentence({ signatures }: Report): string {
  return signatures.length === 0 ? '' : `Signs of trouble: ${codesOf(signatures)}.`;
}

function changeSentence({ change, kernel }: Report): string {
  if (change === null) return '';
  const factor = kernel.trace / change.kernel.trace;
  const scale =
    factor >= 1.1
      ? ` and made it ${formatNumber(factor, 2)} times larger`
      : factor <= 0.9
        ? ` and made it ${formatNumber(1 / factor, 2)} times smaller`
        : '';
  return `${REGIMES[regimeOf(change)]}${scale}${change.cka === null ? '' : ` (CKA with the initial one ${formatFixed(change.cka, 2)})`}.`;
}

const REGIMES: Readonly<Record<Regime, string>> = {
  lazy: 'Training left the kernel as it was',
  rescaled: 'Training kept the shape of the kernel',
  turned: 'Training turned the kernel somewhat',
  rich: 'Training reshaped the kernel',
};
