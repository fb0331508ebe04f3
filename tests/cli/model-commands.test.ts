/** @file `tangedge info`, `forward`, `ntk` and `jacobian` end to end against golden cases: PyTorch's float64 results from the same files. */

import { fileURLToPath } from 'node:url';
import type { Tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { type GoldenCase, goldenArray, goldenExpected, goldenScalar, readGoldenCase, relativeError } from '../golden/read-case.ts';
import { expectFailure, useScratch } from './run-program.ts';

const scratch = useScratch();
const TOLERANCE = 1e-10;

const mlp = readGoldenCase('s01_mlp_relu');
const cnn = readGoldenCase('s05_cnn');

/** Arguments that name the case's model and inputs. */
function modelArguments({ directory }: GoldenCase): string[] {
  return [`${directory}/spec.json`, '--weights', `${directory}/weights.safetensors`, '--inputs', `${directory}/x.npy`];
}

async function arrayFrom(...args: string[]): Promise<Tensor> {
  const { status, stderr } = await scratch.run(...args, '--out', 'out.npy');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return scratch.readArray('out.npy');
}

describe.each([mlp, cnn])('$name', (golden) => {
  const model = modelArguments(golden);
  const expected = (key: string) => goldenExpected(golden, key);

  test('forward', async () => {
    expect(relativeError(await arrayFrom('forward', ...model), expected('f'))).toBeLessThanOrEqual(TOLERANCE);
  });

  test('jacobian: [n, c, p], and J·Jᵀ is the golden kernel', async () => {
    const { shape, data } = await arrayFrom('jacobian', ...model);
    const [n, c, p] = shape;
    expect([n, c, p]).toEqual([...expected('f').shape, golden.spec.num_parameters]);
    const row = (i: number, o: number) => data.subarray((i * c + o) * p, (i * c + o + 1) * p);
    const kernel = Float64Array.from({ length: n * n * c * c }, (_, at) => {
      const [i, j, o, q] = [Math.floor(at / (n * c * c)), Math.floor(at / (c * c)) % n, Math.floor(at / c) % c, at % c];
      const right = row(j, q);
      let sum = 0;
      row(i, o).forEach((value, k) => {
        sum += value * right[k];
      });
      return sum;
    });
    expect(relativeError({ shape: [n, n, c, c], data: kernel }, expected('ntk'))).toBeLessThanOrEqual(TOLERANCE);
  });

  test.each(['auto', 'jacobian-contraction', 'ntk-vector-products', 'structured-derivatives'])('ntk, full, by %s', async (implementation) => {
    const kernel = await arrayFrom('ntk', ...model, '--implementation', implementation);
    expect(kernel.shape).toEqual(expected('ntk').shape);
    expect(relativeError(kernel, expected('ntk'))).toBeLessThanOrEqual(TOLERANCE);
  });

  test('ntk, trace, f32: within ten times the reference’s own f32 error, and batches change no bit', async () => {
    const kernel = await arrayFrom('ntk', ...model, '--outputs', 'trace', '--dtype', 'f32');
    expect(relativeError(kernel, expected('ntk_trace'))).toBeLessThanOrEqual(10 * (golden.f32RelativeError.get('ntk_trace') ?? 0));
    const tiled = await arrayFrom('ntk', ...model, '--outputs', 'trace', '--dtype', 'f32', '--batch', '3');
    expect(Array.from(tiled.data)).toEqual(Array.from(kernel.data));
  });

  test('ntk, trace, one kernel per parameter, named in the model’s order', async () => {
    const { stdout } = await scratch.run('ntk', ...model, '--outputs', 'trace', '--per-parameter', '--out', 'out.npy', '--json');
    const { parameters, shape } = JSON.parse(stdout) as { parameters: string[]; shape: number[] };
    expect(parameters).toEqual(golden.spec.parameters?.map(({ name }) => name));
    const stacked = scratch.readArray('out.npy');
    expect(stacked.shape).toEqual(shape);
    const [, n1, n2] = shape;
    for (const [index, name] of parameters.entries()) {
      const kernel = { shape: [n1, n2], data: stacked.data.slice(index * n1 * n2, (index + 1) * n1 * n2) };
      expect(relativeError(kernel, expected(`ntk_trace_param/${name}`))).toBeLessThanOrEqual(TOLERANCE);
    }
  });

  test('--parameters keeps one, --freeze leaves the rest: the two kernels are those of the parameters', async () => {
    const [{ name }, ...others] = golden.spec.parameters ?? [];
    const alone = expected(`ntk_trace_param/${name}`);
    const kept = await arrayFrom('ntk', ...model, '--outputs', 'trace', '--parameters', name);
    expect(relativeError(kept, alone)).toBeLessThanOrEqual(TOLERANCE);
    const same = await arrayFrom('ntk', ...model, '--outputs', 'trace', '--freeze', others.map((other) => other.name).join(','));
    expect(Array.from(same.data)).toEqual(Array.from(kept.data));
  });

  test('info: parameters, their number, and a cost for each implementation', async () => {
    const [path, weights, file] = model;
    const { status, stdout } = await scratch.run('info', path, weights, file, '--json');
    expect(status).toBe(0);
    const info = JSON.parse(stdout);
    expect(info.parameterCount).toBe(golden.spec.num_parameters);
    expect(info.parameters.map(({ name, shape }: { name: string; shape: number[] }) => ({ name, shape }))).toEqual(golden.spec.parameters);
    expect(info.ntk.costs).toHaveLength(3);
    for (const { flops, bytes } of info.ntk.costs) expect(Math.min(flops, bytes)).toBeGreaterThan(0);
  });

  test('info of a spec alone: the same, but for the file of weights', async () => {
    const [path, weights, file] = model;
    const [withWeights, alone] = [await scratch.run('info', path, weights, file, '--json'), await scratch.run('info', path, '--json')];
    expect(alone.status).toBe(0);
    expect({ ...JSON.parse(alone.stdout), seconds: 0 }).toEqual({ ...JSON.parse(withWeights.stdout), seconds: 0 });
  });
});

test('info of examples/vgg11.json: the trace of 64 examples fits 1.5 GB, of 16 examples 128 MB', async () => {
  const path = fileURLToPath(new URL('../../examples/vgg11.json', import.meta.url));
  for (const [examples, limit] of [
    ['64', 1_500_000_000],
    ['16', 128_000_000],
  ] as const) {
    const { status, stdout } = await scratch.run('info', path, '--examples', examples, '--dtype', 'f32', '--memory-limit', String(limit), '--json');
    expect(status).toBe(0);
    const { parameterCount, ntk } = JSON.parse(stdout);
    expect(parameterCount).toBe(9_225_610);
    const chosen = ntk.costs.find(({ implementation }: { implementation: string }) => implementation === ntk.chosen);
    expect(chosen.fits).toBe(true);
    expect(chosen.bytes).toBeLessThanOrEqual(limit);
  }
});

test('jacobian columns are the parameters in the order that the spec lists', async () => {
  const rows = await arrayFrom('jacobian', ...modelArguments(mlp));
  expect(relativeError(rows, goldenExpected(mlp, 'jacobian'))).toBeLessThanOrEqual(TOLERANCE);
});

test('ntk between test and training inputs', async () => {
  const [model, weights, file] = modelArguments(mlp);
  const x = `${mlp.directory}/x_test.npy`;
  const kernel = await arrayFrom('ntk', model, weights, file, '--inputs', x, '--inputs2', `${mlp.directory}/x.npy`);
  expect(relativeError(kernel, goldenExpected(mlp, 'ntk_test'))).toBeLessThanOrEqual(TOLERANCE);
});

test('ntk, mean is the trace over the number of outputs, diagonal sums to it', async () => {
  const trace = goldenExpected(mlp, 'ntk_trace');
  const c = goldenArray(mlp, 'y').shape[1];
  const mean = await arrayFrom('ntk', ...modelArguments(mlp), '--outputs', 'mean');
  expect(relativeError({ shape: mean.shape, data: mean.data.map((value) => value * c) }, trace)).toBeLessThanOrEqual(TOLERANCE);
  const diagonal = await arrayFrom('ntk', ...modelArguments(mlp), '--outputs', 'diagonal');
  expect(diagonal.shape).toEqual([...trace.shape, c]);
  const sums = trace.data.map((_, at) => Array.from(diagonal.data.slice(at * c, (at + 1) * c)).reduce((sum, value) => sum + value, 0));
  expect(relativeError({ shape: trace.shape, data: sums }, trace)).toBeLessThanOrEqual(TOLERANCE);
});

test('agop of each weight’s input, by the weight’s name or its layer’s', async () => {
  for (const golden of [mlp, cnn]) {
    for (const name of ['0.weight', '6.weight', '4.weight'].filter((key) => golden.expected.has(`agop/${key}`))) {
      const matrix = await arrayFrom('agop', ...modelArguments(golden), '--layer', name);
      expect(relativeError(matrix, goldenExpected(golden, `agop/${name}`))).toBeLessThanOrEqual(TOLERANCE);
    }
  }
  const byLayer = await arrayFrom('agop', ...modelArguments(mlp), '--layer', '0');
  expect(relativeError(byLayer, goldenExpected(mlp, 'agop/0.weight'))).toBeLessThanOrEqual(TOLERANCE);
});

test('agop of the input is that of the first weight’s input, when that is the input', async () => {
  const matrix = await arrayFrom('agop', ...modelArguments(mlp));
  expect(relativeError(matrix, goldenExpected(mlp, 'agop/0.weight'))).toBeLessThanOrEqual(TOLERANCE);
});

test('agop of a layer that has no weight', async () => {
  expectFailure(
    await scratch.run('agop', ...modelArguments(mlp), '--layer', '1', '--out', 'none.npy'),
    2,
    /--layer 1: .*0\.weight, 2\.weight, 4\.weight/,
  );
});

describe('nfa', () => {
  const golden = readGoldenCase('s11_nfa_relu');

  test('correlations before and after centering on the initial weights, and spectra, per weight', async () => {
    const { status, stdout, stderr } = await scratch.run(
      'nfa',
      ...modelArguments(golden),
      '--initial',
      `${golden.directory}/init.safetensors`,
      '--json',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { weights } = JSON.parse(stdout);
    expect(weights.length).toBeGreaterThan(1);
    const keys = {
      ucNfa: 'uc_cos',
      ucNfaPearson: 'uc_pearson',
      cNfa: 'c_cos',
      cNfaPearson: 'c_pearson',
      dominance: 'c_to_uc_ratio',
      relativeChange: 'rel_change',
    };
    for (const record of weights) {
      for (const [field, key] of Object.entries(keys)) {
        const reference = goldenScalar(golden, `nfa/${record.weight}/${key}`);
        expect(Math.abs(record[field] - reference)).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(reference)));
      }
      for (const [field, key] of [
        ['nfmEigenvalues', 'nfm_top'],
        ['agopEigenvalues', 'agop_top'],
      ] as const) {
        const reference = goldenExpected(golden, `${key}/${record.weight}`);
        const top = { shape: reference.shape, data: Float64Array.from(record[field].slice(0, reference.data.length)) };
        expect(relativeError(top, reference)).toBeLessThanOrEqual(TOLERANCE);
      }
    }
  });

  test('without --initial there is no C-NFA', async () => {
    const { stdout } = await scratch.run('nfa', ...modelArguments(golden));
    for (const record of JSON.parse(stdout).weights)
      expect(Object.keys(record)).toEqual(['weight', 'shape', 'ucNfa', 'ucNfaPearson', 'nfmEigenvalues', 'agopEigenvalues']);
  });

  test('an initial model of another shape', async () => {
    const other = readGoldenCase('s01_mlp_relu').directory;
    const outcome = await scratch.run(
      'nfa',
      ...modelArguments(golden),
      '--initial',
      `${other}/spec.json`,
      '--initial-weights',
      `${other}/weights.safetensors`,
    );
    expectFailure(outcome, 2, /initial model/);
    expectFailure(
      await scratch.run('nfa', ...modelArguments(golden), '--initial', `${other}/spec.json`),
      2,
      /spec\.json: .*needs its weights.*--initial-weights/,
    );
  });
});

test('a memory limit too small for a kernel or a Jacobian: bytes needed and given, and nothing written', async () => {
  for (const command of ['ntk', 'jacobian']) {
    const outcome = await scratch.run(command, ...modelArguments(mlp), '--out', 'none.npy', '--memory-limit', '5000');
    expectFailure(outcome, 2, /\d{4,} bytes.*needed.*limit is 5000/);
  }
  expect(scratch.list()).not.toContain('none.npy');
});
