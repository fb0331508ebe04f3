/** @file The compiled text: imports, instructions that must and must not be there, and the module's size. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './source-files.ts';

const wat = readFileSync(join(ROOT, 'build/routines.wat'), 'utf8');
const lines = wat.split('\n');
const bytes = readFileSync(join(ROOT, 'build/routines.wasm'));

/** Every relaxed instruction of a module's text. */
const relaxedOf = (file: string): string[] => readFileSync(join(ROOT, 'build', file), 'utf8').match(/\w+\.relaxed_\w+/g) ?? [];

describe('routines.wat', () => {
  test('imports memory and nothing else', () => {
    expect(lines.filter((line) => line.includes('(import ')).map((line) => line.trim())).toEqual(['(import "env" "memory" (memory $0 2))']);
  });

  test('has no managed objects: no runtime, no allocation, no arrays or strings', () => {
    expect(lines.filter((line) => /~lib\/(rt|array|arraybuffer|string|staticarray|typedarray|builtins\/abort)/.test(line))).toEqual([]);
  });

  test('has no relaxed SIMD: bits do not depend on the machine', () => {
    expect(lines.filter((line) => line.includes('relaxed'))).toEqual([]);
  });

  test('nor has the wide module; the fused ones multiply and add in one instruction, and nothing else is relaxed', () => {
    expect(relaxedOf('routines.wide.wat')).toEqual([]);
    for (const file of ['routines.fused.wat', 'routines.wide-fused.wat']) {
      expect([...new Set(relaxedOf(file))].sort()).toEqual(['f32x4.relaxed_madd', 'f64x2.relaxed_madd']);
    }
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

  test.each(['F64', 'F32', 'AddF64', 'AddF32'])(
    'microkernel%s: loops of one and of four steps, ten multiplies and adds a step, called and not inlined',
    (suffix) => {
      const name = `$assembly/gemm-microkernel/microkernel${suffix}`;
      const start = lines.findIndex((line) => line.startsWith(` (func ${name} `));
      const end = lines.findIndex((line, index) => index > start && line.startsWith(' (func '));
      const loops: string[][] = [];
      for (let line = start; line < end; line++) {
        if (/^\s*loop /.test(lines[line])) loops.push(lines.slice(line, lines.indexOf(`${/^\s*/.exec(lines[line])?.[0]}end`, line)));
      }
      const count = (body: string[], pattern: RegExp) => body.filter((line) => pattern.test(line)).length;
      expect(loops.map((body) => count(body, /^\s*loop /))).toEqual([1, 1]);
      expect(loops.map((body) => count(body, /f(64x2|32x4)\.mul/))).toEqual([10, 40]);
      expect(loops.map((body) => count(body, /f(64x2|32x4)\.add/))).toEqual([10, 40]);
      expect(lines.filter((line) => line.trim() === `call ${name}`).length).toBeGreaterThan(0);
    },
  );
});

test('routines.wasm: at most 193 KB, a sixth of it tables of coefficients; gzipped: size.test.ts', () => {
  expect(bytes.length).toBeLessThanOrEqual(193_000);
});
