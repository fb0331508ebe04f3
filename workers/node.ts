/** @file The pool's worker in Node and Bun (node:worker_threads). */

import { parentPort } from 'node:worker_threads';
import { nodeEndpoint } from '../src/pool/node-endpoint.ts';
import { serveTiles } from '../src/pool/serve.ts';

if (parentPort === null) throw new Error('this file is the worker of a tangedge pool: createPool starts it.');
serveTiles(nodeEndpoint(parentPort));
