import fc from 'fast-check';
import {
  alignmentShift,
  effectiveRank,
  eigenvectorAlignment,
  eigh,
  intrinsicDimension,
  kernelAlignmentRisk,
  kernelTargetAlignment,
  loadRuntime,
  participationRatio,
  spectralKernelTargetAlignment,
  type Tensor,
  tensor,
  topEigenpairs,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenArray, goldenCaseNames, goldenExpected, goldenScalar, readGoldenCase, relativeError } from '../golden/read-case.ts';
import { fromEigenpairs, identity, inverse, largestDifference, matrixTensor, multiply, randomMatrix, randomOrthogonal } from './naive.ts';

const rt = await loadRuntime();
const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** Ascending values 1, 2, …, with the listed positions made equal to their left neighbour. */
function ascendingValues(n: number, repeated: readonly number[] = []): Float64Array {
  const values = Float64Array.from({ length: n }, (_, k) => k + 1);
  for (const k of repeated) values[k] = values[k - 1];
  return values;
}

describe('eigenvectorAlignment', () => {
  test('by hand: eigenvectors e_0, e_1, e_2; y = [3, 0, 4] lies 9/25 along e_0 and 16/25 along e_2', () => {
    const eigenpairs = { values: Float64Array.of(1, 2, 4), vectors: matrixTensor(identity(3)) };
    const { values, alignments, cumulative, eigenspaces } = eigenvectorAlignment(eigenpairs, tensor([3], [3, 0, 4]));
    expect([...values]).toEqual([4, 2, 1]);
    expect(largestDifference(alignments, [16 / 25, 0, 9 / 25])).toBeLessThan(4 * Number.EPSILON);
    expect(largestDifference(cumulative, [16 / 25, 16 / 25, 1])).toBeLessThan(4 * Number.EPSILON);
    expect(eigenspaces.map(({ value, multiplicity, indices }) => ({ value, multiplicity, indices }))).toEqual([
      { value: 4, multiplicity: 1, indices: [0] },
      { value: 2, multiplicity: 1, indices: [1] },
      { value: 1, multiplicity: 1, indices: [2] },
    ]);
  });

  test('fractions sum to 1; several outputs are weighted by their squares; a rotation of the outputs changes nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 4 }), seed, (n, c, s) => {
        const eigenpairs = { values: ascendingValues(n), vectors: matrixTensor(randomOrthogonal(s, n)) };
        const y = randomMatrix(s + 1, n, c);
        const { alignments, cumulative } = eigenvectorAlignment(eigenpairs, matrixTensor(y));
        expect(Math.abs(cumulative[n - 1] - 1)).toBeLessThan(50 * n * Number.EPSILON);
        const rotated = eigenvectorAlignment(eigenpairs, matrixTensor(multiply(y, randomOrthogonal(s + 2, c))));
        expect(largestDifference(rotated.alignments, alignments)).toBeLessThan(50 * n * Number.EPSILON);
      }),
    );
  });

  test('eigenspaces: another basis of a repeated eigenvalue changes the members and not the space', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 12 }), seed, (n, s) => {
        const values = ascendingValues(n, [1, 2]);
        const v = randomOrthogonal(s, n);
        const turn = identity(n);
        for (const [i, row] of randomOrthogonal(s + 1, 3).entries()) turn[i].splice(0, 3, ...row);
        const y = tensor([n], randomMatrix(s + 2, n, 1).flat());
        const before = eigenvectorAlignment({ values, vectors: matrixTensor(v) }, y);
        const after = eigenvectorAlignment({ values, vectors: matrixTensor(multiply(v, turn)) }, y);
        expect(before.eigenspaces.map(({ multiplicity }) => multiplicity)).toEqual([...new Array(n - 3).fill(1), 3]);
        before.eigenspaces.forEach(({ alignment, cumulative }, g) => {
          expect(Math.abs(after.eigenspaces[g].alignment - alignment)).toBeLessThan(50 * n * Number.EPSILON);
          expect(Math.abs(after.eigenspaces[g].cumulative - cumulative)).toBeLessThan(50 * n * Number.EPSILON);
        });
        const shift = alignmentShift(before, after);
        expect(largestDifference(shift.alignments, new Float64Array(n))).toBeLessThan(50 * n * Number.EPSILON);
        expect(Math.abs(shift.centerOfMassAfter - shift.centerOfMassBefore)).toBeLessThan(50 * n * n * Number.EPSILON);
      }),
    );
  });

  test('rtol decides what is one eigenspace', () => {
    const eigenpairs = { values: Float64Array.of(1, 1.001, 2), vectors: matrixTensor(identity(3)) };
    const y = tensor([3], [1, 1, 1]);
    expect(eigenvectorAlignment(eigenpairs, y).eigenspaces).toHaveLength(3);
    const [, lower] = eigenvectorAlignment(eigenpairs, y, { rtol: 0.001 }).eigenspaces;
    expect(lower.indices).toEqual([1, 2]);
    expect(lower.value).toBeCloseTo(1.0005, 12);
    expect(lower.alignment).toBeCloseTo(2 / 3, 14);
  });

  test('the top k eigenpairs alone are enough', () => {
    const vectors = tensor([3, 1], [0, 0, 1]);
    expect([...eigenvectorAlignment({ values: Float64Array.of(5), vectors }, tensor([3], [1, 0, 1])).cumulative][0]).toBeCloseTo(0.5, 15);
  });
});

