/** @file Fused mode where it runs (relaxed SIMD on a CPU with fused multiply-add), and the one line that refuses it elsewhere. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ROOT } from '../structure/source-files.ts';
import { toolPath, toolsAre } from '../tools/tools.ts';

interface Loaded {
  readonly name: string;
  readonly fused?: boolean;
  readonly wide?: boolean;
  readonly speedup?: number;
  readonly digest?: string;
  readonly sameWithWorkers?: boolean;
  /** x·x less its rounded value, as a product of two terms. */
  readonly residual?: number;
  readonly refusal?: { readonly code: string; readonly message: string };
}

/** Loads the default mode and then each of `modes` in a process of its own. */
function loadIn(program: string, modes: readonly object[], flags: readonly string[] = []): Loaded[] {
  const script = `
    import { createHash } from 'node:crypto';
    import { createPool, loadRuntime, matmul } from './dist/index.node.js';
    const a = { shape: [150, 150], data: Float64Array.from({ length: 22500 }, (_, i) => Math.sqrt(i % 1013) - 16) };
    const digest = (rt) => createHash('sha256').update(matmul(rt, a, a).data).digest('hex');
    const x = 1 + 2 ** -30;
    const terms = (rt) => matmul(rt, { shape: [6, 2], data: Float64Array.of(...Array(6).fill([-x * x, x]).flat()) },
      { shape: [2, 8], data: Float64Array.of(...Array(8).fill(1), ...Array(8).fill(x)) }).data;
    const seen = [];
    for (const options of [{}, ...${JSON.stringify(modes)}]) {
      const name = Object.keys(options).join(' ');
      try {
        const rt = await loadRuntime(options);
        const pool = await createPool({ ...options, workers: 1 });
        const sameWithWorkers = digest(pool.rt) === digest(rt);
        await pool.close();
        const { fused, wide, speedup } = rt;
        seen.push({ name, fused, wide, speedup, digest: digest(rt), sameWithWorkers, residual: Math.max(...terms(rt)) });
      } catch ({ code, message }) {
        seen.push({ name, refusal: { code, message } });
      }
    }
    console.log(JSON.stringify(seen));`;
  return JSON.parse(execFileSync(program, [...flags, '--input-type=module', '--eval', script], { cwd: ROOT, encoding: 'utf8' })) as Loaded[];
}

test.runIf(Number.parseInt(process.versions.node, 10) < 22)('before Node 22: refused in one line that says what to do', () => {
  const [usual, fused] = loadIn(process.execPath, [{ fused: true }]);
  expect(usual).toMatchObject({ fused: false, wide: false, speedup: 1 });
  expect(fused.refusal?.code).toBe('ERR_UNSUPPORTED');
  expect(fused.refusal?.message).toMatch(
    /^fused mode needs relaxed SIMD .*; Node \d+\.\d+\.\d+ has it behind a flag at most, Node 22 and newer without\. Leave the fused option out[^\n]*$/,
  );
});

/** 2⁻⁶⁰: what rounding (1 + 2⁻³⁰)² to f64 takes away. */
function expectFused({ refusal, ...loaded }: Loaded, usual: Loaded): void {
  if (refusal) {
    expect(refusal).toEqual({ code: 'ERR_UNSUPPORTED', message: expect.stringMatching(/rounds twice|no faster/) });
    return;
  }
  expect(loaded).toMatchObject({ fused: true, sameWithWorkers: true, residual: 2 ** -60 });
  expect(loaded.speedup).toBeGreaterThan(0);
  expect(loaded.digest).not.toBe(usual.digest);
}

test.runIf(Number.parseInt(process.versions.node, 10) < 22)('with the flag of Node 20: the runtime says that it is fused, and rounds once', () => {
  const [usual, fused] = loadIn(process.execPath, [{ fused: true }], ['--experimental-wasm-relaxed-simd']);
  expect(usual).toMatchObject({ fused: false, residual: 0 });
  expectFused(fused, usual);
});

test.runIf(toolsAre('node24'))('Node 24: fused, and wide with the bits of fused', () => {
  const [usual, fused, both] = loadIn(toolPath('node24'), [{ fused: true }, { wide: true, fused: true }]);
  expect(usual).toMatchObject({ fused: false, residual: 0 });
  expectFused(fused, usual);
  expectFused(both, usual);
  if (fused.digest !== undefined && both.digest !== undefined) expect(both).toMatchObject({ wide: true, digest: fused.digest });
});
