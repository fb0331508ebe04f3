/** @file Panel: the spectrum of the kernel on log axes, with every effective rank where it falls. */

import type { EffectiveRanks, Report } from '../../analysis/report.ts';
import { formatCount, formatNumber, formatPercent } from '../format.ts';
import { type Markup, markup } from '../markup.ts';
import type { Panel } from '../panel.ts';
import { dots, drawnPositions, line, MARGINS, type Point, plot, responsive } from '../plot.ts';
import { extent, logScale, round2, type Scale } from '../scale.ts';

/** Eigenvalues below this share of the largest are rounding, and are not drawn. */
export const DRAWN_SHARE = 1e-14;

interface NamedRank {
  readonly name: string;
  readonly formula: string;
  readonly value: number;
}

export function spectrumPanel(report: Report): Panel {
  const ranks = namedRanks(report.kernel.ranks);
  return {
    id: 'spectrum',
    title: 'The spectrum',
    shows:
      'Eigenvalues of the trace kernel, largest first, both axes logarithmic; each notion of effective rank is marked at the index it amounts to.',
    concludes: spectrumSentence(report),
    body: markup`${responsive((width) => spectrumPlot(report, ranks, width))}
<dl class="ranks">${ranks.map(({ name, formula, value }) => markup`<div><dt>${name}</dt><dd>${formatNumber(value)}</dd><dd class="explanation">${formula}</dd></div>`)}</dl>`,
  };
}

function namedRanks(ranks: EffectiveRanks): NamedRank[] {
  return [
    { name: 'stable rank', formula: 'Σλ²/λ₁²', value: ranks.stableRank },
    { name: 'intrinsic dimension', formula: 'Σλ/λ₁', value: ranks.intrinsicDimension },
    { name: 'participation ratio', formula: '(Σλ)²/Σλ²', value: ranks.participationRatio },
    { name: 'effective rank', formula: 'exp H(λ/Σλ)', value: ranks.effectiveRank },
    { name: 'rank at 95\u202F%', formula: 'of the trace', value: ranks.rankAt95 },
    { name: 'numerical rank', formula: 'λ > n·ε·λ₁', value: ranks.numericalRank },
  ];
}

function spectrumPlot({ kernel, change }: Report, ranks: readonly NamedRank[], width: number): Markup {
  const { eigenvalues } = kernel;
  const marked = ranks.filter(({ name }) => name !== 'numerical rank').sort((a, b) => a.value - b.value);
  const top = 20 + 16 * marked.length;
  const height = top + (width > 500 ? 290 : 250) + MARGINS.bottom;
  const drawable = (value: number) => value > DRAWN_SHARE * eigenvalues[0];
  const x = logScale([1, Math.max(2, eigenvalues.length)], [MARGINS.left, width - MARGINS.right]);
  const y = logScale(extent(eigenvalues, drawable), [height - MARGINS.bottom, top + 14]);
  const shown = drawnPositions(eigenvalues.length, (k) => x(k + 1)).filter((k) => drawable(eigenvalues[k]));
  const points = shown.map((k): Point => [x(k + 1), y(eigenvalues[k])]);
  const readouts = shown.map((k, index) => ({
    x: points[index][0],
    y: points[index][1],
    text: `λ${subscript(k + 1)} = ${formatNumber(eigenvalues[k], 4)} · ${formatPercent(eigenvalues[k] / kernel.trace)} of the trace`,
  }));
  const title = `Spectrum of the kernel: ${eigenvalues.length} eigenvalues from ${formatNumber(eigenvalues[0])} down to ${formatNumber(eigenvalues[eigenvalues.length - 1])}${change ? ', trained' : ''}.`;
  return plot({ width, height, x, y, xLabel: 'index k', yLabel: 'eigenvalue λₖ', title, readouts }, [
    ...marked.map((rank, index) => rankMark(rank, x, 14 + 16 * index, height - MARGINS.bottom)),
    line(points, 'now'),
    dots(points.slice(0, 40), 'now', 2.4),
  ]);
}

/** A label at its own height, and a line from it down to the axis: sorted by value, no line crosses a label. */
function rankMark({ name, value }: NamedRank, x: Scale, top: number, bottom: number): Markup {
  const at = round2(x(Math.max(1, value)));
  const beyond = at + 7 * (name.length + formatNumber(value).length) > x.range[1];
  const label = markup`<text class="tick ${beyond ? 'end' : ''}" x="${beyond ? at - 6 : at + 6}" y="${top + 4}">${name} <tspan class="strong">${formatNumber(value)}</tspan></text>`;
  return markup`<line class="mark" x1="${at}" x2="${at}" y1="${top - 6}" y2="${bottom}"/>${label}`;
}

export function subscript(value: number): string {
  return [...String(value)].map((digit) => '₀₁₂₃₄₅₆₇₈₉'[Number(digit)]).join('');
}

function spectrumSentence({ kernel: { eigenvalues, ranks, trace }, data }: Report): string {
  const first = formatPercent(eigenvalues[0] / trace);
  const share = ranks.effectiveRank / data.samples;
  const holding = `The first eigenvalue holds ${first} of the trace and ${formatCount(ranks.rankAt95)} of ${formatCount(data.samples)} hold 95\u202F%.`;
  const verdict =
    share < 0.05
      ? `With an effective rank of ${formatNumber(ranks.effectiveRank)}, under 5\u202F% of the samples, gradient descent is quick along a handful of directions and slow along all others.`
      : share > 0.5
        ? `With an effective rank of ${formatNumber(ranks.effectiveRank)}, over half of the samples, the spectrum is nearly flat: no direction is much preferred.`
        : `An effective rank of ${formatNumber(ranks.effectiveRank)} (${formatPercent(share)} of the samples) is in between: some directions are preferred, many take part.`;
  return `${holding} ${verdict}`;
}
