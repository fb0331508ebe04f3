/** @file Series of a training run as figures: the curves of one quantity, of all weights or of some entries, with the phases behind. */

import type { TrainingRun } from '../analysis/training/run.ts';
import { curvatureOf, numbersOf, weightsWith } from '../analysis/training/run-series.ts';
import { type PhaseSegment, stabilityPhases } from '../dynamics/stability-phases.ts';
import type { Band, Curve, Figure } from '../experiments/experiment-report.ts';
import { figurePlot } from './figure.ts';
import { type Markup, markup } from './markup.ts';

/** A curve of a scalar quantity, or null when it was not tracked. */
export function curveOf(run: TrainingRun, quantity: string, name: string, { of = null, entry = 0, mark = 'line' }: CurveOptions = {}): Curve | null {
  const { steps, values } = numbersOf(run, quantity, of, entry);
  return values.length < 2 ? null : { name, mark, x: steps, y: values };
}

interface CurveOptions {
  readonly of?: string | null;
  readonly entry?: number;
  readonly mark?: Curve['mark'];
}

/** One curve per weight that has the quantity. */
export function curvesOfWeights(run: TrainingRun, quantity: string): Curve[] {
  return weightsWith(run, quantity).flatMap((weight) => curveOf(run, quantity, weight, { of: weight }) ?? []);
}

export interface RunFigure extends Pick<Figure, 'title' | 'yLabel'> {
  readonly yScale?: Figure['yScale'];
  readonly curves: readonly (Curve | null)[];
  readonly levels?: Figure['levels'];
  readonly bands?: readonly Band[];
}

/** Over the steps; null when nothing of it was tracked. */
export function runFigure({ title, yLabel, yScale = 'linear', curves, levels = [], bands = [] }: RunFigure): Figure | null {
  const tracked = curves.filter((curve): curve is Curve => curve !== null);
  if (tracked.length === 0) return null;
  return { title, xLabel: 'step', yLabel, xScale: 'linear', yScale, curves: tracked, levels, bands };
}

/** Figures side by side, one alone at full width; null when there are none. */
export function figureGrid(figures: readonly (Figure | null)[]): Markup | null {
  const present = figures.filter((figure): figure is Figure => figure !== null);
  if (present.length === 0) return null;
  if (present.length === 1) return figurePlot(present[0], { width: 760, height: 320 });
  return markup`<div class="pair">${present.map((figure) => figurePlot(figure, { width: 376, height: 280 }))}</div>`;
}

export interface RunPhases {
  readonly segments: readonly PhaseSegment[];
  readonly bands: readonly Band[];
}

/** The phases of the edge of stability, when the curvature was measured at every step and a threshold is known; else none. */
export function phasesOf(run: TrainingRun): RunPhases {
  const curvature = curvatureOf(run);
  if (curvature === null || curvature.threshold === null || curvature.values.length < 4) return NO_PHASES;
  const { steps, values, threshold } = curvature;
  // Sharpness alternates with period 2: smoothing over three needs every step.
  if (steps.some((step, k) => k > 0 && step - steps[k - 1] !== 1)) return NO_PHASES;
  const follow = numbersOf(run, 'kta');
  const aligned = follow.steps.length === steps.length ? { follow: follow.values } : {};
  const segments = stabilityPhases(values, { threshold, ...aligned });
  // Entry i of the smoothed series is centered on step i + 1.
  const bands = segments.map(({ phase, start }, k) => ({
    name: phase,
    from: k === 0 ? steps[0] : steps[start + 1],
    to: k + 1 < segments.length ? steps[segments[k + 1].start + 1] : steps[steps.length - 1],
  }));
  return { segments, bands };
}

const NO_PHASES: RunPhases = { segments: [], bands: [] };
