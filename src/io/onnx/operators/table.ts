/** @file The operators an ONNX model may use. A new one is a row in one of these tables and a case in the import tests. */

import type { OperatorRule } from '../lowering.ts';
import { activationOperators } from './activation.ts';
import { arithmeticOperators } from './arithmetic.ts';
import { comparisonOperators } from './comparison.ts';
import { constantOperators } from './constants.ts';
import { einsumOperators } from './einsum.ts';
import { expansionOperators } from './expansion.ts';
import { matrixOperators } from './matrix.ts';
import { normalizationOperators } from './normalization.ts';
import { recurrentOperators } from './recurrent.ts';
import { reductionOperators } from './reduction.ts';
import { resamplingOperators } from './resampling.ts';
import { selectionOperators } from './selection.ts';
import { shapeOperators } from './shape.ts';
import { windowOperators } from './window.ts';

const table: ReadonlyMap<string, OperatorRule> = new Map(
  Object.entries({
    ...activationOperators,
    ...arithmeticOperators,
    ...comparisonOperators,
    ...constantOperators,
    ...einsumOperators,
    ...expansionOperators,
    ...matrixOperators,
    ...normalizationOperators,
    ...recurrentOperators,
    ...reductionOperators,
    ...resamplingOperators,
    ...selectionOperators,
    ...shapeOperators,
    ...windowOperators,
  }),
);

/** Names of the supported operators, sorted. */
export function supportedOperators(): string[] {
  return [...table.keys()].sort();
}

/** The rule of an operator; undefined when it is not supported. */
export function operatorRule(type: string): OperatorRule | undefined {
  return table.get(type);
}
