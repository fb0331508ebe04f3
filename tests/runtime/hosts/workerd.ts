/** @file The cases in workerd: a request answers the digests as JSON, one of /fused those of fused mode. */

import { measure } from '../measure.ts';

export default {
  async fetch({ url }: Request): Promise<Response> {
    try {
      return Response.json(await measure(new URL(url).pathname === '/fused' ? 'fused' : undefined));
    } catch (error) {
      return new Response((error as Error).stack, { status: 500 });
    }
  },
};
