/** @file The Cloudflare Worker: analyses over HTTP within an isolate of 128 MB. wrangler.json deploys it, and has its limits as variables. */

import type { TangedgeError } from '../src/core/errors.ts';
import { limitsFrom } from '../src/http/limits.ts';
import { Refusal, refusalResponse } from '../src/http/refusal.ts';
import { AnalysisService } from '../src/http/service.ts';

let service: AnalysisService | undefined;

export default {
  async fetch(request: Request, variables: Readonly<Record<string, unknown>>): Promise<Response> {
    try {
      service ??= new AnalysisService(limitsFrom(variables));
    } catch (error) {
      return refusalResponse(new Refusal(500, error as TangedgeError));
    }
    const response = await service.respond(request);
    await clockTurned();
    return response;
  },
};

/**
 * workerd's clock stands while JavaScript computes, and the five seconds that a connection may idle are counted from it: after a longer
 * analysis the connection would close with the answer, and lose the next request of a client that keeps connections.
 */
function clockTurned(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
