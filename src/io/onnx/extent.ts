/** @file Extents during import: whole numbers, or linear in the batch size N, which the file leaves open. */

/** perExample·N + plus, with perExample ≠ 0. */
export interface BatchExtent {
  readonly perExample: number;
  readonly plus: number;
}

/** An element of shape arithmetic. */
export type Extent = number | BatchExtent;

/** Whether an extent is factor·N; a file with a fixed batch may have it as a number. */
export function isMultipleOfBatch(extent: Extent, factor: number, fixedBatch: number | undefined): boolean {
  if (typeof extent === 'number') return fixedBatch !== undefined && extent === factor * fixedBatch;
  return extent.perExample === factor && extent.plus === 0;
}

export function formatExtent(extent: Extent): string {
  if (typeof extent === 'number') return String(extent);
  const { perExample, plus } = extent;
  return `${perExample === 1 ? '' : perExample}N${plus === 0 ? '' : plus > 0 ? ` + ${plus}` : ` − ${-plus}`}`;
}

export function formatExtents(extents: readonly Extent[]): string {
  return `[${extents.slice(0, 16).map(formatExtent).join(', ')}${extents.length > 16 ? ', …' : ''}]`;
}

export type Arithmetic = 'Add' | 'Sub' | 'Mul' | 'Div';

/** a ∘ b, exact; undefined where the result is not linear in N. Integers divide towards zero, as ONNX does. */
export function combine(operation: Arithmetic, a: Extent, b: Extent, integers: boolean): Extent | undefined {
  const [p, q] = [linear(a), linear(b)];
  switch (operation) {
    case 'Add':
      return extent(p.perExample + q.perExample, p.plus + q.plus);
    case 'Sub':
      return extent(p.perExample - q.perExample, p.plus - q.plus);
    case 'Mul':
      if (p.perExample !== 0 && q.perExample !== 0) return undefined;
      return q.perExample === 0 ? extent(p.perExample * q.plus, p.plus * q.plus) : extent(p.plus * q.perExample, p.plus * q.plus);
    case 'Div':
      return divide(p, q, integers);
    default:
      return operation satisfies never;
  }
}

function divide(p: BatchExtent, q: BatchExtent, integers: boolean): Extent | undefined {
  if (p.perExample === 0 && q.perExample === 0) {
    if (!integers) return p.plus / q.plus;
    return q.plus === 0 ? undefined : Math.trunc(p.plus / q.plus);
  }
  if (q.perExample === 0) {
    const [perExample, plus] = [p.perExample / q.plus, p.plus / q.plus];
    return Number.isInteger(perExample) && Number.isInteger(plus) ? extent(perExample, plus) : undefined;
  }
  const ratio = p.perExample / q.perExample;
  return Number.isInteger(ratio) && ratio * q.plus === p.plus ? ratio : undefined;
}

/** Like BatchExtent, but perExample may be 0. */
function linear(value: Extent): BatchExtent {
  return typeof value === 'number' ? { perExample: 0, plus: value } : value;
}

function extent(perExample: number, plus: number): Extent {
  return perExample === 0 ? plus : { perExample, plus };
}
