/** @file Panels: loss and accuracy over training, and how far parameters, activations and outputs moved. */

import type { TrainingRun } from '../../analysis/training/run.ts';
import { lastNumber, numbersOf } from '../../analysis/training/run-series.ts';
import { formatNumber, formatPercent } from '../format.ts';
import type { Panel } from '../panel.ts';
import { curveOf, curvesOfWeights, figureGrid, phasesOf, runFigure } from '../training-figure.ts';

export function progressPanel(run: TrainingRun): Panel | null {
  const { bands } = phasesOf(run);
  const body = figureGrid([
    runFigure({
      title: 'Loss',
      yLabel: run.config.loss,
      yScale: 'log',
      curves: [
        curveOf(run, 'loss', 'training'),
        curveOf(run, 'testLoss', 'test', { mark: 'dashed' }),
        curveOf(run, 'predictedLoss', 'mean loss of gradient descent, predicted', { mark: 'dashed' }),
      ],
      bands,
    }),
    runFigure({ title: 'Oscillation', yLabel: '√tr Σ', curves: [curveOf(run, 'oscillation', 'about the central flow')] }),
    runFigure({
      title: 'Accuracy',
      yLabel: 'share classified right',
      curves: [curveOf(run, 'accuracy', 'training'), curveOf(run, 'testAccuracy', 'test', { mark: 'dashed' })],
    }),
    runFigure({ title: 'Gradient', yLabel: '‖∇L‖', yScale: 'log', curves: [curveOf(run, 'gradientNorm', 'gradient norm')] }),
  ]);
  if (body === null) return null;
  return {
    id: 'progress',
    title: 'How it went',
    shows: 'Loss (logarithmic), accuracy and gradient norm over the steps, as far as they were tracked.',
    concludes: progressSentence(run),
    body,
  };
}

function progressSentence(run: TrainingRun): string {
  const { values } = numbersOf(run, 'loss');
  const rises = values.filter((value, k) => k > 0 && value > values[k - 1]).length;
  const monotone =
    values.length < 2
      ? ''
      : rises === 0
        ? 'The loss never rose.'
        : `The loss rose in ${formatPercent(rises / (values.length - 1))} of the measured steps: it is not monotone at the edge of stability.`;
  const accuracy = lastNumber(run, 'testAccuracy') ?? lastNumber(run, 'accuracy');
  return (
    `${monotone}${accuracy === null ? '' : ` ${formatPercent(accuracy)} are classified right at the end.`}`.trim() ||
    `The last loss is ${formatNumber(run.outcome.loss)}.`
  );
}

export function activationPanel(run: TrainingRun): Panel | null {
  const body = figureGrid([
    runFigure({ title: 'Size of the pre-activations', yLabel: 'mean |h|', curves: curvesOfWeights(run, 'activation') }),
    runFigure({
      title: 'Their change',
      yLabel: '‖h − h₀‖/‖h₀‖',
      curves: [...curvesOfWeights(run, 'activationChange'), curveOf(run, 'outputChange', 'output', { mark: 'dashed' })],
    }),
    runFigure({ title: 'Distance from the start', yLabel: '‖θ − θ₀‖', curves: [curveOf(run, 'distance', 'distance')] }),
  ]);
  if (body === null) return null;
  const moved = lastNumber(run, 'relativeDistance');
  const output = lastNumber(run, 'outputChange');
  const sentences = [
    moved === null ? '' : `The parameters end ${formatPercent(moved)} of their initial norm away from where they began.`,
    output === null ? '' : `The outputs changed by ${formatNumber(output, 2)} times their initial size.`,
  ].filter((text) => text !== '');
  return {
    id: 'activations',
    title: 'How far it moved',
    shows: 'The coordinate check: pre-activations of each weight, their change, and the distance of the parameters from the start.',
    concludes: sentences.join(' ') || 'Compare runs of several widths: in the maximal-update parameterization these curves do not depend on width.',
    body,
  };
}
