/** @file The service: the reports of the command line, limits before allocation, and one clear line for every bad request. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { EDGE_LIMITS, limitsFrom } from '../../src/http/limits.ts';
import { AnalysisService } from '../../src/http/service.ts';
import { ROOT } from '../structure/source-files.ts';
import { array, type Fields, golden, post } from './forms.ts';

const service = new AnalysisService(EDGE_LIMITS);
const mlp = (name: string) => golden(`onnx/mlp-relu/${name}`);
const ONNX: Fields = { model: mlp('model.onnx'), inputs: mlp('x.npy'), targets: mlp('y.npy'), initial: mlp('initial.onnx') };
const SPEC: Fields = {
  model: golden('s11_nfa_relu/spec.json'),
  weights: golden('s11_nfa_relu/weights.safetensors'),
  initial: golden('s11_nfa_relu/init.safetensors'),
  inputs: golden('s11_nfa_relu/x.npy'),
};

const scratch = mkdtempSync(join(tmpdir(), 'tangedge-http-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** What `tangedge analyze` writes for the same files. */
function commandLine(fields: Fields, ...options: string[]): { json: string; page: string } {
  const args = Object.entries(fields).flatMap(([field, value]) => {
    if (typeof value === 'string') return [`--${field}`, value];
    const path = join(scratch, value.name);
    writeFileSync(path, value.bytes);
    return field === 'model' ? [path] : [`--${field}`, path];
  });
  execFileSync(process.execPath, ['dist/cli.js', 'analyze', ...args, ...options, '--out', join(scratch, 'report'), '--quiet'], { cwd: ROOT });
  const read = (name: string) => readFileSync(join(scratch, 'report', name), 'utf8');
  return { json: read('report.json'), page: read('index.html') };
}

describe('answers', () => {
  test.each([
    ['ONNX with targets and an initial checkpoint', ONNX],
    ['a spec with weights, and other weights as the initial ones', SPEC],
    ['f32, with class names', { ...ONNX, dtype: 'f32', 'class-names': 'a,b,c,d,e,f,g,h,i,j' }],
  ])('%s: report.json and the page of the command line, byte for byte', async (_, fields) => {
    const expected = commandLine(fields as Fields, '--memory-limit', String(EDGE_LIMITS.wasmBytes));
    const json = await service.respond(post(fields as Fields));
    expect(json.headers.get('content-type')).toBe('application/json');
    expect({ status: json.status, report: `${await json.text()}\n` }).toEqual({ status: 200, report: expected.json });
    const page = await service.respond(post(fields as Fields, { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }));
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toBe(expected.page);
  });

  test('GET says how, with the limits', async () => {
    const response = await new AnalysisService(limitsFrom({ MAX_EXAMPLES: '77' })).respond(new Request('http://localhost/'));
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/curl -F model=@model\.onnx[\s\S]*77 examples/);
  });
});

describe('refusals', () => {
  const { targets: _targets, initial: _initial, ...plain } = ONNX;
  const cases: [string, Request, number, string, RegExp][] = [
    ['another path', new Request('http://localhost/report'), 404, 'ERR_ARGUMENT', /nothing at \/report/],
    ['another method', new Request('http://localhost/', { method: 'DELETE' }), 405, 'ERR_ARGUMENT', /DELETE.*POST/],
    [
      'JSON',
      new Request('http://localhost/', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }),
      415,
      'ERR_FORMAT',
      /application\/json.*multipart/,
    ],
    [
      'a broken form',
      new Request('http://localhost/', { method: 'POST', body: 'x', headers: { 'content-type': 'multipart/form-data; boundary=y' } }),
      400,
      'ERR_FORMAT',
      /multipart/,
    ],
    ['no model', post({ inputs: mlp('x.npy') }), 400, 'ERR_ARGUMENT', /no field 'model'/],
    ['no inputs', post({ model: mlp('model.onnx') }), 400, 'ERR_ARGUMENT', /no field 'inputs'/],
    ['an unknown field', post({ ...plain, input: mlp('x.npy') }), 400, 'ERR_ARGUMENT', /no field 'input'; the fields are model/],
    ['a model that is text', post({ ...plain, model: 'model.onnx' }), 400, 'ERR_ARGUMENT', /'model' is text.*-F model=@FILE/],
    ['another dtype', post({ ...plain, dtype: 'f16' }), 400, 'ERR_ARGUMENT', /'f16'.*f64, f32/],
    ['a model that is none', post({ ...plain, model: mlp('x.npy') }), 400, 'ERR_FORMAT', /^model: /],
    ['inputs that are no array', post({ ...plain, inputs: mlp('model.onnx') }), 400, 'ERR_FORMAT', /^inputs: /],
    ['inputs of another width', post({ ...plain, inputs: array([3, 5]) }), 400, 'ERR_SHAPE', /^inputs: .*5/],
    ['no examples', post({ ...plain, inputs: array([0, 64]) }), 400, 'ERR_DOMAIN', /^inputs: /],
    ['targets of another length', post({ ...plain, targets: array([3]) }), 400, 'ERR_SHAPE', /^targets: .*3/],
    ['a class that does not exist', post({ ...plain, targets: array([12], 10) }), 400, 'ERR_DOMAIN', /^targets: .*10/],
    [
      'a spec without weights',
      post({ model: golden('s11_nfa_relu/spec.json'), inputs: golden('s11_nfa_relu/x.npy') }),
      400,
      'ERR_ARGUMENT',
      /weights/,
    ],
    ['an initial model of another network', post({ ...plain, initial: golden('onnx/gru/initial.onnx') }), 400, 'ERR_SHAPE', /initial/],
    ['NaN', post({ ...plain, inputs: array([12, 64], Number.NaN) }), 400, 'ERR_DOMAIN', /nan/i],
  ];

  test.each(cases)('%s', async (_, request, status, code, line) => {
    const response = await service.respond(request);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect({ status: response.status, code: error.code, message: error.message }).toEqual({ status, code, message: expect.stringMatching(line) });
    expect(error.message).not.toMatch(/\n/);
  });

  test('damaged files are refused with 4xx or analyzed, whatever byte is damaged', async () => {
    const { bytes } = mlp('model.onnx');
    const damage = fc.record({
      at: fc.integer({ min: 0, max: 400 }),
      bits: fc.integer({ min: 1, max: 255 }),
      cut: fc.option(fc.integer({ min: 0, max: bytes.length })),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, bits, cut }) => {
        const damaged = bytes.slice(0, cut ?? bytes.length);
        if (at < damaged.length) damaged[at] ^= bits;
        const { status } = await service.respond(post({ ...plain, model: { name: 'model.onnx', bytes: damaged } }));
        return status === 200 || (status >= 400 && status < 500);
      }),
      { seed: 5, numRuns: 40 },
    );
  });
});

