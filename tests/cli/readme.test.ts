/** @file The recipes of README.md, run as they are printed: every `tangedge …` line, and the library program. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readNpy, tensor } from 'tangedge';
import { beforeAll, describe, expect, test } from 'vitest';
import { useScratch } from './run-program.ts';

const scratch = useScratch();
const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const readme = readFileSync(root('README.md'), 'utf8');

const blocks = (language: string) => [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text);
const recipes = blocks('sh').flatMap((text) => text.trim().split('\n'));

/** The files that the recipes name, made from a network and inputs of the golden cases. */
beforeAll(() => {
  const golden = root('tests/golden/onnx/mlp-relu');
  for (const file of ['model.onnx', 'initial.onnx', 'x.npy']) cpSync(`${golden}/${file}`, scratch.path(file));
  cpSync(`${golden}/x.npy`, scratch.path('x2.npy'));
  cpSync(`${golden}/y.npy`, scratch.path('onehot.npy'));
  const { shape, data } = readNpy(readFileSync(`${golden}/y.npy`));
  const [n, c] = shape;
  scratch.writeArray(
    'y.npy',
    tensor(
      [n],
      Array.from({ length: n }, (_, i) => data.subarray(i * c, (i + 1) * c).indexOf(1)),
    ),
  );
});

describe('README.md', () => {
  test('has recipes', () => {
    expect(recipes.length).toBeGreaterThan(10);
  });

  test.each(recipes)('%s', async (recipe) => {
    const args = recipe.replace(/ +#.*/, '').split(' ');
    expect(args.shift()).toBe('tangedge');
    if (args.includes('spec.json')) {
      for (const file of ['spec.json', 'weights.safetensors', 'x.npy']) cpSync(root(`tests/golden/s01_mlp_relu/${file}`), scratch.path(file));
    }
    const { status, stderr } = await scratch.run(...args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.not.stringMatching(/^tangedge: (?!note)/m) });
  });

  test('the library program', () => {
    cpSync(root('tests/golden/onnx/mlp-relu/x.npy'), scratch.path('x.npy'));
    const [program] = blocks('ts');
    scratch.write('package.json', '{ "type": "module" }');
    mkdirSync(scratch.path('node_modules'));
    symlinkSync(root('.'), scratch.path('node_modules/tangedge'));
    scratch.write(
      'program.js',
      `${program}\nconsole.log(JSON.stringify({ shape: kernel.shape, alignment, largest: values.at(-1), vectors: vectors.shape }));`,
    );
    const result = JSON.parse(execFileSync(process.execPath, ['program.js'], { cwd: scratch.path('.'), encoding: 'utf8' }));
    const expected = JSON.parse(readFileSync(root('tests/golden/onnx/mlp-relu/expected.json'), 'utf8'));
    expect(result.shape).toEqual([expected.n, expected.n]);
    expect(Math.abs(result.alignment - expected.ktaUncentered)).toBeLessThanOrEqual(1e-10);
    expect(Math.abs(result.largest / expected.eigenvaluesAscending.at(-1) - 1)).toBeLessThanOrEqual(1e-10);
  });

  test('names no function that the package does not export', async () => {
    const table = readme.slice(readme.indexOf('## What it computes'), readme.indexOf('Everything is computed'));
    const names = [...table.matchAll(/`([a-z]\w*)`/g)].map(([, name]) => name);
    const { stdout } = await scratch.run('--help');
    const api = Object.keys(await import('tangedge'));
    expect(names.filter((name) => !api.includes(name) && !new RegExp(`^ {2}${name} `, 'm').test(stdout))).toEqual([]);
  });
});
