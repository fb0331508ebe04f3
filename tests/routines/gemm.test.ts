/** @file gemm against exact integers, its mirror, and the hazards its header names. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gemmMirror } from '../oracle/matrices.ts';
import { integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const release = new Sandbox('release');
const debug = new Sandbox('debug');
const wide = new Sandbox('wide');

/** How a matrix [rows, columns] is laid out. */
type Storage = 'rows' | 'columns' | 'padded' | 'sparse';

function strides(storage: Storage, rows: number, columns: number): readonly [number, number] {
  switch (storage) {
    case 'rows':
      return [columns, 1];
    case 'columns':
      return [1, rows];
    case 'padded':
      return [columns + 3, 1];
    case 'sparse':
      return [2 * columns + 1, 2];
  }
}

function span(rows: number, columns: number, rs: number, cs: number): number {
  return rows === 0 || columns === 0 ? 0 : (rows - 1) * rs + (columns - 1) * cs + 1;
}

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly a?: Storage;
  readonly b?: Storage;
  readonly c?: Storage;
  readonly shift?: number;
  readonly numbers?: (seed: number, length: number) => Float64Array;
}

/** Runs gemm in one build; returns C's whole span (gaps included). */
function run(box: Sandbox, dtype: Dtype, q: Case) {
  const { m, n, k, alpha = 1, beta = 0, shift = 0, numbers = uniform } = q;
  const [rsa, csa] = strides(q.a ?? 'rows', m, k);
  const [rsb, csb] = strides(q.b ?? 'rows', k, n);
  const [rsc, csc] = strides(q.c ?? 'rows', m, n);
  const a = numbers(1, span(m, k, rsa, csa)),
    b = numbers(2, span(k, n, rsb, csb));
  const c = beta === 0 ? new Float64Array(span(m, n, rsc, csc)).fill(Number.NaN) : numbers(3, span(m, n, rsc, csc));
  box.reset();
  const routines = box.routines(dtype);
  const aPtr = box.input(dtype, a, shift).ptr,
    bPtr = box.input(dtype, b, shift).ptr;
  const out = box.input(dtype, c, shift);
  const scratch = box.bytes(routines.gemmScratchBytes(m, n, k));
  routines.gemm(m, n, k, alpha, aPtr, rsa, csa, bPtr, rsb, csb, beta, out.ptr, rsc, csc, scratch);
  box.check();
  const expected = Float64Array.from(c);
  gemmMirror(rounding(dtype), m, n, k, alpha, { data: a, rs: rsa, cs: csa }, { data: b, rs: rsb, cs: csb }, beta, {
    data: expected,
    rs: rsc,
    cs: csc,
  });
  return { actual: out.read(), expected, a, b };
}

function expectMirror(dtype: Dtype, q: Case, boxes: readonly Sandbox[] = [release, debug]): void {
  for (const box of boxes) {
    const { actual, expected } = run(box, dtype, q);
    expectSameBits(actual, expected, `gemm ${dtype} ${JSON.stringify(q)} ${box === debug ? 'debug' : box === wide ? 'wide' : 'release'}`);
  }
}

