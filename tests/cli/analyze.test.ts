/** @file `tangedge analyze` and `tangedge demo`: the report's numbers against PyTorch's, what is written, and what is refused. */

import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Report, readNpy, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { expectFailure, useScratch } from './run-program.ts';

const scratch = useScratch();
const golden = fileURLToPath(new URL('../golden/onnx/mlp-relu', import.meta.url));
const expected = JSON.parse(readFileSync(`${golden}/expected.json`, 'utf8'));
const model = [`${golden}/model.onnx`, '--inputs', `${golden}/x.npy`];
const TOLERANCE = 1e-10;

const readReport = (folder: string) => JSON.parse(readFileSync(scratch.path(`${folder}/report.json`), 'utf8')) as Report;

describe('analyze', () => {
  test('the kernel, its spectrum and alignment are PyTorch’s; the sources are named with their digests', async () => {
    const outcome = await scratch.run(
      'analyze',
      ...model,
      '--targets',
      `${golden}/y.npy`,
      '--initial',
      `${golden}/initial.onnx`,
      '--out',
      'one',
      '--json',
    );
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    const result = JSON.parse(outcome.stdout);
    expect(result).toMatchObject({ command: 'analyze', report: 'one/report.json', page: 'one/index.html', samples: expected.n });
    const report = readReport('one');
    expect(Math.abs(result.kernelTargetAlignment - expected.ktaUncentered)).toBeLessThanOrEqual(TOLERANCE);
    expect(Math.abs(result.centeredKernelAlignment - expected.ktaCentered)).toBeLessThanOrEqual(TOLERANCE);
    const largest = expected.eigenvaluesAscending.at(-1);
    for (const [k, value] of expected.eigenvaluesAscending.toReversed().entries()) {
      expect(Math.abs(report.kernel.eigenvalues[k] - value)).toBeLessThanOrEqual(TOLERANCE * largest);
    }
    for (const { name, trace } of report.kernel.parameterTraces) {
      expect(Math.abs(trace / expected.traceByParameter[name] - 1)).toBeLessThanOrEqual(TOLERANCE);
    }
    const digest = createHash('sha256')
      .update(readFileSync(`${golden}/model.onnx`))
      .digest('hex');
    expect(report.provenance.sources).toContainEqual(expect.objectContaining({ role: 'model', name: 'model.onnx', sha256: digest }));
    expect(report.provenance.sources.map(({ role }) => role)).toEqual(['model', 'initial', 'inputs', 'targets']);
    expect(report.change).not.toBeNull();
  });

  test('the page is one file: nothing is loaded from elsewhere', async () => {
    await scratch.run('analyze', ...model, '--out', 'plain', '--quiet');
    const page = readFileSync(scratch.path('plain/index.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>/i);
    expect(page).not.toMatch(/<link\b|<script[^>]+\bsrc=|@import|\bsrc="(?!data:)|url\((?!["']?(data:|#))/);
    expect(readReport('plain').alignment).toBeNull();
  });

  test('class numbers and one-hot targets give the same report, and the first is said', async () => {
    const { shape, data } = readNpy(readFileSync(`${golden}/y.npy`));
    const [n, c] = shape;
    const labels = Array.from({ length: n }, (_, i) => data.subarray(i * c, (i + 1) * c).indexOf(1));
    scratch.writeArray('labels.npy', tensor([n], labels));
    const one = await scratch.run('analyze', ...model, '--targets', `${golden}/y.npy`, '--out', 'hot');
    const two = await scratch.run('analyze', ...model, '--targets', 'labels.npy', '--out', 'numbers');
    expect([one.stderr, two.stderr]).toEqual(['', expect.stringMatching(/class numbers.*one-hot/)]);
    const [hot, numbers] = [readReport('hot'), readReport('numbers')];
    expect({ ...numbers, provenance: null }).toEqual({ ...hot, provenance: null });
  });

  test('--dtype f32 and --parameters act', async () => {
    await scratch.run('analyze', ...model, '--out', 'f32', '--dtype', 'f32', '--parameters', 'net.4.weight');
    const report = readReport('f32');
    expect(report.provenance.dtype).toBe('f32');
    expect(report.kernel.parameterTraces.map(({ name }) => name)).toEqual(['net.4.weight']);
    expect(Math.abs(report.kernel.trace / expected.traceByParameter['net.4.weight'] - 1)).toBeLessThanOrEqual(1e-4);
  });

  test.each([
    ['targets of another length: both lengths', ['--targets', 'short.npy'], /targets \[11, 10\] have 11 rows, the inputs have 12/],
    ['targets of another width', ['--targets', 'narrow.npy'], /targets \[12, 3\].*\[12, 10\]/],
    ['a class that does not exist', ['--targets', 'eleven.npy'], /10 at index \[0\].*from 0 to 9/],
    ['NaN in the targets', ['--targets', 'nan.npy'], /NaN at index \[0, 0\]/],
    ['class names that are too few', ['--targets', 'ones.npy', '--class-names', 'a,b'], /2 class names for 10 outputs/],
    ['class names without targets', ['--class-names', 'a,b'], /--class-names.*--targets/],
    ['an initial model of another shape', ['--initial', 'cnn.onnx'], /initial/],
    ['a memory limit too small', ['--memory-limit', '3000'], /\d{4,} bytes.*limit is 3000/],
    ['a folder that is a file', ['--out', 'ones.npy'], /ones\.npy: cannot be written: .*is a file/],
  ])('%s', async (_, options, message) => {
    scratch.writeArray('short.npy', tensor([11, 10], new Float64Array(110).fill(1)));
    scratch.writeArray('narrow.npy', tensor([12, 3], new Float64Array(36).fill(1)));
    scratch.writeArray('eleven.npy', tensor([12], new Float64Array(12).fill(10)));
    scratch.writeArray('nan.npy', tensor([12, 10], new Float64Array(120).fill(Number.NaN)));
    scratch.writeArray('ones.npy', tensor([12, 10], new Float64Array(120).fill(1)));
    cpSync(`${golden}/../cnn-gap/initial.onnx`, scratch.path('cnn.onnx'));
    const present = scratch.list();
    const out = options.includes('--out') ? [] : ['--out', 'none'];
    expectFailure(await scratch.run('analyze', ...model, ...options, ...out), 2, message);
    expect(scratch.list()).toEqual(present);
  });
});

test('demo: the trained network knows its digits, and the report is where stdout says', async () => {
  const { status, stdout, stderr } = await scratch.run('demo');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/report: report\/index\.html\n$/);
  expect(existsSync(scratch.path('report/index.html'))).toBe(true);
  const report = readReport('report');
  expect(report.data.samples).toBe(400);
  // demo/PROVENANCE.md: every training row is classified right.
  expect(report.data.targets?.accuracy).toBe(1);
  expect(report.change?.accuracy).toBeLessThan(0.3);
});
