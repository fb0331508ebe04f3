/** @file Which failures are the user's (status 2) and which are the computation's (status 1); one line each. */

import { type ErrorCode, TangedgeError } from 'tangedge';
import { expect, test } from 'vitest';
import { describeFailure, inFile } from '../../src/cli/failure.ts';

test.each<[ErrorCode, 1 | 2]>([
  ['ERR_ARGUMENT', 2],
  ['ERR_SHAPE', 2],
  ['ERR_DOMAIN', 2],
  ['ERR_FORMAT', 2],
  ['ERR_UNSUPPORTED', 2],
  ['ERR_MEMORY', 2],
  ['ERR_IO', 2],
  ['ERR_CONVERGENCE', 1],
  ['ERR_DIVERGED', 1],
])('%s is status %i', (code, status) => {
  expect(describeFailure(new TangedgeError(code, 'eigh: what happened.'))).toEqual({ status, line: 'eigh: what happened.' });
});

test('a failure that nobody expected is status 1, and says so in one line', () => {
  for (const error of [new RangeError('Array buffer\nallocation failed'), 'Array buffer allocation failed']) {
    const { status, line } = describeFailure(error);
    expect(status).toBe(1);
    expect(line).toMatch(/^unexpected failure: Array buffer allocation failed .*TANGEDGE_DEBUG=1.*$/);
  }
});

test('the file is named before the message, the code and the fields stay', () => {
  const error = inFile('x.npy', new TangedgeError('ERR_DOMAIN', 'inputs: NaN.', { index: [1, 0] }));
  expect(error).toMatchObject({ code: 'ERR_DOMAIN', message: 'x.npy: inputs: NaN.', info: { index: [1, 0], path: 'x.npy' } });
});
