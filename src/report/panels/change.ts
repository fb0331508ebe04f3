/** @file Panel: what moved between the initial checkpoint and this one. */

import type { ChangeSection, Report } from '../../analysis/report.ts';
import { cumulated, eigenvectorsHolding, type Regime, regimeOf } from '../findings.ts';
import { formatCount, formatFixed, formatNumber, formatPercent } from '../format.ts';
import { centeredMatrix, drawnMatrix, heatMap } from '../heat-map.ts';
import { type Markup, markup, nothing } from '../markup.ts';
import { bar, legend, type Panel, table } from '../panel.ts';
import { drawnPositions, line, MARGINS, type Point, plot } from '../plot.ts';
import { extent, linearScale, logScale } from '../scale.ts';
import { rowLabels } from './kernel.ts';
import { DRAWN_SHARE } from './spectrum.ts';

const WIDTH = 376;
const HEIGHT = 290;

export function changePanel(report: Report, change: ChangeSection): Panel {
  return {
    id: 'change',
    title: 'What training moved',
    shows:
      'The initial checkpoint beside this one on the same samples: the numbers, both spectra (each divided by its trace), how the targets lay before and after, the centered kernels, and how far each parameter went.',
    concludes: changeSentence(change),
    body: markup`${comparisonTable(report, change)}
<div class="pair"><div>${spectraPlot(report, change)}${KEYS}</div>${alignmentPlot(report, change)}</div>
<div class="pair">${kernelMaps(report, change)}</div>${parameterTable(change)}`,
  };
}

const KEYS = legend([
  { name: 'initial', className: 'before' },
  { name: 'trained', className: 'now' },
]);

function comparisonTable({ kernel, alignment, data }: Report, change: ChangeSection): Markup {
  const row = (name: string, before: number | null, after: number | null, format: (value: number | null) => string) => [
    name,
    format(before),
    format(after),
  ];
  const fixed = (value: number | null) => formatFixed(value, 3);
  const percent = (value: number | null) => (value === null ? '–' : formatPercent(value));
  const whole = (value: number | null) => formatNumber(value);
  const rows = [
    ...(change.accuracy === null ? [] : [row('classified right', change.accuracy, data.targets?.accuracy ?? null, percent)]),
    ...(alignment === null || change.alignment === null
      ? []
      : [
          row('KTA', change.alignment.kernelTargetAlignment, alignment.kernelTargetAlignment, fixed),
          row('KTA, centered', change.alignment.centeredKernelAlignment, alignment.centeredKernelAlignment, fixed),
          row('eigenvectors that hold half of the targets', eigenvectorsHolding(0.5, change.alignment), eigenvectorsHolding(0.5, alignment), whole),
        ]),
    row('effective rank', change.kernel.ranks.effectiveRank, kernel.ranks.effectiveRank, whole),
    row('trace', change.kernel.trace, kernel.trace, whole),
    row('largest eigenvalue', change.kernel.eigenvalues[0], kernel.eigenvalues[0], whole),
  ];
  const distances = [
    ['kernel distance, 1 − cos(Θ₀, Θ)', '', formatFixed(change.kernelDistance, 3)],
    ['CKA of Θ₀ and Θ (centered)', '', formatFixed(change.cka, 3)],
    ['relative drift, ‖Θ − Θ₀‖/‖Θ₀‖', '', formatNumber(change.relativeDrift)],
  ];
  return table(
    'Before and after training',
    [{ head: '' }, { head: 'Initial', align: 'right' }, { head: 'Trained', align: 'right' }],
    [...rows, ...distances],
  );
}

function spectraPlot({ kernel }: Report, change: ChangeSection): Markup {
  const curves = [
    { values: change.kernel.eigenvalues.map((value) => value / change.kernel.trace), className: 'before' },
    { values: kernel.eigenvalues.map((value) => value / kernel.trace), className: 'now' },
  ];
  const n = kernel.eigenvalues.length;
  const drawable = (value: number) => value > DRAWN_SHARE;
  const x = logScale([1, Math.max(2, n)], [MARGINS.left, WIDTH - MARGINS.right]);
  const y = logScale(
    extent(
      curves.flatMap(({ values }) => values),
      drawable,
    ),
    [HEIGHT - MARGINS.bottom, MARGINS.top],
  );
  const positions = drawnPositions(n, (k) => x(k + 1));
  const lines = curves.map(({ values, className }) =>
    line(
      positions.filter((k) => drawable(values[k])).map((k): Point => [x(k + 1), y(values[k])]),
      className,
    ),
  );
  const readouts = positions
    .filter((k) => drawable(curves[1].values[k]))
    .map((k) => ({
      x: x(k + 1),
      y: y(curves[1].values[k]),
      text: `k = ${k + 1}: ${formatPercent(curves[0].values[k])} → ${formatPercent(curves[1].values[k])} of the trace`,
    }));
  return plot(
    {
      width: WIDTH,
      height: HEIGHT,
      x,
      y,
      xLabel: 'index k',
      yLabel: 'λₖ / trace',
      title: 'Spectra of the initial and the trained kernel, each divided by its trace.',
      readouts,
    },
    lines,
  );
}

