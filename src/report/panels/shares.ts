/** @file Panel: how much of the kernel's trace is due to each parameter. */

import type { Report } from '../../analysis/report.ts';
import { formatNumber, formatPercent } from '../format.ts';
import { markup } from '../markup.ts';
import { bar, type Panel, table } from '../panel.ts';

export function sharesPanel({ kernel }: Report): Panel {
  const { parameterTraces, trace } = kernel;
  const largest = Math.max(...parameterTraces.map((parameter) => parameter.trace));
  const rows = parameterTraces.map((parameter) => [
    parameter.name,
    bar(largest > 0 ? parameter.trace / largest : 0),
    trace > 0 ? formatPercent(parameter.trace / trace) : '–',
    formatNumber(parameter.trace),
  ]);
  return {
    id: 'shares',
    title: 'Each layer’s share',
    shows: 'The kernel is a sum over parameters; this is the trace of each one’s part, the mean squared gradient times the number of samples.',
    concludes: sharesSentence({ parameterTraces, trace }),
    body: markup`${table('Share of each parameter in the trace of the kernel', [{ head: 'Parameter' }, { head: '' }, { head: 'Share', align: 'right' }, { head: 'Trace', align: 'right' }], rows)}`,
  };
}

function sharesSentence({ parameterTraces, trace }: Pick<Report['kernel'], 'parameterTraces' | 'trace'>): string {
  const first = parameterTraces.reduce((best, parameter) => (parameter.trace > best.trace ? parameter : best));
  if (!(trace > 0)) return 'The kernel is zero: no parameter moves any output.';
  const share = first.trace / trace;
  const lead = `${first.name} has the largest share, ${formatPercent(share)}.`;
  const last = parameterTraces.filter(({ name }) => !name.endsWith('bias')).at(-1);
  if (last === undefined || parameterTraces.length < 2) return lead;
  const readout = last.trace / trace;
  const whose = last === first ? 'That is the last weight' : `The last weight, ${last.name}, has ${formatPercent(readout)}`;
  const verdict =
    readout >= 0.5
      ? `${whose}: with half or more, a step mostly reweighs features that are already there.`
      : `${whose}: with under half, a step mostly changes the features below it.`;
  return `${lead} ${verdict}`;
}
