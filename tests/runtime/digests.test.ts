/**
 * @file Every case has the digest of digests.json in every runtime, with every tile size, with release and debug routines.
 *
 * TANGEDGE_TEST_CASES=all takes every setting in every runtime. Else debug routines run once per engine, V8 in this Node and JavaScriptCore
 * in Bun, and of fused mode, after Node 24, two settings per runtime.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../structure/source-files.ts';
import { toolsAre } from '../tools/tools.ts';
import { describeSetting, RELEASE_SETTINGS, SETTINGS } from './case.ts';
import { digestOf } from './digest.ts';
import type { Measured } from './measure.ts';
import { buildPrograms } from './programs.ts';
import { type JsRuntime, measureScript, RUNTIMES } from './runtimes.ts';

/** digest by case by dtype */
type Digests = Record<'f64' | 'f32', Record<string, string>>;

const TABLE = join(ROOT, 'tests/runtime/digests.json');
const table = JSON.parse(readFileSync(TABLE, 'utf8')) as Digests;
const everything = process.env.TANGEDGE_TEST_CASES === 'all';
const folder = mkdtempSync(join(tmpdir(), 'tangedge-runtime-'));

beforeAll(async () => {
  await buildPrograms(folder);
  if (process.env.TANGEDGE_WRITE_DIGESTS) await writeTable();
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** What Node gives becomes what is right: for a commit that changes bits on purpose, and says why. */
async function writeTable(): Promise<void> {
  const { f64, f32 } = await RUNTIMES[0].measure(folder, SETTINGS.length);
  Object.assign(table, { f64: f64.release, f32: f32.release });
  writeFileSync(TABLE, `${JSON.stringify(table, undefined, 2)}\n`);
}

/** `f64 exp, release: 12ab… ≠ 34cd…` of every digest that is not the table's, and every case that one of them lacks. */
function differences(measured: Measured, expected: Digests): string[] {
  return (['f64', 'f32'] as const).flatMap((dtype) => {
    const settings = Object.entries(measured[dtype]);
    const seen = new Set(settings.flatMap(([, digests]) => Object.keys(digests)));
    return [
      ...settings.flatMap(([setting, digests]) =>
        Object.entries(digests)
          .filter(([name, digest]) => digest !== expected[dtype][name])
          .map(([name, digest]) => `${dtype} ${name}, ${setting}: ${digest.slice(0, 8)} ≠ ${expected[dtype][name]?.slice(0, 8)}`),
      ),
      ...Object.keys(expected[dtype])
        .filter((name) => !seen.has(name))
        .map((name) => `${dtype} ${name}: not run`),
    ];
  });
}

describe.concurrent('digests.json', () => {
  for (const runtime of RUNTIMES) {
    test.runIf(runtime.present)(
      `${runtime.name}: every case, dtype and tile size`,
      async ({ expect }) => {
        const settings = everything || runtime === RUNTIMES[0] || runtime.name === 'Bun' ? SETTINGS.length : RELEASE_SETTINGS;
        const measured = await runtime.measure(folder, settings);
        expect(Object.keys(measured.f64)).toEqual(SETTINGS.slice(0, settings).map(describeSetting));
        expect(differences(measured, table)).toEqual([]);
      },
      120_000,
    );
  }
});

describe.concurrent('fused mode', () => {
  const having = RUNTIMES.filter(({ name, present }) => present && ['Node 24', 'Deno', 'Chromium'].includes(name));
  let first: Promise<Measured> | undefined;
  for (const runtime of having) {
    test(`${runtime.name}: other bits, the same for every tile size and number of workers, and as in ${having[0].name}`, async ({ expect }) => {
      const measured = runtime.measure(folder, everything || runtime === having[0] ? RELEASE_SETTINGS : 2, 'fused');
      first ??= measured;
      const { f64, f32 } = await first;
      expect(differences(await measured, { f64: f64.release, f32: f32.release })).toEqual([]);
      expect(f64.release.matmul).not.toBe(table.f64.matmul);
      expect(f64.release.exp).toBe(table.f64.exp);
    }, 120_000);
  }

  test.runIf(toolsAre('workerd', 'bun')).each([
    ['workerd', /fused mode chooses its module at run time, and Cloudflare Workers compile none/],
    ['Bun', /fused mode needs relaxed SIMD .* multiply-add rounds twice/],
  ])('%s: refused, and why', async (runtime, reason) => {
    await expect((RUNTIMES.find(({ name }) => name === runtime) as JsRuntime).measure(folder, 1, 'fused')).rejects.toThrow(reason);
  });
});

describe('what the digests see', () => {
  test('one unit in the last place of one coefficient of exp turns exp and what is made of it red, and nothing else', async () => {
    const routines = readFileSync(join(ROOT, 'build/routines.wasm'));
    const changed = join(folder, 'changed.wasm');
    writeFileSync(changed, oneUlpMore(routines, EXP_COEFFICIENT));
    const measured = await measureScript(folder, process.execPath, [], { RELEASE: changed, FIRST: '1' });
    const red = new Set(differences(measured, table).map((text) => text.replace(/,.*/, '')));
    expect([...red]).toEqual(expect.arrayContaining(['f64 exp', 'f64 attention: ntk full']));
    expect([...red].filter((name) => /^f64 (matmul|eigh|relu|sqrt|cnn)|^f32 matmul/.test(name))).toEqual([]);
  });

  test('one unit in the last place of one element, a zero that changes its sign, a shorter array; not which NaN it is', async () => {
    const values = Float64Array.of(1, 0, Number.NaN, 3);
    const digest = await digestOf([values]);
    const changed = (change: (bits: BigInt64Array) => void) => {
      const copy = values.slice();
      change(new BigInt64Array(copy.buffer));
      return digestOf([copy]);
    };
    expect(await changed((bits) => bits[3]++)).not.toBe(digest);
    expect(await changed((bits) => (bits[1] = -(2n ** 63n)))).not.toBe(digest);
    expect(await changed((bits) => bits[2]++)).toBe(digest);
    expect(await digestOf([values.subarray(0, 3)])).not.toBe(digest);
    expect(await digestOf([values.subarray(0, 2), values.subarray(2)])).not.toBe(digest);
  });
});

/** The leading part of ln2/128 in the f64 reduction: assembly/math/power.ts. */
const EXP_COEFFICIENT = 0.005415212348111709;

/** The module with a f64 constant, wherever it occurs, one unit in the last place larger. */
function oneUlpMore(wasm: Uint8Array, constant: number): Uint8Array {
  const changed = Uint8Array.from(wasm);
  const wanted = new Uint8Array(Float64Array.of(constant).buffer);
  let found = 0;
  for (let i = 0; i + 8 <= changed.length; i++) {
    if (wanted.every((byte, k) => changed[i + k] === byte)) {
      changed[i]++;
      found++;
    }
  }
  if (found === 0) throw new Error(`the routines have no constant ${constant}`);
  return changed;
}
