/** @file Fixtures of the io tests: files as bytes, and the values that the program which wrote them expects. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, TangedgeError, type Tensor } from 'tangedge';
import { expect } from 'vitest';

const golden = fileURLToPath(new URL('../golden/', import.meta.url));

/** A file below tests/golden. */
export function fixture(path: string): Uint8Array {
  return readFileSync(golden + path);
}

export interface ExpectedArray {
  readonly shape: readonly number[];
  readonly values: readonly (number | string)[];
}

/** An expected.json of arrays: strings stand for nan, inf, -inf and -0. */
export function expectedArrays(path: string): ReadonlyMap<string, ExpectedArray> {
  return new Map(Object.entries(JSON.parse(readFileSync(golden + path, 'utf8')) as Record<string, ExpectedArray>));
}

/** Same shape, and the same bits but for the payload of NaN. */
export function expectSameArray(actual: Tensor | undefined, expected: ExpectedArray): void {
  const named: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY, '-0': -0 };
  expect(actual?.shape).toEqual(expected.shape);
  expect(Array.from(actual?.data ?? [])).toEqual(expected.values.map((value) => (typeof value === 'string' ? named[value] : value)));
}

/** The TangedgeError that `body` throws, checked to be one line of at most 1000 characters with the wanted code. */
export async function refusal(body: () => unknown, code: ErrorCode | readonly ErrorCode[]): Promise<TangedgeError> {
  let thrown: unknown;
  try {
    await body();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TangedgeError);
  const error = thrown as TangedgeError;
  expect([code].flat()).toContain(error.code);
  expect(error.message).not.toMatch(/[\r\n]/);
  expect(error.message.length).toBeLessThan(1000);
  return error;
}

/** A copy with the bytes from `offset` on replaced. */
export function patched(bytes: Uint8Array, offset: number, replacement: readonly number[] | Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy.set(replacement, offset);
  return copy;
}
