/** @file The pool's worker in browsers and Deno (a module Web Worker). */

import type { Endpoint } from 'comlink';
import { serveTiles } from '../src/pool/serve.ts';

serveTiles(globalThis as unknown as Endpoint);
