/** @file `tangedge train`: PyTorch's trajectory, the run folder, resume to the same bytes, divergence, and what is refused. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readCheckpoint, readSafetensors, type TrainingRun, tensor, uniformArray } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenExpected, readGoldenCase, relativeError } from '../golden/read-case.ts';
import { expectFailure, useScratch } from './run-program.ts';

const scratch = useScratch();
const golden = fileURLToPath(new URL('../golden', import.meta.url));
const caseOf = (name: string) => [`${golden}/${name}/spec.json`, '--inputs', `${golden}/${name}/x.npy`, '--targets', `${golden}/${name}/y.npy`];
const linear = [...caseOf('s04_linear2_eos'), '--weights', `${golden}/s04_linear2_eos/weights.safetensors`];
const bytes = (name: string) => readFileSync(scratch.path(name));
const reportOf = (run: string) => JSON.parse(bytes(`${run}/report.json`).toString()) as TrainingRun;
const metricsOf = (run: string) =>
  bytes(`${run}/metrics.jsonl`)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('two-layer linear network at the edge of stability: PyTorch’s loss, alignment and sharpness at every recorded step', async () => {
  const track = 'loss:10,kta:10,spectrum:10,sharpness:100';
  const outcome = await scratch.run('train', ...linear, '--lr', '0.4', '--steps', '300', '--track', track, '--out', 'eos', '--json');
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  const expected = readGoldenCase('s04_linear2_eos');
  const lines = metricsOf('eos');
  expect(lines.map(({ step }) => step)).toEqual([...goldenExpected(expected, 'gd/step').data]);
  for (const [key, name] of [
    ['loss', 'loss'],
    ['kta_trace', 'kta'],
  ] as const) {
    const measured = { shape: [lines.length], data: Float64Array.from(lines, (line) => line[name]) };
    expect(relativeError(measured, goldenExpected(expected, `gd/${key}`)), key).toBeLessThanOrEqual(1e-8);
  }
  const result = JSON.parse(outcome.stdout);
  expect(result).toMatchObject({ command: 'train', run: 'eos', report: 'eos/report.json', outcome: { status: 'finished', step: 300 } });
  expect(reportOf('eos').series.find(({ key }) => key === 'sharpness')?.steps).toEqual([0, 100, 200, 300]);
  expect(readSafetensors(bytes('eos/weights.safetensors')).tensors.get('0.weight')?.shape).toEqual([6, 8]);
});

test('speed limited optimization from the initial weights of a case', async () => {
  const nfa = [...caseOf('s11_nfa_relu'), '--weights', `${golden}/s11_nfa_relu/init.safetensors`];
  const slo = ['--optimizer', 'slo', '--speeds', '0.weight=2,2.weight=0.2,4.weight=0.2'];
  const outcome = await scratch.run('train', ...nfa, ...slo, '--lr', '0.02', '--steps', '60', '--track', 'loss:20,nfa:20', '--out', 'slo');
  expect(outcome.status).toBe(0);
  const expected = readGoldenCase('s11_nfa_relu');
  const lines = metricsOf('slo');
  const measured = { shape: [4], data: Float64Array.from(lines, (line) => line['nfa/0.weight']) };
  expect(relativeError(measured, goldenExpected(expected, 'gd_slo/nfa/0.weight/uc_cos'))).toBeLessThanOrEqual(1e-9);
  expect(lines[0]['cNfa/0.weight']).toBeNull();
});

test('--optimizer central-flow: the sharpness is held at 2/η = 5, and gradient descent’s mean loss is predicted', async () => {
  const track = 'loss,sharpness:40,kta:40';
  const run = ['train', ...linear, '--optimizer', 'central-flow', '--lr', '0.4', '--steps', '40', '--track', track];
  expect((await scratch.run(...run, '--out', 'flow')).status).toBe(0);
  const last = metricsOf('flow').at(-1);
  expect(last.sharpness / 5).toBeCloseTo(1, 4);
  expect(last.predictedLoss - last.loss).toBeCloseTo(last.oscillation ** 2 / 0.4, 12);
  expectFailure(await scratch.run(...run, '--batch-size', '4', '--out', 'flow2'), 2, /central-flow follows the full-batch loss in f64/);
});

describe('a spec without weights', () => {
  const spec = {
    input_shape: [1, 4],
    layers: [
      { type: 'Linear', name: '0', in_features: 4, out_features: 16, parameterization: 'mup', role: 'input' },
      { type: 'ReLU' },
      { type: 'Linear', name: '2', in_features: 16, out_features: 3, parameterization: 'mup', role: 'output' },
    ],
  };
  const write = () => [
    scratch.write('mlp.json', JSON.stringify(spec)),
    '--inputs',
    scratch.writeArray('x.npy', tensor([30, 4], uniformArray(1, 0, 120))),
    '--targets',
    scratch.writeArray(
      'labels.npy',
      tensor(
        [30],
        Float64Array.from({ length: 30 }, (_, i) => i % 3),
      ),
    ),
  ];
  const options = ['--lr', '0.1', '--loss', 'cross-entropy', '--optimizer', 'adam', '--batch-size', '8', '--seed', '3', '--dtype', 'f32'];

  test('a run that is resumed writes the bytes of the one that was not', async () => {
    const track = 'loss,accuracy:5,kta:5,kernel:3,eigenvectors:4,ptk:3,sharpness:7,activations:6';
    const run = ['train', ...write(), ...options, '--track', track, '--since', '6', '--checkpoint-every', '10', '--quiet'];
    expect(await scratch.run(...run, '--steps', '30', '--out', 'whole')).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect((await scratch.run(...run, '--steps', '20', '--out', 'cut')).status).toBe(0);
    expect((await scratch.run(...run, '--steps', '30', '--resume', 'cut')).status).toBe(0);
    expect(metricsOf('cut')[21]).toMatchObject({ step: 21, 'kernelVelocity/6': expect.any(Number), 'ptkFromPrevious/0.weight': expect.any(Number) });
    for (const file of ['metrics.jsonl', 'weights.safetensors', 'checkpoints/step-00000030.safetensors', 'report.json']) {
      expect(bytes(`cut/${file}`).equals(bytes(`whole/${file}`)), file).toBe(true);
    }
    expect(readCheckpoint(bytes('whole/checkpoints/step-00000010.safetensors')).state.step).toBe(10);
  });

  test('resuming with another recipe, and writing over a run, are refused', async () => {
    const run = ['train', ...write(), '--lr', '0.1', '--steps', '4', '--quiet', '--track', 'loss,kta'];
    expect((await scratch.run(...run, '--out', 'first')).status).toBe(0);
    expectFailure(await scratch.run(...run, '--seed', '7', '--resume', 'first'), 2, /made with initial weights of SHA-256 "[0-9a-f]{64}", not "/);
    expectFailure(await scratch.run(...run.slice(0, -1), 'loss', '--resume', 'first'), 2, /made with trackers \[.*"kta","every":1\}\], not \[/);
    expectFailure(await scratch.run(...run, '--out', 'first'), 2, /first: it holds a run already/);
    expectFailure(await scratch.run(...run, '--optimizer', 'momentum', '--resume', 'first'), 2, /made with optimizer \{"name":"gd"\}/);
    expectFailure(await scratch.run('train', ...write(), '--lr', '0.1', '--steps', '2', '--resume', 'first'), 2, /at step 4 already/);
    expectFailure(await scratch.run(...run, '--resume', 'nowhere'), 2, /no checkpoint/);
  });

  test('a learning rate beyond stability: status 1, one line with the step, the stable rate and the last good checkpoint', async () => {
    const outcome = await scratch.run('train', ...write(), '--lr', '1e4', '--steps', '200', '--out', 'lost');
    expectFailure(
      outcome,
      1,
      /diverged at step \d+.*below about [\d.e+-]+ is stable.*Last good checkpoint: lost\/checkpoints\/step-00000000\.safetensors/,
    );
    expect(reportOf('lost').outcome).toMatchObject({ status: 'diverged', divergence: { lastGoodStep: 0 } });
    for (const { loss } of metricsOf('lost')) expect(Number.isFinite(loss)).toBe(true);
    const { state } = readCheckpoint(bytes('lost/checkpoints/step-00000000.safetensors'));
    for (const { data } of state.parameters.values()) expect(data.every(Number.isFinite)).toBe(true);
  });

  test('schedules, moments and patterns of names reach the run; a longer run keeps its trackers', async () => {
    const rates = ['--lr', '0.1', '--schedule', 'linear', '--warmup', '1', '--final-lr', '0.02', '--steps', '6'];
    const adam = ['--optimizer', 'adam', '--beta1', '0.5', '--beta2', '0.8', '--epsilon', '0.01', '--rate-factors', '0.*=-2,0.bias=0'];
    const outcome = await scratch.run('train', ...write(), ...rates, ...adam, '--track', 'loss,spectrum:6', '--top', '3', '--out', 'rates', '--json');
    expect(outcome.status).toBe(0);
    const { config, provenance } = reportOf('rates');
    expect(config).toMatchObject({
      learningRate: null,
      optimizer: { name: 'adam', beta1: 0.5, beta2: 0.8, epsilon: 0.01 },
      rateFactors: { '0.weight': -2, '0.bias': 0 },
    });
    expect(provenance.notes).toEqual(['Learning rate 0.1 after 1 updates of warm-up, then linear to 0.02.']);
    // the lines are states: the last is after the last update
    const lines = metricsOf('rates');
    [0.05, 0.1, 0.08, 0.06, 0.04, 0.02].forEach((rate, step) => void expect(lines[step].learningRate).toBeCloseTo(rate, 14));
    expect(lines[6].eigenvalues).toHaveLength(3);
  });

  test('--mup takes its factors from the layers’ roles; --rate-factors come on top', async () => {
    const run = ['train', ...write(), '--lr', '0.1', '--steps', '1', '--mup', '--rate-factors', '2.bias=-1', '--out', 'mup', '--quiet'];
    expect((await scratch.run(...run)).status).toBe(0);
    expect(reportOf('mup').config.rateFactors).toEqual({ '0.weight': 16, '0.bias': 16, '2.weight': 1 / 16, '2.bias': -1 });
  });

  test.each([
    [['--lr', '0.1'], /needs the option --steps/],
    [['--lr', 'x', '--steps', '1'], /must be a number/],
    [['--lr', '1', '--steps', '1', '--track', 'kta:'], /is not NAME, NAME:EVERY or NAME:xGROWTH/],
    [['--lr', '1', '--steps', '1', '--track', 'egop'], /add --egop/],
    [['--lr', '1', '--steps', '1', '--momentum', '0.5'], /belongs to --optimizer momentum/],
    [['--lr', '1', '--steps', '1', '--optimizer', 'slo'], /--speeds/],
    [['--lr', '1', '--steps', '1', '--beta1', '0.5'], /belong to --optimizer adam/],
    [['--lr', '1', '--steps', '1', '--final-lr', '0.5'], /--schedule linear or cosine/],
    [['--lr', '1', '--steps', '1', '--rate-factors', '9*=1'], /no trained parameter begins with '9'; there are 0\.weight, 0\.bias/],
    [['--lr', '1', '--steps', '1', '--since', '3'], /belongs to the tracker kernel/],
    [['--lr', '1', '--steps', '1', '--test-inputs', 'x.npy'], /go together/],
    [['--lr', '1', '--steps', '1', '--batch-size', '31'], /batchSize is 31/],
    [['--lr', '1', '--steps', '1', '--rate-factors', 'w=1'], /names 'w'/],
  ])('%j is refused', async (given, message) => {
    expectFailure(await scratch.run('train', ...write(), ...given, '--out', 'refused'), 2, message);
  });
});
