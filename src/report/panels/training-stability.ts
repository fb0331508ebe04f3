/** @file Panel: the sharpness against the stability threshold, with the phases of the edge of stability shaded. */

import type { TrainingRun } from '../../analysis/training/run.ts';
import { type Curvature, curvatureOf } from '../../analysis/training/run-series.ts';
import { formatCount, formatFixed, formatNumber, plural } from '../format.ts';
import { type Markup, markup, nothing } from '../markup.ts';
import { type Panel, table } from '../panel.ts';
import { curveOf, figureGrid, phasesOf, type RunPhases, runFigure } from '../training-figure.ts';

/** Segments listed in the table; a longer list repeats the same four phases. */
const MOST_SEGMENTS = 16;

export function stabilityPanel(run: TrainingRun): Panel | null {
  const curvature = curvatureOf(run);
  if (curvature === null) return null;
  const phases = phasesOf(run);
  const { threshold, kind, steps, values } = curvature;
  const own = { name: kind === 'sharpness' ? 'sharpness λmax(H)' : 'λmax(Θ)/n', mark: 'line' as const, x: steps, y: values };
  const body = figureGrid([
    runFigure({
      title: 'Sharpness against the threshold',
      yLabel: 'curvature',
      curves: [own, kind === 'sharpness' ? curveOf(run, 'gaussNewton', 'Gauss–Newton part', { mark: 'dashed' }) : null],
      levels: threshold === null ? [] : [{ name: `${thresholdName(run)} = ${formatNumber(threshold)}`, value: threshold }],
      bands: phases.bands,
    }),
  ]);
  return {
    id: 'stability',
    title: 'The edge of stability',
    shows: `${kind === 'sharpness' ? 'The largest eigenvalue of the loss Hessian' : 'The largest eigenvalue of Θ/n, the Gauss–Newton part of the Hessian'} over the steps, beside the curvature above which the optimizer is unstable${phases.bands.length > 0 ? '; shaded, the four phases of the smoothed curvature' : ''}.`,
    concludes: stabilitySentence(curvature, phases),
    body: markup`${body}${phaseTable(phases, steps)}`,
  };
}

function thresholdName({ config: { optimizer } }: TrainingRun): string {
  return optimizer.name === 'gd' ? '2/η' : 'threshold';
}

function stabilitySentence({ threshold, values, steps }: Curvature, { segments }: RunPhases): string {
  if (threshold === null) return 'No threshold is known for this optimizer or schedule.';
  const reached = values.findIndex((value) => value >= threshold);
  if (reached < 0)
    return `It stayed below the threshold: at most ${formatNumber(Math.max(...values))} of ${formatNumber(threshold)}. The run is stable throughout, and shows no effect of the edge.`;
  const final = values[values.length - 1] / threshold;
  const crossing = `It reached the threshold at step ${formatCount(steps[reached])} and ends at ${formatFixed(final, 2)} times it.`;
  if (segments.length === 0) return `${crossing} Track it at every step to see the phases: it alternates from step to step.`;
  const gains = segments.filter(({ change }) => Number.isFinite(change));
  if (gains.length === 0) return `${crossing} ${plural(segments.length, 'phase')} followed one another.`;
  const sum = (names: readonly string[]) => gains.filter(({ phase }) => names.includes(phase)).reduce((total, { change }) => total + change, 0);
  return `${crossing} KTA changed by ${formatFixed(sum(['I', 'II']), 4)} while the sharpness rose (phases I and II) and by ${formatFixed(sum(['III', 'IV']), 4)} while it fell (III and IV).`;
}

function phaseTable({ segments }: RunPhases, steps: readonly number[]): Markup {
  if (segments.length === 0) return nothing;
  const shown = segments.slice(0, MOST_SEGMENTS);
  const rows = shown.map(({ phase, start, end, change }) => [
    phase,
    `${formatCount(steps[start + 1])} – ${formatCount(steps[end + 1])}`,
    formatFixed(change, 4),
  ]);
  const rest = segments.length > shown.length ? markup`<p class="aside">and ${plural(segments.length - shown.length, 'more segment')}.</p>` : nothing;
  return markup`<div><p class="aside">I: below the threshold and rising; II: above it and rising; III: above it and falling; IV: below it and falling.</p>${table('Phases', [{ head: 'Phase' }, { head: 'Steps' }, { head: 'ΔKTA', align: 'right' }], rows)}${rest}</div>`;
}
