/** @file The pool's worker in browsers and Deno (a module Web Worker). */

import type { Endpoint } from 'comlink';
import { TILE_KINDS } from '../src/pool/kinds.ts';
import { holdLifeline } from '../src/pool/lifeline.ts';
import { serveTiles } from '../src/pool/serve.ts';

const endpoint = globalThis as unknown as Endpoint;
serveTiles(endpoint, TILE_KINDS, holdLifeline(endpoint));
