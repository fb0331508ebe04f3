/** @file The progress bar: what a line says, how often it is drawn, and that without a terminal there is none. */

import { expect, test } from 'vitest';
import { duration, progressBar, progressLine } from '../../src/cli/progress-bar.ts';

test('share, counts, rate and time left', () => {
  expect(progressLine('ntk', 'tiles', 12, 48, 3)).toBe(`ntk ${'█'.repeat(6)}${'░'.repeat(18)} 25 %  12/48 tiles  4.0 tiles/s  9 s left`);
  expect(progressLine('ntk', 'tiles', 0, 48, 3)).toBe(`ntk ${'░'.repeat(24)} 0 %  0/48 tiles`);
  expect(progressLine('ntk', 'tiles', 48, 48, 1)).toBe(`ntk ${'█'.repeat(24)} 100 %  48/48 tiles  48 tiles/s`);
});

test('without a unit: share and time left', () => {
  expect(progressLine('kernel', undefined, 0.5, 1, 30)).toBe(`kernel ${'█'.repeat(12)}${'░'.repeat(12)} 50 %  30 s left`);
});

test('durations in the two largest units', () => {
  expect([0.2, 59, 61, 3599, 3600, 7260].map(duration)).toEqual(['1 s', '59 s', '1 min 1 s', '59 min 59 s', '1 h 0 min', '2 h 1 min']);
});

test('is drawn at most ten times a second and at the end, fits the terminal, and is cleared', () => {
  let now = 0;
  const written: string[] = [];
  const bar = progressBar('ntk', 'tiles', { write: (text) => written.push(text), now: () => now, columns: 30 });
  for (let done = 1; done <= 100; done++) {
    now += 10;
    bar.update(done, 100);
  }
  bar.end();
  // One second of updates every 10 ms: the first, then one per 100 ms, the last, and the clearing.
  expect(written.length).toBeGreaterThanOrEqual(11);
  expect(written.length).toBeLessThanOrEqual(13);
  for (const text of written.slice(0, -1)) expect(text.replace('\r', '').replace('\x1b[K', '').length).toBeLessThanOrEqual(29);
  expect(written.at(-1)).toBe('\r\x1b[K');
});

test('nothing is written without a screen, or when nothing was drawn', () => {
  const written: string[] = [];
  progressBar('ntk', 'tiles', { write: (text) => written.push(text), now: () => 0, columns: 80 }).end();
  const none = progressBar('ntk', 'tiles', undefined);
  none.update(1, 2);
  none.end();
  expect(written).toEqual([]);
});
