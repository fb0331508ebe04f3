/** @file Targets of an analysis: whether they are classes, in which order the samples stand, and how well outputs fit them. */

import { checkFinite } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';
import type { TargetsSummary } from './report.ts';

export interface Targets {
  /** [n, c] */
  readonly values: Tensor;
  /** Names of the classes; empty unless every row has a single 1 and zeros. */
  readonly classes: readonly string[];
  /** Class of each sample; empty without classes. */
  readonly labels: readonly number[];
}

/** @throws {TangedgeError} ERR_SHAPE unless targets are [n, c], or [n] for one output · ERR_DOMAIN for NaN or Inf · ERR_ARGUMENT for class names of another number. */
export function checkTargets(targets: Tensor, n: number, c: number, classNames?: readonly string[]): Targets {
  const [rows, columns = 1] = targets.shape;
  if (targets.shape.length < 1 || targets.shape.length > 2 || rows !== n || columns !== c) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `analyze: targets ${formatShape(targets.shape)} do not fit ${n} samples and ${c} outputs: they must be ${formatShape([n, c])}.`,
      { targets: [...targets.shape], n, c },
    );
  }
  checkFinite('analyze', 'targets', targets);
  if (classNames !== undefined && classNames.length !== c) {
    throw new TangedgeError('ERR_ARGUMENT', `analyze: there are ${classNames.length} class names for ${c} outputs. Give one per output.`, { c });
  }
  const labels = classLabels(targets, n, c);
  const classes = labels.length === 0 ? [] : (classNames ?? Array.from({ length: c }, (_, k) => String(k)));
  return { values: { shape: [n, c], data: targets.data }, classes, labels };
}

/** The samples class by class, each class in its own order; as they are without classes. */
export function sampleOrder(n: number, targets: Targets | undefined): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  const labels = targets?.labels ?? [];
  return labels.length === 0 ? order : order.sort((a, b) => labels[a] - labels[b] || a - b);
}

/** L = 1/(2n)·Σ|f − y|², and the share of samples whose largest output is their class. */
export function fitOf(outputs: Tensor, { values, labels }: Targets): { readonly loss: number; readonly accuracy: number | null } {
  const [n, c] = outputs.shape;
  let squares = 0;
  let right = 0;
  for (let i = 0; i < n; i++) {
    let best = 0;
    for (let k = 0; k < c; k++) {
      const error = outputs.data[i * c + k] - values.data[i * c + k];
      squares += error * error;
      if (outputs.data[i * c + k] > outputs.data[i * c + best]) best = k;
    }
    if (best === labels[i]) right++;
  }
  return { loss: squares / (2 * n), accuracy: labels.length === 0 ? null : right / n };
}

export function targetsSummary(outputs: Tensor, targets: Targets): TargetsSummary {
  const { classes, labels } = targets;
  return {
    kind: classes.length > 0 ? 'one-hot' : 'values',
    classes: classes.map((name, label) => ({ name, samples: labels.filter((other) => other === label).length })),
    ...fitOf(outputs, targets),
  };
}

/** The column of the single 1 of each row; empty when a row is anything else, or when there is one column only. */
function classLabels({ data }: Tensor, n: number, c: number): number[] {
  const labels: number[] = [];
  for (let i = 0; i < n && c > 1; i++) {
    const row = data.subarray(i * c, (i + 1) * c);
    const label = row.indexOf(1);
    if (label < 0 || !row.every((value, k) => value === (k === label ? 1 : 0))) return [];
    labels.push(label);
  }
  return labels;
}
