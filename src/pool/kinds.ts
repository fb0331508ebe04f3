/**
 * @file The kinds of tiles that workers can compute. A new tiled quantity exports a TileKind and a function that makes the
 * TiledJob, and adds its kind to this list: `pool.run(job)` then runs it in workers, `computeHere(rt, job)` in this thread.
 */

import { learningRateTiles } from '../analysis/training/learning-rate-sweep.ts';
import { momentTiles } from '../features/cotangent-moments.ts';
import { ptkTiles } from '../features/preactivation-tangent-kernel.ts';
import { forwardTiles } from '../graph/forward.ts';
import { eigenvectorTiles, eighTiles } from '../linalg/eigh-job.ts';
import { jacobianTiles } from '../ntk/jacobian.ts';
import { pullbackTiles, pushforwardTiles } from '../ntk/kernel-product-steps.ts';
import { ntkTiles } from '../ntk/ntk-job.ts';
import type { TileKind } from '../wasm/tiled.ts';

// biome-ignore lint/suspicious/noExplicitAny: each kind has its own plans and parts; a job carries the kind that fits its plan
export type AnyTileKind = TileKind<any, any>;

export const TILE_KINDS: readonly AnyTileKind[] = [
  ntkTiles,
  jacobianTiles,
  forwardTiles,
  momentTiles,
  ptkTiles,
  learningRateTiles,
  eighTiles,
  eigenvectorTiles,
  pullbackTiles,
  pushforwardTiles,
];
