/** @file Panel: the network, layer by layer, and what each way to its kernel would have cost. */

import type { ModelSection, Report } from '../../analysis/report.ts';
import { formatBytes, formatCount, formatFlops, formatNumber, formatShapeText } from '../format.ts';
import { type Markup, markup } from '../markup.ts';
import { bar, type Panel, table } from '../panel.ts';
import { log10 } from '../scale.ts';

export function modelPanel({ model, data }: Report): Panel {
  return {
    id: 'model',
    title: 'The model and its cost',
    shows: `The layers, in order, with what each one returns and owns; below, the estimated cost of the trace kernel of these ${formatCount(data.samples)} samples by each implementation.`,
    concludes: costSentence(model),
    body: markup`${layerTable(model)}${costTable(model)}`,
  };
}

function layerTable({ layers, parameters }: ModelSection): Markup {
  const rows = layers.map(({ name, type, shape, parameters: owned }) => [
    name,
    type,
    formatShapeText(shape),
    markup`${owned.map((parameter, index) => markup`${index > 0 ? ', ' : ''}${lastPart(parameter.name, name)} <span class="muted">${formatShapeText(parameter.shape)}${parameter.sites > 1 ? ` at ${formatCount(parameter.sites)} sites` : ''}${parameter.trainable ? '' : ', frozen'}</span>`)}`,
    owned.length === 0 ? '' : formatCount(owned.reduce((sum, parameter) => sum + parameter.shape.reduce((size, extent) => size * extent, 1), 0)),
  ]);
  const total = ['', '', '', markup`<span class="muted">trainable</span>`, markup`<strong>${formatCount(parameters)}</strong>`];
  return table(
    'Layers',
    [{ head: 'Layer' }, { head: 'Type' }, { head: 'Returns' }, { head: 'Parameters' }, { head: 'Count', align: 'right' }],
    [...rows, total],
  );
}

/** `net.0.weight` of layer `net.0` is `weight`. */
function lastPart(parameter: string, layer: string): string {
  return parameter.startsWith(`${layer}.`) ? parameter.slice(layer.length + 1) : parameter;
}

function costTable({ implementations, implementation }: ModelSection): Markup {
  const flops = implementations.map((cost) => cost.flops ?? 0);
  const most = log10(Math.max(10, ...flops));
  const least = log10(Math.max(1, Math.min(...flops.filter((value) => value > 0), most)));
  const share = (value: number) => 0.12 + (0.88 * (log10(value) - least)) / Math.max(1, most - least);
  const rows = implementations.map(({ name, flops: count, bytes, fits }) => [
    markup`<span class="${name === implementation ? 'chosen' : ''}">${name}</span>`,
    count === null || count <= 0 ? markup`<span class="muted">does not fit</span>` : bar(share(count), name === implementation ? '' : 'quiet'),
    count === null ? '' : formatFlops(count),
    `${formatBytes(bytes)}${fits ? '' : ' needed'}`,
    name === implementation ? 'used' : '',
  ]);
  return table(
    'Cost of each implementation',
    [{ head: 'Implementation' }, { head: 'Work (log scale)' }, { head: '', align: 'right' }, { head: 'Memory', align: 'right' }, { head: '' }],
    rows,
  );
}

function costSentence({ implementations, implementation }: ModelSection): string {
  const used = implementations.find(({ name }) => name === implementation);
  const others = implementations.filter((cost) => cost !== used && cost.flops !== null);
  if (used?.flops == null || others.length === 0) return `The kernel was computed by ${implementation}, the only one that fits the memory limit.`;
  const cheapest = Math.min(...others.map((cost) => cost.flops ?? Number.POSITIVE_INFINITY));
  const ratio = cheapest / used.flops;
  return ratio >= 1
    ? `${capitalized(implementation)} was used: it needs ${formatNumber(ratio, 2)} times fewer operations than the next best.`
    : `${capitalized(implementation)} was asked for; the cheapest would have needed ${formatNumber(1 / ratio, 2)} times fewer operations.`;
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
