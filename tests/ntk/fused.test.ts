/** @file What is built on products, in the fused modules: golden kernels at their tolerance, LAPACK's ratios of eigenpairs. */

import '../routines/relaxed-simd.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eigh, empiricalNtk, forward, importSpec, loadRuntime, type NtkImplementation, type Tensor, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenCaseNames, readGoldenCase, relativeError } from '../golden/read-case.ts';
import { eigenRatios, MATRIX_TYPES, ULP } from '../oracle/symmetric-matrices.ts';
import { ROOT } from '../structure/source-files.ts';

const IMPLEMENTATIONS: NtkImplementation[] = ['structured-derivatives', 'jacobian-contraction', 'ntk-vector-products'];

describe.each(['fused', 'wide-fused'])('routines.%s.wasm', async (file) => {
  const rt = await loadRuntime(readFileSync(join(ROOT, `build/routines.${file}.wasm`)));

  test.each(goldenCaseNames('network'))('%s: outputs to 1e-12, kernels by every implementation to 1e-10', (name) => {
    const golden = readGoldenCase(name);
    const model = importSpec(golden.spec, golden.weights);
    const x = golden.arrays.get('x') as Tensor;
    const expected = (key: string) => golden.expected.get(key) as Tensor;
    expect(relativeError(forward(rt, model, x), expected('f'))).toBeLessThan(1e-12);
    for (const implementation of IMPLEMENTATIONS) {
      const trace = empiricalNtk(rt, model, x, { implementation, outputs: 'trace' });
      expect(relativeError(trace, expected('ntk_trace')), implementation).toBeLessThan(1e-10);
      if (!golden.expected.has('ntk')) continue;
      expect(relativeError(empiricalNtk(rt, model, x, { implementation }), expected('ntk')), implementation).toBeLessThan(1e-10);
    }
  });

  test.each(MATRIX_TYPES)('eigh of a matrix that is $name: LAPACK ratios below 60', ({ make }) => {
    for (const dtype of ['f64', 'f32'] as const) {
      for (const n of [7, 65, 150]) {
        const a = make(n, dtype);
        const rounded = dtype === 'f64' ? a : Float64Array.from(Float32Array.from(a));
        const { values, vectors } = eigh(rt, tensor([n, n], rounded), { dtype });
        const rows = Float64Array.from({ length: n * n }, (_, p) => vectors.data[(p % n) * n + Math.floor(p / n)]);
        const { residual, orthogonality } = eigenRatios(n, rounded, values, rows, ULP[dtype]);
        expect(residual, `${dtype} ${n}`).toBeLessThan(60);
        expect(orthogonality, `${dtype} ${n}`).toBeLessThan(60);
      }
    }
  });
});
