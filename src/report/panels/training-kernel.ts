/** @file Panels: the kernel over training: its alignment with the targets, its spectrum, how far and how fast it turned. */

import type { TrainingRun } from '../../analysis/training/run.ts';
import { lastNumber, numbersOf } from '../../analysis/training/run-series.ts';
import type { Curve } from '../../experiments/experiment-report.ts';
import { formatFixed, formatNumber, formatPercent } from '../format.ts';
import type { Panel } from '../panel.ts';
import { curveOf, figureGrid, phasesOf, runFigure } from '../training-figure.ts';

export function alignmentPanel(run: TrainingRun): Panel | null {
  const { bands } = phasesOf(run);
  const body = figureGrid([
    runFigure({
      title: 'Kernel-target alignment',
      yLabel: 'KTA',
      curves: [
        curveOf(run, 'kta', 'KTA'),
        curveOf(run, 'ktaCentered', 'centered', { mark: 'dashed' }),
        curveOf(run, 'ktaFull', 'full kernel', { mark: 'dashed' }),
      ],
      bands,
    }),
    runFigure({
      title: 'Targets along the leading eigenvectors',
      yLabel: 'share of |Y|² along the first k',
      curves: [1, 2, 5, 10].map((count) => cumulatedCurve(run, count)),
    }),
  ]);
  if (body === null) return null;
  const kta = numbersOf(run, 'kta').values;
  const change =
    kta.length < 2
      ? ''
      : `KTA goes from ${formatFixed(kta[0], 3)} to ${formatFixed(kta[kta.length - 1], 3)}: ${kta[kta.length - 1] > kta[0] + 0.02 ? 'the kernel turned towards the targets.' : kta[kta.length - 1] < kta[0] - 0.02 ? 'the kernel turned away from the targets.' : 'it hardly moved (less than 0.02).'}`;
  const leading = cumulatedCurve(run, 5);
  const [before, after] = leading === null ? [null, null] : [leading.y[0], leading.y[leading.y.length - 1]];
  const eigenvectors =
    before === null || after === null
      ? ''
      : ` The first five eigenvectors hold ${formatPercent(before)} of the targets at the start and ${formatPercent(after)} at the end.`;
  return {
    id: 'alignment',
    title: 'Alignment with the targets',
    shows:
      'Left, the cosine of the kernel and the targets’ own kernel; right, the share of the targets that lies along the first eigenvectors. Higher is learned faster.',
    concludes: `${change}${eigenvectors}`.trim(),
    body,
  };
}

/** Share of the targets along the first `count` eigenvectors; null when fewer were tracked. */
function cumulatedCurve(run: TrainingRun, count: number): Curve | null {
  const series = run.series.find(({ key }) => key === 'alignments');
  if (series === undefined || series.values.length < 2) return null;
  const y = series.values.map((measured) =>
    Array.isArray(measured) && measured.length >= count ? measured.slice(0, count).reduce((sum, value) => sum + value, 0) : null,
  );
  if (y.every((value) => value === null)) return null;
  return { name: count === 1 ? 'first' : `first ${count}`, mark: 'line', x: series.steps, y };
}

/** Eigenvalues drawn one by one. */
const DRAWN = 8;

export function spectrumPanel(run: TrainingRun): Panel | null {
  const tracked = run.series.find(({ key }) => key === 'eigenvalues');
  const count = Array.isArray(tracked?.values[0]) ? Math.min(DRAWN, tracked.values[0].length) : 0;
  const body = figureGrid([
    runFigure({
      title: 'Eigenvalues of the kernel',
      yLabel: 'λₖ',
      yScale: 'log',
      curves: Array.from({ length: count }, (_, k) => curveOf(run, 'eigenvalues', `λ${'₁₂₃₄₅₆₇₈'[k]}`, { entry: k })),
    }),
    runFigure({
      title: 'Effective ranks',
      yLabel: 'rank',
      curves: [
        curveOf(run, 'effectiveRank', 'effective rank'),
        curveOf(run, 'participationRatio', 'participation ratio'),
        curveOf(run, 'stableRank', 'stable rank'),
        curveOf(run, 'intrinsicDimension', 'intrinsic dimension'),
      ],
    }),
  ]);
  if (body === null) return null;
  const [first, rank] = [numbersOf(run, 'eigenvalues').values, numbersOf(run, 'effectiveRank').values];
  return {
    id: 'spectrum',
    title: 'Spectra over time',
    shows:
      'The largest eigenvalues of the kernel traced over outputs (logarithmic), and how many directions it has by each notion of effective rank.',
    concludes:
      first.length < 2 || rank.length < 2
        ? 'A spectrum that concentrates learns few directions fast.'
        : `The first eigenvalue goes from ${formatNumber(first[0])} to ${formatNumber(first[first.length - 1])}, the effective rank from ${formatNumber(rank[0])} to ${formatNumber(rank[rank.length - 1])}: ${rank[rank.length - 1] < rank[0] ? 'the kernel concentrates on fewer directions.' : 'the kernel spreads over more directions.'}`,
    body,
  };
}

export function motionPanel(run: TrainingRun): Panel | null {
  const overlap = run.series.find(({ key }) => key === 'initialOverlap');
  const tops = Array.isArray(overlap?.values[0]) ? Math.min(5, overlap.values[0].length) : 0;
  const body = figureGrid([
    runFigure({
      title: 'Distance from the initial kernel',
      yLabel: 'distance, drift',
      curves: [curveOf(run, 'kernelDistance', '1 − cosine'), curveOf(run, 'kernelDrift', '‖Θ − Θ₀‖/‖Θ₀‖', { mark: 'dashed' })],
    }),
    runFigure({ title: 'Kernel velocity', yLabel: 'distance per step', yScale: 'log', curves: [curveOf(run, 'kernelVelocity', 'velocity')] }),
    runFigure({
      title: 'Eigenvectors in the span of the initial ones',
      yLabel: 'share',
      curves: Array.from({ length: tops }, (_, k) => curveOf(run, 'initialOverlap', `eigenvector ${k + 1}`, { entry: k })),
    }),
  ]);
  if (body === null) return null;
  const [distance, drift] = [lastNumber(run, 'kernelDistance'), lastNumber(run, 'kernelDrift')];
  const verdict =
    drift === null
      ? ''
      : drift < 0.1
        ? ' Under 0.1: the run is lazy, in the kernel’s own regime.'
        : drift > 0.5
          ? ' Over 0.5: the run is rich, features were learned.'
          : ' Between 0.1 and 0.5: neither lazy nor rich.';
  return {
    id: 'motion',
    title: 'How far the kernel turned',
    shows:
      'The kernel’s cosine distance and relative drift from its initial value, its velocity between measurements, and what is left of the first eigenvectors.',
    concludes:
      distance === null || drift === null
        ? 'A kernel that does not turn learns no features.'
        : `It ends at a distance of ${formatNumber(distance, 2)} and a drift of ${formatNumber(drift, 2)}.${verdict}`,
    body,
  };
}
