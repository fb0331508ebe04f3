/** @file Panel: how fast gradient descent learns each mode, and how large its step may be. */

import type { Report } from '../../analysis/report.ts';
import { stepsToLeave } from '../findings.ts';
import { formatCount, formatNumber, formatPercent } from '../format.ts';
import { type Markup, markup, nothing } from '../markup.ts';
import { type Panel, table } from '../panel.ts';
import { dots, drawnPositions, line, MARGINS, type Point, plot } from '../plot.ts';
import { extent, linearScale, logScale } from '../scale.ts';

const WIDTH = 376;
const HEIGHT = 290;
/** Half-lives beyond this are never, for any practical purpose, and are not drawn. */
const LONGEST = 1e12;

export function dynamicsPanel(report: Report): Panel {
  const { dynamics } = report;
  return {
    id: 'dynamics',
    title: 'How fast it learns',
    shows: `Under gradient descent with this kernel held constant, at half the largest stable rate (η = ${formatNumber(dynamics.learningRate)}): left, the steps that halve the residual of each mode of the mean kernel Θ/c${dynamics.residual ? '; right, the share of |Y|² still to be learned after t steps' : ''}.`,
    concludes: dynamicsSentence(report),
    body: markup`<div class="pair">${halfLifePlot(report)}${residualPlot(report) ?? nothing}</div>${rateTable(report)}`,
  };
}

function halfLifePlot({ dynamics: { halfLives }, alignment }: Report): Markup {
  const drawable = (steps: number | null): steps is number => steps !== null && steps <= LONGEST;
  const x = logScale([1, Math.max(2, halfLives.length)], [MARGINS.left, WIDTH - MARGINS.right]);
  const y = logScale(extent(halfLives.filter(drawable)), [HEIGHT - MARGINS.bottom, MARGINS.top]);
  const shown = drawnPositions(halfLives.length, (k) => x(k + 1)).filter((k) => drawable(halfLives[k]));
  const points = shown.map((k): Point => [x(k + 1), y(halfLives[k] as number)]);
  const share = (k: number) => (alignment ? `, ${formatPercent(alignment.eigenvectorAlignment[k])} of the targets` : '');
  const readouts = shown.map((k, index) => ({
    x: points[index][0],
    y: points[index][1],
    text: `mode ${k + 1}: ${formatNumber(halfLives[k])} steps${share(k)}`,
  }));
  const title = `Steps to halve the residual of each mode, from ${formatNumber(halfLives[0])} for the first.`;
  return plot({ width: WIDTH, height: HEIGHT, x, y, xLabel: 'mode k', yLabel: 'steps to halve', title, readouts }, [
    line(points, 'now'),
    dots(points.slice(0, 24), 'now', 2.2),
  ]);
}

function residualPlot({ dynamics: { residual } }: Report): Markup | null {
  if (residual === null) return null;
  const { steps, share } = residual;
  const x = logScale([1, steps[steps.length - 1]], [MARGINS.left, WIDTH - MARGINS.right]);
  const y = linearScale([0, 1], [HEIGHT - MARGINS.bottom, MARGINS.top], 4);
  const points = steps.map((t, index): Point => [x(t), y(Math.min(1, Math.max(0, share[index])))]);
  const readouts = steps.map((t, index) => ({
    x: points[index][0],
    y: points[index][1],
    text: `after ${formatNumber(t)} step${t === 1 ? '' : 's'}: ${formatPercent(Math.max(0, share[index]))} left`,
  }));
  const title = `Share of the targets left: ${formatPercent(share[0])} after one step, ${formatPercent(Math.max(0, share[share.length - 1]))} after ${formatNumber(steps[steps.length - 1])}.`;
  return plot({ width: WIDTH, height: HEIGHT, x, y, xLabel: 'steps t', yLabel: 'share of the targets left', title, readouts }, [
    line(points, 'target'),
    dots(points, 'target', 2.2),
  ]);
}

/** One λmax, three habits of writing the squared loss. */
function rateTable({ dynamics: { maxStableLearningRate, lambdaMax }, data: { samples, outputs } }: Report): Markup {
  if (maxStableLearningRate === null) return nothing;
  const scaled = (factor: number) => formatNumber(maxStableLearningRate * factor, 3);
  const rows = [
    ['1/(2n)·Σ|f − y|²', 'mean over samples, sum over outputs: the times above', '2n/λmax', scaled(1)],
    ['1/(2nc)·Σ|f − y|²', 'mean over both, halved: neural-tangents', '2nc/λmax', scaled(outputs)],
    ['1/(nc)·Σ|f − y|²', 'mean over both: PyTorch’s MSELoss', 'nc/λmax', scaled(outputs / 2)],
  ];
  return markup`${table('Largest stable learning rate by loss', [{ head: 'Loss' }, { head: '' }, { head: 'Bound' }, { head: 'Largest stable rate', align: 'right' }], rows)}<p class="aside">λmax = ${formatNumber(lambdaMax, 4)}, of the full kernel with n·c = ${formatCount(samples * outputs)} rows.</p>`;
}

function dynamicsSentence(report: Report): string {
  const { dynamics, kernel } = report;
  if (dynamics.maxStableLearningRate === null) return 'The kernel is zero: gradient descent does not move.';
  const limit = `Gradient descent on L = 1/(2n)·Σ|f − y|² diverges above η = ${formatNumber(dynamics.maxStableLearningRate)}.`;
  const finite = dynamics.halfLives.filter((steps): steps is number => steps !== null && steps <= LONGEST);
  const spread = `At half of that the first mode halves in ${formatNumber(finite[0], 2)} steps and mode ${formatCount(kernel.ranks.rankAt95)}, the last one within 95\u202F% of the trace, in ${formatNumber(dynamics.halfLives[kernel.ranks.rankAt95 - 1], 2)}.`;
  const late = stepsToLeave(0.1, report);
  if (dynamics.residual === null) return `${limit} ${spread}`;
  const residual = dynamics.residual;
  const end =
    late === null
      ? `More than 10\u202F% of the targets is left after ${formatNumber(residual.steps[residual.steps.length - 1], 2)} steps.`
      : `About ${formatNumber(late, 2)} steps leave 10\u202F% of the targets.`;
  return `${limit} ${spread} ${end}`;
}
