/** @file The worker that analyzes. It makes the pool, so that the page stays free while spectra are computed in between its jobs. */

import { type AnalysisOptions, type AnalysisRequest, createPool, importOnnx, readNpzMember, renderReport, TangedgeError } from 'tangedge';
import { DEMO } from '../src/analysis/demo.ts';
import { givenTargets } from '../src/analysis/given-targets.ts';
import type { Source } from '../src/analysis/report.ts';
import { readAnalysisForm, sourceOf } from '../src/http/analysis-form.ts';
import { arrayFile } from './archives.ts';
import type { Answer, Field, Order } from './messages.ts';

const scope = globalThis as unknown as {
  postMessage(answer: Answer): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Order>) => void): void;
};

scope.addEventListener('message', async ({ data: order }) => {
  try {
    const { request, options } = await (order.kind === 'demo' ? readDemo(order) : readFiles(order.fields));
    const pool = await createPool();
    const report = await pool.analyze(request, { ...options, onProgress: (progress) => scope.postMessage({ kind: 'progress', progress }) });
    await pool.close();
    scope.postMessage({ kind: 'finished', title: report.title, json: `${JSON.stringify(report)}\n`, html: renderReport(report) });
  } catch (error) {
    scope.postMessage({ kind: 'failed', line: lineOf(error) });
  }
});

interface Analysis {
  readonly request: AnalysisRequest;
  readonly options: AnalysisOptions;
}

/** The analysis of `tangedge demo`. */
async function readDemo({ dtype }: { readonly dtype: AnalysisOptions['dtype'] }): Promise<Analysis> {
  const [model, initial, digits] = await Promise.all([DEMO.model, DEMO.initial, DEMO.digits].map(demoFile));
  const network = importOnnx(model.bytes);
  const inputs = await readNpzMember(digits.bytes, 'x');
  const { values: targets } = givenTargets(await readNpzMember(digits.bytes, 'y'), inputs.shape[0], network.output.size);
  const sources = await Promise.all(
    (
      [
        ['model', model],
        ['initial', initial],
        ['inputs', digits],
        ['targets', digits],
      ] as const
    ).map(sourceOf),
  );
  return { request: { model: network, inputs, targets, initial: importOnnx(initial.bytes) }, options: { ...DEMO.options, dtype, sources } };
}

async function demoFile(name: string): Promise<{ name: string; bytes: Uint8Array }> {
  const response = await fetch(new URL(`./demo/${name}`, import.meta.url));
  if (!response.ok) throw new TangedgeError('ERR_IO', `demo/${name}: the server answered ${response.status}.`, { name, status: response.status });
  return { name, bytes: new Uint8Array(await response.arrayBuffer()) };
}

/** The analysis of the files that were chosen. Of an archive, one array is read, and the archive is the report's source. */
async function readFiles(fields: readonly Field[]): Promise<Analysis> {
  const form = new FormData();
  const archives = new Map<string, Source>();
  for (const field of fields) {
    if (field.name === 'dtype' || field.array === undefined) form.append(field.name, field.value);
    else {
      const { name, value: archive, array } = field;
      form.append(name, await arrayFile(archive, array));
      archives.set(name, await sourceOf([name, { name: archive.name, bytes: new Uint8Array(await archive.arrayBuffer()) }]));
    }
  }
  const { request, options } = await readAnalysisForm(form);
  return { request, options: { ...options, sources: options.sources?.map((source) => archives.get(source.role) ?? source) } };
}

function lineOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.replace(/\s*[\r\n]+\s*/g, ' ').trim();
  return error instanceof TangedgeError ? line : `unexpected failure: ${line} (please report it)`;
}
