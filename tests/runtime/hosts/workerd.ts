/** @file The cases in workerd: a request of /N answers the digests of the first N settings as JSON, one of /fused/N those of fused mode. */

import { measure } from '../measure.ts';

export default {
  async fetch({ url }: Request): Promise<Response> {
    try {
      const path = new URL(url).pathname;
      return Response.json(await measure(path.startsWith('/fused/') ? 'fused' : undefined, Number(path.split('/').at(-1))));
    } catch (error) {
      return new Response((error as Error).stack, { status: 500 });
    }
  },
};
