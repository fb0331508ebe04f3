/** @file A pool worker that also knows tiles that sleep, throw, end the worker or never return. Built by faulty-pool.ts. */

import { parentPort } from 'node:worker_threads';
import { TILE_KINDS } from '../../src/pool/kinds.ts';
import { type NodePort, nodeEndpoint } from '../../src/pool/node-endpoint.ts';
import { serveTiles } from '../../src/pool/serve.ts';
import { faultyTiles } from './faulty-tiles.ts';

serveTiles(nodeEndpoint(parentPort as NodePort), [...TILE_KINDS, faultyTiles]);