describe('golden, with eigenvectors from eigh', () => {
  /** Expected alignment per run of eigenvalues closer than this fraction of λmax: the eigenvectors in a run are anyone's choice. */
  const RTOL = 1e-6;
  const cases: [string, string, string][] = [['s14_kernel', 'trace', 'K']];
  for (const name of goldenCaseNames('network')) {
    const { expected } = readGoldenCase(name);
    if (expected.has('trace/eig_align')) cases.push([name, 'trace', 'ntk_trace']);
    if (expected.has('full/eig_align') && expected.has('ntk')) cases.push([name, 'full', 'ntk']);
  }

  test.each(cases)('%s %s: eigenvalues to 1e-12 of λmax, alignment per cluster to 1e-8, spectral KTA to 1e-12', (name, prefix, key) => {
    const golden = readGoldenCase(name);
    const kernel = key === 'K' ? goldenArray(golden, 'K') : goldenExpected(golden, key);
    const y = goldenArray(golden, 'y');
    const matrix = kernel.shape.length === 4 ? sampleMajor(kernel) : kernel;
    const eigenpairs = eigh(rt, matrix);
    const { values, alignments, eigenspaces } = eigenvectorAlignment(eigenpairs, y, { rtol: RTOL });
    expect(relativeError({ shape: [values.length], data: values }, goldenExpected(golden, `${prefix}/eigvals`))).toBeLessThan(1e-12);

    const expected = goldenExpected(golden, `${prefix}/eig_align`).data;
    for (const { indices, alignment } of eigenspaces) {
      // eigenvectors turn by about n·ε/gap: 1e-14/RTOL = 1e-8
      expect(Math.abs(indices.reduce((sum, k) => sum + expected[k], 0) - alignment)).toBeLessThan(1e-8);
    }
    const gaps = goldenExpected(golden, `${prefix}/eig_relgap`).data;
    alignments.forEach((c, k) => {
      if (gaps[k] > RTOL) expect(Math.abs(c - expected[k])).toBeLessThan(1e-8);
    });
    const kta = goldenScalar(golden, key === 'K' ? 'kta' : `kta_${prefix}`);
    expect(Math.abs(spectralKernelTargetAlignment(eigenpairs, y) - kta)).toBeLessThan(1e-12);
  });

  test('s14_kernel has one triple eigenvalue: one eigenspace of three by default', () => {
    const golden = readGoldenCase('s14_kernel');
    const { eigenspaces } = eigenvectorAlignment(eigh(rt, goldenArray(golden, 'K')), goldenArray(golden, 'y'));
    expect(eigenspaces.map(({ multiplicity }) => multiplicity)).toEqual([1, 1, 3, 1, 1, 1, 1, 1, 1, 1]);
    const expected = goldenExpected(golden, 'trace/eig_align').data;
    expect(Math.abs(eigenspaces[2].alignment - (expected[2] + expected[3] + expected[4]))).toBeLessThan(1e-12);
  });

  test('s14_kernel ranks of the spectrum to 1e-12', () => {
    const golden = readGoldenCase('s14_kernel');
    const { values } = eigh(rt, goldenArray(golden, 'K'), { vectors: false });
    expect(Math.abs(participationRatio(values) / goldenScalar(golden, 'trace/participation_ratio') - 1)).toBeLessThan(1e-12);
    expect(Math.abs(effectiveRank(rt, values) / goldenScalar(golden, 'trace/entropy_rank') - 1)).toBeLessThan(1e-12);
    // FORMAT.md calls Σλ/λmax the stable rank; here that is the intrinsic dimension
    expect(Math.abs(intrinsicDimension(values) / goldenScalar(golden, 'trace/stable_rank') - 1)).toBeLessThan(1e-12);
  });

  test('topEigenpairs, which descend, give the beginning of the same', () => {
    const golden = readGoldenCase('s14_kernel');
    const [k, y] = [goldenArray(golden, 'K'), goldenArray(golden, 'y')];
    const all = eigenvectorAlignment(eigh(rt, k), y);
    const top = eigenvectorAlignment(topEigenpairs(rt, k, 5), y);
    expect([...top.values]).toEqual([...all.values.subarray(0, 5)]);
    expect([...top.alignments]).toEqual([...all.alignments.subarray(0, 5)]);
  });
});

