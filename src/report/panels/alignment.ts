/** @file Panel: how the targets lie along the kernel's eigenvectors. */

import type { AlignmentSection, Report } from '../../analysis/report.ts';
import { alignmentWord, cumulated, eigenvectorsHolding } from '../findings.ts';
import { formatCount, formatFixed, formatPercent } from '../format.ts';
import { type Markup, markup } from '../markup.ts';
import { legend, type Panel } from '../panel.ts';
import { drawnPositions, line, MARGINS, type Point, plot, text } from '../plot.ts';
import { linearScale, logScale, round2 } from '../scale.ts';

const WIDTH = 376;
const HEIGHT = 300;
/** Eigenvectors with a bar of their own, as in arXiv:2507.12837. */
const BARS = 20;

export function alignmentPanel(report: Report, alignment: AlignmentSection): Panel {
  return {
    id: 'alignment',
    title: 'Alignment with the targets',
    shows:
      'Left, the share of |Y|² that lies in the span of the first k eigenvectors, beside their share of the trace and what random targets would have. Right, the share along each of the first 20, by eigenspace.',
    concludes: alignmentSentence(report, alignment),
    body: markup`<div class="pair"><div>${cumulativePlot(report, alignment)}${legend([
      { name: 'targets', className: 'target' },
      { name: 'trace of the kernel', className: 'now' },
      { name: 'random targets', className: 'reference' },
    ])}</div><div>${barPlot(alignment)}</div></div>`,
  };
}

function cumulativePlot({ kernel }: Report, alignment: AlignmentSection): Markup {
  const n = kernel.eigenvalues.length;
  const x = logScale([1, Math.max(2, n)], [MARGINS.left, WIDTH - MARGINS.right]);
  const y = linearScale([0, 1], [HEIGHT - MARGINS.bottom, MARGINS.top], 4);
  const targets = cumulated(alignment.eigenvectorAlignment);
  const trace = cumulated(kernel.eigenvalues).map((sum) => Math.min(1, sum / kernel.trace));
  const shown = drawnPositions(n, (k) => x(k + 1));
  const curve = (values: readonly number[]) => shown.map((k): Point => [x(k + 1), y(values[k])]);
  const readouts = shown.map((k) => ({
    x: x(k + 1),
    y: y(targets[k]),
    text: `first ${formatCount(k + 1)}: ${formatPercent(targets[k])} of the targets, ${formatPercent(trace[k])} of the trace`,
  }));
  const half = eigenvectorsHolding(0.5, alignment);
  const title = `Cumulative alignment: half of the targets lies along the first ${half} eigenvectors.`;
  return plot({ width: WIDTH, height: HEIGHT, x, y, xLabel: 'eigenvectors k', yLabel: 'share', title, readouts }, [
    line(
      shown.map((k): Point => [x(k + 1), y((k + 1) / n)]),
      'reference',
    ),
    line(curve(trace), 'now'),
    line(curve(targets), 'target'),
  ]);
}

function barPlot({ eigenspaces }: AlignmentSection): Markup {
  const shown = eigenspaces.filter(({ start }) => start < BARS);
  const last = shown[shown.length - 1];
  const count = Math.max(BARS, last.start + last.dimension);
  const x = linearScale([0, count], [MARGINS.left, WIDTH - MARGINS.right]);
  const highest = Math.max(...shown.map(({ alignment }) => alignment));
  const y = linearScale([0, Math.max(highest, 1e-6)], [HEIGHT - MARGINS.bottom, MARGINS.top], 4);
  const readouts = shown.map(({ start, dimension, alignment }) => ({
    x: round2((x(start) + x(start + dimension)) / 2),
    y: y(alignment),
    text:
      dimension === 1
        ? `u${start + 1}: ${formatPercent(alignment)}`
        : `u${start + 1} to u${start + dimension}, one eigenspace: ${formatPercent(alignment)}`,
  }));
  const bars = shown.map(({ start, dimension, alignment }) => {
    const [from, to] = [x(start) + 1.5, x(start + dimension) - 1.5];
    return markup`<rect class="target" x="${round2(from)}" y="${y(alignment)}" width="${round2(Math.max(1, to - from))}" height="${round2(y(0) - y(alignment))}"/>`;
  });
  const labelled = shown.filter(({ start, dimension }) => dimension === 1 && (start === 0 || (start + 1) % 5 === 0));
  const labels = labelled.map(({ start }) =>
    text(round2((x(start) + x(start + 1)) / 2), HEIGHT - MARGINS.bottom + 18, String(start + 1), 'tick middle'),
  );
  const title = `Alignment of each of the first ${count} eigenvectors; the largest is ${formatPercent(highest)}.`;
  const silent = Object.assign((value: number) => x(value), { ticks: [], domain: x.domain, range: x.range });
  return plot({ width: WIDTH, height: HEIGHT, x: silent, y, xLabel: 'eigenvector', yLabel: 'alignment |uₖᵀY|²/|Y|²', title, readouts }, [
    ...bars,
    ...labels,
  ]);
}

function alignmentSentence({ data }: Report, alignment: AlignmentSection): string {
  const { kernelTargetAlignment, centeredKernelAlignment, identityAlignment, centeredIdentityAlignment } = alignment;
  const [half, most] = [eigenvectorsHolding(0.5, alignment), eigenvectorsHolding(0.9, alignment)];
  const centered = centeredKernelAlignment === null ? 'not defined centered' : `${formatFixed(centeredKernelAlignment, 3)} centered`;
  return (
    `KTA is ${formatFixed(kernelTargetAlignment, 3)} and ${centered}, against ${formatFixed(identityAlignment, 3)} and ${formatFixed(centeredIdentityAlignment, 3)} for a kernel without structure, the identity: ${alignmentWord(alignment)} aligned ` +
    `(strongly from 0.6 of the way between the identity’s and 1, clearly from 0.3, weakly from 0.1). Half of the targets lies along ${formatCount(half)} of ${formatCount(data.samples)} eigenvectors, 90\u202F% along ${formatCount(most)}: what lies further out is learned late.`
  );
}
