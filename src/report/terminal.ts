/** @file A report in a terminal: at most 25 lines of plain text. */

import type { Report } from '../analysis/report.ts';
import { conclusion } from './conclusion.ts';
import { eigenvectorsHolding } from './findings.ts';
import { formatCount, formatFixed, formatNumber, formatPercent, plural } from './format.ts';
import { log10 } from './scale.ts';

const WIDTH = 84;
const BLOCKS = '▁▂▃▄▅▆▇█';
const SPARKS = 48;
/** Most weights and parameters that are listed. */
const LISTED = 4;

/** The lines that `analyze` and `demo` print. The same report gives the same lines. */
export function terminalSummary(report: Report): string[] {
  const { title, data, model, kernel, dynamics } = report;
  return [
    printable(`${title}: ${plural(data.samples, 'sample')}, ${plural(data.outputs, 'output')}, ${plural(model.parameters, 'parameter')}`),
    '',
    ...wrapped(conclusion(report)),
    '',
    ...aligned([
      ...alignmentRows(report),
      [
        'effective rank',
        formatNumber(kernel.ranks.effectiveRank),
        `participation ratio ${formatNumber(kernel.ranks.participationRatio)}, stable rank ${formatNumber(kernel.ranks.stableRank)}`,
      ],
      ['largest stable rate', formatNumber(dynamics.maxStableLearningRate), 'for L = 1/(2n)·Σ|f − y|²'],
      ...changeRows(report),
      ...featureRows(report),
    ]),
    '',
    `spectrum  ${sparkline(kernel.eigenvalues)}`,
    `          log λ against log k: λ₁ = ${formatNumber(kernel.eigenvalues[0])} to λ${formatCount(kernel.eigenvalues.length)} = ${formatNumber(kernel.eigenvalues[kernel.eigenvalues.length - 1])}`,
  ].map((row) => row.trimEnd());
}

type Row = readonly [name: string, value: string, remark: string];

function alignmentRows({ alignment, data }: Report): Row[] {
  if (alignment === null) return [['KTA', '–', 'no targets were given']];
  const accuracy = data.targets?.accuracy ?? null;
  return [
    ...(accuracy === null ? [] : [['classified right', formatPercent(accuracy), ''] as const]),
    ['KTA', formatFixed(alignment.kernelTargetAlignment, 3), `the identity kernel has ${formatFixed(alignment.identityAlignment, 3)}`],
    [
      'KTA, centered',
      formatFixed(alignment.centeredKernelAlignment, 3),
      `90 % of the targets along ${plural(eigenvectorsHolding(0.9, alignment), 'eigenvector')}`,
    ],
  ];
}

function changeRows({ change }: Report): Row[] {
  if (change === null) return [];
  const before = change.alignment?.centeredKernelAlignment ?? null;
  return [['CKA with initial kernel', formatFixed(change.cka, 3), before === null ? '' : `its centered KTA was ${formatFixed(before, 3)}`]];
}

function featureRows({ features }: Report): Row[] {
  const rows = features.slice(0, LISTED).map(({ weight, nfa, centeredNfa }): Row => {
    return [printable(`NFA ${weight}`), formatFixed(nfa.cosine, 3), centeredNfa === null ? '' : `C-NFA ${formatFixed(centeredNfa.cosine, 3)}`];
  });
  const more = features.length - LISTED;
  return more > 0 ? [...rows, [`  and ${plural(more, 'weight')} more`, '', '']] : rows;
}

/** Names left, numbers right, remarks after. */
function aligned(rows: readonly Row[]): string[] {
  const nameWidth = Math.min(36, Math.max(...rows.map(([name]) => name.length)));
  const valueWidth = Math.max(...rows.map(([, value]) => value.length));
  return rows.map(([name, value, remark]) => `${shortened(name, nameWidth).padEnd(nameWidth)}  ${value.padStart(valueWidth)}  ${remark}`);
}

/** log λ at log-spaced k, from the smallest drawn to the largest. */
function sparkline(eigenvalues: readonly number[]): string {
  const positive = eigenvalues.filter((value) => value > 1e-14 * eigenvalues[0]);
  if (positive.length === 0) return '';
  const [high, low] = [log10(positive[0]), log10(positive[positive.length - 1])];
  const step = log10(positive.length) / (SPARKS - 1);
  let text = '';
  let k = 0;
  for (let position = 0; position < SPARKS; position++) {
    while (k < positive.length - 1 && log10(k + 1) < position * step - 1e-9) k++;
    const share = high > low ? (log10(positive[k]) - low) / (high - low) : 1;
    text += BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(share * BLOCKS.length))];
  }
  return text;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > WIDTH) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

function shortened(name: string, width: number): string {
  return name.length <= width ? name : `${name.slice(0, width - 1)}…`;
}

/** Names come from files: control characters would move the terminal's cursor. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '\uFFFD');
}
