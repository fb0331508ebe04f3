/** @file A heat map: a grayscale image that the page's filters color, with class boundaries and a color bar. */

import { decodeFloat32 } from '../analysis/base64.ts';
import type { StoredMatrix } from '../analysis/report.ts';
import { formatNumber } from './format.ts';
import { grayscalePng } from './grayscale-png.ts';
import { type Markup, markup, nothing } from './markup.ts';
import { round2 } from './scale.ts';

/** A matrix ready to draw. */
export interface DrawnMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

export interface HeatMapOptions {
  readonly title: string;
  readonly caption: string;
  /** Side of the picture in units of its viewBox. */
  readonly size?: number;
  /** `'sequential'` from 0 to the largest; `'diverging'` around 0. */
  readonly colors: 'sequential' | 'diverging';
  /** Names and extents of the classes along both axes. */
  readonly groups?: readonly { readonly name: string; readonly rows: number }[];
  /** What a row is called in a readout; default its number. */
  readonly rowNames?: readonly string[];
}

export function drawnMatrix({ shape, base64 }: StoredMatrix): DrawnMatrix {
  return { rows: shape[0], columns: shape[1], values: decodeFloat32(base64) };
}

/** H·K·H of what is stored: every row and column sums to zero. */
export function centeredMatrix({ rows, columns, values }: DrawnMatrix): DrawnMatrix {
  const rowMeans = new Float64Array(rows);
  const columnMeans = new Float64Array(columns);
  let mean = 0;
  values.forEach((value, position) => {
    rowMeans[Math.floor(position / columns)] += value / columns;
    columnMeans[position % columns] += value / rows;
    mean += value / values.length;
  });
  const centered = values.map((value, position) => value - rowMeans[Math.floor(position / columns)] - columnMeans[position % columns] + mean);
  return { rows, columns, values: centered };
}

/** Values beyond this share of all magnitudes get the last color: a few large entries must not hide the rest. */
const SATURATION = 0.995;

export function heatMap(matrix: DrawnMatrix, options: HeatMapOptions): Markup {
  const { title, caption, size = 340, colors, groups = [], rowNames } = options;
  const limit = colorLimit(matrix.values);
  const low = colors === 'diverging' ? -limit : 0;
  const pixels = new Uint8Array(matrix.values.length);
  matrix.values.forEach((value, i) => {
    pixels[i] = Math.round(255 * Math.min(1, Math.max(0, (value - low) / (limit - low || 1))));
  });
  const gutter = groups.length > 0 ? 8 + 7 * Math.max(...groups.map(({ name }) => shortName(name).length)) : 1;
  const height = size + 44;
  const data = JSON.stringify({ rows: matrix.rows, columns: matrix.columns, low, high: limit, names: rowNames ?? null });
  const image = markup`<image class="${colors}" x="${gutter}" y="1" width="${size}" height="${size}" preserveAspectRatio="none" href="${grayscalePng(matrix.columns, matrix.rows, pixels)}"/>`;
  return markup`<figure class="heat"><svg viewBox="0 0 ${size + gutter + 1} ${height}" width="${size + gutter + 1}" height="${height}" role="img" aria-label="${title}" data-heat="${data}">
<title>${title}</title>
${image}
${boundaries(groups, gutter, size, matrix.rows)}
<rect class="frame" x="${gutter}" y="1" width="${size}" height="${size}"/>
${colorBar(gutter, size + 16, size, colors, [low, limit], isSaturated(matrix.values, limit))}
</svg><figcaption>${caption}</figcaption></figure>`;
}

function boundaries(groups: HeatMapOptions['groups'], gutter: number, size: number, rows: number): Markup {
  const lines: Markup[] = [];
  let before = 0;
  for (const { name, rows: members } of groups ?? []) {
    const start = round2(1 + (before / rows) * size);
    const end = round2(1 + ((before + members) / rows) * size);
    if (before > 0 && members > 0) {
      lines.push(markup`<path class="boundary" d="M${gutter} ${start}H${gutter + size}M${round2(gutter - 1 + start)} 1V${size + 1}"/>`);
    }
    if (end - start > 9) lines.push(markup`<text class="tick end" x="${gutter - 5}" y="${round2((start + end) / 2 + 4)}">${shortName(name)}</text>`);
    before += members;
  }
  return markup`${lines}`;
}

/** A strip of the same filter, and the values at its ends. */
function colorBar(x: number, y: number, size: number, colors: string, [low, high]: readonly [number, number], saturated: boolean): Markup {
  const ramp = grayscalePng(
    256,
    1,
    Uint8Array.from({ length: 256 }, (_, i) => i),
  );
  const width = Math.min(150, size);
  const upper = `${saturated ? '≥ ' : ''}${formatNumber(high, 2)}`;
  const lower = low < 0 && saturated ? `≤ ${formatNumber(low, 2)}` : formatNumber(low, 2);
  const middle = low < 0 ? markup`<text class="tick middle" x="${x + width / 2}" y="${y + 22}">0</text>` : nothing;
  return markup`<image class="${colors}" x="${x}" y="${y}" width="${width}" height="7" preserveAspectRatio="none" href="${ramp}"/>
<text class="tick" x="${x}" y="${y + 22}">${lower}</text>${middle}<text class="tick end" x="${x + width}" y="${y + 22}">${upper}</text>`;
}

function colorLimit(values: Float32Array): number {
  const magnitudes = values.map(Math.abs).sort();
  return magnitudes[Math.min(magnitudes.length - 1, Math.floor(SATURATION * magnitudes.length))] || magnitudes[magnitudes.length - 1] || 1;
}

function isSaturated(values: Float32Array, limit: number): boolean {
  return values.some((value) => Math.abs(value) > limit);
}

function shortName(name: string): string {
  return name.length <= 8 ? name : `${name.slice(0, 7)}…`;
}