/** [n, n, c, c] as the matrix [n·c, n·c], by index arithmetic per element. */
function sampleMajor({ shape: [n, , c], data }: Tensor): Tensor {
  return matrixTensor(
    Array.from({ length: n * c }, (_, row) =>
      Array.from({ length: n * c }, (__, column) => {
        const [i, a, j, b] = [Math.floor(row / c), row % c, Math.floor(column / c), column % c];
        return data[((i * n + j) * c + a) * c + b];
      }),
    ),
  );
}

describe('spectralKernelTargetAlignment', () => {
  test('equals kernelTargetAlignment of Σ λ_k·u_k·u_kᵀ, for one output, several, and a full kernel', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10 }), fc.integer({ min: 1, max: 3 }), fc.boolean(), seed, (n, c, full, s) => {
        const m = full ? n * c : n;
        const v = randomOrthogonal(s, m);
        const eigenpairs = { values: ascendingValues(m), vectors: matrixTensor(v) };
        const y = matrixTensor(randomMatrix(s + 1, n, c));
        const expected = kernelTargetAlignment(rt, matrixTensor(fromEigenpairs(eigenpairs.values, v)), y);
        expect(Math.abs(spectralKernelTargetAlignment(eigenpairs, y) - expected)).toBeLessThan(50 * m * Number.EPSILON);
      }),
    );
  });

  test('refuses a part of the spectrum', () => {
    const part = { values: Float64Array.of(5), vectors: tensor([2, 1], [0, 1]) };
    expect(() => spectralKernelTargetAlignment(part, tensor([2], [1, 1]))).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
  });
});

