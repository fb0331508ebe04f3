/** @file The service: an analysis of a posted model and posted arrays, as report.json or as the page. */

import { analyze } from '../analysis/analyze.ts';
import { TangedgeError } from '../core/errors.ts';
import { renderReport } from '../report/html.ts';
import { loadRuntime, type Runtime } from '../wasm/runtime.ts';
import { readAnalysisForm } from './analysis-form.ts';
import { checkBudget } from './budget.ts';
import type { ServiceLimits } from './limits.ts';
import { Refusal, refusalResponse } from './refusal.ts';
import { declaredBytes, dropBody, readForm } from './request-body.ts';
import { usage } from './usage.ts';

/**
 * Answers requests: POST / analyzes, GET / says how to. The answer depends on the request alone: no clock, no state.
 *
 * Memory   one WebAssembly memory of at most `limits.wasmBytes` for all requests, and `limits.heapBytes` for each; the
 *          requests that are held at a time have `limits.requestBytes` together
 */
export class AnalysisService {
  private readonly limits: ServiceLimits;
  private rt: Runtime | undefined;
  /** Bytes of the requests that are being read or answered. */
  private held = 0;

  constructor(limits: ServiceLimits) {
    this.limits = limits;
  }

  async respond(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    try {
      if (pathname !== '/')
        throw new Refusal(404, new TangedgeError('ERR_ARGUMENT', `there is nothing at ${pathname}; analyses are at /.`, { pathname }));
      if (request.method === 'GET' || request.method === 'HEAD') return new Response(usage(this.limits));
      if (request.method === 'POST') return await this.admitted(request);
      const error = new TangedgeError('ERR_ARGUMENT', `the method is ${request.method}; POST analyzes, GET says how to.`, { method: request.method });
      return refusalResponse(new Refusal(405, error), { allow: 'GET, HEAD, POST' });
    } catch (error) {
      return refusalResponse(error);
    }
  }

  /** Lets a request in when its bytes fit beside those of the requests that are in. */
  private async admitted(request: Request): Promise<Response> {
    const { requestBytes } = this.limits;
    const declared = declaredBytes(request) ?? requestBytes;
    const bytes = declared <= requestBytes ? declared : 0; // of what is too long nothing is kept
    if (this.held + bytes > requestBytes) {
      const error = new TangedgeError('ERR_MEMORY', `other requests hold ${this.held} of ${requestBytes} bytes. Try again in a second.`, {
        needed: bytes,
        held: this.held,
        limit: requestBytes,
      });
      await dropBody(request);
      return refusalResponse(new Refusal(503, error), { 'retry-after': '1' });
    }
    this.held += bytes;
    try {
      return await this.analysis(request);
    } finally {
      this.held -= bytes;
    }
  }

  private async analysis(request: Request): Promise<Response> {
    const wantsPage = prefersPage(request.headers.get('accept') ?? '');
    const { form, bytes } = await readForm(request, this.limits.requestBytes);
    const { request: analysis, options } = await readAnalysisForm(form);
    checkBudget(analysis, bytes, this.limits);
    this.rt ??= await loadRuntime({ memoryLimit: this.limits.wasmBytes });
    const { wasmBytes: memoryLimit, featureWidth } = this.limits;
    const report = analyze(this.rt, analysis, { ...options, memoryLimit, featureWidth });
    if (wantsPage) return new Response(renderReport(report), { headers: { 'content-type': 'text/html; charset=utf-8' } });
    return Response.json(report);
  }
}

/** Whether HTML is named before JSON, or alone; JSON is what everybody else gets. */
function prefersPage(accept: string): boolean {
  const [html, json] = ['text/html', 'application/json'].map((type) => accept.indexOf(type));
  return html >= 0 && (json < 0 || html < json);
}
