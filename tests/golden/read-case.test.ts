import { describe, expect, test } from 'vitest';
import { goldenArray, goldenCaseNames, goldenExpected, goldenScalar, readGoldenCase, relativeError } from './read-case.ts';

describe('the golden cases agree with themselves (identities recomputed here from the stored arrays)', () => {
  test.each(goldenCaseNames('network'))('%s: the NTK per parameter sums to the trace NTK; the loss is that of the outputs', (name) => {
    const golden = readGoldenCase(name);
    const total = goldenExpected(golden, 'ntk_trace');
    const sum = new Float64Array(total.data.length);
    for (const [key, value] of golden.expected) {
      if (key.startsWith('ntk_trace_param/')) value.data.forEach((entry, i) => (sum[i] += entry));
    }
    expect(relativeError({ shape: total.shape, data: sum }, total)).toBeLessThan(1e-12);

    const outputs = goldenExpected(golden, 'f');
    const targets = goldenArray(golden, 'y');
    let loss = 0;
    outputs.data.forEach((f, i) => (loss += (f - targets.data[i]) ** 2 / (2 * outputs.shape[0])));
    expect(Math.abs(loss / goldenScalar(golden, 'loss') - 1)).toBeLessThan(1e-12);
  });

  test('weights have the shapes of the parameters that the spec lists', () => {
    for (const name of goldenCaseNames('network')) {
      const { spec, weights } = readGoldenCase(name);
      for (const { name: parameter, shape } of spec.parameters ?? []) expect(weights.get(parameter)?.shape, parameter).toEqual(shape);
    }
  });

  test('relativeError is infinite for NaN and for another shape', () => {
    const one = { shape: [1], data: Float64Array.of(1) };
    expect(relativeError({ shape: [1], data: Float64Array.of(Number.NaN) }, one)).toBe(Number.POSITIVE_INFINITY);
    expect(relativeError({ shape: [1, 1], data: Float64Array.of(1) }, one)).toBe(Number.POSITIVE_INFINITY);
    expect(relativeError({ shape: [1], data: Float64Array.of(1.5) }, one)).toBe(0.5);
  });
});
