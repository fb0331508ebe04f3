/** @file Networks of the golden cases: outputs, Jacobian, NTK in every form, against PyTorch in float64. */

import {
  empiricalNtk,
  empiricalNtkByParameter,
  forward,
  importSpec,
  jacobian,
  loadRuntime,
  type NtkImplementation,
  pseudoNtk,
  type Tensor,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenCaseNames, readGoldenCase } from '../golden/read-case.ts';

const rt = await loadRuntime();
const IMPLEMENTATIONS: NtkImplementation[] = ['structured-derivatives', 'jacobian-contraction', 'ntk-vector-products'];

/** max|a − b| / max|b| */
function relativeError(actual: Tensor, expected: Tensor): number {
  expect(actual.shape).toEqual(expected.shape);
  let difference = 0;
  let scale = 0;
  actual.data.forEach((value, i) => {
    const d = Math.abs(value - expected.data[i]);
    if (!(d <= difference)) difference = d;
    scale = Math.max(scale, Math.abs(expected.data[i]));
  });
  return difference / scale;
}

for (const name of goldenCaseNames('network')) {
  const golden = readGoldenCase(name);
  const model = importSpec(golden.spec, golden.weights);
  const x = golden.arrays.get('x') as Tensor;
  const expected = (key: string) => golden.expected.get(key) as Tensor;
  const has = (key: string) => golden.expected.has(key);

  describe(name, () => {
    test('outputs f to 1e-12', () => {
      expect(relativeError(forward(rt, model, x), expected('f'))).toBeLessThan(1e-12);
    });

    if (has('jacobian'))
      test('jacobian to 1e-11', () => {
        expect(relativeError(jacobian(rt, model, x), expected('jacobian'))).toBeLessThan(1e-11);
      });

    for (const implementation of IMPLEMENTATIONS) {
      describe(implementation, () => {
        if (has('ntk'))
          test('full kernel to 1e-10', () => {
            expect(relativeError(empiricalNtk(rt, model, x, { implementation }), expected('ntk'))).toBeLessThan(1e-10);
          });

        test('trace to 1e-10', () => {
          expect(relativeError(empiricalNtk(rt, model, x, { implementation, outputs: 'trace' }), expected('ntk_trace'))).toBeLessThan(1e-10);
        });

        test('trace of every parameter to 1e-10 of the whole', () => {
          const scale = Math.max(...expected('ntk_trace').data.map(Math.abs));
          for (const { parameter, kernel } of empiricalNtkByParameter(rt, model, x, { implementation, outputs: 'trace' })) {
            const reference = expected(`ntk_trace_param/${parameter}`);
            expect(kernel.shape).toEqual(reference.shape);
            kernel.data.forEach((value, i) => {
              expect(Math.abs(value - reference.data[i]), parameter).toBeLessThanOrEqual(1e-10 * scale);
            });
          }
        });

        if (has('ntk_pseudo'))
          test('pseudo-NTK to 1e-10', () => {
            expect(relativeError(pseudoNtk(rt, model, x, { implementation }), expected('ntk_pseudo'))).toBeLessThan(1e-10);
          });

        if (has('ntk_test'))
          test('x1 ≠ x2 to 1e-10', () => {
            const kernel = empiricalNtk(rt, model, golden.arrays.get('x_test') as Tensor, { x2: x, implementation });
            expect(relativeError(kernel, expected('ntk_test'))).toBeLessThan(1e-10);
          });
      });
    }

    test('f32: trace within 10 times the error of the same computation in float32', () => {
      const tolerance = 10 * (golden.f32RelativeError.get('ntk_trace') ?? 1e-5);
      expect(relativeError(empiricalNtk(rt, model, x, { outputs: 'trace', dtype: 'f32' }), expected('ntk_trace'))).toBeLessThan(tolerance);
    });
  });
}