describe('limits, before anything is allocated', () => {
  const limited = (variables: Record<string, number>) => new AnalysisService(limitsFrom(variables));
  const answer = async (response: Response) => ({
    status: response.status,
    error: ((await response.json()) as { error: { message: string; info: object } }).error,
  });

  test('a request whose declared length is too large is refused unread', async () => {
    const request = post(ONNX, { 'content-length': '90000000' });
    const { status, error } = await answer(await service.respond(request));
    expect({ status, info: error.info }).toEqual({ status: 413, info: { needed: 90_000_000, limit: EDGE_LIMITS.requestBytes } });
    expect(request.bodyUsed).toBe(false);
  });

  test('one that is a little too large is read to its end before the answer, or the client would not get it', async () => {
    const request = post(ONNX, { 'content-length': '9000000' });
    expect((await service.respond(request)).status).toBe(413);
    expect(request.bodyUsed).toBe(true);
  });

  test('a request that declares no length is read up to the limit and no further', async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += 65536;
        controller.enqueue(new Uint8Array(65536));
      },
    });
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const { status } = await service.respond(new Request('http://localhost/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit));
    expect(status).toBe(413);
    expect(sent).toBeLessThan(EDGE_LIMITS.requestBytes + 4 * 65536);
  });

  test.each([
    ['examples', { MAX_EXAMPLES: 11 }, { examples: 12, limit: 11 }],
    ['outputs', { MAX_OUTPUTS: 9 }, { outputs: 10, limit: 9 }],
    [
      'bytes beside WebAssembly memory',
      { MAX_HEAP_BYTES: 100_000 },
      { needed: expect.any(Number), limit: 100_000, n: 12, requestBytes: expect.any(Number), widest: 128 },
    ],
    ['WebAssembly memory', { MAX_WASM_BYTES: 50_000 }, { needed: expect.any(Number), limit: 50_000 }],
  ])('%s', async (_, variables, info) => {
    const { status, error } = await answer(await limited(variables).respond(post(ONNX)));
    expect({ status, info: error.info }).toEqual({ status: 413, info: expect.objectContaining(info) });
    expect(error.message).toMatch(/limit is \d+/);
  });

  test('requests that do not fit beside each other wait outside, and get in later', async () => {
    const bytes = Number(new Blob([await post(ONNX).arrayBuffer()]).size);
    const narrow = limited({ MAX_REQUEST_BYTES: bytes + 1000 });
    const sized = () => post(ONNX, { 'content-length': String(bytes) });
    const responses = await Promise.all([narrow.respond(sized()), narrow.respond(sized())]);
    expect(responses.map(({ status }) => status)).toEqual([200, 503]);
    expect(responses[1].headers.get('retry-after')).toBe('1');
    expect((await narrow.respond(sized())).status).toBe(200);
  });

  test.each(['0', '-1', '1.5', 'many', ''])('a variable that is %j is named', (value) => {
    expect(() => limitsFrom({ MAX_EXAMPLES: value })).toThrow(/MAX_EXAMPLES.*positive whole number/);
  });
});
