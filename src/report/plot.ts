/** @file A plot: axes, lines, points and marks as static SVG, with a table of readouts for the pointer and the keyboard. */

import { type Markup, markup, nothing } from './markup.ts';
import type { Scale } from './scale.ts';

export interface Margins {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

export const MARGINS: Margins = { top: 26, right: 12, bottom: 42, left: 46 };

/** Where a readout points, in the SVG's coordinates, and what it says. */
export interface Readout {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export interface PlotParts {
  readonly width: number;
  readonly height: number;
  readonly x: Scale;
  readonly y: Scale;
  readonly xLabel: string;
  readonly yLabel: string;
  /** What a screen reader says: what is drawn, and its gist. */
  readonly title: string;
  readonly readouts?: readonly Readout[];
  readonly className?: string;
}

/** The frame of a plot around `content`: grid lines at labelled ticks, the y label above the axis, the x label under it. */
export function plot(parts: PlotParts, content: readonly Markup[]): Markup {
  const { width, height, x, y, title, readouts = [], className = '' } = parts;
  const [left, right] = x.range;
  const [bottom, top] = y.range;
  const interactive =
    readouts.length > 0 ? markup` tabindex="0" data-readouts="${JSON.stringify(readouts.map(({ x: u, y: v, text }) => [u, v, text]))}"` : nothing;
  return markup`<svg class="plot ${className}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}"${interactive}>
<title>${title}</title>
${y.ticks.map((tick) => (tick.label ? yTick(y(tick.value), tick.label, left, right) : nothing))}
<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
${x.ticks.map((tick) => xTick(x(tick.value), tick.label, bottom))}
<text class="label" x="${left}" y="${top - 12}">${parts.yLabel}</text>
<text class="label end" x="${right}" y="${height - 6}">${parts.xLabel}</text>
${content}
</svg>`;
}

function yTick(at: number, label: string, left: number, right: number): Markup {
  return markup`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="tick end" x="${left - 7}" y="${at + 4}">${label}</text>`;
}

function xTick(at: number, label: string, bottom: number): Markup {
  const text = label ? markup`<text class="tick middle" x="${at}" y="${bottom + 18}">${label}</text>` : nothing;
  return markup`<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + (label ? 5 : 3)}"/>${text}`;
}

export type Point = readonly [number, number];

/** A line through points that are already in coordinates. */
export function line(points: readonly Point[], className: string): Markup {
  return markup`<polyline class="line ${className}" points="${points.map(([x, y]) => `${x},${y}`).join(' ')}"/>`;
}

export function dots(points: readonly Point[], className: string, radius = 2): Markup {
  return markup`<g class="dots ${className}">${points.map(([x, y]) => markup`<circle cx="${x}" cy="${y}" r="${radius}"/>`)}</g>`;
}

export function text(x: number, y: number, content: string, className: string): Markup {
  return markup`<text class="${className}" x="${x}" y="${y}">${content}</text>`;
}

/** Positions worth drawing: all of a short list; of a long one those that are at least a pixel apart, and the last. */
export function drawnPositions(count: number, x: (position: number) => number): number[] {
  const kept: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (let position = 0; position < count; position++) {
    const at = x(position);
    if (count <= 80 || at - last >= 1 || position === count - 1) {
      kept.push(position);
      last = at;
    }
  }
  return kept;
}

/** The two renderings of a wide plot: one for wide pages, one whose type stays legible on a telephone. */
export function responsive(draw: (width: number) => Markup, wide = 760, narrow = 384): Markup {
  return markup`<div class="wide">${draw(wide)}</div><div class="narrow">${draw(narrow)}</div>`;
}
