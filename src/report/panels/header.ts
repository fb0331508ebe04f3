/** @file The head of the page: what was analyzed, the conclusion, and the numbers that sum it up. */

import type { Report } from '../../analysis/report.ts';
import { conclusion } from '../conclusion.ts';
import { formatCount, formatFixed, formatNumber, formatPercent, plural } from '../format.ts';
import { type Markup, markup, nothing } from '../markup.ts';

interface Headline {
  readonly name: string;
  readonly value: string;
  readonly explanation: string;
}

export function pageHeader(report: Report): Markup {
  const { title, data, model } = report;
  const subject = `${plural(data.samples, 'sample')} · ${plural(data.outputs, 'output')} · ${plural(model.parameters, 'parameter')}`;
  return markup`<header class="page">
<p class="kicker">Tangent kernel report</p>
<h1>${title}</h1>
<p class="subject">${subject}${accuracyText(report)}</p>
<p class="conclusion">${conclusion(report)}</p>
<dl class="headlines">${headlines(report).map(({ name, value, explanation }) => markup`<div><dt>${name}</dt><dd>${value}</dd><dd class="explanation">${explanation}</dd></div>`)}</dl>
</header>`;
}

function accuracyText({ data: { targets } }: Report): Markup {
  if (targets === null || targets.accuracy === null) return nothing;
  return markup` · ${formatPercent(targets.accuracy)} classified right`;
}

function headlines({ alignment, kernel, dynamics, data }: Report): Headline[] {
  const rank = {
    name: 'Effective rank',
    value: formatNumber(kernel.ranks.effectiveRank),
    explanation: `exp of the spectrum’s entropy; at most ${formatCount(data.samples)}`,
  };
  const rate = {
    name: 'Largest stable rate',
    value: formatNumber(dynamics.maxStableLearningRate, 2),
    explanation: '2n/λmax of the full kernel, for L = ½ mean |f − y|²',
  };
  if (alignment === null) return [rank, rate];
  const kta = {
    name: 'KTA',
    value: formatFixed(alignment.kernelTargetAlignment, 2),
    explanation: `cosine of Θ and YYᵀ; the identity has ${formatFixed(alignment.identityAlignment, 2)}`,
  };
  const centered = {
    name: 'Centered KTA',
    value: formatFixed(alignment.centeredKernelAlignment, 2),
    explanation: `the same after centering both; the identity has ${formatFixed(alignment.centeredIdentityAlignment, 2)}`,
  };
  return [kta, centered, rank, rate];
}