describe.each(DTYPES)('gemm %s', (dtype) => {
  const nr = dtype === 'f64' ? 4 : 8;

  test('whole numbers in [−8, 8]: equal to BigInt arithmetic', () => {
    for (const [m, n, k] of [
      [1, 1, 1],
      [7, 9, 11],
      [6, nr + 1, 513],
      [23, 17, 64],
    ]) {
      const { actual, a, b } = run(release, dtype, { m, n, k, numbers: integers });
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0n;
          for (let l = 0; l < k; l++) sum += BigInt(a[i * k + l]) * BigInt(b[l * n + j]);
          expect(Object.is(actual[i * n + j], Number(sum)), `${m}×${n}×${k} (${i}, ${j})`).toBe(true);
        }
      }
    }
  });

  test('mirror bits at every edge of the register tile', () => {
    for (const m of [0, 1, 4, 5, 6, 10, 11]) {
      for (const n of [0, 1, nr - 1, nr, nr + 1, 2 * nr, 2 * nr + 3]) {
        for (const k of [0, 1, 2, 3, 4, 5, 17]) expectMirror(dtype, { m, n, k });
      }
    }
  });

  test('mirror bits at every edge of the blocks in k, m and n', () => {
    for (const k of [511, 512, 513, 1023, 1024, 1025, 1033]) expectMirror(dtype, { m: 6, n: nr + 1, k }, [release]);
    for (const m of [59, 60, 61, 67, 121]) expectMirror(dtype, { m, n: 3, k: 7 }, [release]);
    for (const n of [1023, 1024, 1025, 1031]) expectMirror(dtype, { m: 3, n, k: 7 }, [release]);
    expectMirror(dtype, { m: 193, n: 29, k: 523, alpha: -1, beta: 1 });
    expectMirror(dtype, { m: 7, n: 1031, k: 515, alpha: 0.3, beta: -1.7 });
    expectMirror(dtype, { m: 1031, n: 7, k: 515 }, [release]);
  });

  test('mirror bits for every storage, alpha and beta; gaps of C are not written', () => {
    const storages: readonly Storage[] = ['rows', 'columns', 'padded', 'sparse'];
    let seed = 0;
    for (const a of storages) {
      for (const b of storages) {
        for (const c of storages) {
          const alpha = [1, -1, 0.37, 0][seed % 4],
            beta = [0, 1, -0.61][seed % 3];
          seed++;
          expectMirror(dtype, { m: 13, n: 11, k: 9, a, b, c, alpha, beta, shift: seed % 3 }, [release]);
        }
      }
    }
  });

  test('mirror bits of matrix times vector: every storage, strips of 8 rows, both sides', () => {
    const storages: readonly Storage[] = ['rows', 'columns', 'padded', 'sparse'];
    for (const narrow of [1, 2, 3]) {
      for (const wide of [1, 7, 8, 9, 15, 16, 21, 64]) {
        for (const k of [1, 2, 3, 4, 5, 7, 511, 515]) {
          const [a, b, c] = [storages[(wide + k) % 4], storages[k % 4], storages[(narrow + wide) % 4]];
          const alpha = k % 2 ? 1 : -0.3,
            beta = wide % 3 ? 0 : 1.1;
          expectMirror(dtype, { m: wide, n: narrow, k, a, b, c, alpha, beta, shift: k % 2 }, [release]);
          expectMirror(dtype, { m: narrow, n: wide, k, a, b, c, alpha, beta, shift: k % 2 }, [release]);
        }
      }
    }
  });

  test('mirror bits on random shapes, release and debug', () => {
    const storage = fc.constantFrom<Storage>('rows', 'columns', 'padded', 'sparse');
    const extent = fc.integer({ min: 0, max: 40 });
    const scalar = fc.constantFrom(0, 1, -1, 0.5, 0.3);
    fc.assert(
      fc.property(
        fc.record({ m: extent, n: extent, k: extent, a: storage, b: storage, c: storage, alpha: scalar, beta: scalar, shift: fc.nat(3) }),
        (q) => expectMirror(dtype, q),
      ),
      { seed: 20, numRuns: 60 },
    );
  });

  test('mirror bits on random small and skinny shapes, release, debug and wide', () => {
    const storage = fc.constantFrom<Storage>('rows', 'columns', 'padded', 'sparse');
    const narrow = fc.integer({ min: 1, max: 33 });
    const long = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(63, 64, 65, 129, 140));
    const depth = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(511, 512, 513, 517));
    const scalar = fc.constantFrom(0, 1, -1, 0.3);
    fc.assert(
      fc.property(
        fc.record({ m: narrow, n: long, k: depth, a: storage, b: storage, c: storage, alpha: scalar, beta: scalar, shift: fc.nat(3) }),
        fc.boolean(),
        (q, tall) => expectMirror(dtype, tall ? { ...q, m: q.n, n: q.m } : q, [release, debug, wide]),
      ),
      { seed: 21, numRuns: 80 },
    );
  });

  test('an element has the same bits in any product that contains it: skinny and wide slices', () => {
    const m = 37,
      n = 41,
      k = 700;
    const { actual: whole, a, b } = run(release, dtype, { m, n, k });
    for (const [i0, rows, j0, columns] of [
      [0, 1, 0, n],
      [36, 1, 40, 1],
      [0, m, 7, 1],
      [3, 5, 9, 2],
      [11, 26, 1, 40],
    ]) {
      release.reset();
      const routines = release.routines(dtype);
      const aPtr = release.input(dtype, a.slice(i0 * k, (i0 + rows) * k)).ptr;
      const bPtr = release.input(dtype, b.slice(j0)).ptr;
      const c = release.output(dtype, rows * columns);
      const scratch = release.bytes(routines.gemmScratchBytes(rows, columns, k));
      routines.gemm(rows, columns, k, 1, aPtr, k, 1, bPtr, n, 1, 0, c.ptr, columns, 1, scratch);
      const expected = Float64Array.from({ length: rows * columns }, (_, t) => whole[(i0 + Math.floor(t / columns)) * n + j0 + (t % columns)]);
      expectSameBits(c.read(), expected, `rows ${i0}+${rows}, columns ${j0}+${columns}`);
    }
  });

  test('large: ‖C·t − A·(B·t)‖ ≤ 30·k·ε·‖A‖·‖B‖·‖t‖', () => {
    const m = 401,
      n = 1103,
      k = 769;
    const [a, b, t] = [uniform(1, m * k), uniform(2, k * n), uniform(9, n)];
    release.reset();
    const routines = release.routines(dtype);
    const aPtr = release.input(dtype, a).ptr,
      bPtr = release.input(dtype, b).ptr,
      c = release.output(dtype, m * n);
    routines.gemm(m, n, k, 1, aPtr, k, 1, bPtr, n, 1, 0, c.ptr, n, 1, release.bytes(routines.gemmScratchBytes(m, n, k)));
    release.check();
    const product = c.read();
    const bt = Float64Array.from({ length: k }, (_, l) => t.reduce((sum, x, j) => sum + b[l * n + j] * x, 0));
    let squares = 0;
    for (let i = 0; i < m; i++) {
      let difference = 0;
      for (let j = 0; j < n; j++) difference += product[i * n + j] * t[j];
      for (let l = 0; l < k; l++) difference -= a[i * k + l] * bt[l];
      squares += difference * difference;
    }
    const norm = (x: Float64Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
    const eps = dtype === 'f64' ? 2 ** -52 : 2 ** -23;
    expect(Math.sqrt(squares)).toBeLessThanOrEqual(30 * k * eps * norm(a) * norm(b) * norm(t));
  });
});
