/** @file Panel: the neural feature ansatz of each weight over training. */

import type { TrainingRun } from '../../analysis/training/run.ts';
import { lastNumber, weightsWith } from '../../analysis/training/run-series.ts';
import { formatFixed, formatNumber } from '../format.ts';
import { markup, nothing } from '../markup.ts';
import { type Panel, table } from '../panel.ts';
import { curvesOfWeights, figureGrid, runFigure } from '../training-figure.ts';

export function featurePanel(run: TrainingRun): Panel | null {
  const figures = figureGrid([
    runFigure({ title: 'Neural feature ansatz', yLabel: 'UC-NFA', curves: curvesOfWeights(run, 'nfa') }),
    runFigure({ title: 'Its centered form', yLabel: 'C-NFA', curves: curvesOfWeights(run, 'cNfa') }),
    runFigure({ title: 'What the change accounts for', yLabel: 'dominance', curves: curvesOfWeights(run, 'dominance') }),
    runFigure({ title: 'Change of each weight', yLabel: '‖W − W₀‖/‖W₀‖', curves: curvesOfWeights(run, 'weightChange') }),
    runFigure({ title: 'Feature quality', yLabel: 'ρ(NFM, EGOP)', curves: curvesOfWeights(run, 'nfmQuality') }),
    runFigure({ title: 'Motion of the tangents', yLabel: 'ρ(K, K before)', curves: curvesOfWeights(run, 'ptkFromPrevious') }),
  ]);
  if (figures === null) return null;
  const weights = weightsWith(run, 'nfa');
  const value = (quantity: string, weight: string) => formatFixed(lastNumber(run, quantity, weight), 3);
  const random = weightsWith(run, 'nfaRandom').length > 0;
  const rows = weights.map((weight) => [
    weight,
    value('nfa', weight),
    ...(random ? [controlOf(run, weight)] : []),
    value('cNfa', weight),
    value('dominance', weight),
    value('weightChange', weight),
  ]);
  const numbers =
    rows.length === 0
      ? nothing
      : table(
          'Features at the end',
          [
            { head: 'Weight' },
            { head: 'UC-NFA', align: 'right' },
            ...(random ? [{ head: 'with random K', align: 'right' } as const] : []),
            { head: 'C-NFA', align: 'right' },
            { head: 'Dominance', align: 'right' },
            { head: '‖W − W₀‖/‖W₀‖', align: 'right' },
          ],
          rows,
        );
  return {
    id: 'features',
    title: 'Features, weight by weight',
    shows:
      'How well WᵀW and the average gradient outer product of each weight’s input agree (UC-NFA), the same for their change (C-NFA), and how much of it the change accounts for.',
    concludes: featureSentence(run, weights),
    body: markup`${figures}${numbers}`,
  };
}

/** What random tangents of the same spectrum give at the end. */
function controlOf(run: TrainingRun, weight: string): string {
  const [mean, deviation] = [lastNumber(run, 'nfaRandom', weight), lastNumber(run, 'nfaRandomDeviation', weight)];
  return `${formatFixed(mean, 3)} ± ${formatFixed(deviation, 3)}`;
}

function featureSentence(run: TrainingRun, weights: readonly string[]): string {
  const ends = weights.flatMap((weight) => {
    const [correlation, moved] = [lastNumber(run, 'nfa', weight), lastNumber(run, 'weightChange', weight)];
    return correlation === null ? [] : [{ weight, correlation, moved }];
  });
  if (ends.length === 0) return 'A cosine of 1 means that a weight has become what its gradients ask of it.';
  const best = ends.reduce((a, b) => (b.correlation > a.correlation ? b : a));
  const least = ends.reduce((a, b) => ((b.moved ?? 0) < (a.moved ?? 0) ? b : a));
  const still =
    least.moved !== null && least.moved < 0.1
      ? ` ${least.weight} has moved by ${formatNumber(least.moved, 2)} of its norm, under 0.1: what it says is mostly its initialization.`
      : '';
  return `The ansatz holds best in ${best.weight}, with ${formatFixed(best.correlation, 2)}.${still}`;
}