describe('alignmentShift', () => {
  test('targets that move from the smallest to the largest eigenvector of 4: center of mass 4 → 1', () => {
    const eigenpairs = { values: Float64Array.of(1, 2, 3, 4), vectors: matrixTensor(identity(4)) };
    const shift = alignmentShift(
      eigenvectorAlignment(eigenpairs, tensor([4], [1, 0, 0, 0])),
      eigenvectorAlignment(eigenpairs, tensor([4], [0, 0, 0, 1])),
    );
    expect(shift.centerOfMassBefore).toBe(4);
    expect(shift.centerOfMassAfter).toBe(1);
    expect([...shift.alignments]).toEqual([1, 0, 0, -1]);
    expect([...shift.cumulative]).toEqual([1, 1, 1, 0]);
  });

  test('kernels on other samples are refused with both numbers', () => {
    const of = (n: number) =>
      eigenvectorAlignment({ values: ascendingValues(n), vectors: matrixTensor(identity(n)) }, tensor([n], new Array(n).fill(1)));
    expect(() => alignmentShift(of(2), of(3))).toThrow(expect.objectContaining({ code: 'ERR_SHAPE', message: expect.stringContaining('2 ≠ 3') }));
  });
});

describe('kernelAlignmentRisk', () => {
  test('equals generalized cross-validation of ridge regression, by explicit inverses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 3 }), seed, (n, c, s) => {
        const ridge = 0.3;
        const v = randomOrthogonal(s, n);
        const eigenpairs = { values: ascendingValues(n), vectors: matrixTensor(v) };
        const k = fromEigenpairs(eigenpairs.values, v);
        const y = randomMatrix(s + 1, n, c);
        // predictions A·y with A = K·(K + n·λ·I)⁻¹; GCV = (1/n)·|(I − A)·y|² / ((1/n)·tr(I − A))²
        const a = multiply(k, inverse(k.map((row, i) => row.map((value, j) => value + (i === j ? n * ridge : 0)))));
        const residualMap = identity(n).map((row, i) => row.map((value, j) => value - a[i][j]));
        const residual = multiply(residualMap, y).flat();
        const trace = residualMap.reduce((sum, row, i) => sum + row[i], 0);
        const expected = residual.reduce((sum, r) => sum + r * r, 0) / n / (trace / n) ** 2;
        expect(Math.abs(kernelAlignmentRisk(eigenpairs, matrixTensor(y), ridge) / expected - 1)).toBeLessThan(1e-11);
      }),
    );
  });

  test('a singular kernel without ridge is refused, and the eigenvalue named', () => {
    const eigenpairs = { values: Float64Array.of(0, 1), vectors: matrixTensor(identity(2)) };
    expect(() => kernelAlignmentRisk(eigenpairs, tensor([2], [1, 1]), 0)).toThrow(
      expect.objectContaining({ code: 'ERR_DOMAIN', message: expect.stringContaining('eigenvalue 0') }),
    );
  });
});

describe('errors', () => {
  const vectors = matrixTensor(identity(2));
  test.each([
    [
      'values in no order',
      { values: Float64Array.of(1, 3, 2), vectors: matrixTensor(identity(3)) },
      tensor([3], [1, 1, 1]),
      {},
      'ERR_DOMAIN',
      'value 2 is 2, after 3',
    ],
    ['NaN among the values', { values: Float64Array.of(1, Number.NaN), vectors }, tensor([2], [1, 1]), {}, 'ERR_DOMAIN', 'NaN at index [1]'],
    ['vectors of another size', { values: Float64Array.of(1, 2), vectors }, tensor([3], [1, 1, 1]), {}, 'ERR_SHAPE', '[3, 2]'],
    ['more values than vectors', { values: Float64Array.of(1, 2, 3), vectors }, tensor([2], [1, 1]), {}, 'ERR_SHAPE', '3 values'],
    ['zero targets', { values: Float64Array.of(1, 2), vectors }, tensor([2], [0, 0]), {}, 'ERR_DOMAIN', 'targets [2] are zero'],
    ['a negative rtol', { values: Float64Array.of(1, 2), vectors }, tensor([2], [1, 0]), { rtol: -1 }, 'ERR_ARGUMENT', 'rtol is -1'],
  ] as const)('%s', (_, eigenpairs, targets, options, code, text) => {
    expect(() => eigenvectorAlignment(eigenpairs, targets, options)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });
});
