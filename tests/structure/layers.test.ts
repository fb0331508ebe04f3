/** @file The rank rule (who may import whom) and the absence of import cycles, over every file of src/ and workers/. */

import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { readSource, sourceFiles } from './source-files.ts';

/** A file imports from a lower rank or from its own room; rooms on one line never import each other. */
const RANKS = [
  ['core'],
  ['wasm'],
  ['linalg'],
  ['graph'],
  ['nn'],
  ['ntk', 'alignment', 'features', 'dynamics', 'infinite', 'operators'],
  ['io'],
  ['analysis'],
  ['experiments'],
  ['report', 'pool'],
  ['cli', 'http', 'index'],
  ['workers'],
];

/** Packages, beside Node's own modules, that a room may import. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  wasm: ['@assemblyscript/loader'],
  pool: ['comlink'],
  cli: ['commander'],
  http: ['hono', 'valibot'],
  workers: ['comlink', 'hono', 'valibot'],
};

/** Rooms that may use Node's modules; every other room runs in a browser too. */
const NODE_ROOMS = ['cli', 'workers'];

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The imported file, or undefined for a package. */
  readonly to: string | undefined;
}

function importsOf(path: string, text: string): Import[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => ({
    from: path,
    specifier: fileName,
    to: fileName.startsWith('.') ? join(dirname(path), fileName) : undefined,
  }));
}

/** `src/core/tensor.ts` → core; `src/index.ts` → index; `workers/node.ts` → workers; others undefined. */
function roomOf(path: string): string | undefined {
  const [top, second] = path.split('/');
  if (top === 'workers') return 'workers';
  if (top === 'src') return second.replace(/\.ts$/, '');
  return undefined;
}

function rankOf(room: string): number {
  return RANKS.findIndex((rooms) => rooms.includes(room));
}

/** Why an import breaks the rule, or undefined when it keeps it. */
function violation({ from, to, specifier }: Import): string | undefined {
  const room = roomOf(from) as string;
  if (rankOf(room) < 0) return `${from}: room ${room} has no rank`;
  if (to === undefined) {
    const isNode = specifier.startsWith('node:') || builtinModules.includes(specifier);
    const allowed = isNode
      ? NODE_ROOMS.includes(room)
      : (PACKAGES[room] ?? []).some((name) => specifier === name || specifier.startsWith(`${name}/`));
    return allowed ? undefined : `${from}: ${room} may not import the package ${specifier}`;
  }
  if (to.startsWith('build/')) return room === 'wasm' ? undefined : `${from}: only wasm may import the compiled module`;
  if (!to.endsWith('.ts')) return `${from}: ${specifier} does not name a .ts file`;
  const target = roomOf(to);
  if (target === undefined) return `${from}: ${specifier} is outside src/ and workers/`;
  if (target === room || rankOf(target) < rankOf(room)) return undefined;
  return `${from}: ${room} (rank ${rankOf(room)}) may not import ${target} (rank ${rankOf(target)})`;
}

/** One import cycle as a list of files that ends where it begins, or undefined. */
function findCycle(imports: readonly Import[]): string[] | undefined {
  const edges = new Map<string, string[]>();
  for (const { from, to } of imports) if (to !== undefined) edges.set(from, [...(edges.get(from) ?? []), to]);
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file);
    if (cycle) return cycle;
  }
  return undefined;
}

const imports = sourceFiles('src', 'workers').flatMap((path) => importsOf(path, readSource(path)));

describe('layers', () => {
  test('every import of src/ and workers/ goes to a lower rank or stays in its room', () => {
    expect(imports.length).toBeGreaterThan(5);
    expect(imports.map(violation).filter((text) => text !== undefined)).toEqual([]);
  });

  test('no import cycles, within a room either', () => {
    expect(findCycle(imports)).toBeUndefined();
  });

  test('the rule itself: upward, sideways, foreign and type-only imports are caught, downward ones are not', () => {
    const verdicts = (path: string, text: string) => importsOf(path, text).map((entry) => violation(entry) === undefined);
    expect(verdicts('src/linalg/a.ts', `import { b } from '../core/b.ts';`)).toEqual([true]);
    expect(verdicts('src/linalg/a.ts', `import type { b } from '../graph/b.ts';`)).toEqual([false]);
    expect(verdicts('src/ntk/a.ts', `export * from '../alignment/b.ts'; await import('../nn/c.ts');`)).toEqual([false, true]);
    expect(verdicts('src/io/a.ts', `import { readFile } from 'node:fs'; import c from 'chalk';`)).toEqual([false, false]);
    expect(verdicts('src/core/a.ts', `import { x } from '../../tests/oracle/x.ts';`)).toEqual([false]);
    const cyclic = [...importsOf('src/nn/a.ts', `import './b.ts';`), ...importsOf('src/nn/b.ts', `import './a.ts';`)];
    expect(findCycle(cyclic)).toEqual(['src/nn/a.ts', 'src/nn/b.ts', 'src/nn/a.ts']);
  });
});