function alignmentPlot({ alignment, kernel }: Report, change: ChangeSection): Markup {
  if (alignment === null || change.alignment === null) return nothing;
  const n = kernel.eigenvalues.length;
  const x = logScale([1, Math.max(2, n)], [MARGINS.left, WIDTH - MARGINS.right]);
  const y = linearScale([0, 1], [HEIGHT - MARGINS.bottom, MARGINS.top], 4);
  const [before, after] = [cumulated(change.alignment.eigenvectorAlignment), cumulated(alignment.eigenvectorAlignment)];
  const positions = drawnPositions(n, (k) => x(k + 1));
  const curve = (values: readonly number[], className: string) =>
    line(
      positions.map((k): Point => [x(k + 1), y(values[k])]),
      className,
    );
  const readouts = positions.map((k) => ({
    x: x(k + 1),
    y: y(after[k]),
    text: `first ${formatCount(k + 1)}: ${formatPercent(before[k])} → ${formatPercent(after[k])} of the targets`,
  }));
  const title = 'Alignment shift: the share of the targets along the first k eigenvectors, before and after training.';
  return markup`<div>${plot({ width: WIDTH, height: HEIGHT, x, y, xLabel: 'eigenvectors k', yLabel: 'share of the targets', title, readouts }, [curve(before, 'before'), curve(after, 'now')])}${KEYS}</div>`;
}

function kernelMaps(report: Report, change: ChangeSection): Markup {
  const classes = report.data.targets?.classes ?? [];
  const groups = classes.map(({ name }, index) => ({ name, rows: report.kernel.rowsPerClass[index] }));
  const map = (matrix: typeof change.kernel.matrix, caption: string) =>
    heatMap(centeredMatrix(drawnMatrix(matrix)), {
      title: `Heat map of the ${caption}.`,
      caption,
      colors: 'diverging',
      groups,
      rowNames: rowLabels(report),
    });
  return markup`${map(change.kernel.matrix, 'HΘ₀H, before training')}${map(report.kernel.matrix, 'HΘH, after')}`;
}

function parameterTable({ parameters }: ChangeSection): Markup {
  const largest = Math.max(...parameters.map(({ relativeChange }) => relativeChange ?? 0));
  const rows = parameters.map(({ name, relativeChange }) => [
    name,
    bar(relativeChange === null || largest === 0 ? 0 : relativeChange / largest),
    relativeChange === null ? 'from zero' : formatNumber(relativeChange),
  ]);
  return table('Relative change of each parameter', [{ head: 'Parameter' }, { head: '' }, { head: '‖W − W₀‖/‖W₀‖', align: 'right' }], rows);
}

const VERDICTS: Readonly<Record<Regime, string>> = {
  lazy: 'CKA of 0.95 or more and a drift of 0.1 or less are the kernel (lazy) regime: training used the features it began with',
  rescaled: 'A CKA of 0.95 or more means that the shape was kept and only the scale moved: features grew, but are nearly the ones it began with',
  turned: 'A CKA between 0.8 and 0.95 means that features were learned in part: a kernel frozen at the start would have missed some of it',
  rich: 'A CKA below 0.8 means that features were learned: no kernel frozen at the start would describe this training',
};

function changeSentence(change: ChangeSection): string {
  const similarity =
    change.cka === null
      ? `The kernel distance is ${formatFixed(change.kernelDistance, 3)}`
      : `The centered kernels have CKA ${formatFixed(change.cka, 3)}`;
  const uncentered =
    change.kernelDistance < 0.05 && (change.cka ?? 1) < 0.8
      ? ' The uncentered distance hides it: one direction that all samples share dominates both kernels.'
      : '';
  return `${similarity} and the relative drift is ${formatNumber(change.relativeDrift)}. ${VERDICTS[regimeOf(change)]}.${uncentered}`;
}
