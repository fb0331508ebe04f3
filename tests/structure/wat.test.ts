/** @file The compiled text: imports, instructions that must and must not be there, and the module's size. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ROOT } from './source-files.ts';

const wat = readFileSync(join(ROOT, 'build/routines.wat'), 'utf8');
const lines = wat.split('\n');
const bytes = readFileSync(join(ROOT, 'build/routines.wasm'));

describe('routines.wat', () => {
  test('imports memory and nothing else', () => {
    expect(lines.filter((line) => line.includes('(import ')).map((line) => line.trim())).toEqual(['(import "env" "memory" (memory $0 1))']);
  });

  test('has no managed objects: no runtime, no allocation, no arrays or strings', () => {
    expect(lines.filter((line) => /~lib\/(rt|array|arraybuffer|string|staticarray|typedarray|builtins\/abort)/.test(line))).toEqual([]);
  });

  test('has no relaxed SIMD: bits do not depend on the machine', () => {
    expect(lines.filter((line) => line.includes('relaxed'))).toEqual([]);
  });

  test('is the SIMD build: vector multiply and add of both element types, splatting loads', () => {
    for (const instruction of [
      'f64x2.mul',
      'f64x2.add',
      'f32x4.mul',
      'f32x4.add',
      'v128.load64_splat',
      'v128.load32_splat',
      'f64x2.promote_low_f32x4',
    ]) {
      expect(wat).toContain(instruction);
    }
  });

  test.each(['F64', 'F32', 'AddF64', 'AddF32'])('microkernel%s: one loop, ten multiplies and ten adds a step, called and not inlined', (suffix) => {
    const name = `$assembly/gemm-microkernel/microkernel${suffix}`;
    const start = lines.findIndex((line) => line.startsWith(` (func ${name} `));
    const loop = lines.findIndex((line, index) => index > start && /^\s*loop /.test(line));
    const end = lines.indexOf(`${/^\s*/.exec(lines[loop])?.[0]}end`, loop);
    const body = lines.slice(loop, end);
    expect(end).toBeGreaterThan(loop);
    const count = (pattern: RegExp) => body.filter((line) => pattern.test(line)).length;
    expect(count(/^\s*loop /)).toBe(1);
    expect(count(/f(64x2|32x4)\.mul/)).toBe(10);
    expect(count(/f(64x2|32x4)\.add/)).toBe(10);
    expect(lines.filter((line) => line.trim() === `call ${name}`).length).toBeGreaterThan(0);
  });
});

test('routines.wasm: at most 156 KB, and 46 KB gzipped: a sixth of it tables of coefficients', () => {
  expect(bytes.length).toBeLessThanOrEqual(156_000);
  expect(gzipSync(bytes, { level: 9 }).length).toBeLessThanOrEqual(46_000);
});
