/** @file src/wasm/abi.ts and the compiled module describe the same routines: names, parameters, element types. */

import '../routines/relaxed-simd.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { ROOT, readSource } from './source-files.ts';

/** Exports that are no routine of the ABI: the arena's base, and the microkernels (exported so that no compiler inlines them). */
const MICROKERNELS = [
  'microkernel',
  'microkernelAdd',
  'gramMicrokernel',
  'rowsMicrokernel',
  'stridedMicrokernel',
  'selectedMicrokernel',
  'addSwitched',
  'ownZerosMicrokernel',
  'addTile',
];
const BESIDE_ABI = ['arenaBase', ...MICROKERNELS.flatMap((name) => [`${name}F32`, `${name}F64`])];

/** Number of parameters of each method of `interface Routines`. */
function abiMethods(): Map<string, number> {
  const source = ts.createSourceFile('abi.ts', readSource('src/wasm/abi.ts'), ts.ScriptTarget.Latest);
  const methods = new Map<string, number>();
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== 'Routines') continue;
    for (const member of statement.members) {
      if (ts.isMethodSignature(member) && ts.isIdentifier(member.name)) methods.set(member.name.text, member.parameters.length);
    }
  }
  return methods;
}

describe.each(['routines.wasm', 'routines.wide.wasm', 'routines.fused.wasm', 'routines.wide-fused.wasm', 'routines.debug.wasm'])('%s', (file) => {
  const module = new WebAssembly.Module(readFileSync(join(ROOT, 'build', file)));
  const { exports } = new WebAssembly.Instance(module, { env: { memory: new WebAssembly.Memory({ initial: 2 }) } });
  const methods = abiMethods();

  test('exports every routine of the ABI for both element types, with its number of parameters', () => {
    expect(methods.size).toBeGreaterThan(40);
    const expected = [...methods].flatMap(([name, parameters]) => [`${name}F32/${parameters}`, `${name}F64/${parameters}`]);
    const actual = new Set(Object.entries(exports).map(([name, value]) => `${name}/${(value as () => void).length}`));
    expect(expected.filter((signature) => !actual.has(signature))).toEqual([]);
  });

  test('exports nothing else', () => {
    const known = new Set([...BESIDE_ABI, ...[...methods.keys()].flatMap((name) => [`${name}F32`, `${name}F64`])]);
    expect(Object.keys(exports).filter((name) => !known.has(name) && name !== 'memory')).toEqual([]);
  });
});
