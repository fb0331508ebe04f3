/** @file The package: what it promises in package.json, and what npm would publish. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import lock from '../../package-lock.json' with { type: 'json' };
import { VERSION } from '../../src/core/version.ts';
import tools from '../tools/package.json' with { type: 'json' };
import toolsLock from '../tools/package-lock.json' with { type: 'json' };
import { ROOT } from './source-files.ts';

describe('package.json', () => {
  test('the version is in the code and heads the changelog', () => {
    expect(VERSION).toBe(packageJson.version);
    const newest = /^## (.+)$/m.exec(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'));
    expect(newest?.[1]).toBe(packageJson.version);
  });

  test('runtime dependencies are the chosen few', () => {
    expect(Object.keys(packageJson.dependencies).sort()).toEqual(['@assemblyscript/loader', 'comlink', 'commander']);
  });

  test('every dependency is pinned exactly', () => {
    const pins = Object.entries({ ...packageJson.dependencies, ...packageJson.devDependencies, ...tools.dependencies });
    expect(pins.filter(([, version]) => !/^\d+\.\d+\.\d+(-nightly\.\d+)?$/.test(version))).toEqual([]);
  });

  test('the compiler and the loader of the routines are of one version', () => {
    expect(packageJson.devDependencies.assemblyscript).toBe(packageJson.dependencies['@assemblyscript/loader']);
  });

  test('the build rewrites modules with the Binaryen that the compiler optimizes them with', () => {
    const compiler = JSON.parse(readFileSync(join(ROOT, 'node_modules/assemblyscript/package.json'), 'utf8'));
    expect(packageJson.devDependencies.binaryen).toBe(compiler.dependencies.binaryen);
  });

  test('every entry of exports puts types first', () => {
    const withConditions = Object.values(packageJson.exports).filter((entry) => typeof entry === 'object');
    expect(withConditions.length).toBeGreaterThan(0);
    for (const entry of withConditions) expect(Object.keys(entry)[0]).toBe('types');
  });
});

describe.each([
  ['package-lock.json', lock],
  ['tests/tools/package-lock.json', toolsLock],
])('%s', (_, { packages: locked }) => {
  const packages = locked as Record<string, { version?: string; resolved?: string; optionalDependencies?: Record<string, string> }>;

  test('names a version for every optional dependency, so that npm ci accepts it on every platform', () => {
    const found = (path: string, name: string) => packages[`${path}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !found(path, name)?.version)
        .map((name) => `${path} → ${name}`),
    );
    expect(missing).toEqual([]);
  });

  test('names no registry', () => {
    expect(Object.keys(packages).length).toBeGreaterThan(10);
    expect(Object.entries(packages).flatMap(([path, { resolved }]) => (resolved === undefined ? [] : [path]))).toEqual([]);
  });
});

describe('what npm publishes', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], { cwd: ROOT, encoding: 'utf8' })) as [
    { files: { path: string }[] },
  ];
  const paths = files.map(({ path }) => path);

  test('every file that package.json points to', () => {
    const targets = Object.values(packageJson.exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)));
    const promised = [...targets, ...Object.values(packageJson.bin)].map((path) => path.replace(/^\.\//, ''));
    expect(promised.filter((path) => !paths.includes(path))).toEqual([]);
  });

  test('the licence, the readme and the changelog; no sources and no tests', () => {
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md']));
    expect(paths.filter((path) => /^(src|tests|assembly|scripts|bench|node_modules)\//.test(path))).toEqual([]);
  });
});
