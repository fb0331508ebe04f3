/** @file The cases in workerd: a request answers the digests as JSON. */

import { measure } from '../measure.ts';

export default {
  async fetch(): Promise<Response> {
    try {
      return Response.json(await measure());
    } catch (error) {
      return new Response((error as Error).stack, { status: 500 });
    }
  },
};
