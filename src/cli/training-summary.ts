/** @file What `tangedge train` prints: first, middle and last value of every quantity that was measured. */

import type { Series, TrainingRun } from '../analysis/training/run.ts';
import { formatNumber } from '../report/format.ts';
import { textTable } from './text-table.ts';

export function runSummary({ title, config, outcome, data, model, series }: TrainingRun): string[] {
  const numbers = series.filter(({ values, key }) => key !== 'learningRate' && values.some((value) => typeof value === 'number'));
  return [
    `${title}: ${config.optimizer.name}, learning rate ${config.learningRate}, ${outcome.step} steps on ${data.samples} samples, ${model.parameterCount} parameters`,
    '',
    ...textTable([
      ['', `step ${firstStep(series)}`, `step ${outcome.step}`],
      ...numbers.map((one) => [one.key, shown(one, 0), shown(one, one.values.length - 1)]),
    ]),
  ];
}

function firstStep(series: readonly Series[]): number {
  return series.reduce((least, { steps }) => Math.min(least, steps[0] ?? least), Number.MAX_SAFE_INTEGER);
}

function shown({ values }: Series, index: number): string {
  const value = values[index];
  return typeof value === 'number' ? formatNumber(value, 4) : '–';
}
