/** @file A training run's page and schema: whole for any choice of trackers, the same for the run's JSON, valid, escaped. */

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { importSpec, initializeSpec, loadRuntime, normalArray, renderTrainingRun, runTraining, type TrackerSpec, type TrainingRun } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { schemaFromTypes } from './schema-from-types.ts';

const rt = await loadRuntime();
const ALL: readonly TrackerSpec[] = (
  [
    'loss',
    'accuracy',
    'gradient',
    'distance',
    'test',
    'kta',
    'spectrum',
    'eigenvectors',
    'kernel',
    'sharpness',
    'nfa',
    'nfa-random',
    'ptk',
    'activations',
  ] as const
).map((tracker) => ({ tracker, every: 1 }));

async function runOf(trackers: readonly TrackerSpec[], learningRate = 0.4, steps = 30): Promise<TrainingRun> {
  const linear = (name: string, from: number, to: number) => ({ type: 'Linear', name, in_features: from, out_features: to });
  const spec = { input_shape: [1, 4], layers: [linear('a', 4, 8), { type: 'Tanh' }, linear('b', 8, 1)] };
  const model = importSpec(spec, initializeSpec(rt, spec, { dtype: 'f64' }));
  const inputs = { shape: [12, 4], data: normalArray(rt, 1, 0, 48) };
  const data = { inputs, targets: { shape: [12, 1], data: inputs.data.filter((_, at) => at % 4 === 0).map((value) => 2 * value * value) } };
  return (await runTraining(rt, model, data, { learningRate, steps, trackers, testData: data })).run;
}

const run = await runOf(ALL);
const page = renderTrainingRun(run);
const bodyOf = (html: string) => html.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '');
const sectionsOf = (html: string) => [...html.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id);

describe('schema/training.schema.json', () => {
  const SCHEMA = new URL('../../schema/training.schema.json', import.meta.url);
  const sources = [
    'analysis/training/run',
    'analysis/training/tracker',
    'analysis/report',
    'dynamics/optimizer',
    'dynamics/loss-graph',
    'core/loss-scale',
    'core/tensor',
  ];
  const types = sources.map((path) => readFileSync(new URL(`../../src/${path}.ts`, import.meta.url), 'utf8')).join('\n');

  test('says what the types say (vitest -u writes it anew)', async () => {
    const schema = schemaFromTypes(types, 'TrainingRun', 'urn:tangedge:training:1');
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  });

  test('runs are valid, finished and diverged; what is not a run is refused', async () => {
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(JSON.parse(readFileSync(SCHEMA, 'utf8')));
    for (const valid of [run, await runOf([{ tracker: 'loss' }], 100)]) {
      validate(JSON.parse(JSON.stringify(valid)));
      expect(validate.errors).toBeNull();
    }
    expect(validate({ ...run, format: 'tangedge-training/9' })).toBe(false);
    expect(validate({ ...run, series: [{ key: 1 }] })).toBe(false);
  });
});

describe('the page', () => {
  test('is the same for the run and for its JSON', () => {
    expect(renderTrainingRun(JSON.parse(JSON.stringify(run)) as TrainingRun)).toBe(page);
  });

  test('has every panel when everything was tracked, each with two sentences, and no number that is none', () => {
    expect(sectionsOf(page)).toEqual(['progress', 'stability', 'alignment', 'spectrum', 'motion', 'features', 'activations', 'signatures']);
    expect(bodyOf(page)).not.toMatch(/NaN|Infinity|undefined|\[object/);
    for (const kind of ['shows', 'concludes']) {
      const sentences = [...page.matchAll(new RegExp(`<p class="${kind}">([^<]*)</p>`, 'g'))].map(([, text]) => text);
      expect(sentences.filter((text) => text.length < 20)).toEqual([]);
    }
  });

  test('shades the phases when the sharpness was measured at every step above 2/η, and names the threshold', async () => {
    const edge = renderTrainingRun(await runOf(ALL, 0.9, 60));
    expect(edge).toMatch(/class="band band-I/);
    expect(edge).toContain('2/η');
    const sparse = renderTrainingRun(await runOf([{ tracker: 'sharpness', every: 7 }], 0.9, 60));
    expect(sparse).not.toMatch(/class="band band-/);
  });

  test.each([[['loss']], [['kta']], [['nfa']], [['spectrum']], [['accuracy', 'kernel']]] as const)(
    'is whole with the trackers %j alone',
    async (names) => {
      const html = renderTrainingRun(await runOf(names.map((tracker) => ({ tracker }))));
      expect(bodyOf(html)).not.toMatch(/NaN|Infinity|undefined|\[object/);
      expect(sectionsOf(html)).toContain('signatures');
    },
  );

  test('along the central flow: the predicted loss and the oscillation beside the loss', async () => {
    const linear = (name: string, from: number, to: number) => ({ type: 'Linear', name, in_features: from, out_features: to });
    const spec = { input_shape: [1, 2], layers: [linear('a', 2, 3), { type: 'Tanh' }, linear('b', 3, 1)] };
    const data = { inputs: { shape: [4, 2], data: normalArray(rt, 1, 0, 8) }, targets: { shape: [4, 1], data: Float64Array.of(1, -1, 1, -1) } };
    const options = { learningRate: 0.1, steps: 4, optimizer: { name: 'central-flow' }, trackers: [{ tracker: 'loss' }] } as const;
    const flow = await runTraining(rt, importSpec(spec, initializeSpec(rt, spec, { dtype: 'f64' })), data, options);
    const html = bodyOf(renderTrainingRun(flow.run));
    for (const text of ['central flow, full batch', 'mean loss of gradient descent, predicted', 'Oscillation']) expect(html).toContain(text);
    expect(html).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  test('a diverged run says so, with its signature', async () => {
    const html = renderTrainingRun(await runOf(ALL, 100));
    expect(html).toContain('DIVERGED');
    expect(bodyOf(html)).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  test('names cannot become markup', () => {
    const hostile = '"><script>alert(1)</script>';
    const html = renderTrainingRun(
      JSON.parse(
        JSON.stringify({ ...run, title: 'T' })
          .replaceAll('a.weight', JSON.stringify(hostile).slice(1, -1))
          .replace('"T"', JSON.stringify(hostile)),
      ) as TrainingRun,
    );
    expect(html.match(/<script/g)).toHaveLength(1);
  });
});
