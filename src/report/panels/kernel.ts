/** @file Panel: the kernel itself as a picture, raw and centered, class by class. */

import type { Report } from '../../analysis/report.ts';
import { classCosines } from '../findings.ts';
import { formatCount, formatFixed } from '../format.ts';
import { centeredMatrix, drawnMatrix, heatMap } from '../heat-map.ts';
import { markup } from '../markup.ts';
import type { Panel } from '../panel.ts';

export function kernelPanel(report: Report): Panel {
  const { kernel, data } = report;
  const matrix = drawnMatrix(kernel.matrix);
  const classes = data.targets?.classes ?? [];
  const groups = classes.map(({ name }, index) => ({ name, rows: kernel.rowsPerClass[index] }));
  const rowNames = rowLabels(report);
  const order = classes.length > 0 ? ', ordered by class' : '';
  const thinned =
    kernel.rows.length < data.samples
      ? ` ${formatCount(kernel.rows.length)} of ${formatCount(data.samples)} samples are drawn, evenly spaced in that order.`
      : '';
  return {
    id: 'kernel',
    title: 'The kernel',
    shows: `Θ(x, x′) for every pair of samples${order}: how much a gradient step on one sample moves the outputs on another. Left as it is, right after centering, without what all samples share.${thinned}`,
    concludes: kernelSentence(report),
    body: markup`<div class="pair">${heatMap(matrix, {
      title: `Heat map of the kernel of ${kernel.rows.length} samples${order}.`,
      caption: 'Θ',
      colors: matrix.values.some((value) => value < 0) ? 'diverging' : 'sequential',
      groups,
      rowNames,
    })}${heatMap(centeredMatrix(matrix), {
      title: `Heat map of the centered kernel of ${kernel.rows.length} samples${order}.`,
      caption: 'HΘH, centered',
      colors: 'diverging',
      groups,
      rowNames,
    })}</div>`,
  };
}

/** `sample 17 (class 3)` for every row of the picture. */
export function rowLabels({ kernel, data }: Report): string[] {
  const classes = data.targets?.classes ?? [];
  const names = kernel.rowsPerClass.flatMap((count, index) => new Array<string>(count).fill(` (class ${classes[index]?.name ?? index})`));
  return kernel.rows.map((row, position) => `sample ${row}${names[position] ?? ''}`);
}

function kernelSentence(report: Report): string {
  const cosines = classCosines(report);
  if (cosines === null)
    return 'Bright blocks off the diagonal are groups of samples that learn together; a picture with a bright diagonal alone means that every sample is learned by itself.';
  const { within, between } = cosines;
  const numbers = `The mean kernel cosine is ${formatFixed(within, 3)} within a class and ${formatFixed(between, 3)} between classes.`;
  const difference = within - between;
  if (difference >= 0.2)
    return `${numbers} A difference of ${formatFixed(difference, 2)} (0.2 or more) means that samples mostly teach their own class.`;
  if (difference >= 0.05)
    return `${numbers} A difference of ${formatFixed(difference, 2)} (between 0.05 and 0.2) means that a step on one class is felt by the others too, though less.`;
  return `${numbers} A difference of ${formatFixed(difference, 2)} (under 0.05) means that the kernel hardly tells the classes apart.`;
}
