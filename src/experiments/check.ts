/** @file Checks: a measured number beside the expected one, and whether the relation between them holds. NaN never does. */

import type { Check } from './experiment-report.ts';

/** |measured − expected| ≤ tolerance. */
export function near(name: string, measured: number, expected: number, tolerance: number): Check {
  return check(name, 'near', measured, expected, tolerance, Math.abs(measured - expected) <= tolerance);
}

/** measured ≥ expected + margin. */
export function above(name: string, measured: number, expected: number, margin = 0): Check {
  return check(name, 'above', measured, expected, margin, measured - expected >= margin);
}

/** measured ≤ expected − margin. */
export function below(name: string, measured: number, expected: number, margin = 0): Check {
  return check(name, 'below', measured, expected, margin, expected - measured >= margin);
}

function check(name: string, relation: Check['relation'], measured: number, expected: number, tolerance: number, holds: boolean): Check {
  return { name, relation, expected, tolerance, measured: Number.isFinite(measured) ? measured : null, holds };
}
